"""What went wrong on purpose, town by town: the last few faults played, to be looked at. Ids only, in memory."""

import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

LAST = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault: when, what (a word of the page), and about which delivery."""

    at: float
    what: str
    about: str = ""


@dataclass(slots=True)
class Diary:
    """The faults played since the start."""

    counts: Counter[str] = field(default_factory=Counter)
    _last: dict[str, deque[Entry]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=LAST)))

    def note(self, code: str, what: str, about: str = "") -> None:
        """A town played a fault."""
        self.counts[what] += 1
        self._last[code].append(Entry(time.time(), what, about))

    def last(self, code: str) -> list[Entry]:
        """A town's last faults, the newest first."""
        return list(reversed(self._last[code])) if code in self._last else []
