"""Tries the next standard on what went out, batch by batch; what is done is a row, so any process may go on.

Nothing here touches a delivery, its lane or the courier. A delivery that cannot be tried is written down as such
and left alone.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import structlog
from django.db import connection as database
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Sum
from django.utils import timezone

from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.deliveries import writing
from hub.deliveries.models import Delivery
from hub.ids import first_of
from hub.shadow.models import Finding, Outcome, Trial
from hub.shadow.report import Report
from hub.vault import cipher
from hub.vault import services as vault
from municipalities.characters import Decisions
from municipalities.compare import Difference, Kind, compare
from municipalities.models import Connection
from municipalities.notice import Notice
from municipalities.standard import Standard

log = structlog.get_logger(__name__)

#: Deliveries tried between two looks at the clock.
BATCH = 50
_notices = msgspec.json.Decoder(Notice)


@dataclass(frozen=True, slots=True)
class Tried:
    """One delivery's outcome."""

    delivery_id: UUID
    day: date
    outcome: Outcome
    differences: tuple[Difference, ...] = ()


def run(seconds: float) -> int:
    """Work through what was not tried yet, at most about so long; returns how many were tried."""
    ends, done = time.monotonic() + seconds, 0
    for following in Connection.objects.tried_on(timezone.localdate()).select_related("gaiji"):
        while time.monotonic() < ends and (tried := advance(following, BATCH)):
            done += tried
    return done


def advance(following: Connection, limit: int) -> int:
    """Try the next standard on some deliveries and write down how they came through; returns how many."""
    with acting(HUB):
        present = before(following)
        if present is None or following.tried_from is None:
            return 0
        waiting = untried(present, following)[:limit]
        claimed = [(row, key) for row, key in with_keys(waiting)]
    tried = [attempt(row, key, present.layout(), following.layout()) for row, key in claimed]
    with acting(HUB):
        keep(following, tried)
    return len(tried)


def before(following: Connection) -> Connection | None:
    """The connection that this one takes the place of."""
    earlier = Connection.objects.filter(municipality=following.municipality_id, valid_from__lt=following.valid_from)
    return earlier.select_related("gaiji").order_by("-valid_from").first()


def written(present: Connection, since: date) -> QuerySet[Delivery]:
    """What was written over this connection and queued since that day, oldest first."""
    rows = Delivery.objects.filter(municipality=present.municipality_id, connection=present.pk, pk__gte=first_of(since))
    return rows.filter(content_sha256__isnull=False).order_by("pk")


def recent(present: Connection, since: date, most: int) -> list[tuple[Delivery, bytes | None]]:
    """The latest of what was written over this connection, with the keys, to be tried without being kept."""
    return list(with_keys(written(present, since).reverse()[:most]))


def untried(present: Connection, following: Connection) -> QuerySet[Delivery]:
    """What was written and not tried in the following standard yet."""
    since = following.tried_from or following.valid_from
    trials = Trial.objects.filter(connection=following.pk, delivery_id=OuterRef("pk"))
    return written(present, since).filter(~Exists(trials))


def with_keys(rows: Iterable[Delivery]) -> Iterator[tuple[Delivery, bytes | None]]:
    """Each delivery with its relocation's wrapped key; None when the relocation was shredded."""
    rows = list(rows)
    keys = vault.wrapped_many(row.relocation_id for row in rows)
    for row in rows:
        yield row, keys.get(row.relocation_id)


def attempt(row: Delivery, wrapped: bytes | None, present: Standard, following: Standard) -> Tried:
    """Write one notice in both standards, read both back and compare."""
    day = timezone.localdate(row.created_at)
    if wrapped is None:
        return Tried(row.pk, day, Outcome.UNREAD)
    try:
        key = vault.unwrap(row.relocation_id, wrapped)
        notice = _notices.decode(cipher.unseal(key, bytes(row.notice), row.identity))
        differences = compare(notice, present, following)
        if any(one.kind in (Kind.REFUSED, Kind.ACCEPTED) for one in differences):
            differences = compare(notice, present, following, decisions(notice, present, following))
    except (cipher.SealBrokenError, msgspec.MsgspecError) as error:
        log.warning("shadow_not_tried", delivery=str(row.pk), error=type(error).__name__)
        return Tried(row.pk, day, Outcome.UNREAD)
    return Tried(row.pk, day, outcome_of(differences), differences)


def decisions(notice: Notice, *layouts: Standard) -> Decisions:
    """What clerks decided about the texts that these layouts leave open."""
    return {asked: text for layout in layouts for asked, text in writing.recalled(layout, notice).decisions.items()}


def outcome_of(differences: Sequence[Difference]) -> Outcome:
    """Refused if anything is, else whether there is any difference."""
    if any(one.kind is Kind.REFUSED for one in differences):
        return Outcome.REFUSED
    return Outcome.DIFFERENT if differences else Outcome.EQUAL


KEEP = """
INSERT INTO shadow_trial (connection_id, municipality_id, delivery_id, day, outcome, at)
SELECT %(connection)s, %(municipality)s, t.id, t.day, t.outcome, %(now)s
  FROM unnest(%(ids)s::uuid[], %(days)s::date[], %(outcomes)s::varchar[]) AS t(id, day, outcome)
ON CONFLICT DO NOTHING
RETURNING delivery_id
"""

COUNT = """
INSERT INTO shadow_finding (connection_id, municipality_id, day, kind, item, code, count)
SELECT %(connection)s, %(municipality)s, f.day, f.kind, f.item, f.code, f.count
  FROM unnest(%(days)s::date[], %(kinds)s::varchar[], %(items)s::varchar[], %(codes)s::varchar[],
              %(counts)s::int[]) AS f(day, kind, item, code, count)
ON CONFLICT (connection_id, day, kind, item, code) DO UPDATE SET count = shadow_finding.count + EXCLUDED.count
"""


def keep(following: Connection, tried: Sequence[Tried]) -> None:
    """Write the outcomes down and count the differences; what another process wrote first is not counted twice."""
    if not tried:
        return
    whose: dict[str, Any] = {"connection": following.pk, "municipality": following.municipality_id}
    with database.cursor() as cursor:
        cursor.execute(
            KEEP,
            whose
            | {
                "ids": [one.delivery_id for one in tried],
                "days": [one.day for one in tried],
                "outcomes": [one.outcome.value for one in tried],
                "now": timezone.now(),
            },
        )
        new = {pk for (pk,) in cursor.fetchall()}
        counted = Counter(row for one in tried if one.delivery_id in new for row in _rows(one))
        if counted:
            names = ("days", "kinds", "items", "codes")
            columns = zip(*sorted(counted), strict=True)  # sorted: two writers cannot deadlock
            values = dict(zip(names, map(list, columns), strict=True))
            cursor.execute(COUNT, whose | values | {"counts": [counted[one] for one in sorted(counted)]})


def _rows(one: Tried) -> Iterator[tuple[date, str, str, str]]:
    for found in one.differences:
        yield one.day, found.kind.value, found.item[:200], found.code


@transaction.atomic
def start_over(following: Connection) -> None:
    """Forget what was found and try everything again: a table was corrected, or clerks decided since."""
    Trial.objects.filter(connection=following.pk).delete()
    Finding.objects.filter(connection=following.pk).delete()
    audit.record(
        audit.Act("shadow.started_over", f"municipality:{following.municipality_id}", {"to": following.standard})
    )


def report_of(following: Connection) -> Report:
    """What was found so far, added up; of an operator or of the town's own clerk."""
    outcomes = Trial.objects.filter(connection=following.pk).values_list("outcome").annotate(number=Count("pk"))
    findings = Finding.objects.filter(connection=following.pk).values_list("kind", "item", "code")
    return Report(
        outcomes=Counter({Outcome(outcome): number for outcome, number in outcomes}),
        differences=Counter(
            {Difference(Kind(kind), item, code): n for kind, item, code, n in findings.annotate(number=Sum("count"))}
        ),
        omits=following.layout().omits,
    )
