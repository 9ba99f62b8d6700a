"""How a town can misbehave: a table of profiles, and who has which.

Every draw is a hash of seed, town, subject and attempt, so that a run can be repeated exactly, before
and after a restart.
"""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One way to behave; the defaults are the careful town."""

    name: str
    thinks: Range = (0.03, 0.4)  #: seconds the clerk takes before each answer
    accepts_after: Range = (0.0, 0.0)  #: seconds from storing a push to answering it
    down: bool = False  #: answers nothing, fetches nothing, says nothing
    fails: float = 0.0  #: share of exchanges that end in 5xx or break off
    garbles: float = 0.0  #: share of answers whose body is broken
    times: int = 1  #: how often each receipt and report is sent
    hasty: bool = False  #: sends the report after the next one first
    refuses: bool = False  #: refuses every notice


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="careful"),
        Profile(name="slow", thinks=(2.0, 5.0), accepts_after=(1.0, 4.0)),
        Profile(name="down", down=True),
        Profile(name="flaky", fails=0.3),
        Profile(name="garbage", garbles=0.5),
        Profile(name="duplicate", times=2, accepts_after=(0.5, 1.5)),
        Profile(name="out_of_order", hasty=True),
        Profile(name="refusing", refuses=True),
    )
}
CAREFUL = PROFILES["careful"]


class Faults:
    """Which town behaves how, now; can be changed while running."""

    def __init__(self, codes: Iterable[str], shares: Iterable[tuple[str, float]] = (), seed: int = 0) -> None:
        self.seed = seed
        self._given: dict[str, tuple[Profile, float]] = {}
        self._deal(sorted(codes, key=lambda code: self.draw(code, "rank")), shares)

    def _deal(self, ranked: list[str], shares: Iterable[tuple[str, float]]) -> None:
        """Give each profile its share of the towns, in an order that only seed and codes decide."""
        start = 0
        for name, percent in shares:
            end = start + round(len(ranked) * percent / 100)
            self.give(name, ranked[start:end])
            start = end

    def give(self, name: str, codes: Iterable[str], seconds: float | None = None) -> None:
        """Let towns behave by a profile from now on, or for some seconds (KeyError: no such profile)."""
        until = float("inf") if seconds is None else time.monotonic() + seconds
        self._given.update(dict.fromkeys(codes, (PROFILES[name], until)))

    def of(self, code: str) -> Profile:
        """How this town behaves now."""
        profile, until = self._given.get(code, (CAREFUL, 0.0))
        return profile if time.monotonic() < until else CAREFUL

    def counts(self) -> dict[str, int]:
        """How many towns misbehave in which way."""
        names = [self.of(code).name for code in self._given]
        return {name: names.count(name) for name in sorted(set(names)) if name != CAREFUL.name}

    def draw(self, code: str, subject: str, attempt: int = 0) -> float:
        """A number from 0 to 1 that only seed, town, subject and attempt decide.

        >>> Faults([]).draw("011011", "a") == Faults([]).draw("011011", "a") != Faults([]).draw("011011", "b")
        True
        """
        told = f"{self.seed}/{code}/{subject}/{attempt}".encode()
        return int.from_bytes(hashlib.blake2b(told, digest_size=4).digest()) / 2**32

    def within(self, bounds: Range, code: str, subject: str, attempt: int = 0) -> float:
        """A drawn number of seconds within the bounds."""
        low, high = bounds
        return low + (high - low) * self.draw(code, subject, attempt) if high else low
