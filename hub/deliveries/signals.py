"""What deliveries tell whoever wants to know; so that they need not know who does.

``sent``: receives ``deliveries``, a list of ``(delivery id, relocation id, type, ordinals, municipality, role)``,
inside the transaction that wrote it down.
"""

from django.dispatch import Signal

sent = Signal()
