"""Scenario «burst»: filings posted as fast as they are accepted, until the last receipt of every journey.

Two measurements. The whole journey: each filing is a household of eight from all over the country; two notices at
once, one on the origin's decision, one to the origin and one to every family register when the destination has
registered them: twelve deliveries and five reports by the towns, over HTTP, in both designs. The fan-out: everything
is held before the last report, then the destinations register all at once: one message in, nine deliveries out.
Rounds are interleaved, medians count.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.utils import timezone

from hub.bench.arena import Arena
from hub.bench.load import Load, filings, percentile
from hub.bench.report import Bar, Found, Progress, at_most, bar, faster
from hub.bench.sides import NAIVE, PRODUCT
from hub.bench.usage import difference
from hub.demo.seed import FRONT

#: Reports of the towns for one filing.
REPORTS = 5
#: The busiest hour of the country (filings a second) and its burst (messages a second).
NATIONAL_FILINGS, NATIONAL_MESSAGES, NATIONAL_TIMES = 7_700 / 3_600, 107.0, 20.0
#: Deliveries of a filing before the destination has registered anybody.
BEFORE = 3
PATIENCE = 45.0


@dataclass(frozen=True, slots=True)
class Lap:
    """One round of one design."""

    deliveries_per_s: float
    accepted_per_s: float
    messages_per_s: float
    filings_per_s: float
    cpu: Mapping[str, float]  #: group → seconds for 1,000 relocations
    p50: float
    p99: float
    missing: int
    fan_out_per_s: float

    @property
    def total_cpu(self) -> float:
        return sum(self.cpu.values())


def lap(arena: Arena, design: str, number: int, seed: int, tell: Progress) -> Lap:
    """Post so many filings to one design and wait for all receipts."""
    arena.prepare()
    load = Load(arena.sides[design], arena.tokens[FRONT])
    before = arena.groups.cpu()
    load.post(list(filings(arena.places, number, seed, timezone.localdate())))
    run = load.wait(PATIENCE, lambda done, total: tell(f"burst, {design}", done, total))
    used = difference(before, arena.groups.cpu())
    groups = {name: value for name, value in used.items() if name in parts(design)}
    messages = run.deliveries + (1 + REPORTS) * len(run.posted)
    latencies = list(run.latency.values())
    return Lap(
        run.deliveries / run.seconds,
        run.accepted_per_s,
        messages / run.seconds,
        len(run.latency) / run.seconds,
        {name: 1000 * value / len(run.posted) for name, value in groups.items()},
        percentile(latencies, 50),
        percentile(latencies, 99),
        run.missing,
        fan_out(arena, design, number, seed, tell),
    )


def fan_out(arena: Arena, design: str, number: int, seed: int, tell: Progress) -> float:
    """Deliveries a second from one report each, of journeys that had come so far."""
    arena.prepare(hold="movein.decided")
    load = Load(arena.sides[design], arena.tokens[FRONT])
    load.post(list(filings(arena.places, number, 10_000 + seed, timezone.localdate())))
    load.wait(PATIENCE, lambda done, total: tell(f"fan-out, {design}: before", done, total), least=BEFORE)
    deadline = time.monotonic() + PATIENCE
    while arena.books()["held"] < number and time.monotonic() < deadline:
        time.sleep(0.1)
    began = time.time()
    arena.release()
    run = load.wait(PATIENCE, lambda done, total: tell(f"fan-out, {design}", done, total))
    return (run.deliveries - BEFORE * number) / (run.ended - began)


def parts(design: str) -> tuple[str, ...]:
    """Groups of processes that a design is charged for; the towns' own are nobody's."""
    workers = "naive-worker" if design == NAIVE else "product-courier"
    return f"{design}-web", workers, "postgresql", "valkey"


def run(arena: Arena, rounds: int, number: int, tell: Progress) -> Found:
    """All rounds; returns bars, processor seconds for 1,000 relocations, and a line for each round."""
    laps: dict[str, list[Lap]] = {NAIVE: [], PRODUCT: []}
    for design in laps:
        lap(arena, design, max(4, number // 8), 1_000, tell)  # a first, unmeasured one: imports, caches, connections
    for turn in range(rounds):
        for design in (NAIVE, PRODUCT) if turn % 2 == 0 else (PRODUCT, NAIVE):
            laps[design].append(lap(arena, design, number, turn, tell))
    return Found(bars(laps), cpu(laps), [line(design, one) for design, found in laps.items() for one in found])


def middle(laps: list[Lap], name: str) -> float:
    """The median over the rounds."""
    return float(median(getattr(one, name) for one in laps))


def bars(laps: Mapping[str, list[Lap]]) -> list[Bar]:
    """The promises about a burst."""

    def both(name: str) -> tuple[float, float]:
        return middle(laps[NAIVE], name), middle(laps[PRODUCT], name)

    messages, filed = both("messages_per_s"), both("filings_per_s")
    return [
        faster("deliveries/s, accepted filing → committed receipt", *both("deliveries_per_s"), 15.0),
        faster("deliveries/s, one report → nine committed receipts", *both("fan_out_per_s"), 15.0),
        faster("filings accepted/s while couriers work", *both("accepted_per_s"), 5.0),
        at_most("CPU seconds for 1,000 relocations", *both("total_cpu"), 1 / 12),
        bar("national peak: messages/s, times 107", messages[1] / NATIONAL_MESSAGES, NATIONAL_TIMES,
            messages[0] / NATIONAL_MESSAGES),
        bar("national peak: whole journeys/s, times 7,700/h", filed[1] / NATIONAL_FILINGS, NATIONAL_TIMES,
            filed[0] / NATIONAL_FILINGS),
        Bar("deliveries not received", float(sum(one.missing for one in laps[NAIVE])),
            float(sum(one.missing for one in laps[PRODUCT])), None, 0.0,
            not any(one.missing for one in laps[PRODUCT])),
    ]  # fmt: skip


def cpu(laps: Mapping[str, list[Lap]]) -> dict[str, float]:
    """Medians by design and group."""
    found = {}
    for design, rounds in laps.items():
        for name in rounds[0].cpu:
            label = name if name.startswith(design) else f"{design}-{name}"
            found[label] = round(median(one.cpu[name] for one in rounds), 2)
        found[f"{design}-total"] = round(middle(rounds, "total_cpu"), 2)
    return found


def line(design: str, one: Lap) -> dict[str, Any]:
    """The figures of one round."""
    return {
        "scenario": "burst",
        "design": design,
        "deliveries_per_s": round(one.deliveries_per_s, 1),
        "accepted_per_s": round(one.accepted_per_s, 1),
        "messages_per_s": round(one.messages_per_s, 1),
        "fan_out_per_s": round(one.fan_out_per_s, 1),
        "p50_s": round(one.p50, 3),
        "p99_s": round(one.p99, 3),
        "cpu_s_per_1000": round(one.total_cpu, 1),
        "missing": one.missing,
    }
