"""While the statutory line is down (S49): the hub's copies replace nothing, and a person decides how to go on.

A destination cannot read certificate data then. It registers with the certificate on paper (Rule Art. 2, Art. 5-2), or
waits; the origin cannot have sent what it says it sent. Everything else goes on, for the hub is another channel.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from hub.actors import HUB, acting
from hub.catalogue import refuse
from hub.relocations import facts, tables
from hub.relocations.models import Alert, Leg, Relocation
from hub.relocations.reported import ReportBody
from municipalities.models import Outage
from municipalities.notice import Flow

#: The line is down: paper, or wait.
DOWN = "A422"
#: States of a destination's leg in which certificate data is still to be read.
WAITING = ("ANNOUNCED", "PREPARED", "OVERDUE", "AT_COUNTER", "PROVISIONAL")
#: States of a filing in which its movers are registered nowhere new yet.
BEFORE_ARRIVAL = frozenset(
    {"CONSENT_PENDING", "SUBMITTED", "IN_REVIEW", "RETURNED", "MOVEOUT_ACCEPTED", "AWAITING_ARRIVAL", "NON_ARRIVAL"}
)

# One statement, for an outage of the whole country concerns everybody who moves.
TELL = """
INSERT INTO relocations_alert (relocation_id, municipality_id, code, about, ordinals, at, settled_by)
SELECT mover.relocation_id, mover.municipality_id, %(code)s, outage.id::text,
       jsonb_agg(mover.ordinal ORDER BY mover.ordinal), %(now)s, ''
  FROM municipalities_outage AS outage
  JOIN relocations_mover AS mover
    ON mover.role = 'destination' AND mover.state = ANY(%(states)s)
   AND (outage.municipality_id IS NULL OR outage.municipality_id = mover.municipality_id)
   AND mover.flow = %(flow)s
 WHERE outage.id = ANY(%(lasting)s::bigint[])
 GROUP BY mover.relocation_id, mover.municipality_id, outage.id
ON CONFLICT DO NOTHING
"""


def down(codes: Iterable[str]) -> Mapping[str, datetime]:
    """Return since when the line is down at these towns; those where it works are not in it."""
    wanted = set(codes)
    since: dict[str, datetime] = {}
    for code, begun in Outage.objects.at(timezone.now()).order_by("-since").values_list("municipality", "since"):
        since |= dict.fromkeys(wanted if code is None else wanted & {code}, begun)
    return since


def silent(
    relocation: Relocation, legs: Iterable[tuple[Leg, Sequence[tuple[int, str]]]], flows: Mapping[int, Flow]
) -> Mapping[int, datetime]:
    """Return since when the line is down, by leg: where something of this move must still pass over it.

    ``legs``: each with its movers and their states; ``flows``: how the movers' certificates travel; both as who asks
    is shown them.
    """
    by_card = {ordinal for ordinal, flow in flows.items() if flow is Flow.CARD_SPECIAL}
    if relocation.state not in BEFORE_ARRIVAL or not by_card:
        return {}
    leading = [
        leg
        for leg, movers in legs
        if leg.role in tables.LEADING and not by_card.isdisjoint(ordinal for ordinal, _state in movers)
    ]
    since = down(leg.municipality_id for leg in leading)
    return {leg.pk: since[leg.municipality_id] for leg in leading if leg.municipality_id in since}


def watch() -> None:
    """Tell the clerks whom an outage concerns, and take it back when it is over. Repeating it does nothing."""
    now = timezone.now()
    lasting = list(Outage.objects.at(now).values_list("pk", flat=True))
    with acting(HUB):
        if lasting:
            parameters: dict[str, Any] = {
                "code": DOWN,
                "now": now,
                "lasting": lasting,
                "states": list(WAITING),
                "flow": Flow.CARD_SPECIAL.value,
            }
            with connection.cursor() as cursor:
                cursor.execute(TELL, parameters)
        over = [str(pk) for pk in Outage.objects.filter(until__lte=now).values_list("pk", flat=True)]
        told = Alert.objects.filter(code=DOWN, about__in=over, settled_at=None)
        told.update(settled_at=now, settled_by=HUB.name)


def line_works(body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str) -> None:
    """Refuse with E200 what nobody can have read or sent; a certificate on paper opens the way."""
    said = (body.type, body.outcome)
    if said not in (("movein.decided", "REGISTERED"), ("certificate.available", "")):
        return
    by_card = {ordinal for ordinal, flow in facts.flows(rows).items() if flow is Flow.CARD_SPECIAL}
    about = by_card if body.movers is None else by_card & set(body.movers)
    if not about or not down([municipality]):
        return
    on_paper = {n for report in rows.reports if report.type == "certificate.paper_issued" for n in report.ordinals}
    if said[0] == "certificate.available" or not about <= on_paper:
        raise refuse("E200", "/type", "The statutory line is down: the certificate on paper, or wait until it works.")
