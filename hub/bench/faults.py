"""Scenario «faults»: one town hangs, one is dead, one flaps; what the others notice, and what becomes of the rest."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from hub.actors import HUB, acting
from hub.bench.arena import Arena
from hub.bench.load import Load, household, percentile
from hub.bench.report import Bar, Found, Progress, at_most
from hub.bench.sides import NAIVE, PRODUCT
from hub.bench.steady import RATE, evenly, invented, warm_up
from hub.demo.people import Invention
from hub.relocations.filing import Filing

FAULTS = ("hang", "dead", "flap")
#: How much slower the others may become.
SLOWER = 1.1
PATIENCE = 20.0
#: One filing in so many leaves a town that misbehaves.
EVERY = 4


@dataclass(frozen=True, slots=True)
class Lap:
    """One run of one design: seconds from queue to receipt of the deliveries to towns that work, and the rest."""

    others: Sequence[float]
    waiting: int  #: not received, among them what waits for a town that misbehaves
    lost: int  #: not received and not waiting for another attempt either
    doubled: int
    again: int  #: arrived once more under the same id
    missing: int  #: deliveries to towns that work, not received in time


class Timeline(threading.Thread):
    """Looks at the breakers of some lanes and writes down every change."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(name="timeline")
        self.faults, self.began = faults, time.time()
        self.over = threading.Event()
        self.rows: list[dict[str, Any]] = []

    def run(self) -> None:
        """Look until told to stop."""
        before: dict[str, tuple[int, bool]] = {}
        try:
            while not self.over.wait(0.25):
                with acting(HUB), connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT municipality_id, failures, coalesce(blocked_until > now(), false),"
                        " extract(epoch FROM blocked_until - now())::float"
                        " FROM deliveries_lane WHERE municipality_id = ANY(%s)",
                        [list(self.faults)],
                    )
                    for code, failures, blocked, seconds in cursor.fetchall():
                        if before.get(code, (0, False)) != (failures, blocked):
                            self._note(code, failures, blocked, seconds)
                        before[code] = (failures, blocked)
        finally:
            connection.close()

    def _note(self, code: str, failures: int, blocked: bool, seconds: float | None) -> None:
        state = "open" if blocked else "half-open" if failures else "closed"
        self.rows.append(
            {
                "scenario": "faults, breaker",
                "town": code,
                "fault": self.faults[code],
                "at_s": round(time.time() - self.began, 1),
                "breaker": state,
                "failures": failures,
                "probe_in_s": round(seconds, 1) if blocked and seconds else None,
            }
        )


def run(arena: Arena, seconds: float, tell: Progress) -> Found:
    """Healthy and faulty, both designs; the naive one last, for it takes its time to recover."""
    towns = [place.code for place in arena.places]
    bad = dict(zip(towns[:: len(towns) // len(FAULTS)][: len(FAULTS)], FAULTS, strict=True))
    load = mixed(arena, bad, max(8, round(seconds * RATE)))
    laps: dict[str, tuple[Lap, Lap]] = {}
    timeline = Timeline(bad)
    for turn, design in enumerate((PRODUCT, NAIVE)):
        tell(f"faults, {design}", turn, 2)
        warm_up(arena, design, arena.places)
        healthy = lap(arena, design, load, {}, bad)
        if design == PRODUCT:
            timeline.start()
        try:
            laps[design] = (healthy, lap(arena, design, load, bad, bad))
        finally:
            timeline.over.set()
    timeline.join()
    arena.prepare()
    return Found(bars(laps), {}, [*(line(one, laps[one]) for one in laps), *timeline.rows])


def mixed(arena: Arena, bad: Mapping[str, str], number: int) -> list[Filing]:
    """Filings between towns that work, and some that leave one that does not."""
    good = [place for place in arena.places if place.code not in bad]
    load = invented(good, number, 30_000)
    invention = Invention(good, timezone.localdate(), 30_001)
    leaving = [place for place in arena.places if place.code in bad]
    for count, index in enumerate(range(0, number, EVERY)):
        destination, *registers = invention.random.sample(good, min(len(good), 9))
        load[index] = household(invention, count, leaving[count % len(leaving)], destination, registers)
    return load


def lap(arena: Arena, design: str, load: Sequence[Filing], faults: Mapping[str, str], bad: Mapping[str, str]) -> Lap:
    """One run; the same load whether the towns misbehave or not."""
    arena.prepare(faults=faults)
    posted: Load = evenly(arena, design, load, RATE)
    posted.wait(PATIENCE, lambda _done, _total: None, without=frozenset(bad))
    lines = posted.lines()
    others = [one for one in lines if one.town not in bad]
    open_ = [one for one in lines if one.received is None]
    again = arena.books()
    return Lap(
        [(one.received - one.queued).total_seconds() for one in others if one.received is not None],
        len(open_),
        len(open_) - queued(design, [one.id for one in posted.run.posted]),
        max(0, again["arrived"].get(design, 0) - len(lines)),
        again["again"].get(design, 0),
        sum(one.received is None for one in others),
    )


def queued(design: str, ids: Sequence[str]) -> int:
    """How many deliveries of these filings wait for an attempt."""
    waiting = {
        PRODUCT: "SELECT count(*) FROM deliveries_delivery WHERE state = 'queued' AND relocation_id = ANY(%s::uuid[])",
        NAIVE: "SELECT count(*) FROM naive_delivery WHERE state = 'pending' AND relocation_id = ANY(%s::bigint[])",
    }
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(waiting[design], [list(ids)])
        [(count,)] = cursor.fetchall()
    return int(count)


def bars(laps: Mapping[str, tuple[Lap, Lap]]) -> list[Bar]:
    """The promises while towns misbehave."""
    slower = {}
    for design, (healthy, faulty) in laps.items():
        slower[design] = percentile(faulty.others, 99) / (percentile(healthy.others, 99) or 1.0)
    [naive, product] = [laps[design][1] for design in (NAIVE, PRODUCT)]
    worse = at_most("faults: the others' p99, times the healthy run", 1.0, slower[PRODUCT], SLOWER)
    return [
        Bar(worse.name, slower[NAIVE], slower[PRODUCT], None, SLOWER, worse.holds and not product.missing),
        none("faults: others' deliveries not received in time", naive.missing, product.missing),
        none("faults: lost", naive.lost, product.lost),
        none("faults: doubled", naive.doubled, product.doubled),
    ]


def none(name: str, naive: int, product: int) -> Bar:
    """A bar of something that must not happen at all."""
    return Bar(name, float(naive), float(product), None, 0.0, product == 0)


def line(design: str, found: tuple[Lap, Lap]) -> dict[str, Any]:
    """The figures of one design."""
    healthy, faulty = found
    return {
        "scenario": "faults",
        "design": design,
        "healthy_p50_ms": round(1000 * percentile(healthy.others, 50), 1),
        "healthy_p99_ms": round(1000 * percentile(healthy.others, 99), 1),
        "faulty_p50_ms": round(1000 * percentile(faulty.others, 50), 1),
        "faulty_p99_ms": round(1000 * percentile(faulty.others, 99), 1),
        "waiting": faulty.waiting,
        "others_late": faulty.missing,
        "again": faulty.again,
    }
