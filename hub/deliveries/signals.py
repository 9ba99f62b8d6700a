"""What deliveries tell whoever wants to know; so that they need not know who does.

``sent``: handed over for the first time. Receives ``deliveries``, a list of ``(delivery id, relocation id, type,
ordinals, municipality, role)``, inside the transaction that wrote it down. What is sent again moves nothing.
"""

from django.dispatch import Signal

sent = Signal()
