"""What procedures tell whoever wants to know; so that they need not know who does.

``decided``: receives ``relocation_id``; a clerk said that a rule applies, or the day of a task has come: the relocation
is to be worked out anew.
"""

from django.dispatch import Signal

decided = Signal()
