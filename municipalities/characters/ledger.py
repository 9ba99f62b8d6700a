"""The fallbacks of a notice: every value that reaches the receiver otherwise than it was filed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fallback:
    """One value that reaches the receiver otherwise than it was filed; the original is kept by the hub."""

    path: str  #: JSON pointer into the notice
    original: str
    written: str  #: what the receiver reads
    rule: str


class Ledger:
    """The fallbacks of one notice while it is written; ``prefix`` points to the record being written."""

    __slots__ = ("fallbacks", "prefix")

    def __init__(self) -> None:
        self.fallbacks: list[Fallback] = []
        self.prefix = ""

    def add(self, pointer: str, original: str, written: str, rule: str) -> None:
        self.fallbacks.append(Fallback(self.prefix + pointer, original, written, rule))
