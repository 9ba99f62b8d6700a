"""Claim due deliveries and write down what became of them: two statements a batch, however many lanes.

A row is claimed by writing a lease: ``due_at`` moves forward and the attempt is counted. What comes back
carries that attempt number, so a courier that lost its lease changes nothing.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection
from django.utils import timezone

from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.deliveries import lanes, signals
from hub.deliveries.models import Delivery, Event
from hub.deliveries.states import Cause, State
from hub.fidelity import ledger
from hub.vault import services as vault
from municipalities.characters import Gaiji
from municipalities.models import gaiji

#: How long a courier has for one delivery before another may take it.
LEASE = timedelta(seconds=60)

#: Waits between attempts; together more than 72 hours, then a person must look.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 30, 120, 600, 1_800)) + tuple(
    timedelta(hours=hours) for hours in (1, 2, 4, 8, 12, 12, 12, 12, 12)
)

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
SELECT lane.municipality_id
  FROM deliveries_lane AS lane
 WHERE lane.municipality_id IN (SELECT municipality_id FROM heads WHERE due_at <= %(now)s)
   AND NOT lane.paused AND (lane.blocked_until IS NULL OR lane.blocked_until <= %(now)s)
   FOR UPDATE SKIP LOCKED
"""

# A statement of its own: its snapshot is taken after the lanes were locked, so it counts the leases of every
# courier that had them before. In one statement two couriers could fill the same slots.
CLAIM = """
WITH picked AS (
    SELECT one.id FROM deliveries_lane AS lane CROSS JOIN LATERAL (
        SELECT delivery.id FROM deliveries_delivery AS delivery
         WHERE delivery.municipality_id = lane.municipality_id
           AND delivery.state = 'queued' AND delivery.due_at <= %(now)s
           AND NOT EXISTS (
               SELECT 1 FROM deliveries_delivery AS earlier
                WHERE earlier.relocation_id = delivery.relocation_id
                  AND earlier.municipality_id = delivery.municipality_id
                  AND earlier.sequence < delivery.sequence
                  AND earlier.state IN ('queued', 'ready', 'held'))
         ORDER BY delivery.due_at, delivery.id
         LIMIT greatest(0,
            -- A lane whose breaker was open is probed with one delivery first.
            -- What was queued for a connection that has ended still goes, one at a time.
            coalesce((SELECT CASE WHEN lane.failures >= %(threshold)s THEN 1 ELSE link.concurrency END
               FROM municipalities_connection AS link
              WHERE link.municipality_id = lane.municipality_id AND link.valid_from <= %(today)s
                AND (link.valid_to IS NULL OR link.valid_to >= %(today)s)), 1)
            - (SELECT count(*) FROM deliveries_delivery AS leased
                WHERE leased.municipality_id = lane.municipality_id AND leased.leased_until > %(now)s))
         FOR UPDATE SKIP LOCKED) AS one
     WHERE lane.municipality_id = ANY(%(lanes)s)
     LIMIT %(limit)s
)
UPDATE deliveries_delivery AS delivery
   SET attempts = delivery.attempts + 1, due_at = %(until)s, leased_until = %(until)s
  FROM picked, municipalities_connection AS link
 WHERE delivery.id = picked.id AND link.id = delivery.connection_id
RETURNING delivery.id, delivery.relocation_id, delivery.municipality_id, delivery.type, delivery.role,
          delivery.ordinals, delivery.attempts, delivery.attempts - delivery.attempts_before, delivery.notice,
          delivery.content_sha256,
          link.id, link.standard, link.address, link.signing_key, link.gaiji_id,
          (SELECT version FROM municipalities_gaijitable AS gaiji WHERE gaiji.id = link.gaiji_id)
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
    #: The private-use characters of the town's system, if it has any of its own.
    gaiji: Gaiji | None
    #: The relocation's key as the vault keeps it; ``None`` when the relocation was shredded.
    wrapped_key: bytes | None


def claim(limit: int) -> list[Claimed]:
    """Lease due deliveries over all open lanes, each lane up to its free slots, in order per relocation."""
    now = timezone.now()
    parameters: dict[str, Any] = {
        "now": now,
        "until": now + LEASE,
        "today": timezone.localdate(now),
        "limit": limit,
        "threshold": lanes.THRESHOLD,
    }
    with acting(HUB):
        with connection.cursor() as cursor:
            cursor.execute(LOCK, parameters)
            parameters["lanes"] = [code for (code,) in cursor.fetchall()]
            if not parameters["lanes"]:
                return []
            cursor.execute(CLAIM, parameters)
            rows: list[Sequence[Any]] = cursor.fetchall()
        if not rows:
            return []
        keys = vault.wrapped_many({row[1] for row in rows})
        return [_claimed(row, keys.get(row[1])) for row in rows]


def _claimed(row: Sequence[Any], key: bytes | None) -> Claimed:
    pk, relocation, municipality, kind, role, ordinals, attempt, tries, notice, digest, *link = row
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
        gaiji=gaiji(link[4], link[5]) if link[4] else None,
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
       sent_at = CASE WHEN o.state = 'sent' THEN %(now)s ELSE delivery.sent_at END,
       content_sha256 = coalesce(delivery.content_sha256, o.digest)
  FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(states)s::varchar[], %(codes)s::varchar[],
              %(causes)s::varchar[], %(due)s::timestamptz[], %(digests)s::bytea[])
       AS o(id, attempt, state, code, cause, due_at, digest)
 WHERE delivery.id = o.id AND delivery.attempts = o.attempt AND delivery.state = 'queued'
   AND delivery.leased_until IS NOT NULL
RETURNING delivery.id
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
            moved = {pk for (pk,) in cursor.fetchall()}
            late: set[UUID] = set()
            if len(moved) < len(outcomes):
                cursor.execute(KEEP, parameters)
                late = {pk for (pk,) in cursor.fetchall()}
        ledger.keep(change for outcome in outcomes if _is_first(outcome, moved, late) for change in outcome.changes)
        pairs = zip(outcomes, ended, strict=True)
        done = [(outcome, state) for outcome, (state, *_) in pairs if outcome.claimed.id in moved]
        _write_down(done, now)
        _count(outcomes, now)
    return len(done)


def _is_first(outcome: Outcome, moved: set[UUID], late: set[UUID]) -> bool:
    """Tell whether this attempt's bytes are the first of its delivery: a re-issue changes nothing anew."""
    return outcome.claimed.id in late or (outcome.claimed.content_sha256 is None and outcome.claimed.id in moved)


def _ended(outcome: Outcome, now: datetime) -> tuple[State, str, datetime]:
    """Return state, cause and due time after this attempt."""
    if outcome.fate is not Fate.AGAIN:
        return outcome.fate.value, outcome.cause, now
    tries = outcome.claimed.tries
    if tries > len(WAITS):
        return State.HELD, outcome.cause, now
    wait = WAITS[tries - 1].total_seconds() * random.uniform(1.0, 1.2)  # noqa: S311 - spreads load, guards nothing
    if outcome.retry_after is not None:
        wait = min(max(wait, outcome.retry_after), 86_400.0)
    return State.QUEUED, outcome.cause, now + timedelta(seconds=wait)


def _write_down(done: Iterable[tuple[Outcome, State]], now: datetime) -> None:
    """Events, audit and the signal, in bulk."""
    events, acts, sent = [], [], []
    for outcome, state in done:
        claimed = outcome.claimed
        events.append(
            Event(
                delivery_id=claimed.id,
                at=now,
                state=state,
                attempt=claimed.attempt,
                code=outcome.code,
                actor_kind="hub",
            )
        )
        detail = {"type": claimed.type, "municipality": claimed.municipality, "attempt": claimed.attempt}
        if outcome.code:
            detail["code"] = outcome.code
        name = "delivery.again" if state == State.QUEUED else f"delivery.{state.value}"
        acts.append(audit.Act(name, f"delivery:{claimed.id}", detail, claimed.relocation_id))
        if state == State.SENT:
            sent.append(
                (claimed.id, claimed.relocation_id, claimed.type, claimed.ordinals, claimed.municipality, claimed.role)
            )
    Event.objects.bulk_create(events)
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
