"""What a town announces and how its books are compared: closures of its system, digests of days."""

from datetime import date, timedelta
from typing import Any

import msgspec
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from hub import records
from hub.actors import HUB, acting
from hub.api import contract, shapes
from hub.api.contract import Answer, Operation, operation
from hub.api.doors import Door, as_day, body_of, known
from hub.catalogue import refuse
from hub.deliveries import reconciliation, windows
from hub.deliveries.lane_models import Closure

ANNOUNCED = msgspec.json.Decoder(shapes.Announcement)
THEIRS = msgspec.json.Decoder(reconciliation.Theirs)


def closure(row: Closure) -> shapes.Closure:
    """Say of a closure what its town announced."""
    return shapes.Closure(id=row.pk, starts=row.starts, ends=row.ends, note_code=row.note_code)


class Maintenance(Door):
    """``/api/v1/maintenance``: when the calling town's system will be closed."""

    required_scope = "deliveries"

    @operation(Operation(id="listMaintenance", answers={200: Answer(contract.json(shapes.Closures))}))
    def get(self, request: Request) -> Response:
        """List what was announced and is not over."""
        known(request)

        def work() -> tuple[shapes.Closure, ...]:
            rows = Closure.objects.filter(municipality=self.town, cancelled_at=None, ends__gt=timezone.now())
            return tuple(map(closure, rows.order_by("starts", "pk")[:500]))

        return Response(shapes.Closures(maintenance=self.as_client(work)))

    @operation(
        Operation(
            id="announceMaintenance",
            body=contract.json(shapes.Announcement),
            answers={200: Answer(contract.json(shapes.Closure))},
            errors=("E110",),
        )
    )
    def post(self, request: Request) -> Response:
        """Announce; the same again is the same announcement."""
        known(request)
        body = records.decode(ANNOUNCED, body_of(request))
        town = self.town
        with acting(HUB):  # the lane that it closes is the hub's to write
            return Response(closure(windows.announce(town, body.starts, body.ends, body.note_code)))


class OneMaintenance(Door):
    """``DELETE /api/v1/maintenance/{id}``: an announcement taken back."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="cancelMaintenance",
            parameters=(contract.path("maintenance_id", {"type": "integer", "minimum": 1, "maximum": 2**53}, 1),),
            answers={200: Answer(contract.json(shapes.Closure))},
            errors=("E108",),
        )
    )
    def delete(self, request: Request, maintenance_id: int) -> Response:
        """Take it back; repeating it changes nothing."""
        known(request)
        town = self.town
        with acting(HUB):
            row = Closure.objects.filter(pk=min(maintenance_id, 2**53), municipality=town).first()
            if row is None:
                raise refuse("E108")
            windows.cancel(row)
            windows.refresh([town])
        return Response(closure(row))


#: No delivery is older.
FIRST = date(2020, 1, 1)
DAY = contract.path("day", contract.DAY, "2026-04-01")


def day_of(text: str) -> date:
    """Read the day of the address; E110 for what is none, or lies before there was a hub or after tomorrow."""
    today = timezone.localdate()
    day = as_day(text, "day", today)
    if not FIRST <= day <= today + timedelta(days=1):
        raise refuse("E110", "/day", f"From {FIRST} until today.")
    return day


class Reconciliation(Door):
    """``/api/v1/reconciliation/{day}``: the books of one day (message 77)."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="getDigest",
            parameters=(DAY,),
            answers={200: Answer(contract.json(shapes.Digest))},
            errors=("E108", "E110"),
        )
    )
    def get(self, request: Request, day: str) -> Response:
        """Return count and hash of what was made on this day and handed over by now."""
        known(request)
        wanted = day_of(day)
        found: Any = self.as_client(lambda: reconciliation.digest(self.town, wanted))
        return Response(shapes.Digest(**found))

    @operation(
        Operation(
            id="postDigest",
            parameters=(DAY,),
            body=contract.json(reconciliation.Theirs),
            answers={200: Answer(contract.json(shapes.Comparison))},
            errors=("E108", "E110"),
        )
    )
    def post(self, request: Request, day: str) -> Response:
        """Compare; what differs becomes a task for a person, and is settled by a later comparison that agrees."""
        known(request)
        wanted, theirs = day_of(day), records.decode(THEIRS, body_of(request))
        rows = self.as_client(lambda: list(reconciliation.compare(self.town, wanted, theirs)))
        found = tuple(shapes.Discrepancy(kind=row.kind, delivery_id=row.delivery_id) for row in rows)
        return Response(shapes.Comparison(day=wanted, agrees=not found, differences=found))
