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


class Report(msgspec.Struct, frozen=True):
    """One run of one scenario; ``details`` are rows of figures that belong to it alone."""

    scenario: str
    rounds: int
    bars: list[Bar]
    floors: dict[str, float] = {}
    cpu_s_per_1000: dict[str, float] = {}
    details: list[dict[str, Any]] = []

    @property
    def holds(self) -> bool:
        return all(found.holds for found in self.bars)
