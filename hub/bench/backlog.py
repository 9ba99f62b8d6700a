"""Scenario «backlog»: a town was closed, thousands wait for it; it opens while an even load goes on to the others.

Its system takes so many records a second, as its connection says; its clerks have not come to any of them yet, so
that nothing but the records themselves follows from the opening.
"""

import threading
import time
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from django.db import connection
from django.utils import timezone

from hub.actors import HUB, acting
from hub.bench.arena import Arena
from hub.bench.faults import SLOWER, none
from hub.bench.load import Load, household, percentile
from hub.bench.report import Bar, Found, Progress, bar
from hub.bench.sides import PRODUCT
from hub.bench.steady import RATE, evenly, invented, warm_up
from hub.deliveries import lanes
from hub.demo.people import Invention
from hub.demo.seed import FRONT
from municipalities.models import Connection

PATIENCE = 60.0
#: Different persons may pass each other by as many places as the lane has slots, once on the way out and once back.
PASSING = 2
#: Records a second that the town's system takes; and what share of its pace a lane must keep.
PACE, KEPT = 40, 0.8
#: Seconds that a lane loses while it comes to its pace.
LOST = lanes.RAMP.total_seconds() * (1 - lanes.LEAST_SHARE) / 2


def run(arena: Arena, backlog: int, seconds: float, tell: Progress) -> Found:
    """The product alone: the naive design has no lanes that could be closed."""
    town, good = arena.places[0], arena.places[1:]
    number = max(8, round(seconds * RATE))
    Connection.objects.filter(municipality=town.code).update(per_second=PACE)
    tell("backlog: warming up", 0, number)
    warm_up(arena, PRODUCT, good)
    arena.prepare()
    healthy = evenly(arena, PRODUCT, invented(good, number, 40_000), RATE)
    healthy.wait(PATIENCE, lambda done, total: tell("backlog: healthy", done, total))
    pause(town.code, paused=True)
    waiting = file(arena, backlog, tell)
    arena.prepare(watch=town.code)
    pause(town.code, paused=False)
    opened = time.time()
    meanwhile: list[Load] = []
    posting = threading.Thread(
        target=lambda: meanwhile.append(evenly(arena, PRODUCT, invented(good, number, 50_000), RATE))
    )
    posting.start()
    received = drain(arena, waiting, town.code, tell)
    posting.join()
    [busy] = meanwhile
    busy.wait(PATIENCE, lambda done, total: tell("backlog: the others", done, total))
    order = [key for key in arena.books()["order"] if key in waiting]
    return found(healthy, busy, received - opened, list(waiting), order, slots(town.code))


def pause(code: str, *, paused: bool) -> None:
    """Close or open the lane as a clerk would."""
    with acting(HUB):
        lanes.pause([code], paused=paused)


def slots(code: str) -> int:
    """How many deliveries the town takes at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT concurrency FROM municipalities_connection WHERE municipality_id = %s", [code])
        [(number,)] = cursor.fetchall()
    return int(number)


def file(arena: Arena, backlog: int, tell: Progress) -> dict[str, int]:
    """File so many moves away from the closed town; returns its deliveries with their places in the queue."""
    town, *good = arena.places
    arena.prepare(reports=False)
    invention = Invention(good, timezone.localdate(), 60_000)
    load = Load(arena.sides[PRODUCT], arena.tokens[FRONT])
    ends = cycle(good)
    batch = 200
    for done in range(0, backlog, batch):
        tell("backlog: filing", done, backlog)
        some = range(done, min(done + batch, backlog))
        load.post([household(invention, number, town, next(ends), good[:8]) for number in some])
    ids = [one.id for one in load.run.posted]
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id::text FROM deliveries_delivery WHERE municipality_id = %s AND relocation_id = ANY(%s::uuid[])"
            " AND state = 'queued' ORDER BY due_at, id",
            [town.code, ids],
        )
        return {key: place for place, (key,) in enumerate(cursor.fetchall())}


def drain(arena: Arena, waiting: dict[str, int], code: str, tell: Progress) -> float:
    """Wait until all of it has arrived; returns when."""
    before, moved = -1, time.monotonic()
    while time.monotonic() - moved < PATIENCE:
        with acting(HUB), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM deliveries_delivery WHERE municipality_id = %s AND state = 'queued'", [code]
            )
            [(left,)] = cursor.fetchall()
        tell("backlog: draining", len(waiting) - left, len(waiting))
        if left == 0:
            break
        if left != before:
            before, moved = left, time.monotonic()
        time.sleep(0.2)
    return time.time()


def found(healthy: Load, busy: Load, seconds: float, waiting: Sequence[str], order: Sequence[str], slots: int) -> Found:
    """Bars and figures."""
    places = {key: place for place, key in enumerate(waiting)}
    furthest = max((abs(place - places[key]) for place, key in enumerate(order)), default=0)
    p99 = {name: percentile(seconds_of(load), 99) for name, load in (("healthy", healthy), ("busy", busy))}
    slower = p99["busy"] / (p99["healthy"] or 1.0)
    figures: dict[str, Any] = {
        "scenario": "backlog",
        "waiting": len(waiting),
        "drained_s": round(seconds, 1),
        "drained_per_s": round(len(order) / seconds, 1),
        "pace_per_s": PACE,
        "furthest_out_of_place": furthest,
        "slots": slots,
        "others_healthy_p99_ms": round(1000 * p99["healthy"], 1),
        "others_p99_ms": round(1000 * p99["busy"], 1),
    }
    return Found(
        [
            Bar("backlog: the others' p99, times the healthy run", None, slower, None, SLOWER, slower <= SLOWER),
            bar("backlog: drained at the town's own pace", (len(order) / PACE + LOST) / seconds, KEPT),
            none("backlog: not drained", 0, len(waiting) - len(set(order))),
            Bar("backlog: furthest out of order", None, float(furthest), None, float(PASSING * slots),
                furthest <= PASSING * slots),
        ],
        {},
        [figures],
    )  # fmt: skip


def seconds_of(load: Load) -> list[float]:
    """Seconds from queue to receipt of every delivery."""
    return [(one.received - one.queued).total_seconds() for one in load.lines() if one.received is not None]
