"""Claim due deliveries and write down what became of them: two statements a batch, however many lanes.

A row is claimed by writing a lease: ``due_at`` moves forward and the attempt is counted. What comes back
carries that attempt number, so a courier that lost its lease changes nothing.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from itertools import chain, repeat
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection
from django.utils import timezone

from hub import metrics
from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.deliveries import lanes, signals, steps
from hub.deliveries.models import Delivery
from hub.deliveries.states import Cause, State
from hub.fidelity import ledger
from hub.vault import services as vault
from municipalities.characters import Gaiji
from municipalities.models import gaiji

#: How long a courier has for one delivery before another may take it.
LEASE = timedelta(seconds=60)

#: The first waits between attempts; afterwards the last one is repeated.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 30, 120, 600, 1_800)) + tuple(
    timedelta(hours=hours) for hours in (1, 2, 4, 8, 12)
)
#: Retry-After is kept up to this long.
LONGEST_WAIT = timedelta(days=1)

LOCK = """
WITH RECURSIVE heads AS (
    -- One step of the index per lane that has something queued, not one per queued row.
    (SELECT municipality_id, due_at FROM deliveries_delivery
      WHERE state = 'queued' ORDER BY municipality_id, due_at LIMIT 1)
    UNION ALL
    SELECT next.municipality_id, next.due_at FROM heads CROSS JOIN LATERAL (
        SELECT municipality_id, due_at FROM deliveries_delivery
         WHERE state = 'queued' AND municipality_id > heads.municipality_id
         ORDER BY municipality_id, due_at LIMIT 1) AS next
)
SELECT lane.municipality_id, lane.paced_until
  FROM deliveries_lane AS lane
 -- An array, so that these few are looked up; joined, they would be compared with the lane of every town.
 WHERE lane.municipality_id = ANY (ARRAY(SELECT municipality_id FROM heads WHERE due_at <= %(now)s))
   AND NOT lane.paused AND (lane.blocked_until IS NULL OR lane.blocked_until <= %(now)s)
   AND (lane.open_until IS NULL OR (lane.open_from <= %(now)s AND lane.open_until > %(now)s))
   FOR UPDATE SKIP LOCKED
"""

# A statement of its own: its snapshot is taken after the lanes were locked, so it counts the leases of every
# courier that had them before. In one statement two couriers could fill the same slots.
CLAIM = """
WITH open AS (
    SELECT lane.municipality_id, lane.paced_until, lane.failures >= %(threshold)s AS probing,
           coalesce(link.concurrency, 1) AS concurrency, link.per_second,
           -- After a pause, an outage or at opening time the pace is taken up step by step, so that nothing storms.
           least(1.0, greatest(%(least)s, coalesce(
               extract(epoch FROM %(now)s - greatest(lane.resumed_at, lane.open_from)) / %(ramp)s, 1.0))) AS share
      FROM deliveries_lane AS lane LEFT JOIN municipalities_connection AS link
        -- What was queued for a connection that has ended still goes, one at a time.
        ON link.municipality_id = lane.municipality_id AND link.valid_from <= %(today)s
           AND (link.valid_to IS NULL OR link.valid_to >= %(today)s)
     WHERE lane.municipality_id = ANY(%(lanes)s)
), allowed AS (
    SELECT municipality_id, per_second * share AS pace, greatest(0, least(
           -- A lane whose breaker was open is probed with one delivery first.
           CASE WHEN probing THEN 1 ELSE ceil(concurrency * share) END
           - (SELECT count(*) FROM deliveries_delivery AS leased
               WHERE leased.municipality_id = open.municipality_id AND leased.state = 'queued'
                 AND leased.leased_until > %(now)s),
           -- Requests are spread: those of a quarter of a second at once, and at least one.
           floor(greatest(1.0, per_second * share / 4) + 0.000001
                 - per_second * share * greatest(0, extract(epoch FROM paced_until - %(now)s)))))::int AS slots
      FROM open
), picked AS (
    SELECT one.id, pace FROM allowed CROSS JOIN LATERAL (
        SELECT delivery.id FROM deliveries_delivery AS delivery
         WHERE delivery.municipality_id = allowed.municipality_id
           AND delivery.state = 'queued' AND delivery.due_at <= %(now)s
           AND NOT EXISTS (
               SELECT 1 FROM deliveries_delivery AS earlier
                WHERE earlier.relocation_id = delivery.relocation_id
                  AND earlier.municipality_id = delivery.municipality_id
                  AND earlier.sequence < delivery.sequence
                  AND earlier.state IN ('queued', 'ready', 'held'))
         ORDER BY delivery.due_at, delivery.id
         LIMIT allowed.slots
         FOR UPDATE SKIP LOCKED) AS one
     LIMIT %(limit)s
)
UPDATE deliveries_delivery AS delivery
   SET attempts = delivery.attempts + 1, due_at = %(until)s, leased_until = %(until)s
  FROM picked, municipalities_connection AS link
 WHERE delivery.id = picked.id AND link.id = delivery.connection_id
RETURNING delivery.id, delivery.relocation_id, delivery.municipality_id, delivery.type, delivery.role,
          delivery.ordinals, delivery.attempts, delivery.attempts - delivery.attempts_before, delivery.notice,
          delivery.content_sha256, picked.pace,
          link.id, link.standard, link.address, link.signing_key, link.retry_hours, link.gaiji_id,
          (SELECT version FROM municipalities_gaijitable AS gaiji WHERE gaiji.id = link.gaiji_id),
          CASE WHEN link.previous_key_until > %(now)s THEN link.previous_signing_key END
"""

PACE = """
UPDATE deliveries_lane AS lane
   SET paced_until = greatest(lane.paced_until, %(now)s) + p.seconds * interval '1 second'
  FROM unnest(%(codes)s::varchar[], %(seconds)s::float8[]) AS p(code, seconds)
 WHERE lane.municipality_id = p.code
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this courier holds until its lease ends."""

    id: UUID
    relocation_id: UUID
    municipality: str
    type: str
    role: str
    ordinals: list[int]
    attempt: int
    #: Attempts since it was queued or sent again; they choose the next wait.
    tries: int
    notice: bytes
    content_sha256: bytes | None
    connection_id: int
    standard: str
    address: str
    signing_key: bytes | None
    #: For how many hours attempts go on before a person must look.
    retry_hours: int
    #: The key before it, while pushes are signed by both.
    previous_key: bytes | None
    #: The private-use characters of the town's system, if it has any of its own.
    gaiji: Gaiji | None
    #: The relocation's key as the vault keeps it; ``None`` when the relocation was shredded.
    wrapped_key: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What was claimed, and when a lane that has spent its requests may send again (seconds from now)."""

    claimed: list[Claimed]
    again_in: float | None = None


def claim(limit: int) -> list[Claimed]:
    """Lease due deliveries over all open lanes, each lane up to its free slots, in order per relocation."""
    return claim_batch(limit).claimed


def claim_batch(limit: int) -> Batch:
    """As ``claim``; says besides when to look again for the sake of a lane with a cap of requests per second."""
    now = timezone.now()
    parameters: dict[str, Any] = {
        "now": now,
        "until": now + LEASE,
        "today": timezone.localdate(now),
        "limit": limit,
        "threshold": lanes.THRESHOLD,
        "ramp": lanes.RAMP.total_seconds(),
        "least": lanes.LEAST_SHARE,
    }
    with acting(HUB):
        with connection.cursor() as cursor:
            cursor.execute(LOCK, parameters)
            open_lanes = dict(cursor.fetchall())
            if not open_lanes:
                return Batch([])
            parameters["lanes"] = list(open_lanes)
            cursor.execute(CLAIM, parameters)
            rows: list[Sequence[Any]] = cursor.fetchall()
            _pace(cursor, rows, now)
        waits = [(until - now).total_seconds() for until in open_lanes.values() if until is not None and until > now]
        keys = vault.wrapped_many({row[1] for row in rows}) if rows else {}
        return Batch([_claimed(row, keys.get(row[1])) for row in rows], min(waits, default=None))


def _pace(cursor: Any, rows: Iterable[Sequence[Any]], now: datetime) -> None:
    """Spend the requests of lanes with a cap, which this transaction has locked."""
    spent: dict[str, float] = {}
    for row in rows:
        if row[10] is not None:
            spent[row[2]] = spent.get(row[2], 0.0) + 1.0 / float(row[10])
    if spent:
        cursor.execute(PACE, {"now": now, "codes": list(spent), "seconds": list(spent.values())})


def _claimed(row: Sequence[Any], key: bytes | None) -> Claimed:
    pk, relocation, municipality, kind, role, ordinals, attempt, tries, notice, digest, _, *link = row
    return Claimed(
        id=pk,
        relocation_id=relocation,
        municipality=municipality,
        type=kind,
        role=role,
        ordinals=msgspec.json.decode(ordinals, type=list[int]),  # a plain cursor hands jsonb over as text
        attempt=attempt,
        tries=tries,
        notice=bytes(notice),
        content_sha256=bytes(digest) if digest else None,
        connection_id=link[0],
        standard=link[1],
        address=link[2],
        signing_key=bytes(link[3]) if link[3] else None,
        previous_key=bytes(link[7]) if link[7] else None,
        retry_hours=link[4],
        gaiji=gaiji(link[5], link[6]) if link[5] else None,
        wrapped_key=key,
    )


class Fate(Enum):
    """What became of an attempt."""

    SENT = State.SENT
    READY = State.READY
    AGAIN = State.QUEUED
    HELD = State.HELD
    EXPIRED = State.EXPIRED


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt, to be written down."""

    claimed: Claimed
    fate: Fate
    code: str = ""
    cause: str = ""
    retry_after: float | None = None
    content_sha256: bytes | None = None
    #: What the town reads otherwise than it was filed; kept with the first digest.
    changes: tuple[ledger.Row, ...] = ()
    #: Whether the failure is the lane's (it cannot be reached) rather than this delivery's.
    lane_failed: bool = False


WRITE = """
UPDATE deliveries_delivery AS delivery
   SET state = o.state, code = o.code, cause = o.cause, due_at = o.due_at, leased_until = NULL,
       sent_at = CASE WHEN o.state = 'sent' THEN coalesce(delivery.sent_at, %(now)s) ELSE delivery.sent_at END,
       held_at = CASE WHEN o.state = 'held' THEN %(now)s END,
       content_sha256 = coalesce(delivery.content_sha256, o.digest)
  FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(states)s::varchar[], %(codes)s::varchar[],
              %(causes)s::varchar[], %(due)s::timestamptz[], %(digests)s::bytea[])
       AS o(id, attempt, state, code, cause, due_at, digest)
 WHERE delivery.id = o.id AND delivery.attempts = o.attempt AND delivery.state = 'queued'
   AND delivery.leased_until IS NOT NULL
RETURNING delivery.id, delivery.sent_at IS NOT DISTINCT FROM %(now)s
"""

KEEP = """
UPDATE deliveries_delivery AS delivery
   SET content_sha256 = o.digest
  FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(digests)s::bytea[]) AS o(id, attempt, digest)
 WHERE delivery.id = o.id AND delivery.attempts = o.attempt
   AND delivery.content_sha256 IS NULL AND o.digest IS NOT NULL
RETURNING delivery.id
"""


def write(outcomes: Sequence[Outcome]) -> int:
    """Write a batch of outcomes in one transaction; returns how many still held their lease.

    Those that lost it (the town answered first, or another courier took over) change no state; of what was
    handed over, what was written is kept all the same.
    """
    now = timezone.now()
    ended = [_ended(outcome, now) for outcome in outcomes]
    parameters: dict[str, Any] = {
        "now": now,
        "ids": [outcome.claimed.id for outcome in outcomes],
        "attempts": [outcome.claimed.attempt for outcome in outcomes],
        "states": [state.value for state, *_ in ended],
        "causes": [cause for _, cause, _ in ended],
        "due": [due for _, _, due in ended],
        "codes": [outcome.code for outcome in outcomes],
        "digests": [outcome.content_sha256 for outcome in outcomes],
    }
    with acting(HUB):
        with connection.cursor() as cursor:
            cursor.execute(WRITE, parameters)
            #: Whether it is the first hand-over, by delivery.
            moved: dict[UUID, bool] = dict(cursor.fetchall())
            late: set[UUID] = set()
            if len(moved) < len(outcomes):
                cursor.execute(KEEP, parameters)
                late = {pk for (pk,) in cursor.fetchall()}
        ledger.keep(
            change for outcome in outcomes if _is_first(outcome, moved.keys(), late) for change in outcome.changes
        )
        pairs = zip(outcomes, ended, strict=True)
        done = [(outcome, state) for outcome, (state, *_) in pairs if outcome.claimed.id in moved]
        _write_down(done, moved, now)
        _count(outcomes, now)
    _measure(done, now)
    return len(done)


def _measure(done: Iterable[tuple[Outcome, State]], now: datetime) -> None:
    """Count attempts, and how long what was handed over took since it was made, which its id says."""
    made, taken = Counter[str](), []
    for outcome, state in done:
        made[f'hub_attempts_total{{state="{state.value}",code="{outcome.code}"}}'] += 1
        if state in (State.SENT, State.READY) and outcome.claimed.attempt == 1:
            taken.append(max(0.0, now.timestamp() - (outcome.claimed.id.int >> 80) / 1000))
    metrics.add(made, metrics.observed("hub_handover_seconds", taken))


def _is_first(outcome: Outcome, moved: Collection[UUID], late: set[UUID]) -> bool:
    """Tell whether this attempt's bytes are the first of its delivery: a re-issue changes nothing anew."""
    return outcome.claimed.id in late or (outcome.claimed.content_sha256 is None and outcome.claimed.id in moved)


@cache
def waits(hours: int) -> tuple[timedelta, ...]:
    """Return the waits between attempts that together last at least so many hours; then a person must look.

    >>> sum(waits(72), timedelta()) >= timedelta(hours=72), waits(1)[-1]
    (True, datetime.timedelta(seconds=3600))
    """
    total, found = timedelta(), list[timedelta]()
    for wait in chain(WAITS, repeat(WAITS[-1])):
        if total >= timedelta(hours=hours):
            break
        found.append(wait)
        total += wait
    return tuple(found)


def _ended(outcome: Outcome, now: datetime) -> tuple[State, str, datetime]:
    """Return state, cause and due time after this attempt."""
    if outcome.fate is not Fate.AGAIN:
        return outcome.fate.value, outcome.cause, now
    tries, allowed = outcome.claimed.tries, waits(outcome.claimed.retry_hours)
    if tries > len(allowed):
        return State.HELD, outcome.cause, now
    wait = allowed[tries - 1].total_seconds() * random.uniform(1.0, 1.2)  # noqa: S311 - spreads load, guards nothing
    if outcome.retry_after is not None:
        wait = min(max(wait, outcome.retry_after), LONGEST_WAIT.total_seconds())
    return State.QUEUED, outcome.cause, now + timedelta(seconds=wait)


def _write_down(done: Iterable[tuple[Outcome, State]], first: Mapping[UUID, bool], now: datetime) -> None:
    """Events, audit and, of what was handed over for the first time, the signal; in bulk."""
    made, acts, sent = [], [], []
    for outcome, state in done:
        claimed = outcome.claimed
        made.append(steps.Step(claimed.id, state.value, claimed.attempt, outcome.code))
        detail = {"type": claimed.type, "municipality": claimed.municipality, "attempt": claimed.attempt}
        if outcome.code:
            detail["code"] = outcome.code
        name = "delivery.again" if state == State.QUEUED else f"delivery.{state.value}"
        acts.append(audit.Act(name, f"delivery:{claimed.id}", detail, claimed.relocation_id))
        if state == State.SENT and first[claimed.id]:
            sent.append(
                (claimed.id, claimed.relocation_id, claimed.type, claimed.ordinals, claimed.municipality, claimed.role)
            )
    steps.write(made, now)
    audit.record_all(acts)
    if sent:
        signals.sent.send(sender=Delivery, deliveries=sent)


def _count(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Tell the lanes which of them failed and which worked; a lane that always works is not touched."""
    failed: dict[str, int] = {}
    worked = set()
    for outcome in outcomes:
        if outcome.lane_failed:
            failed[outcome.claimed.municipality] = failed.get(outcome.claimed.municipality, 0) + 1
        elif outcome.fate in (Fate.SENT, Fate.READY) or outcome.cause == Cause.REFUSED:
            worked.add(outcome.claimed.municipality)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT municipality_id FROM deliveries_lane WHERE failures > 0 AND municipality_id = ANY(%s)",
            [list(worked)],
        )
        recovered = {code for (code,) in cursor.fetchall()}
    if failed or recovered:
        lanes.record(failed, recovered, now)
