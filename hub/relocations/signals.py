"""What the journey tells whoever follows it; so that it need not know who does.

``went_on``: a relocation was worked out anew, after its states and notices were written, in the same transaction and
under its lock. Receives ``relocation``, ``rows`` (``facts.Rows``), ``situation`` (``journey.Situation``) and
``journey`` (``journey.Journey``). Repeating it must add nothing.

``corrected``: the document has a new version. Receives ``relocation``, ``by`` (``filer`` or the town's code) and
``changed``, the names of the fields that differ (``new_address``, ``movers.date_of_birth`` …), never their values.
Sent before the ``went_on`` of the same event.
"""

from django.dispatch import Signal

went_on = Signal()
corrected = Signal()
