"""Compiles an item: its row of ``fields.csv`` becomes one function that writes and one that reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from municipalities.characters import Ledger, Repertoire, length
from municipalities.convert import Converter
from municipalities.errors import UnfitError
from municipalities.standard.sources import LINKS, Source, sources
from municipalities.standard.tables import Field, Tables, converter

Cell = Any  #: what a format takes: a text, bytes of one width, or JSON's own types
Write = Callable[[Any, Ledger], Cell]
Take = Callable[[dict[str, Any], Cell], None]

#: The encodings that hold every character a citizen may file.
UNLIMITED = {"utf-8", "utf-16-le"}


@dataclass(frozen=True, slots=True)
class Item:
    """One item, compiled."""

    position: int
    name: str
    source: Source
    write: Write
    take: Take | None  #: reads a cell into the members of its part; None where another item is read
    cell: type  #: what its cell must be
    strip: str  #: what an item of fixed width is filled with
    blank: Cell  #: what stands here when its part was not filed


@dataclass(frozen=True, slots=True)
class Paper:
    """What items are written on: the settings of a layout that an item needs."""

    encoding: str
    fixed: bool
    bytes: bool
    nothing: Cell  #: a value that is None in a part that was filed

    @classmethod
    def of(cls, tables: Tables) -> "Paper":
        head = tables.head
        fixed = head.format == "fixed_width"
        return cls(head.encoding, fixed, fixed or head.unit == "bytes", None if head.format == "json" else "")


def compile_items(tables: Tables) -> tuple[Item, ...]:
    """The items that carry something, in the order of the table.

    Where two items name the same value the first is read; the others are for the receiver's eyes.
    """
    paper, read, items = Paper.of(tables), set[str](), []
    for position, field in enumerate(tables.fields):
        if field.source:
            source = sources()[field.source]
            codes = _codes(tables, field, source)
            way = converter(field, source)
            take = None if field.source in read else _taker(field, source, way, codes, paper)
            items.append(_item(position, field, source, way, codes, paper, take))
            read.add(field.source)
    return tuple(items)


def _item(
    position: int,
    field: Field,
    source: Source,
    way: Converter,
    codes: Mapping[str, str] | None,
    paper: Paper,
    take: Take | None,
) -> Item:
    blank = _filled(b"", field, way, paper) if paper.fixed else paper.nothing
    write = _coder(field, codes, way, paper) if codes is not None else _writer(field, source, way, paper)
    if source.kind == "word":
        write = _word(field, source.index, write, blank)
    elif source.optional:
        write = _optional(write, blank)
    strip = " " if way.right else way.pad
    return Item(position, field.name, source, write, take, way.cell, strip, blank)


def _codes(tables: Tables, field: Field, source: Source) -> Mapping[str, str] | None:
    """Our values → their codes; a text that may be left blank is blank there too."""
    if not field.codes:
        return None
    table = tables.codes[field.codes]
    if source.enum is not None:
        return {str(member): table[member.name] for member in source.enum}
    return {"": "", **table}


# --- writing --------------------------------------------------------------------------------------------


def _filled(data: bytes, field: Field, way: Converter, paper: Paper) -> bytes:
    """Fill to the width; a blank is never filled with zeros, which would be a value."""
    pad = way.pad if data or way.pad == "\u3000" else " "
    missing = field.width - len(data)
    fill = pad.encode(paper.encoding) * missing
    return fill[:missing] + data if way.right else data + fill[:missing]


def _coder(field: Field, codes: Mapping[str, str], way: Converter, paper: Paper) -> Write:
    def cell(code: str) -> Cell:
        return _filled(code.encode(paper.encoding), field, way, paper) if paper.fixed else code

    find = {ours: cell(code) for ours, code in codes.items()}.get
    name, table = field.name, field.codes

    def write(value: Any, _ledger: Ledger) -> Cell:
        found = find(value)
        if found is None:
            raise UnfitError(f"{name}: the value has no code in table «{table}»", code="E132", pointer=name)
        return found

    return write


def _writer(field: Field, source: Source, way: Converter, paper: Paper) -> Write:
    if way.spelling is not None and (paper.fixed or way.spelling or paper.encoding not in UNLIMITED):
        return _limited(field, source, way, paper)
    convert, width, name = way.write, field.width, field.name
    fill = way.pad.encode(paper.encoding) * width

    def plain(value: Any, _ledger: Ledger) -> Cell:
        return value

    def written(value: Any, _ledger: Ledger) -> Cell:
        text = _convert(convert, value, name)
        if width and len(text) > width and length(text) > width:
            raise _overflow(name, width, length(text), "characters")
        return text

    def filled(value: Any, _ledger: Ledger) -> Cell:
        data = _convert(convert, value, name).encode(paper.encoding)
        if len(data) > width:
            raise _overflow(name, width, len(data), "bytes")
        return fill[len(data) :] + data if way.right else data + fill[len(data) :]

    if paper.fixed:
        return filled
    return plain if way.spelling is not None and not width and source.kind != "words" else written


def _convert(convert: Callable[[Any], Any], value: Any, name: str) -> Any:
    try:
        return convert(value)
    except UnfitError as error:
        raise UnfitError(f"{name}: {error.detail}", code=error.code, pointer=name) from None


def _limited(field: Field, source: Source, way: Converter, paper: Paper) -> Write:
    """A text in a limited repertoire: written as filed, or with recorded fallbacks, or not at all."""
    repertoire = Repertoire(paper.encoding, way.spelling or "")
    convert, width, name, pointer = way.write, field.width, field.name, source.pointer
    pad = way.pad if paper.fixed else ""
    fill = _filled(b"", field, way, paper) if paper.fixed else b""
    encode = repertoire.encoder()

    def settled(text: str, ledger: Ledger) -> bytes:
        try:
            fitted = repertoire.fit(text)
        except UnfitError as error:
            raise UnfitError(f"{name}: {error.detail}", code=error.code, pointer=name) from None
        back = repertoire.read(fitted.data.decode(paper.encoding).rstrip(pad)) if pad else fitted.back
        rule = "; ".join(filter(None, [fitted.rule, "" if back == fitted.back else "filling is not kept"]))
        if back != text:
            ledger.add(pointer, text, back, rule)
        return fitted.data

    def write(value: Any, ledger: Ledger) -> Cell:
        text = convert(value)
        if not text:
            return fill if paper.fixed else ""
        data = encode(text)
        if data is None or (pad and text.endswith((pad, "\u3000"))):
            data = settled(text, ledger)
        if paper.bytes and width and len(data) > width:
            raise _overflow(name, width, len(data), "bytes")
        if paper.fixed:
            return data + fill[len(data) :]
        spelled = data.decode(paper.encoding)
        if not paper.bytes and width and length(spelled) > width:
            raise _overflow(name, width, length(spelled), "characters")
        return spelled

    return write


def _word(field: Field, index: int, inner: Write, blank: Cell) -> Write:
    """One word of a relationship: blank past its end; a chain longer than the items is not cut."""
    name = field.name

    def write(words: Any, ledger: Ledger) -> Cell:
        if len(words) > LINKS:
            raise _overflow(name, LINKS, len(words), "words")
        if len(words) < index:
            return blank
        if not words[index - 1]:
            raise UnfitError(f"{name}: a blank word has no code", code="E132", pointer=name)
        return inner(words[index - 1], ledger)

    return write


def _optional(inner: Write, blank: Cell) -> Write:
    def write(value: Any, ledger: Ledger) -> Cell:
        return blank if value is None else inner(value, ledger)

    return write


def _overflow(name: str, width: int, size: int, unit: str) -> UnfitError:
    return UnfitError(f"{name}: {size} {unit} do not fit into {width}", code="E131", pointer=name)


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
    if way.spelling:
        return Repertoire(paper.encoding, way.spelling).read
    return way.read
