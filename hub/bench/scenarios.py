"""The scenarios by name, with one set of options for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.bench import backlog, burst, faults, floors, growth, memory, planning, rendering, steady
from hub.bench.arena import Arena, arena
from hub.bench.report import Bar, Found, Progress, Report
from hub.bench.sides import PRODUCT


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for; every number has a default that ends in minutes."""

    rounds: int
    relocations: int
    seconds: float  #: of an even load
    backlog: int
    deliveries: int  #: that memory is looked at after
    sizes: Sequence[int]  #: stored relocations
    towns: int
    couriers: int
    standards: Sequence[str]
    data: Path


#: Scenarios that need both designs running.
RUNNING: dict[str, Callable[[Arena, Options, Progress], Found]] = {
    "burst": lambda place, options, tell: burst.run(place, options.rounds, options.relocations, tell),
    "steady": lambda place, options, tell: steady.run(place, options.rounds, options.seconds, tell),
    "backlog": lambda place, options, tell: backlog.run(place, options.backlog, options.seconds, tell),
    "memory": lambda place, options, tell: memory.run(place, options.deliveries, tell),
    "growth": lambda place, options, tell: growth.run(place, options.sizes, tell),
    # Last: what waits for towns that misbehaved goes on afterwards.
    "faults": lambda place, options, tell: faults.run(place, options.seconds, tell),
}
ALL = "all"
#: Origin, destination and eight registers.
LEAST_TOWNS = 10
#: Scenarios that need nothing running.
ALONE = ("rendering", "journey")
NAMES = (*ALONE, *RUNNING, ALL)


def run(name: str, options: Options, tell: Progress) -> Report:
    """Run one scenario, or all of them in one place."""
    found: list[Found] = []
    if name in ("rendering", ALL):
        found.append(rendering.run(options.rounds, options.standards, tell))
    if name in ("journey", ALL):
        found.append(planning.run(options.rounds, tell))
    floor: dict[str, float] = {}
    if name not in ALONE:
        with arena(options.data, options.towns, options.couriers, lambda what: tell(what, 0, 1)) as place:
            for each in RUNNING if name == ALL else (name,):
                found.append(RUNNING[each](place, options, tell))
            tell("floors", 0, 1)
            floor = floors.measure(place)
    bars = [bar for one in found for bar in one.bars]
    cpu = {key: value for one in found for key, value in one.cpu.items()}
    return Report(name, options.rounds, bars, floor | shares(bars, floor), cpu, [one.details for one in found])


def shares(bars: Sequence[Bar], floor: dict[str, float]) -> dict[str, float]:
    """What share of each floor the product's deliveries a second are."""
    rates = [bar.product for bar in bars if bar.name.startswith("deliveries/s")]
    if not rates:
        return {}
    return {f"share of {name}, {PRODUCT}": round(max(rates) / rate, 4) for name, rate in floor.items() if rates}
