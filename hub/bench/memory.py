"""Scenario «memory»: what a web worker and a courier hold after many deliveries, and whether it grows."""

from typing import Any

from hub.bench.arena import Arena
from hub.bench.load import Load
from hub.bench.report import Bar, Found, Progress
from hub.bench.sides import PRODUCT
from hub.bench.steady import invented
from hub.demo.seed import FRONT

MOST = 250.0  #: MB
#: The first look, when all code and tables are loaded: at this share of the deliveries.
FIRST = 0.1
GROWS = 1.1  #: times the first look: what the allocator keeps is no growth
BATCH = 50
PATIENCE = 60.0
GROUPS = {"web worker": "product-web", "courier": "product-courier"}


def run(arena: Arena, deliveries: int, tell: Progress) -> Found:
    """Carry so many deliveries through the product and look at its processes on the way."""
    arena.prepare()
    carried, seed = 0, 70_000
    looks: list[dict[str, Any]] = []
    while carried < deliveries:
        load = Load(arena.sides[PRODUCT], arena.tokens[FRONT])
        load.post(invented(arena.places, BATCH, seed))
        tell("memory", carried, deliveries)
        carried += load.wait(PATIENCE, lambda _done, _total: None).deliveries
        seed += 1
        if not looks and carried >= FIRST * deliveries:
            looks.append(look(arena, carried))
    looks.append(look(arena, carried))
    first, last = looks[0], looks[-1]
    bars = []
    for name in GROUPS:
        bars.append(Bar(f"memory: {name}, MB", None, last[name], None, MOST, last[name] < MOST))
        grown = last[name] / first[name]
        bars.append(Bar(f"memory: {name}, times the first look", None, grown, None, GROWS, grown <= GROWS))
    return Found(bars, {}, looks)


def look(arena: Arena, carried: int) -> dict[str, Any]:
    """Resident sets of the largest process of each kind."""
    sets = {name: round(arena.groups.memory(group), 1) for name, group in GROUPS.items()}
    return {"scenario": "memory", "deliveries": carried} | sets
