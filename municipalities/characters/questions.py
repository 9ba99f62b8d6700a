"""What a person is asked when a receiver lacks a character, and the shape of the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from municipalities.characters.clusters import CLUSTER, shown
from municipalities.errors import UnfitError

#: (name of the target, text as filed) → the whole text to write. On reading: text as it came → text to read.
Decisions = Mapping[tuple[str, str], str]
NOTHING_DECIDED: Decisions = {}
#: The rule of a fallback that a person chose.
DECIDED = "decided by a clerk"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A character that may stand for another, and the tables that say so (``bases.csv``)."""

    written: str
    bases: tuple[str, ...]
    legal: bool  #: whether one of these tables makes it lawful without asking

    def __str__(self) -> str:
        return f"{self.written} ({' / '.join(self.bases)})"


@dataclass(frozen=True, slots=True)
class Question:
    """One character of one item that a person must decide; what could name the person stays out of ``repr``."""

    pointer: str  #: JSON pointer into the notice
    item: str
    text: str = field(repr=False)  #: the whole text as filed: with ``target`` the key of the decision
    cluster: str = field(repr=False)
    target: str  #: name of the repertoire
    candidates: tuple[Candidate, ...]
    #: The whole text with every lawful substitute in it; the characters in question stand as filed.
    draft: str = field(default="", repr=False)

    def proposal(self, candidate: Candidate) -> str:
        """The whole text with this candidate: what a decision holds.

        >>> asked = Question("", "氏名", "邉\U000e010f邉", "邉\U000e010f", "cp932", (), "邉\U000e010f邉")
        >>> asked.proposal(Candidate("辺", (), True))
        '辺邉'
        """
        return CLUSTER.sub(lambda found: candidate.written if found[0] == self.cluster else found[0], self.draft)

    def __str__(self) -> str:
        choices = "; ".join(map(str, self.candidates)) or "none"
        return f"{shown(self.cluster)} cannot be written in {self.target}; candidates: {choices}"


class Undecided(UnfitError):
    """A text that is written or read only when a person has said how; one question for each of its characters."""

    code = "E130"

    def __init__(self, questions: tuple[Question, ...], detail: str = "", *, item: str = "") -> None:
        super().__init__(detail or " / ".join(map(str, questions)), pointer=item)
        self.questions = questions

    def at(self, pointer: str, item: str) -> "Undecided":
        """The same, said of one item of a layout."""
        placed = tuple(replace(question, pointer=pointer, item=item) for question in self.questions)
        return Undecided(placed, f"{item}: {self.detail}", item=item)
