"""What the journey tells whoever follows it; so that it need not know who does.

``went_on``: a relocation was worked out anew, after its states and notices were written, in the same transaction and
under its lock. Receives ``relocation``, ``rows`` (``facts.Rows``, with the deliveries that were queued),
``situation`` (``journey.Situation``), ``journey`` (``journey.Journey``), ``unsealed`` (``services.Opened``) and
``before``: the states of the legs before, when nothing but states changed since the last time; ``None`` when
something else may have. Repeating it must add nothing.

``corrected``: the document has a new version. Receives ``relocation``, ``filing`` (as it reads now), ``by`` (``filer``
or the town's code) and ``changed``, the names of the fields that differ (``new_address``, ``movers.date_of_birth`` …).
Sent before the ``went_on`` of the same event.

``stored``: a version of a filing was stored, the first or a later one. Receives ``relocation``, ``filing``, ``legs``
(a list of ``Leg``) and ``gone`` (ordinals of movers who were taken out); nobody was told of it yet.

``kept``: a new version was kept of a filing whose filer may not learn more (``frozen``). Receives ``relocation``,
``before`` (``frozen.Look``: how it looked), ``filing`` and ``gone``, as ``stored``.

``coming``: a town's report has come and nothing is locked yet. Receives ``report`` (``ReportBody``) and
``municipality``. A receiver that will need more relocations than the report's own locks all of them
(``services.lock_all``).

``reporting``: a town's report is about to be taken in. Receives ``relocation``, ``report`` (``ReportBody``),
``municipality`` and ``ordinals``. A receiver that raises ``Refusal`` has it refused.

``reported``: it was taken in and stored, and the journey has not gone on yet. Receives the same and ``rows``, whose
legs a receiver may guard.
"""

from django.dispatch import Signal

went_on = Signal()
corrected = Signal()
stored = Signal()
kept = Signal()
coming = Signal()
reporting = Signal()
reported = Signal()
