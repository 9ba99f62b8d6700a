"""While the statutory line is down (S49): the hub's copies replace nothing, and a person decides how to go on.

A destination cannot read certificate data then. It registers with the certificate on paper (Rule Art. 2, Art. 5-2), or
waits; the origin cannot have sent what it says it sent. Everything else goes on, for the hub is another channel.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from hub.actors import HUB, acting
from hub.catalogue import refuse
from hub.relocations import facts
from hub.relocations.models import Alert, Relocation
from hub.relocations.reported import ReportBody
from hub.rows import Reader
from municipalities.models import Outage
from municipalities.notice import Flow

#: The line is down: paper, or wait.
DOWN = "A422"
#: States of a destination's leg in which certificate data is still to be read.
WAITING = ("ANNOUNCED", "PREPARED", "OVERDUE", "AT_COUNTER", "PROVISIONAL")

# One statement, for an outage of the whole country concerns everybody who moves.
TELL = """
INSERT INTO relocations_alert (relocation_id, municipality_id, code, about, ordinals, at, settled_by)
SELECT mover.relocation_id, mover.municipality_id, %(code)s, outage.id::text,
       jsonb_agg(mover.ordinal ORDER BY mover.ordinal), %(now)s, ''
  FROM municipalities_outage AS outage
  JOIN relocations_mover AS mover
    ON mover.role = 'destination' AND mover.state = ANY(%(states)s)
   AND (outage.municipality_id IS NULL OR outage.municipality_id = mover.municipality_id)
  JOIN relocations_relocation AS one ON one.id = mover.relocation_id AND one.flow = %(flow)s
 WHERE outage.since <= %(now)s AND (outage.until IS NULL OR outage.until > %(now)s)
 GROUP BY mover.relocation_id, mover.municipality_id, outage.id
ON CONFLICT DO NOTHING
"""


LASTING = Reader(Outage, "WHERE since <= %s AND (until IS NULL OR until > %s) ORDER BY since DESC")


def down(codes: Iterable[str]) -> Mapping[str, datetime]:
    """Return since when the line is down at these towns; those where it works are not in it."""
    wanted = set(codes)
    since: dict[str, datetime] = {}
    now = timezone.now()
    for row in LASTING(now, now):
        since |= dict.fromkeys(wanted if row.municipality_id is None else wanted & {row.municipality_id}, row.since)
    return since


def watch() -> None:
    """Tell the clerks whom an outage concerns, and take it back when it is over. Repeating it does nothing."""
    now = timezone.now()
    lasting = Outage.objects.at(now)
    with acting(HUB):
        if lasting.exists():
            parameters: dict[str, Any] = {
                "code": DOWN,
                "now": now,
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
    if relocation.flow != Flow.CARD_SPECIAL or not down([municipality]):
        return
    about = {mover.ordinal for mover in rows.movers} if body.movers is None else set(body.movers)
    on_paper = {n for report in rows.reports if report.type == "certificate.paper_issued" for n in report.ordinals}
    if said[0] == "certificate.available" or not about <= on_paper:
        raise refuse("E200", "/type", "The statutory line is down: the certificate on paper, or wait until it works.")
