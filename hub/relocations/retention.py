"""What is kept no longer: keys of finished relocations are deleted, which shreds them, and their deliveries go.

The policy is the operator's, as days after the last thing that happened (``HUB_RETENTION_DAYS``): no statute sets one
for a channel beside the statutory one, so the default is no official figure. What is left of a relocation then are
its receipt number, its states and its audit chain, without anything of a person; backups hold sealed fields whose
key is gone. Each batch is a transaction of its own, so that it may be stopped anywhere and goes on where it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.relocations.models import IdempotencyKey, RelocationState
from hub.triggers import looking_away

#: States after which nothing more happens by itself. A settled filing that is not complete waits for departments, and
#: is not kept for ever because one of them says nothing; whatever one says is an event, and the days begin anew.
FINISHED = tuple(
    state.value
    for state in (
        RelocationState.SETTLED,
        RelocationState.COMPLETE,
        RelocationState.REJECTED,
        RelocationState.WITHDRAWN,
        RelocationState.CANCELLED,
    )
)
#: The shortest time for which an Idempotency-Key must be kept.
LEAST_HOURS = 72
BATCH = 200


@dataclass(frozen=True, slots=True)
class Purged:
    """How much a batch removed."""

    keys: int = 0
    shredded: int = 0
    deliveries: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(self.keys + other.keys, self.shredded + other.shredded, self.deliveries + other.deliveries)


def purge(now: datetime | None = None) -> Iterator[Purged]:
    """Remove what is kept no longer, yielding after each committed batch."""
    now = now or timezone.now()
    yield from _keys(now)
    yield from _shred(now)
    yield from _remove(now)


def due(now: datetime | None = None) -> Purged:
    """Count what a purge would remove now, without removing it."""
    now = now or timezone.now()
    with acting(HUB), connection.cursor() as cursor:
        keys = IdempotencyKey.objects.filter(created_at__lt=_oldest_key(now)).count()
        cursor.execute(f"SELECT count(*) FROM ({FINISHED_LONG_AGO}) AS due", _parameters(now, None))  # noqa: S608
        return Purged(keys=keys, shredded=cursor.fetchone()[0])


def _oldest_key(now: datetime) -> datetime:
    return now - timedelta(hours=max(LEAST_HOURS, settings.HUB_IDEMPOTENCY_HOURS))


def _keys(now: datetime) -> Iterator[Purged]:
    while True:
        with acting(HUB):
            old = IdempotencyKey.objects.filter(created_at__lt=_oldest_key(now)).order_by("created_at")
            number, _ = IdempotencyKey.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:5_000])).delete()
        if not number:
            return
        yield Purged(keys=number)


# Ids are ordered by time (RFC 9562, version 7), and only what is not shredded yet has a key: the walk stays short.
FINISHED_LONG_AGO = """
SELECT key.relocation_id
  FROM vault_datakey AS key JOIN relocations_relocation AS relocation ON relocation.id = key.relocation_id
 WHERE key.relocation_id < %(floor)s AND relocation.state = ANY(%(finished)s)
   AND NOT EXISTS (SELECT 1 FROM relocations_event AS event
                    WHERE event.relocation_id = relocation.id AND event.at >= %(before)s)
"""


def _parameters(now: datetime, limit: int | None) -> dict[str, Any]:
    before = now - timedelta(days=settings.HUB_RETENTION_DAYS)
    return {"before": before, "floor": floor(before), "finished": list(FINISHED), "limit": limit}


def floor(moment: datetime) -> UUID:
    """Return the smallest id of a moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _shred(now: datetime) -> Iterator[Purged]:
    """Delete the keys of relocations that finished long ago."""
    while True:
        with acting(HUB), connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM vault_datakey WHERE relocation_id IN ({FINISHED_LONG_AGO}"  # noqa: S608
                " ORDER BY 1 LIMIT %(limit)s) RETURNING relocation_id",
                _parameters(now, BATCH),
            )
            gone = [pk for (pk,) in cursor.fetchall()]
            audit.record_all(audit.Act("relocation.shredded", f"relocation:{pk}", {}, pk) for pk in gone)
        if not gone:
            return
        yield Purged(shredded=len(gone))


# The policies let go only what belongs to a relocation without a key; the triggers are told to look away.
CHOOSE = """
SELECT delivery.id FROM deliveries_delivery AS delivery
 WHERE delivery.id > %(after)s AND delivery.id < %(floor)s
   AND NOT EXISTS (SELECT 1 FROM vault_datakey AS key WHERE key.relocation_id = delivery.relocation_id)
 ORDER BY delivery.id LIMIT %(limit)s
"""
CHILDREN = ("event", "receipt", "return", "difference")
GUARDS = (
    "deliveries.Delivery:kept",
    "deliveries.Event:append_only",
    "deliveries.Receipt:append_only",
    "deliveries.Return:kept",
    "deliveries.Difference:kept",
)


def _remove(now: datetime) -> Iterator[Purged]:
    """Remove the deliveries of shredded relocations, with their steps and receipts."""
    parameters = _parameters(now, BATCH * 5) | {"after": UUID(int=0)}
    while True:
        with acting(HUB), connection.cursor() as cursor:
            cursor.execute(CHOOSE, parameters)
            ids = [pk for (pk,) in cursor.fetchall()]
            _delete(ids)
        if not ids:
            return
        parameters["after"] = ids[-1]
        yield Purged(deliveries=len(ids))


def _delete(ids: list[UUID]) -> None:
    with looking_away(*GUARDS), connection.cursor() as cursor:
        for child in CHILDREN:
            cursor.execute(f"DELETE FROM deliveries_{child} WHERE delivery_id = ANY(%s)", [ids])  # noqa: S608
        cursor.execute("DELETE FROM deliveries_delivery WHERE id = ANY(%s)", [ids])
