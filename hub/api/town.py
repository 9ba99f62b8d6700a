"""What a town's system says and asks about the town itself: its queue, its counter's days, its heartbeat, who it is."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import msgspec
from django.db.models import Count, Min, Q
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from hub import records
from hub.accounts import trust
from hub.actors import HUB, acting
from hub.api import contract, shapes
from hub.api.contract import Answer, Operation, Parameter, operation
from hub.api.doors import Door, body_of, day, known
from hub.api.models import Heartbeat
from hub.catalogue import refuse
from hub.deliveries import lanes
from hub.deliveries.models import Delivery, Lane
from hub.deliveries.states import UNSENT, State
from municipalities.models import Connection, Municipality

BEAT = msgspec.json.Decoder(shapes.Heartbeat)
#: Days of a calendar that one answer gives, and that it gives unless asked otherwise.
DAYS, USUAL = 366, 31
ONE = timedelta(days=1)


def lane_of(code: str) -> shapes.Lane:
    """Say how the town's queue stands; runs as the town."""
    waiting = Delivery.objects.for_town(code).filter(state__in=UNSENT)
    held = Count("pk", filter=Q(state=State.HELD))
    counted: Any = waiting.aggregate(number=Count("pk"), held=held, oldest=Min("created_at"))
    row = Lane.objects.filter(pk=code).first()
    return shapes.Lane(
        paused=bool(row and row.paused),
        waiting=counted["number"],
        held=counted["held"],
        oldest=counted["oldest"],
        blocked_until=row.blocked_until if row and (row.blocked_until or timezone.now()) > timezone.now() else None,
    )


class OwnLane(Door):
    """``GET /api/v1/lane``: how the own queue stands."""

    required_scope = "deliveries"

    @operation(Operation(id="getLane", answers={200: Answer(contract.json(shapes.Lane))}))
    def get(self, request: Request) -> Response:
        """Say what waits, since when, and whether it is paused or blocked."""
        known(request)
        return Response(self.as_client(lambda: lane_of(self.town)))


class Pause(Door):
    """``POST /api/v1/lane/pause``: hold everything for the calling town until it resumes."""

    required_scope = "deliveries"

    @operation(Operation(id="pauseLane", answers={200: Answer(contract.json(shapes.Lane))}))
    def post(self, request: Request) -> Response:
        """Hold; nothing is discarded, and repeating it changes nothing."""
        known(request)
        return set_pause(self, paused=True)


class Resume(Door):
    """``POST /api/v1/lane/resume``: let what was held go on, in order."""

    required_scope = "deliveries"

    @operation(Operation(id="resumeLane", answers={200: Answer(contract.json(shapes.Lane))}, errors=("E200",)))
    def post(self, request: Request) -> Response:
        """Go on; E200 while an operator of the hub holds the queue."""
        known(request)
        return set_pause(self, paused=False)


def set_pause(door: Door, *, paused: bool) -> Response:
    """Pause or resume the caller's own lane, which only the hub may write."""
    town = door.town
    with acting(HUB):
        lanes.ensure([town])
        row = Lane.objects.select_for_update().get(pk=town)
        if not paused and row.paused and row.paused_by not in ("", "system"):
            raise refuse("E200", detail="An operator of the hub holds this queue; ask there.")
        if row.paused != paused:
            lanes.pause([town], paused=paused, by=door.actor)
    return Response(door.as_client(lambda: lane_of(town)))


class Heartbeats(Door):
    """``POST /api/v1/heartbeat``: the adapter is there, whether it is open, and what it has not worked off (78)."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="postHeartbeat",
            body=contract.json(shapes.Heartbeat),
            answers={200: Answer(contract.json(shapes.Beat))},
        )
    )
    def post(self, request: Request) -> Response:
        """Keep the last one; answer with the hub's clock and the queue."""
        known(request)
        body = records.decode(BEAT, body_of(request))
        if not body.software.isprintable():
            raise refuse("E104", "/software", "Printable characters only.")
        now = timezone.now()

        def work() -> shapes.Lane:
            Heartbeat.objects.update_or_create(
                municipality_id=self.town,
                defaults={"at": now, "open": body.open, "backlog": body.backlog, "software": body.software},
            )
            return lane_of(self.town)

        return Response(shapes.Beat(at=now, lane=self.as_client(work)))


class OwnCalendar(Door):
    """``GET /api/v1/calendar``: on which days the counter is open, as the hub has it."""

    required_scope = "deliveries"

    @operation(
        Operation(
            id="getCalendar",
            parameters=(Parameter("from", contract.DAY), Parameter("to", contract.DAY)),
            answers={200: Answer(contract.json(shapes.OpeningDays))},
            errors=("E110",),
        )
    )
    def get(self, request: Request) -> Response:
        """List the days from one to another, a year at most; the next 31 when nothing is asked."""
        known(request, "from", "to")
        first = day(request, "from", timezone.localdate())
        last = day(request, "to", min(first, date.max - USUAL * ONE) + (USUAL - 1) * ONE)
        if not first <= last or (last - first).days >= DAYS:
            raise refuse("E110", "/to", f"Not before «from», and at most {DAYS} days.")
        opening = Municipality.objects.prefetch_related("exceptions").get(pk=self.town).opening()
        days = []
        for number in range((last - first).days + 1):
            one = first + number * ONE
            hours = opening.hours_on(one)
            days.append(
                shapes.Day(
                    day=one,
                    opens_at=hours.opens_at if hours else None,
                    closes_at=hours.closes_at if hours else None,
                    is_closed_day=opening.is_closed_day(one),
                )
            )
        return Response(shapes.OpeningDays(municipality=self.town, days=tuple(days)))


class Me(Door):
    """``GET /api/v1/me``: who calls, by what right, until when."""

    required_scope = ("deliveries", "reports", "relocations:file")
    for_towns = None

    @operation(Operation(id="getMe", answers={200: Answer(contract.json(shapes.Me))}))
    def get(self, request: Request) -> Response:
        """Say what the hub knows of the client: the first thing to try with a new token."""
        known(request)
        token: Any = request.auth
        town = self.town
        link = Connection.objects.valid_on(timezone.localdate()).filter(municipality=town).first() if town else None
        return Response(
            shapes.Me(
                client_id=self.client.client_id,
                municipality=town or None,
                scopes=tuple(sorted(token.scope.split())),
                token_expires_at=token.expires,
                credentials=tuple(shapes.Credential(**asdict(shown)) for shown in trust.credentials_of(self.client)),
                standard=link.standard if link else None,
                transport=link.address.partition(":")[0] if link else None,
                lane=self.as_client(lambda: lane_of(town)) if town else None,
            )
        )
