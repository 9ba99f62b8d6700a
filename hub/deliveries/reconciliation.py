"""Daily reconciliation with a municipality (message 77): both sides compare what was handed over.

The day of a delivery is read from its id (RFC 9562, version 7: the moment it was made, here in Japan's time), so
that both sides mean the same deliveries by a day, whatever their clocks say and however long a delivery waited.
The digest is SHA-256 over the ids, in small letters, in ascending order, each followed by a line feed; so nothing
personal is exchanged.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, TypedDict
from uuid import UUID

import msgspec
from django.db import connection
from django.utils import timezone

from hub import actors
from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.deliveries.models import Discrepancy, Reconciliation
from hub.ids import first_of

#: Ids that a town may send along; a day of the largest town is within it (domain: about 1,950 filings).
MOST_IDS = 20_000

Kind = Discrepancy.Kind


class Digest(TypedDict):
    """What is exchanged about one day of one municipality."""

    day: date
    count: int
    last_id: str | None
    sha256: str


class Theirs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a municipality's system says of the same day; the ids help only where the digests differ."""

    count: int
    sha256: str
    last_id: str | None = None
    ids: list[str] | None = None


def bounds(day: date) -> tuple[UUID, UUID]:
    """Return the smallest id of a day and that of the day after it, both in Japan's time."""
    return first_of(day), first_of(day + timedelta(days=1))


DIGEST = """
SELECT municipality_id, count(*), max(id::text),
       encode(sha256(convert_to(coalesce(string_agg(id::text || E'\\n', '' ORDER BY id), ''), 'UTF8')), 'hex')
  FROM deliveries_delivery
 WHERE municipality_id = ANY(%(codes)s) AND id >= %(first)s AND id < %(after)s AND sent_at IS NOT NULL
 GROUP BY municipality_id
"""
#: SHA-256 of nothing: the digest of a day without deliveries.
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def digest(municipality: str, day: date) -> Digest:
    """Return the hub's digest of what was made on this day and handed over by now."""
    return digests([municipality], day)[municipality]


def digests(municipalities: Iterable[str], day: date) -> dict[str, Digest]:
    """As ``digest``, for many in one statement."""
    codes, (first, after) = sorted(municipalities), bounds(day)
    found = {code: Digest(day=day, count=0, last_id=None, sha256=NOTHING) for code in codes}
    with connection.cursor() as cursor:
        cursor.execute(DIGEST, {"codes": codes, "first": first, "after": after})
        for code, count, last, sha256 in cursor.fetchall():
            found[code] = Digest(day=day, count=count, last_id=last, sha256=sha256)
    return found


def compare(municipality: str, day: date, theirs: Theirs) -> list[Discrepancy]:
    """Compare the town's books of a day with the hub's; return what differs and is not settled yet.

    Runs as the town's system, or as the hub. A difference becomes a row that a person settles; a later comparison
    that agrees settles it too. Raises ``Refusal`` E110 for a day that is not over (deliveries are still made) and
    for more than 20,000 ids.
    """
    if day >= timezone.localdate():
        raise refuse("E110", "/day", "A day that is over.")
    if theirs.ids is not None and len(theirs.ids) > MOST_IDS:
        raise refuse("E110", "/ids", f"At most {MOST_IDS}.")
    ours = digest(municipality, day)
    agrees = (ours["count"], ours["sha256"]) == (theirs.count, theirs.sha256.lower())
    Reconciliation.objects.update_or_create(
        municipality_id=municipality,
        day=day,
        defaults={
            "ours": {**ours, "day": day.isoformat()},
            "theirs": {"count": theirs.count, "sha256": theirs.sha256[:64], "last_id": (theirs.last_id or "")[:36]},
            "agrees": agrees,
            "compared_at": timezone.now(),
        },
    )
    found = set() if agrees else _differences(municipality, day, theirs.ids)
    _keep(municipality, day, found)
    detail = {"day": day.isoformat(), "agrees": agrees, "differences": len(found)}
    audit.record(audit.Act("reconciliation.compared", f"lane:{municipality}", detail))
    return list(open_of(municipality, day))


def open_of(municipality: str, day: date) -> Iterable[Discrepancy]:
    """Return what differs on this day and nobody settled."""
    rows = Discrepancy.objects.filter(municipality=municipality, day=day, settled_at=None)
    return rows.order_by("kind", "delivery_id")


HANDED_OVER = """
SELECT id::text, sent_at IS NOT NULL FROM deliveries_delivery
 WHERE municipality_id = %(code)s AND id >= %(first)s AND id < %(after)s
"""


def _differences(municipality: str, day: date, ids: list[str] | None) -> set[tuple[str, str]]:
    """Return kind and delivery of each difference.

    What the town has and the hub has not written down as handed over is no difference while it is on its way: the
    courier may have died after the town said yes, and goes again under the same id.
    """
    if ids is None:
        return {(Kind.DIGEST.value, "")}
    first, after = bounds(day)
    with connection.cursor() as cursor:
        cursor.execute(HANDED_OVER, {"code": municipality, "first": first, "after": after})
        known = dict(cursor.fetchall())
    theirs = {text.lower()[:36] for text in ids}
    missing = {(Kind.MISSING.value, pk) for pk, sent in known.items() if sent and pk not in theirs}
    return missing | {(Kind.UNKNOWN.value, pk) for pk in theirs - known.keys()}


def _keep(municipality: str, day: date, found: set[tuple[str, str]]) -> None:
    """Write new differences, open again those that are back, and settle those that are gone."""
    now, actor = timezone.now(), actors.current()
    rows = [Discrepancy(municipality_id=municipality, day=day, kind=kind, delivery_id=pk) for kind, pk in sorted(found)]
    Discrepancy.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["municipality", "day", "kind", "delivery_id"],
        update_fields=["settled_at", "settled_by"],
    )
    for row in open_of(municipality, day):
        if (row.kind, row.delivery_id) not in found:
            row.settled_at, row.settled_by = now, actor.kind.value
            row.save(update_fields=["settled_at", "settled_by"])


def compare_again(day: date, codes: Iterable[str]) -> int:
    """Compare what these towns said of a day with the hub's books as they are now; returns how many had said something.

    Something may have been handed over, sent again or settled since. Which ids differ, only the town's own ids tell:
    without them a day that differs is one difference.
    """
    with acting(HUB):
        found = digests(codes, day)
        spoke = Reconciliation.objects.filter(municipality__in=found, day=day, theirs__isnull=False)
        rows = list(spoke.order_by("pk").select_for_update())
        for row in rows:
            ours, theirs = found[row.municipality_id], row.theirs or {}
            row.ours = {**ours, "day": day.isoformat()}
            row.agrees = (ours["count"], ours["sha256"]) == (theirs["count"], theirs["sha256"].lower())
            row.compared_at = timezone.now()
            row.save(update_fields=["ours", "agrees", "compared_at"])
            if row.agrees:
                _keep(row.municipality_id, day, set())
            elif not open_of(row.municipality_id, day):
                _keep(row.municipality_id, day, {(Kind.DIGEST.value, "")})
        if rows:
            differ = sorted(row.municipality_id for row in rows if not row.agrees)
            detail = {"day": day.isoformat(), "municipalities": len(rows), "differ": differ}
            audit.record(audit.Act("reconciliation.repeated", f"day:{day.isoformat()}", detail))
    return len(rows)


def settle(rows: Iterable[Discrepancy], account: str) -> int:
    """A person has looked; returns how many were open."""
    count = 0
    for row in rows:
        if row.settled_at is None:
            row.settled_at, row.settled_by = timezone.now(), account
            row.save(update_fields=["settled_at", "settled_by"])
            detail = {"day": row.day.isoformat(), "kind": row.kind}
            audit.record(audit.Act("reconciliation.settled", f"lane:{row.municipality_id}", detail))
            count += 1
    return count


#: A town that has sent a digest within so many days is expected to send one every day.
EXPECTED = timedelta(days=14)


def write_daily(day: date, codes: Iterable[str]) -> int:
    """Write the hub's digests of a day for these municipalities; note who was expected to send one and did not.

    Returns how many rows were written; those that are there already stay, so that it can be repeated.
    """
    with acting(HUB):
        found = digests(codes, day)
        busy = [code for code, ours in found.items() if ours["count"]]
        there = set(
            Reconciliation.objects.filter(day=day, municipality__in=busy).values_list("municipality", flat=True)
        )
        new = [
            Reconciliation(municipality_id=code, day=day, ours={**found[code], "day": day.isoformat()})
            for code in busy
            if code not in there
        ]
        Reconciliation.objects.bulk_create(new, ignore_conflicts=True)  # another process may be as far
        _note_silence(day, busy)
    return len(new)


def _note_silence(day: date, codes: list[str]) -> None:
    recent = Reconciliation.objects.filter(municipality__in=codes, day__gte=day - EXPECTED, theirs__isnull=False)
    spoke = set(recent.values_list("municipality", flat=True))
    silent = Reconciliation.objects.filter(municipality__in=spoke, day=day, theirs__isnull=True)
    rows: list[Any] = [
        Discrepancy(municipality_id=code, day=day, kind=Kind.SILENT)
        for code in silent.values_list("municipality", flat=True)
    ]
    Discrepancy.objects.bulk_create(rows, ignore_conflicts=True)
