"""Compiles an item: its row of ``fields.csv`` becomes one function that writes and one that reads."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from municipalities.characters import Gaiji
from municipalities.characters.spellings import SPELLINGS, as_it_is
from municipalities.convert import Converter, same
from municipalities.errors import UnfitError
from municipalities.standard.sources import LINKS, Source
from municipalities.standard.tables import Field, Tables, converter
from municipalities.standard.texts import Cell, Paper, Text, overflow

#: Values of one item that are remembered: days and counts.
FEW = 4096

Write = Callable[[Any], Cell]
Take = Callable[[dict[str, Any], Cell], None]


@dataclass(frozen=True, slots=True)
class Item:
    """One item, compiled."""

    position: int
    name: str
    source: Source
    slot: int  #: which mover of a record it is about, from 1; 0 for the one there is
    required: bool
    write: Write | None  #: makes its cell of a value; None where the value is the cell
    table: Mapping[Any, Cell] | None  #: the cells of all values, where they are known
    text: Text | None  #: how a text is settled in its repertoire
    take: Take | None  #: reads a cell into the members of its part; None where another item is read
    key: str  #: the member that a cell is as it stands; "" where ``take`` has to read it
    cell: type  #: what its cell must be
    strip: str  #: what an item of fixed width is filled with
    blank: Cell  #: what stands here when its part was not filed
    alert: Callable[[Any], str] | None  #: what a clerk is told of a cell that was read


class Compiler:
    """Compiles the items of one table, record by record.

    Where two items name the same value the first is read; another is for the receiver's eyes, unless it stands
    in another record and is written alike: then both are read, and must agree.
    """

    def __init__(self, tables: Tables, gaiji: Gaiji | None = None) -> None:
        self.tables = tables
        self.paper = Paper.of(tables.head, gaiji)
        self.read: dict[tuple[str, int], Field] = {}

    def items(self, fields: Iterable[Field]) -> tuple[Item, ...]:
        """The items that carry something, in the order of the table."""
        here: set[tuple[str, int]] = set()
        found = []
        for position, field in enumerate(fields):
            if field.source:
                key = (field.source, field.slot)
                item = self._item(position, field, is_read=key not in here and self._alike(field))
                found.append(item)
                if item.take is not None:
                    here.add(key)
                    self.read.setdefault(key, field)
        return tuple(found)

    def _alike(self, field: Field) -> bool:
        first = self.read.get((field.source, field.slot), field)
        return (first.convert, first.codes) == (field.convert, field.codes)

    def _item(self, position: int, field: Field, *, is_read: bool) -> Item:
        source, paper = self.tables.subject.sources[field.source], self.paper
        way, codes = converter(field, source), _codes(self.tables, field, source)
        text = None
        if codes is None and (way.spelling is not None or source.kind == "words"):
            text = Text.of(position, field, source, way, paper)
        table = _table(field, source, way, codes, paper)
        take = _taker(field, source, way, codes, paper) if is_read else None
        plain = text is not None and source.kind in {"text", "enum"} and way.write is same
        return Item(
            position=position,
            name=field.name,
            source=source,
            slot=field.slot,
            required=field.required,
            write=None if plain else _write(field, source, way, table, paper, text),
            table=table if source.kind != "word" else None,
            text=text,
            take=take,
            key=source.key if plain and take and SPELLINGS[way.spelling or ""].read is as_it_is else "",
            cell=way.cell,
            strip=" " if way.right else f"{way.pad} ",
            blank=_blank(field, way, paper, text),
            alert=way.alert if codes is None else None,
        )


def _codes(tables: Tables, field: Field, source: Source) -> Mapping[str, str] | None:
    """Our values → their codes; a text that may be left blank is blank there too."""
    if not field.codes:
        return None
    table = tables.codes[field.codes]
    if source.enum is not None:
        return {str(member): table[member.name] for member in source.enum}
    return {"": "", **table}


# --- writing --------------------------------------------------------------------------------------------


def _write(
    field: Field, source: Source, way: Converter, table: Mapping[Any, Cell] | None, paper: Paper, text: Text | None
) -> Write:
    if table is not None:
        write = _coder(field, table)
    else:
        write = way.write if text is not None else _converted(field, way, paper)
    blank = _blank(field, way, paper, text)
    if source.kind == "word":
        return _word(field, source.index, write, blank)
    if source.optional:
        write = _optional(write, blank)
    # Days and counts are few: the same ones come again and again.
    return lru_cache(maxsize=FEW)(write) if source.kind in {"date", "number"} else write


def _blank(field: Field, way: Converter, paper: Paper, text: Text | None) -> Cell:
    return paper.filled("", field.width, way) if paper.fixed and text is None else paper.nothing


def _table(
    field: Field, source: Source, way: Converter, codes: Mapping[str, str] | None, paper: Paper
) -> Mapping[Any, Cell] | None:
    """Our values → their cells, for an item with a code table and for yes and no."""
    if codes is None and source.kind == "flag" and way.cell is str:
        codes = {True: way.write(True), False: way.write(False)}  # type: ignore[dict-item]
    if codes is None or not paper.fixed:
        return codes
    return {ours: paper.filled(code, field.width, way) for ours, code in codes.items()}


def _coder(field: Field, table: Mapping[Any, Cell]) -> Write:
    name = field.name

    def write(value: Any) -> Cell:
        if value not in table:
            problem = f"{name}: the value has no code in table «{field.codes}»"
            raise UnfitError(problem, code="E132", pointer=name)
        return table[value]

    return write


def _converted(field: Field, way: Converter, paper: Paper) -> Write:
    """What a converter makes of a value that is no text."""
    convert, width, name = way.write, field.width, field.name
    longest, fixed, encoding = paper.longest, paper.fixed, paper.encoding
    fills = paper.fills(width, way.pad) if fixed else []

    def write(value: Any) -> Cell:
        try:
            text = convert(value)
        except UnfitError as error:
            raise UnfitError(f"{name}: {error.detail}", code=error.code, pointer=name) from None
        if width and len(text) * longest > width and (size := paper.measure(text)) > width:
            raise overflow(name, width, size, paper.unit)
        if not fixed:
            return text
        data = text.encode(encoding)
        fill = fills[width - len(data)]
        return fill + data if way.right else data + fill

    return write


def _word(field: Field, index: int, inner: Write, blank: Cell) -> Write:
    """One word of a relationship: blank past its end; a chain longer than the items is not cut."""
    name = field.name

    def write(words: Any) -> Cell:
        if len(words) > LINKS:
            raise overflow(name, LINKS, len(words), "words")
        if len(words) < index:
            return blank
        if not words[index - 1]:
            raise UnfitError(f"{name}: a blank word has no code", code="E132", pointer=name)
        return inner(words[index - 1])

    return write


def _optional(inner: Write, blank: Cell) -> Write:
    def write(value: Any) -> Cell:
        return blank if value is None else inner(value)

    return write


# --- reading --------------------------------------------------------------------------------------------


def _taker(field: Field, source: Source, way: Converter, codes: Mapping[str, str] | None, paper: Paper) -> Take | None:
    read = _reader(field, way, codes, paper)
    if read is None or source.kind == "part":
        return None
    key = source.key

    def member(values: dict[str, Any], cell: Cell) -> None:
        value = None if source.optional and cell == paper.nothing else read(cell)
        if value != "" or key not in values:
            values[key] = value

    def several(values: dict[str, Any], cell: Cell) -> None:
        parts = read(cell)
        shown = parts.pop("displayText", "")
        values.update(parts)
        if shown and not values.get("displayText"):  # an item of its own says it better
            values["displayText"] = shown

    def word(values: dict[str, Any], cell: Cell) -> None:
        words = values.setdefault(key, [])
        if cell != paper.nothing:
            if len(words) != source.index - 1:
                raise ValueError("the words before it are blank")
            words.append(read(cell))

    if source.kind == "uncertain":
        return several
    return word if source.kind == "word" else member


def _reader(
    field: Field, way: Converter, codes: Mapping[str, str] | None, paper: Paper
) -> Callable[[Cell], Any] | None:
    if codes is not None:
        ours = {theirs: value for value, theirs in codes.items()}

        def decode(cell: Cell) -> Any:
            if cell not in ours:
                problem = f"{field.name}: a code is not in table «{field.codes}»"
                raise UnfitError(problem, code="E132", pointer=field.name)
            return ours[cell]

        return decode
    return SPELLINGS[way.spelling].read if way.spelling else way.read
