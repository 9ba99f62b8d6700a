"""What waits behind something is put out of the claims' way and brought back; leases of towns' workers end."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Func, QuerySet
from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from hub.deliveries.states import State

#: How long it is left alone, if nobody brings it back before.
PARKED = timedelta(minutes=10)

# Who waits behind what is not fetched or held may wait long: it is put out of the way, so that no claim reads it
# again and again. Whoever moves the earlier one brings it back (``release``); the lock on the earlier one keeps
# the two from missing each other.
PARK = """
UPDATE deliveries_delivery AS delivery SET due_at = %(later)s
  FROM (SELECT behind.id FROM deliveries_delivery AS behind
          JOIN deliveries_delivery AS earlier
            ON earlier.relocation_id = behind.relocation_id AND earlier.municipality_id = behind.municipality_id
           AND earlier.sequence < behind.sequence AND earlier.state IN ('ready', 'held')
         WHERE behind.state = 'queued' AND behind.due_at <= %(now)s AND behind.leased_until IS NULL
         LIMIT 1000
           FOR UPDATE OF behind SKIP LOCKED FOR SHARE OF earlier SKIP LOCKED) AS parked
 WHERE delivery.id = parked.id
"""

RELEASE = """
UPDATE deliveries_delivery AS behind SET due_at = %(now)s
  FROM unnest(%(relocations)s::uuid[], %(towns)s::varchar[], %(sequences)s::int[]) AS moved(relocation, town, sequence)
 WHERE behind.relocation_id = moved.relocation AND behind.municipality_id = moved.town
   AND behind.sequence > moved.sequence AND behind.state = 'queued' AND behind.due_at > %(now)s
   AND behind.attempts = behind.attempts_before AND behind.leased_until IS NULL
"""


def park() -> int:
    """Put out of the way what waits behind something that is not fetched yet or held; returns how many."""
    now = timezone.now()
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(PARK, {"now": now, "later": now + PARKED})
        return int(cursor.rowcount)


def end(leases: QuerySet[Delivery]) -> int:
    """End leases of towns' workers: what they have not answered becomes ready anew; returns how many."""
    return leases.update(leased_until=None, changed_at=Func(function="clock_timestamp"))


def end_expired() -> int:
    """End the leases of towns' workers that ran out; returns how many."""
    with acting(HUB):
        return end(Delivery.objects.filter(state=State.READY, leased_until__lte=timezone.now()))


def release(moved: Iterable[Delivery]) -> None:
    """Bring back what waited behind these deliveries, which have just left ``ready`` or ``held``."""
    keys = [(row.relocation_id, row.municipality_id, row.sequence) for row in moved]
    if keys:
        relocations, towns, sequences = map(list, zip(*keys, strict=True))
        parameters: dict[str, Any] = {"now": timezone.now(), "relocations": relocations, "towns": towns}
        parameters["sequences"] = sequences
        with connection.cursor() as cursor:
            cursor.execute(RELEASE, parameters)
