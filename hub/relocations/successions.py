"""A merger of municipalities during a move: the successor takes the part over, and is sent what was not sent yet.

What was told and said stays under the code of its day: deliveries and reports are never changed. A leg is the
successor's from the day of the succession on (``municipalities/data/successions.csv``), with everything that had
happened to it; notices not sent yet are superseded and become due again, to the successor, in one transaction under
the relocation's lock, so that no second worker finds them once more. They have ids of their own there: by an id one
receiver sees a duplicate, and what may have left for the one is never sent to the other.

Where several municipalities succeed, or one in which another part of the same move lies, a person decides: what
waits is held and sent to nobody.
"""

from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.deliveries import services as deliveries
from hub.deliveries.states import Cause, State
from hub.relocations import alerts, changing, facts, followon, journey, legs, services
from hub.relocations.models import Alert, Leg, Mover, Relocation
from hub.relocations.notes import Notes
from municipalities.models import Municipality, Succession

log = structlog.get_logger(__name__)

#: Several succeed: a person decides. The leg is the successor's now: its clerk is to know.
SEVERAL, TAKEN_OVER = "A413", "A421"
#: States of a filing in which nothing is left to take over.
OVER = (*changing.ENDED, journey.SETTLED, journey.COMPLETE)
#: Parts of a move between two municipalities; if these have become one, it is another kind of move.
BOTH = {"origin": "destination", "destination": "origin"}


def follow(limit: int = 200) -> int:
    """Let successors take over what is theirs today; returns how many relocations went on. Repeating it does nothing.

    A relocation that somebody else is changing right now is left for the next time.
    """
    with acting(HUB):
        found = list(_waiting().values_list("relocation_id", "municipality_id")[:limit])
    count = 0
    for relocation_id, code in dict.fromkeys(found):
        try:
            count += _take_over(relocation_id, code)
        except Refusal as refusal:  # the successor has no connection yet: nothing is lost, it is tried again
            log.warning("succession_waits", relocation=str(relocation_id), code=refusal.lead.code)
    return count


def _waiting() -> QuerySet[Leg]:
    """Legs that lie with a municipality of the past, of moves that have not ended, which no person was asked about."""
    gone = Succession.objects.filter(on__lte=timezone.localdate()).values("predecessor")
    asked = Alert.objects.filter(relocation=OuterRef("relocation"), municipality=OuterRef("municipality"), code=SEVERAL)
    rows = Leg.objects.filter(municipality__in=gone).exclude(relocation__state__in=OVER)
    gone_elsewhere = Mover.objects.filter(leg=OuterRef("pk"), state__in=journey.ELSEWHERE)
    return rows.filter(~Exists(gone_elsewhere), ~Exists(asked)).order_by("relocation_id", "pk")


def _take_over(relocation_id: UUID, code: str) -> int:
    with acting(HUB):
        free = Relocation.objects.filter(pk=relocation_id).select_for_update(of=("self",), skip_locked=True)
        relocation = free.first()
        if relocation is None or not relocation.legs.filter(municipality=code).exists():
            return 0
        if deliveries.under_way(relocation.pk, code):
            return 0  # whether the town of the past took it shows in a moment
        successors = list(Municipality.objects.successors(code, timezone.localdate()).leaf())
        if len(successors) != 1 or _is_two_in_one(relocation, code, successors[0].pk):
            _ask(relocation, code)
        else:
            _hand_on(relocation, code, successors[0].pk)
    return 1


def _is_two_in_one(relocation: Relocation, code: str, successor: str) -> bool:
    """Tell whether the successor has another part of the move already: the other side of it, or the same movers."""
    theirs = set(Mover.objects.filter(relocation=relocation, municipality=successor).values_list("role", "ordinal"))
    ours = Mover.objects.filter(relocation=relocation, municipality=code).values_list("role", "ordinal")
    return any(one in theirs or (BOTH.get(one[0]), one[1]) in theirs for one in ours)


def _ask(relocation: Relocation, code: str) -> None:
    """Hold what was not sent; who follows is a person's to say."""
    for row in deliveries.unsent(relocation.pk, code):
        if row.state != State.HELD:
            deliveries.hold(row, Cause.OURS, SEVERAL)
    everyone = relocation.movers.filter(municipality=code).values_list("ordinal", flat=True)
    alerts.tell(relocation, [code], SEVERAL, set(everyone))


def _hand_on(relocation: Relocation, code: str, successor: str) -> None:
    rows = facts.read(relocation)
    notes = Notes(relocation, rows)
    moved = sorted({mover.ordinal for mover in rows.movers if mover.municipality_id == code})
    rows.acts.append(notes.add("leg.succeeded", successor, predecessor=code, movers=moved))
    notes.write()  # the audit chain is locked before the deliveries, as everywhere
    for row in deliveries.unsent(relocation.pk, code):
        deliveries.supersede(row, successor)
    legs.rename(relocation, code, successor)
    for name in ("origin", "destination"):
        if getattr(relocation, f"{name}_id") == code:
            setattr(relocation, f"{name}_id", successor)
    relocation.save(update_fields=["origin", "destination"])
    relocation.deadlines.filter(municipality=code).update(municipality=successor)
    for alert in relocation.alerts.filter(municipality=code, settled_at=None):
        alerts.tell(relocation, [successor], alert.code, alert.ordinals, alert.about)
    alerts.tell(relocation, [successor], TAKEN_OVER, moved, code)
    followon.succeed(relocation, code, successor)
    rows = facts.read(relocation)
    services.go_on(relocation, rows, Notes(relocation, rows))
