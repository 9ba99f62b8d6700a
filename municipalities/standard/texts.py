"""Writes texts into items: as filed where the receiver holds them, with recorded fallbacks, as a clerk decided, or not.

The texts of one owner are looked at together: nearly always one look says that all of them come back as filed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import gt, itemgetter
from typing import Any

from municipalities.characters import (
    DECIDED,
    NOTHING_DECIDED,
    PRIVATE,
    Decisions,
    Fitted,
    Gaiji,
    Ledger,
    Question,
    Repertoire,
    Undecided,
    length,
)
from municipalities.characters.spellings import SPELLINGS
from municipalities.convert import Converter
from municipalities.errors import UnfitError
from municipalities.standard.head import Head
from municipalities.standard.sources import Source
from municipalities.standard.tables import Field

Cell = Any  #: what a format takes: a text, bytes of one width, or JSON's own types
Cells = list[Cell]

#: What is put to the rule of a fallback that was too long for its item (resident-record standard 5.8).
TOO_LONG = "文字溢れ"
#: Characters that XML 1.0 cannot hold, not even as references (production 2).
CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f"
SPACES = " \u3000"


class Writing(Ledger):
    """One notice while it is written: its fallbacks, and what clerks decided."""

    __slots__ = ("decided", "fitted")

    def __init__(self, decided: Decisions = NOTHING_DECIDED) -> None:
        super().__init__()
        self.decided = decided
        self.fitted: dict[tuple[str, str], Fitted] = {}  #: a name stands in more than one item

    def fit(self, repertoire: Repertoire, target: str, text: str) -> Fitted:
        """The text as the repertoire writes it, or ``Undecided``."""
        key = (target, text)
        if key not in self.fitted:
            self.fitted[key] = repertoire.fit(text, self.decided)
        return self.fitted[key]


class Overflow(Undecided):
    """A value is longer than its item: a clerk says how to shorten it, it is never cut."""

    code = "E131"


def overflow(name: str, width: int, size: int, unit: str) -> UnfitError:
    """A value that is no text is longer than its item."""
    return UnfitError(f"{name}: {size} {unit} do not fit into {width}", code="E131", pointer=name)


@dataclass(frozen=True, slots=True)
class Paper:
    """What items are written on: the settings of a layout that an item needs."""

    encoding: str
    characters: str
    gaiji: Gaiji | None
    fixed: bool
    unit: str  #: what widths count
    nothing: Cell  #: a value that is None in a part that was filed
    forbidden: str  #: characters that the format cannot hold, as the inside of a class

    @classmethod
    def of(cls, head: Head, gaiji: Gaiji | None) -> "Paper":
        fixed = head.format == "fixed_width"
        forbidden = CONTROLS if head.format == "xml" else ""
        if head.format in {"delimited", "symbols"} and head.dialect.quoting == "none":
            forbidden = f"\r\n{re.escape(head.dialect.delimiter)}"
        nothing = None if head.format == "json" else ""
        unit = "bytes" if fixed else head.unit
        return cls(head.encoding, head.characters, gaiji, fixed, unit, nothing, forbidden)

    def repertoire(self, spelling: str) -> Repertoire:
        gaiji = self.gaiji if SPELLINGS[spelling].gaiji else None
        return Repertoire(self.encoding, spelling, self.characters, gaiji)

    def measure(self, text: str) -> int:
        """How long a text is, in what the widths of this layout count."""
        if self.unit == "characters":
            return length(text)
        size = len(text.encode(self.encoding, "surrogatepass"))
        return size // 2 if self.unit == "utf16" else size

    @property
    def longest(self) -> int:
        """No character counts more than this."""
        if self.unit == "characters":
            return 1
        return {"cp932": 2, "shift_jis_2004": 2, "euc_jp": 3, "iso2022_jp": 8}.get(self.encoding, 4)

    def filled(self, text: str, width: int, way: Converter) -> bytes:
        """The bytes of a text that fits, filled to the width."""
        data = text.encode(self.encoding)
        fill = self.fills(width, way.pad if data else " ")[width - len(data)]
        return fill + data if way.right else data + fill

    def fills(self, width: int, pad: str) -> list[bytes]:
        """What fills so many bytes; where a full-width space does not fit any more, single ones stand."""
        whole, single = pad.encode(self.encoding), " ".encode(self.encoding)
        found = []
        for missing in range(width + 1):
            times, rest = divmod(missing, len(whole))
            found.append(whole * times + single * (rest // len(single)))
        return found


@dataclass(frozen=True, slots=True)
class Text:
    """One item that holds a text."""

    position: int
    name: str
    pointer: str
    width: int
    pad: str  #: what fills the item, where widths are fixed
    paper: Paper
    repertoire: Repertoire
    target: str  #: its name
    forbidden: re.Pattern[str] | None

    @classmethod
    def of(cls, position: int, item: Field, source: Source, way: Converter, paper: Paper) -> "Text":
        forbidden = re.compile(f"[{paper.forbidden}]") if paper.forbidden else None
        pad = way.pad if paper.fixed else ""
        repertoire = paper.repertoire(way.spelling or "")
        target = repertoire.name
        return cls(position, item.name, source.pointer, item.width, pad, paper, repertoire, target, forbidden)

    def settle(self, text: str, writing: Writing) -> str:
        """What is written for a text, recorded where it differs; ``Undecided`` where a clerk must say."""
        pointer = writing.prefix + self.pointer
        try:
            fitted = writing.fit(self.repertoire, self.target, text)
        except Undecided as asked:
            raise asked.at(pointer, self.name) from None
        if fitted.rule == DECIDED and self._is_too_long(text):  # decided for its characters, shortened with them
            fitted = replace(fitted, rule=f"{DECIDED}; {TOO_LONG}")
        fitted, problem = self._kept(fitted), self._problem(fitted, text, pointer)
        if problem is not None:
            chosen = writing.decided.get((self.target, text))
            if chosen is None or not self.repertoire.holds(chosen):
                raise problem
            rule = f"{DECIDED}; {TOO_LONG}" if isinstance(problem, Overflow) else DECIDED
            decided = self.repertoire.fit(chosen)
            fitted = self._kept(Fitted(decided.data, decided.back, rule))
            if problem := self._problem(fitted, text, pointer):
                raise problem
        if fitted.back != text:
            writing.add(self.pointer, text, fitted.back, fitted.rule)
        return fitted.data.decode(self.paper.encoding)

    def questions(self, cell: Cell, writing: Writing) -> Iterator[Question]:
        """What a clerk must say of a text, or of each of several."""
        for item, text in self.each(cell) if isinstance(cell, list) else [(self, cell)]:
            try:
                if text:
                    item.settle(text, writing)
            except Undecided as asked:
                yield from asked.questions

    def each(self, cell: Sequence[str]) -> Iterator[tuple["Text", str]]:
        """The texts of an item that has several, with the places they have in the record."""
        for index, text in enumerate(cell):
            yield replace(self, pointer=f"{self.pointer}/{index}"), text

    def _kept(self, fitted: Fitted) -> Fitted:
        """As the receiver reads it: at the end of an item of fixed width no space can be told from the filling."""
        if not self.pad:
            return fitted
        written = fitted.data.decode(self.paper.encoding)
        back = self.repertoire.read(written.rstrip(f"{self.pad} "))
        if back == fitted.back:
            return fitted
        return Fitted(fitted.data, back, "; ".join(filter(None, [fitted.rule, "filling is not kept"])))

    def _problem(self, fitted: Fitted, text: str, pointer: str) -> Undecided | None:
        written, target = fitted.data.decode(self.paper.encoding), self.target
        if self.forbidden and (found := self.forbidden.search(written)):
            asked = Question(pointer, self.name, text, found[0], target, (), text)
            problem = f"{self.name}: U+{ord(found[0]):04X} cannot stand in this format"
            return Undecided((asked,), problem, item=self.name)
        if self.width and (size := self.paper.measure(written)) > self.width:
            asked = Question(pointer, self.name, text, "", target, (), text)
            problem = f"{self.name}: {size} {self.paper.unit} do not fit into {self.width}"
            return Overflow((asked,), problem, item=self.name)
        return None

    def _is_too_long(self, text: str) -> bool:
        """Whether a text does not fit, whatever is written for the characters that cannot be."""
        return bool(self.width) and self.paper.measure(self.repertoire.outline(text)) > self.width

    def read(self, cell: str, decided: Decisions, prefix: str) -> str:
        """What a cell with private-use characters means; ``Undecided`` where the town's table does not say."""
        try:
            return self.repertoire.read(cell, decided)
        except Undecided as asked:
            raise asked.at(prefix + self.pointer, self.name) from None


class Texts:
    """The texts of one owner in one repertoire."""

    def __init__(self, items: Sequence[Text]) -> None:
        first = items[0]
        self.items = items
        self.paper, self.forbidden = first.paper, first.forbidden.search if first.forbidden else None
        self.sure = first.repertoire.surely
        write = SPELLINGS[first.repertoire.spelling].write
        self.spell = None if write is SPELLINGS[""].write else write
        self.positions = [item.position for item in items]
        self.get = picker(self.positions)
        limits = [item.width // self.paper.longest if item.width else 1 << 30 for item in items]
        self.limits = limits if any(item.width for item in items) else None

    def settle(self, cells: Cells, writing: Writing) -> None:
        """Write the texts as filed if all of them surely come back, else look at each."""
        texts = self.get(cells)
        joined = "".join(filter(None, texts))
        if not self.sure(joined) or (self.forbidden and self.forbidden(joined)) or self._long(texts):
            for item in self.items:
                if cells[item.position]:
                    cells[item.position] = self._one(item, cells[item.position], writing)
        elif self.spell is not None and joined:
            for position in self.positions:
                if cells[position]:
                    cells[position] = self.spell(cells[position])

    def _long(self, texts: Sequence[Cell]) -> bool:
        return self.limits is not None and any(map(gt, map(len, texts), self.limits))

    def _one(self, item: Text, text: str, writing: Writing) -> str:
        if not self.sure(text) or (self.forbidden and self.forbidden(text)):
            return item.settle(text, writing)
        spelled = self.spell(text) if self.spell else text
        long = (
            item.width and len(spelled) * self.paper.longest > item.width and self.paper.measure(spelled) > item.width
        )
        return item.settle(text, writing) if long else spelled


class FixedTexts(Texts):
    """The same, in items of fixed width: bytes, filled."""

    def __init__(self, items: Sequence[Text]) -> None:
        super().__init__(items)
        self.ending = re.compile(f"[{SPACES}]\0").search
        self.blanks = [self._blank(item) for item in items]
        rows = zip(self.positions, items, self.blanks, strict=True)
        self.rows = [(position, item, self.paper.fills(item.width, item.pad), blank) for position, item, blank in rows]

    def _blank(self, item: Text) -> bytes:
        return self.paper.fills(item.width, item.pad)[item.width]

    def settle(self, cells: Cells, writing: Writing) -> None:
        texts = self.get(cells)
        surely = self.sure("".join(texts)) and not self.ending("\0".join([*texts, ""]))
        encoding, spell = self.paper.encoding, self.spell
        for position, item, fills, blank in self.rows:
            text = cells[position]
            if not text:
                cells[position] = blank
                continue
            if surely or (self.sure(text) and text[-1] not in SPACES):
                data = (spell(text) if spell else text).encode(encoding)
                if len(data) > item.width:
                    data = item.settle(text, writing).encode(encoding)
            else:
                data = item.settle(text, writing).encode(encoding)
            cells[position] = data + fills[item.width - len(data)]


class Lists:
    """Items of several texts each."""

    def __init__(self, items: Sequence[Text]) -> None:
        first = items[0]
        self.items = items
        self.sure, self.forbidden = first.repertoire.surely, first.forbidden.search if first.forbidden else None

    def settle(self, cells: Cells, writing: Writing) -> None:
        for item in self.items:
            cell = cells[item.position]
            if cell and not self._surely("".join(cell)):
                cells[item.position] = [one.settle(text, writing) if text else text for one, text in item.each(cell)]

    def _surely(self, text: str) -> bool:
        return bool(self.sure(text)) and not (self.forbidden and self.forbidden(text))


def texts_of(items: Iterable[Text]) -> list[Texts]:
    """The texts of one owner by their repertoires."""
    found: dict[Repertoire, list[Text]] = {}
    for item in items:
        found.setdefault(item.repertoire, []).append(item)
    return [(FixedTexts if each[0].paper.fixed else Texts)(each) for each in found.values()]


def picker(positions: Sequence[int]) -> Callable[[Cells], Sequence[Cell]]:
    """Fetches the cells at these positions in one go."""
    if len(positions) == 1:
        [position] = positions
        return lambda cells: (cells[position],)
    get: Callable[[Cells], Sequence[Cell]] = itemgetter(*positions)
    return get


def private(texts: Sequence[Text], cells: Cells, decided: Decisions, prefix: str) -> Iterator[Question]:
    """Read the private-use characters of the texts; those that mean nothing here are the questions."""
    for item in texts:
        cell = cells[item.position]
        several = cell if isinstance(cell, list) else [cell]
        for index, text in enumerate(several):
            if isinstance(text, str) and PRIVATE.search(text):
                try:
                    several[index] = item.read(text, decided, prefix)
                except Undecided as asked:
                    yield from asked.questions
        cells[item.position] = several if several is cell else several[0]
