"""What procedures tell whoever wants to know; so that they need not know who does.

``deciding``: receives ``relocation_id``; a clerk is about to decide about a task and nothing is locked yet. Whoever
goes on with the relocation afterwards locks it here.

``decided``: receives ``relocation_id``; a clerk said that a rule applies, or the day of a task has come: the relocation
is to be worked out anew.

``settled``: receives ``relocation_id``; a clerk ended a task, by which the filing may be complete.
"""

from django.dispatch import Signal

deciding = Signal()
decided = Signal()
settled = Signal()
