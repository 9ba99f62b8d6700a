"""The items of a layout as other programs need them: their records, what may stand in a cell, where its bytes are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from municipalities.standard import Field, Standard
from municipalities.standard.folder import COLUMNS as OF_A_FOLDER
from municipalities.standard.head import ROWS, Head
from municipalities.standard.sources import REQUIRED, Source, sources
from municipalities.standard.tables import Tables, converter

#: Columns of ``fields.csv`` in a layout that stands by itself: what follows what is their order.
COLUMNS = tuple(column for column in OF_A_FOLDER if column != "after")

#: What a converter writes, where that is narrower than «some text» of a length.
PATTERNS = {
    "iso": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "gif": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "slashes": "[0-9]{4}/[0-9]{2}/[0-9]{2}",
    "ymd": "[0-9]{8}",
    "ymd_9": "[0-9]{8}",
    "gyymmdd": "[0-9]{7}",
    "ggyymmdd": "[0-9]{8}",
    "number": "[0-9]+",
    "flag": "[01]",
    "flag_2": "[12]",
    "flag_words": "[有無]",
    "present": "1",
}
#: Settings that only say how the folder is put together, or are told elsewhere.
APART = frozenset({"omits", "extends", "drops", "totals", "answers"})
SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"


@dataclass(frozen=True, slots=True)
class Content:
    """What may stand in a cell."""

    kind: type  #: str, int, bool or list; anything but str in JSON documents alone
    values: tuple[str, ...]  #: all of them, where that is a closed list
    pattern: str  #: a regular expression for the whole cell, or nothing
    blank: bool  #: whether it may be blank


@dataclass(frozen=True, slots=True)
class Placed:
    """One item in its record; one that repeats stands there as often as it does."""

    record: str  #: header, household, person, trailer
    field: Field
    offset: int | None  #: bytes before it in its record, where the width is fixed


def records(tables: Tables) -> Mapping[str, list[Placed]]:
    """The items of each kind of record, in their order; a layout that is no file of rows has one kind."""
    if tables.head.format not in ROWS:
        return {"": [Placed("", field, None) for field in tables.fields]}
    fixed = tables.head.format == "fixed_width"
    return {kind: list(_placed(kind, fields, fixed=fixed)) for kind, fields in tables.laid_out().items()}


def _placed(kind: str, fields: list[Field], *, fixed: bool) -> Iterator[Placed]:
    before = 0
    for field in fields:
        yield Placed(kind, field, before if fixed else None)
        before += field.width


def source_of(item: Field) -> Source | None:
    """Where its value comes from; nothing for an item that the hub leaves blank."""
    return sources()[item.source] if item.source else None


def content(layout: Standard, item: Field) -> Content:
    """What may stand in the cell of an item."""
    source = source_of(item)
    if item.constant:
        return Content(str, (item.constant,), "", blank=False)
    if source is None:
        return Content(str, (), _characters(layout, item.width), blank=True)
    way = converter(item, source)
    known = "" if source.kind == "moment" else PATTERNS.get(item.convert, "")
    pattern = known or (f".{{{way.length}}}" if way.length else "")
    values = _values(layout, item, source)
    if not values and not pattern and way.cell is str:
        pattern = _characters(layout, item.width)
    return Content(way.cell, values, "" if values else pattern, _may_be_blank(layout, item, source))


def _values(layout: Standard, item: Field, source: Source) -> tuple[str, ...]:
    if item.codes:
        return tuple(dict.fromkeys(layout.codes[item.codes].values()))
    return tuple(sorted(source.domain)) if source.domain is not None and source.kind != "words" else ()


def _may_be_blank(layout: Standard, item: Field, source: Source) -> bool:
    """A notice about nobody has no mover's items, a part that was not filed none of its own."""
    if source.counted or (item.required and not source.part.of_mover):
        return False
    own = {"", "mover"} if layout.format not in ROWS else {""}
    if source.part.name not in own:
        return True
    if item.required:
        return layout.format in ROWS
    return source.text not in REQUIRED and (source.kind in {"text", "date", "words", "word"} or source.optional)


def _characters(layout: Standard, width: int) -> str:
    """So many characters as a reader counts them: a variation selector belongs to the character before it."""
    if not width or layout.tables.head.unit != "characters" or layout.format == "fixed_width":
        return ""
    return f"[{SELECTORS}]*([^{SELECTORS}][{SELECTORS}]*){{0,{width}}}"


def told(head: Head) -> dict[str, Any]:
    """What ``standard.toml`` says, over the one it extends; a setting inside a table is «dialect.delimiter»."""
    settings: dict[str, Any] = msgspec.to_builtins(head)
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in APART:
            found |= (
                {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
            )
    return found


def row(item: Field) -> dict[str, Any]:
    """An item as ``fields.csv`` has it."""
    return {column: getattr(item, column) for column in COLUMNS}


def cells(item: Field) -> dict[str, str]:
    """The same as texts: what is not said is blank."""
    return {column: "1" if value is True else str(value or "") for column, value in row(item).items()}
