"""Which characters a receiver can hold, and what is written instead of those it cannot.

Nothing is normalized and nothing is cut: a text is written as it was filed, or with substitutes that are
recorded (``Fallback``), or not at all (``UnfitError``, E130, with the candidates a person may choose from).
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from unicodedata import normalize

from municipalities.errors import UnfitError

TABLES = Path(__file__).parent / "data" / "fallbacks"

#: A character with its variation selector, if it has one (Unicode 23.4): never separated.
CLUSTER = re.compile("[^\ufe00-\ufe0f\U000e0100-\U000e01ef]?[\ufe00-\ufe0f\U000e0100-\U000e01ef]|.", re.DOTALL)
SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


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


def length(text: str) -> int:
    """How many characters a reader sees: a variation selector belongs to the character before it.

    >>> length("𠮷田"), length("邉\U000e0100")
    (2, 1)
    """
    return len(text) - len(SELECTOR.findall(text))


# --- spellings: narrower than an encoding ---------------------------------------------------------------

#: JIS X 0201 katakana ↔ JIS X 0208 katakana, from Unicode's own compatibility mapping.
SINGLE = {chr(code): normalize("NFKC", chr(code)) for code in range(0xFF61, 0xFF9E)} | {"ﾞ": "゛", "ﾟ": "゜"}
VOICED = {
    half + mark: normalize("NFC", full + combining)
    for half, full in SINGLE.items()
    for mark, combining in (("ﾞ", "\u3099"), ("ﾟ", "\u309a"))
    if len(normalize("NFC", full + combining)) == 1
}
HALF_KANA = str.maketrans({full: half for half, full in (SINGLE | VOICED).items()} | {"\u3000": " "})
FULL_KANA = str.maketrans(SINGLE | {" ": "\u3000"})
VOICED_HALF = re.compile("|".join(VOICED))

WIDE = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {" ": "\u3000"} | SINGLE
NARROW = {full: half for half, full in WIDE.items() if half not in SINGLE}
KATAKANA = {chr(code): chr(code + 0x60) for code in range(0x3041, 0x3097)}


def to_half_kana(text: str) -> str:
    """Katakana in JIS X 0201, the voiced mark as a character of its own.

    >>> to_half_kana("ミホン　ガヴ")
    'ﾐﾎﾝ ｶﾞｳﾞ'
    """
    return text.translate(HALF_KANA)


def from_half_kana(text: str) -> str:
    """Full-width katakana again.

    >>> from_half_kana("ﾐﾎﾝ ｶﾞｳﾞ")
    'ミホン　ガヴ'
    """
    return VOICED_HALF.sub(lambda pair: VOICED[pair[0]], text).translate(FULL_KANA)


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Spelling:
    """A way of writing text in an item: what it allows, and the respelling of a character it does not."""

    allows: re.Pattern[str]
    rule: str
    instead: dict[str, str]
    write: Callable[[str], str] = _same
    read: Callable[[str], str] = _same


#: Private-use characters are allowed nowhere here: each vendor's mean something else (S41).
SPELLINGS = {
    "": Spelling(re.compile("[^\ue000-\uf8ff]*"), "", {}),
    "wide": Spelling(re.compile("[^\x00-\x7f｡-ﾟ\ue000-\uf8ff]*"), "full width only", WIDE),
    "half": Spelling(re.compile("[ -~]*"), "half width only", NARROW),
    "half_kana": Spelling(
        re.compile("[ -~｡-ﾟ]*"),
        "JIS X 0201 kana",
        NARROW | KATAKANA | SINGLE | {" ": "\u3000"},
        to_half_kana,
        from_half_kana,
    ),
}


# --- tables ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """A character that may stand for another, and the tables that say so (``bases.csv``)."""

    written: str
    bases: tuple[str, ...]
    legal: bool


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _characters(points: str) -> str:
    return "".join(chr(int(point, 16)) for point in points.split("-"))


@cache
def _substitutions() -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (row["repertoire"], _characters(row["source"])): (_characters(row["written"]), row["why"])
        for row in _rows("substitutions.csv")
    }


@cache
def _candidates(encoding: str) -> dict[str, list[tuple[str, str]]]:
    """Source → (candidate, letters of its bases), for the encodings we have an extract for."""
    table: dict[str, list[tuple[str, str]]] = {}
    if (TABLES / f"mj_{encoding}.csv").exists():
        for row in _rows(f"mj_{encoding}.csv"):
            table.setdefault(_characters(row["source"]), []).append((row["candidate"], row["bases"]))
    return table


@cache
def _bases() -> dict[str, tuple[str, bool]]:
    return {row["letter"]: (row["title"], row["legal"] == "1") for row in _rows("bases.csv")}


def candidates(cluster: str, encoding: str) -> tuple[Candidate, ...]:
    """What may stand for a character that the encoding lacks.

    A sequence that no table knows may stand as its base character, but only a person may say so.

    >>> [candidate.written for candidate in candidates("𠮷", "cp932")]
    ['吉']
    """
    rows = _candidates(encoding).get(cluster, [])
    found = []
    for written, letters in rows:
        named = [_bases()[letter] for letter in letters]
        found.append(Candidate(written, tuple(title for title, _ in named), any(legal for _, legal in named)))
    if not found and len(cluster) > 1:
        base = cluster[0]
        if Repertoire(encoding).holds(base):
            return (Candidate(base, ("the base character without its selector",), legal=False),)
        return tuple(replace(other, legal=False) for other in candidates(base, encoding))
    return tuple(found)


# --- repertoires ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text as it is written, as the receiver will read it, and by which rules it differs."""

    data: bytes
    back: str
    rule: str


@cache
def _held(encoding: str, spelling: str) -> frozenset[str]:
    """The characters that surely come back as they were filed, whatever stands beside them.

    Each was encoded and decoded once: an encoding without an error is not enough, CP932 turns 〜 into ～.
    """
    plane = "".join(chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000)
    back = set(plane.encode(encoding, "ignore").decode(encoding))
    allows = SPELLINGS[spelling].allows
    if spelling == "half_kana":
        kana = {chr(code) for code in HALF_KANA} - {"゛", "゜"}
        return frozenset(kana | {chr(code) for code in range(0x21, 0x7F)})
    return frozenset(character for character in back if allows.fullmatch(character))


@dataclass(frozen=True, slots=True)
class Repertoire:
    """What an item can hold: an encoding and, within it, a spelling."""

    encoding: str
    spelling: str = ""

    def encoder(self) -> Callable[[str], bytes | None]:
        """The quick way: bytes when every character surely comes back as it was filed, else nothing."""
        surely, encoding, write = _held(self.encoding, self.spelling).issuperset, self.encoding, self._write

        def encode(text: str) -> bytes | None:
            return text.encode(encoding) if surely(text) else None

        def respelled(text: str) -> bytes | None:
            return write(text).encode(encoding) if surely(text) else None

        return encode if write is _same else respelled

    @property
    def _write(self) -> Callable[[str], str]:
        return SPELLINGS[self.spelling].write

    def holds(self, text: str) -> bool:
        """Whether the receiver reads exactly what was filed."""
        spelling = SPELLINGS[self.spelling]
        spelled = spelling.write(text)
        try:
            back = spelled.encode(self.encoding).decode(self.encoding)
        except UnicodeEncodeError:
            return False
        return spelling.allows.fullmatch(spelled) is not None and spelling.read(back) == text

    def read(self, cell: str) -> str:
        return SPELLINGS[self.spelling].read(cell)

    def fit(self, text: str) -> Fitted:
        """Write a text with substitutes where there is exactly one lawful one, or raise (E130)."""
        written: list[str] = []
        rules: dict[str, None] = {}  # a set that keeps the order
        for cluster in CLUSTER.findall(text):
            settled, rule = (cluster, "") if self.holds(cluster) else self._instead(cluster)
            written.append(settled)
            rules[rule] = None
        data = self._write("".join(written)).encode(self.encoding)
        rule = "; ".join(filter(None, rules)) or SPELLINGS[self.spelling].rule
        return Fitted(data, self.read(data.decode(self.encoding)), rule)

    def _instead(self, cluster: str) -> tuple[str, str]:
        table, spelling = _substitutions(), SPELLINGS[self.spelling]
        for name in (self.spelling, self.encoding):
            if (name, cluster) in table:
                return table[name, cluster]
        if cluster in spelling.instead:
            return spelling.instead[cluster], spelling.rule
        known = candidates(cluster, self.encoding)
        found = [other for other in known if self.holds(other.written)]
        lawful = [other for other in found if other.legal]
        if len(lawful) == 1:
            return lawful[0].written, "MJ縮退マップ: " + " / ".join(lawful[0].bases)
        raise UnfitError(self._refusal(cluster, found), code="E130")

    def _refusal(self, cluster: str, found: list[Candidate]) -> str:
        points = " ".join(f"U+{ord(character):04X}" for character in cluster)
        shown = f"«{cluster}» ({points})" if cluster.isprintable() else points
        choices = "; ".join(f"{other.written} ({' / '.join(other.bases)})" for other in found) or "none"
        where = " ".join(filter(None, (self.encoding, self.spelling)))
        return f"{shown} cannot be written in {where}; candidates: {choices}"
