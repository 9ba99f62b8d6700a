"""What a scenario found: bars that hold or do not, in one shape for all scenarios."""

from collections.abc import Callable
from typing import Any

import msgspec

#: Says what is being measured: a title, how much is done, and how much there is.
Progress = Callable[[str, int, int], None]


class Bar(msgspec.Struct, frozen=True):
    """One thing that is promised: what the naive design and the product reach, and what the product must reach."""

    name: str
    naive: float | None
    product: float
    ratio: float | None
    bar: float
    holds: bool


def bar(name: str, product: float, least: float, naive: float | None = None) -> Bar:
    """A bar that the product itself must reach."""
    return Bar(name, naive, product, product / naive if naive else None, least, product >= least)


def faster(name: str, naive: float, product: float, times: float) -> Bar:
    """A bar that the product reaches by being so many times as fast as the naive design."""
    ratio = product / naive if naive else 0.0
    return Bar(name, naive, product, ratio, times, ratio >= times)


def at_most(name: str, naive: float, product: float, share: float) -> Bar:
    """A bar of something that costs: the product needs at most this share of what the naive design does."""
    ratio = product / naive if naive else 0.0
    return Bar(name, naive, product, ratio, share, bool(naive) and ratio <= share)


class Found(msgspec.Struct, frozen=True):
    """What one scenario found: bars, processor seconds for 1,000 of its units, and rows of its own figures."""

    bars: list[Bar]
    cpu: dict[str, float] = {}
    details: list[dict[str, Any]] = []


class Report(msgspec.Struct, frozen=True):
    """One run of the benchmark; ``details`` are the scenarios' own rows of figures, one list for each."""

    scenario: str
    rounds: int
    bars: list[Bar]
    floors: dict[str, float] = {}
    cpu_s_per_1000: dict[str, float] = {}
    details: list[list[dict[str, Any]]] = []
