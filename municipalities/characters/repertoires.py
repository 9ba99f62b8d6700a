"""What an item can hold: an encoding, a narrower set of characters, a spelling, a town's own characters."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from municipalities.characters.clusters import BROKEN, CLUSTER, PRIVATE, SELECTOR, points
from municipalities.characters.gaiji import Gaiji
from municipalities.characters.held import CODECS, MJ, UNLIMITED, in_set, surely, survives
from municipalities.characters.mj import glyph
from municipalities.characters.questions import (
    DECIDED,
    NOTHING_DECIDED,
    Candidate,
    Decisions,
    Question,
    Undecided,
)
from municipalities.characters.spellings import SPELLINGS, Spelling, as_it_is

TABLES = Path(__file__).parent.parent / "data" / "characters"

#: The basis of a candidate that is the same shape under another code (``bases.csv``).
SAME = "同じMJ文字図形"
#: 〓 stands in print for a character that is missing; every Japanese set has it.
GETA = "〓"
#: So many settled characters are kept for each repertoire: more than a register knows, and no more than that.
REMEMBERED = 10_000
#: The set of characters that an encoding holds.
NAMES = {codec: name for name, codec in CODECS.items()} | dict.fromkeys(UNLIMITED, "unicode")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text as it is written, as the receiver will read it, and by which rules it differs."""

    data: bytes
    back: str
    rule: str  #: nothing, where it was written as filed


@dataclass(frozen=True, slots=True)
class Repertoire:
    """What an item can hold. A value; its name says everything that decides what is held.

    ``characters`` narrows an encoding of Unicode to one of the ``CODECS`` or to ``mj``. Raises ``ValueError`` for
    what cannot go together.
    """

    encoding: str
    spelling: str = ""
    characters: str = ""
    gaiji: Gaiji | None = None
    #: Characters settled before: an address asks for the same digits again and again.
    _known: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.spelling not in SPELLINGS:
            raise ValueError(f"there is no spelling «{self.spelling}»")
        if self.characters and (self.encoding not in UNLIMITED or self.characters not in {MJ, *CODECS}):
            raise ValueError(f"{self.encoding} cannot be narrowed to «{self.characters}»")
        private = "".join(self.gaiji.meaning) if self.gaiji else ""
        if not survives(private, self.encoding):
            lost = next(one for one in private if not survives(one, self.encoding))
            raise ValueError(f"{self.encoding} has no place for {points(lost)}")

    @property
    def name(self) -> str:
        """The name of the target: decisions are kept under it.

        >>> Repertoire("cp932", "wide").name, Repertoire("utf-16-le", characters="mj").name
        ('cp932/wide', 'mj')
        """
        held = self.characters or NAMES.get(self.encoding, self.encoding)
        own = f"+gaiji:{self.gaiji.name}" if self.gaiji else ""
        return held + own + (f"/{self.spelling}" if self.spelling else "")

    # --- writing ----------------------------------------------------------------------------------------

    @property
    def surely(self) -> Callable[[str], object]:
        """Tells quickly of a text that it comes back as it was filed; a no means «perhaps»: ask ``holds``."""
        own = self.gaiji.sequences if self.gaiji else frozenset[str]()
        return surely(self.encoding, self.spelling, self.characters, own).fullmatch

    def encoder(self) -> Callable[[str], bytes | None]:
        """The quick way: bytes when every character surely comes back as it was filed, else nothing."""
        sure, encoding, write = self.surely, self.encoding, self._spelling.write

        def encode(text: str) -> bytes | None:
            return text.encode(encoding) if sure(text) else None

        def respelled(text: str) -> bytes | None:
            return write(text).encode(encoding) if sure(text) else None

        return encode if write is as_it_is else respelled

    def holds(self, text: str) -> bool:
        """Whether the receiver reads exactly what was filed, by the bytes."""
        if BROKEN.search(text) or PRIVATE.search(text):
            return False
        own = self._own(text)
        plain = PRIVATE.sub("", own)
        if (len(plain) < len(own) and not self._spelling.gaiji) or not in_set(plain, self.characters):
            return False
        spelled = self._spelling.write(own)
        allowed = self._spelling.allows.fullmatch(self._spelling.write(plain))
        return bool(allowed) and survives(spelled, self.encoding) and self.read(spelled) == text

    def fit(self, text: str, decided: Decisions = NOTHING_DECIDED) -> Fitted:
        """Write a text: as filed, or as a person decided, or with substitutes where one alone is lawful.

        Raises ``Undecided`` where a person must say, and where what was decided cannot be held either.
        """
        if self.holds(text):
            return self._fitted(text, "")
        chosen = decided.get((self.name, text))
        if chosen and self.holds(chosen):
            return self._fitted(chosen, DECIDED)
        draft, rules, asked = self._settled(text)
        if chosen is not None:
            raise Undecided(self._questions(text, draft, asked), f"what was decided cannot be written in {self.name}")
        if asked or not survives(self._spelled(draft), self.encoding):
            raise Undecided(self._questions(text, draft, asked))
        return self._fitted(draft, "; ".join(rules) or self._spelling.rule)

    def _settled(self, text: str) -> tuple[str, list[str], list[str]]:
        """The text with its lawful substitutes, their rules, and the characters nobody but a person can settle."""
        draft: list[str] = []
        rules: dict[str, None] = {}  # a set that keeps the order
        asked: dict[str, None] = {}
        sure = self.surely
        for cluster in CLUSTER.findall(text):
            if sure(cluster):
                draft.append(cluster)
                continue
            settled, found = self._known.get(cluster) or self._learn(cluster)
            if not settled:
                asked[cluster] = None
            draft.append(settled or cluster)
            rules |= dict.fromkeys(found)
        return "".join(draft), list(rules), list(asked)

    def _learn(self, cluster: str) -> tuple[str, tuple[str, ...]]:
        """The character itself where it is held, else what is written instead; remembered."""
        settled, found = (cluster, []) if self.holds(cluster) else self._instead(cluster)
        rules = tuple(found)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[cluster] = settled, rules
        return settled, rules

    def _instead(self, cluster: str) -> tuple[str, list[str]]:
        """What is lawfully written instead, and by which rules; nothing, if a person must choose."""
        written, rule = self._respelled(cluster)
        if written and not self.holds(written):  # a hiragana became a katakana that the item lacks too
            written, rules = self._instead(written)
            return written, [rule, *rules]
        if written:
            return written, [rule]
        lawful = [other for other in candidates(cluster, self) if other.legal]
        if len(lawful) != 1:
            return "", []
        bases = " / ".join(lawful[0].bases)
        return lawful[0].written, [bases if SAME in bases else f"MJ縮退マップ: {bases}"]

    def _respelled(self, cluster: str) -> tuple[str, str]:
        table = _substitutions()
        for name in (self.spelling, self.characters or NAMES.get(self.encoding, self.encoding)):
            if (name, cluster) in table:
                return table[name, cluster]
        return self._spelling.instead.get(cluster, ""), self._spelling.rule

    def _questions(self, text: str, draft: str, asked: list[str]) -> tuple[Question, ...]:
        """One for each character that nobody settled; if all were, for those that the item lacks."""
        every = list(dict.fromkeys(CLUSTER.findall(text)))
        open_ones = asked or [cluster for cluster in every if not self.holds(cluster)] or every
        return tuple(
            Question("", "", text, cluster, self.name, candidates(cluster, self), draft) for cluster in open_ones
        )

    def _fitted(self, text: str, rule: str) -> Fitted:
        spelled = self._spelled(text)
        return Fitted(spelled.encode(self.encoding), self.read(spelled), rule)

    @property
    def _spelling(self) -> Spelling:
        return SPELLINGS[self.spelling]

    def _own(self, text: str) -> str:
        """The text with the town's own characters as its private code points."""
        if not self.gaiji:
            return text
        private = self.gaiji.private
        return "".join(private.get(cluster, cluster) for cluster in CLUSTER.findall(text))

    def outline(self, text: str) -> str:
        """The text as it would be written, with a 〓 for each character that cannot be: to measure it by."""
        clusters = CLUSTER.findall(self._spelled(text))
        return "".join(one if survives(one, self.encoding) else GETA for one in clusters)

    def _spelled(self, text: str) -> str:
        return self._spelling.write(self._own(text))

    # --- reading ----------------------------------------------------------------------------------------

    def read(self, cell: str, decided: Decisions = NOTHING_DECIDED) -> str:
        """What a cell means. A private character that the town's table lacks is a question (S41), unless decided."""
        text = self._spelling.read(cell)
        if not PRIVATE.search(text):
            return text
        meaning = self.gaiji.meaning if self.gaiji else {}
        unknown = dict.fromkeys(private for private in PRIVATE.findall(text) if private not in meaning)
        known = PRIVATE.sub(lambda private: meaning.get(private[0], private[0]), text)
        if not unknown:
            return known
        chosen = decided.get((self.name, text))
        if chosen is not None and not PRIVATE.search(chosen):
            return chosen
        raise Undecided(
            tuple(Question("", "", text, private, self.name, (), known) for private in unknown),
            f"{', '.join(map(points, unknown))}: the meaning of a private-use character is not in {self.name}",
        )


# --- candidates and tables ------------------------------------------------------------------------------


def candidates(cluster: str, repertoire: Repertoire) -> tuple[Candidate, ...]:
    """What the shrink map names for a character, as far as the repertoire holds it; the same shape first.

    A sequence that no table knows may stand as its base character, but only a person may say so.

    >>> [candidate.written for candidate in candidates("𠮷", Repertoire("cp932"))]
    ['吉']
    """
    known, found = glyph(cluster), []
    for written, letters in known.candidates if known else ():
        if repertoire.holds(written):
            named = [_bases()[letter] for letter in letters]
            found.append(Candidate(written, tuple(title for title, _ in named), any(legal for _, legal in named)))
    base = SELECTOR.sub("", cluster)
    if found or base == cluster or len(base) != 1:
        return tuple(sorted(found, key=lambda other: SAME not in other.bases))
    if repertoire.holds(base):
        return (Candidate(base, ("the base character without its selector",), legal=False),)
    return tuple(replace(other, legal=False) for other in candidates(base, repertoire))


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def _substitutions() -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (row["repertoire"], chr(int(row["source"], 16))): (chr(int(row["written"], 16)), row["why"])
        for row in _rows("substitutions.csv")
    }


@cache
def _bases() -> dict[str, tuple[str, bool]]:
    return {row["letter"]: (row["title"], row["legal"] == "1") for row in _rows("bases.csv")}
