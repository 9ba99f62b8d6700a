"""Scenario «steady»: a modest, even load; how long it takes from a POST to the last receipt of its journey."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from hub.bench.arena import Arena
from hub.bench.burst import PATIENCE, parts
from hub.bench.load import Load, filings, percentile
from hub.bench.report import Found, Progress, at_most
from hub.bench.sides import NAIVE, PRODUCT
from hub.bench.usage import difference
from hub.demo.people import Place
from hub.demo.seed import FRONT
from hub.relocations.filing import Filing

#: Filings a second (each a dozen deliveries and five reports): what the naive design carries without a queue.
RATE = 1.0
#: Filings before anything is measured: connections, caches, plans of statements.
FIRST = 12


def evenly(arena: Arena, design: str, load: Sequence[Filing], rate: float) -> Load:
    """Post at this rate; returns when the last is accepted."""
    posted = Load(arena.sides[design], arena.tokens[FRONT])
    posted.post(load, rate)
    return posted


def warm_up(arena: Arena, design: str, places: Sequence[Place]) -> None:
    """Let a design do everything once that it does only once."""
    arena.prepare()
    evenly(arena, design, invented(places, FIRST, 19_000), 2 * RATE).wait(PATIENCE, _silent)


def invented(places: Sequence[Place], number: int, seed: int) -> list[Filing]:
    """Filings between these towns, filed today."""
    return list(filings(places, number, seed, timezone.localdate()))


def run(arena: Arena, rounds: int, seconds: float, tell: Progress) -> Found:
    """Interleaved rounds of both designs; the latencies of all rounds together."""
    latency: dict[str, list[float]] = {NAIVE: [], PRODUCT: []}
    used: dict[str, list[Mapping[str, float]]] = {NAIVE: [], PRODUCT: []}
    number = max(4, round(seconds * RATE))
    for design in latency:
        tell(f"steady, {design}: warming up", 0, rounds)
        warm_up(arena, design, arena.places)
    for turn in range(rounds):
        for design in latency:
            arena.prepare()
            before = arena.groups.cpu()
            tell(f"steady, {design}", turn, rounds)
            load = evenly(arena, design, invented(arena.places, number, 20_000 + turn), RATE)
            latency[design] += load.wait(PATIENCE, _silent).latency.values()
            used[design].append(difference(before, arena.groups.cpu()))
    p50 = {design: percentile(found, 50) for design, found in latency.items()}
    p99 = {design: percentile(found, 99) for design, found in latency.items()}
    return Found(
        [at_most("POST → all receipts, modest load: p99 against the naive p50 (s)", p50[NAIVE], p99[PRODUCT], 1.0)],
        {},
        [line(design, p50[design], p99[design], used[design], number * rounds) for design in latency],
    )


def line(design: str, p50: float, p99: float, used: Sequence[Mapping[str, float]], filed: int) -> dict[str, Any]:
    """The figures of one design."""
    cpu = sum(one[name] for one in used for name in parts(design))
    return {
        "scenario": "steady",
        "design": design,
        "rate_per_s": RATE,
        "filings": filed,
        "p50_s": round(p50, 3),
        "p99_s": round(p99, 3),
        "cpu_s_per_1000": round(1000 * cpu / filed, 1),
    }


def _silent(_done: int, _total: int) -> None:
    """A wait that is over soon."""
