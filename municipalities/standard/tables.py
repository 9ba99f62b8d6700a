"""Reads a standard's folder; whatever is wrong in a table is named by file, row, column and what is right."""

import csv
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from municipalities.convert import CONVERTERS, Converter
from municipalities.standard.sources import LINKS, REQUIRED, VIEWS, Source, leaves, near, sources

COLUMNS = ("name", "source", "convert", "codes", "width", "note")
FORMATS = ("delimited", "fixed_width", "xml", "json")

#: What each format can hold: single texts, or also JSON's own types and repeated items.
CELLS: Mapping[str, set[type]] = {
    "delimited": {str},
    "fixed_width": {str},
    "xml": {str, list},
    "json": {str, list, int, bool},
}


class TableError(ValueError):
    """A table of a standard is wrong: where, and what would be right."""

    def __init__(self, where: str, problem: str, right: str = "") -> None:
        super().__init__(f"{where}: {problem}" + (f"; {right}" if right else ""))


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``standard.toml``."""

    title: str
    source: str
    published: str = ""
    format: str
    encoding: str = "utf-8"
    extends: str = ""
    provisional: bool = False
    reason: str = ""
    unit: str = "characters"  #: what widths count: characters or bytes of the encoding
    root: str = ""  #: XML: the document element
    movers: str = ""  #: XML, JSON: the name under which the movers repeat
    namespaces: dict[str, str] = {}
    omits: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Field:
    """One item of a record layout: a row of ``fields.csv``."""

    name: str
    source: str
    convert: str
    codes: str
    width: int
    note: str
    where: str  #: file and row it stands in


@dataclass(frozen=True, slots=True)
class Tables:
    """A folder as it was read, over the one it extends."""

    name: str
    head: Head
    settings: Mapping[str, Any]  #: the head before its defaults, for those who extend it
    fields: tuple[Field, ...]
    codes: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str]  #: where each code table stands


def read_folder(folder: Path, base: Callable[[str], Tables]) -> Tables:
    """Read a folder and check it by itself; ``base`` finds the one it extends."""
    settings = _settings(folder)
    below = base(settings["extends"]) if settings.get("extends") else None
    if below is not None:
        settings = {**below.settings, **settings, "omits": _omits(below, settings)}
    try:
        head = msgspec.convert(settings, Head)
    except msgspec.ValidationError as error:
        raise TableError(f"{folder.name}/standard.toml", str(error)) from None
    fields = {field.name: field for field in below.fields} if below else {}
    fields |= {field.name: field for field in _fields(folder)}
    codes = dict(below.codes) if below else {}
    files = dict(below.files) if below else {}
    for path in sorted(folder.glob("codes/*.csv")):
        codes[path.stem], files[path.stem] = _codes(path), f"{folder.name}/codes/{path.name}"
    tables = Tables(folder.name, head, settings, tuple(fields.values()), MappingProxyType(codes), files)
    _check(tables)
    return tables


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "standard.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TableError(folder.name, "there is no standard.toml") from None
    except tomllib.TOMLDecodeError as error:
        raise TableError(f"{folder.name}/{path.name}", str(error)) from None


def _omits(below: Tables, settings: Mapping[str, Any]) -> dict[str, str]:
    """The omits of both; an empty reason takes one of the base back, because this layout has the item."""
    merged = {**below.head.omits, **settings.get("omits", {})}
    return {leaf: reason for leaf, reason in merged.items() if reason}


def _table(path: Path, columns: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with where it stands."""
    where = f"{path.parent.name}/{path.name}"
    if path.parent.name == "codes":
        where = f"{path.parent.parent.name}/{where}"
    if not path.exists():
        raise TableError(where, "the file is missing")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        known = list(columns)
        found = list(reader.fieldnames or ())
        if found[:2] != known[:2] or not set(found) <= set(known):
            raise TableError(f"{where}, row 1", f"the columns are {','.join(found)}", f"use {','.join(known)}")
        for row in reader:
            here = f"{where}, row {reader.line_num}"
            if None in row or None in row.values():
                raise TableError(here, "it has more or fewer cells than the header")
            yield here, row


def _fields(folder: Path) -> Iterator[Field]:
    seen: set[str] = set()
    for where, row in _table(folder / "fields.csv", COLUMNS):
        width = row.get("width", "")
        if not row["name"]:
            raise TableError(f"{where}, column name", "it is blank")
        if row["name"] in seen:
            raise TableError(f"{where}, column name", f"«{row['name']}» stands twice")
        if width and not width.isdecimal():
            raise TableError(f"{where}, column width", f"«{width}» is not a number")
        seen.add(row["name"])
        source, convert, codes = (row.get(column, "") for column in ("source", "convert", "codes"))
        field = Field(row["name"], source, convert, codes, int(width or 0), row.get("note", ""), where)
        yield _checked(field, where)


def _checked(field: Field, where: str) -> Field:
    if field.source and field.source not in sources():
        right = near(field.source, sources())
        raise TableError(f"{where}, column source", f"the record has no «{field.source}»", right)
    if field.convert and field.convert not in CONVERTERS:
        right = near(field.convert, CONVERTERS) or f"there are {', '.join(CONVERTERS)}"
        raise TableError(f"{where}, column convert", f"there is no converter «{field.convert}»", right)
    if not field.source:
        return field
    kind = sources()[field.source].kind
    if field.codes and field.convert not in {"", "text"}:
        raise TableError(f"{where}, column convert", "an item with a code table needs none", "leave it blank")
    if kind not in CONVERTERS[field.convert or "text"] and not field.codes:
        fit = ", ".join(name for name, kinds in CONVERTERS.items() if kind in kinds)
        problem = f"«{field.convert or 'text'}» cannot write a {kind}"
        raise TableError(f"{where}, column convert", problem, f"use one of {fit}")
    return replace(field, convert=field.convert or "text")


def _codes(path: Path) -> Mapping[str, str]:
    table: dict[str, str] = {}
    for where, row in _table(path, ("ours", "theirs", "note")):
        if row["ours"] in table:
            raise TableError(f"{where}, column ours", f"«{row['ours']}» stands twice")
        table[row["ours"]] = row["theirs"]
    return MappingProxyType(table)


def converter(field: Field, source: Source) -> Converter:
    """The converter of an item; a code is a text."""
    kinds = CONVERTERS[field.convert]
    return kinds[source.kind] if source.kind in kinds else CONVERTERS["text"]["text"]


# --- checks of the whole folder -------------------------------------------------------------------------


def _check(tables: Tables) -> None:
    head, where = tables.head, f"{tables.name}/standard.toml"
    if head.format not in FORMATS:
        raise TableError(where, f"there is no format «{head.format}»", f"use one of {', '.join(FORMATS)}")
    if head.unit not in {"characters", "bytes"}:
        raise TableError(where, f"unit «{head.unit}» is not known", "use characters or bytes")
    if head.provisional != bool(head.reason):
        raise TableError(where, "provisional and its reason go together")
    if head.format in {"xml", "json"} and (head.encoding != "utf-8" or not head.movers):
        raise TableError(where, "XML and JSON are written in utf-8 and need «movers»")
    read: set[str] = set()
    for field in tables.fields:
        if field.source:
            _check_item(tables, field, first=field.source not in read)
            read.add(field.source)
    _check_omits(tables, where)
    if head.format in {"delimited", "fixed_width"}:
        _check_presence(tables)


def _check_item(tables: Tables, field: Field, *, first: bool) -> None:
    where, source = f"{field.where}, item {field.name}", sources()[field.source]
    way = converter(field, source)
    if way.cell not in CELLS[tables.head.format]:
        raise TableError(where, f"«{field.convert}» has no place in {tables.head.format}")
    if field.width and way.cell is not str:
        raise TableError(f"{where}, column width", f"a {way.cell.__name__} has none", "leave it blank")
    if tables.head.format == "fixed_width" and not field.width:
        raise TableError(f"{where}, column width", "an item of fixed width needs one")
    if tables.head.format == "fixed_width" and way.pad == "\u3000" and field.width % 2:
        raise TableError(f"{where}, column width", "a full-width item has an even number of bytes")
    if field.width and field.width < way.length:
        raise TableError(f"{where}, column width", f"{field.width} is too small", f"it needs {way.length}")
    if field.codes:
        _check_codes(tables, field, source, first=first)


def _check_codes(tables: Tables, field: Field, source: Source, *, first: bool) -> None:
    if field.codes not in tables.codes:
        right = near(field.codes, tables.codes) or f"add codes/{field.codes}.csv"
        where = f"{field.where}, column codes"
        raise TableError(where, f"there is no table «{field.codes}»", right)
    table, where = tables.codes[field.codes], tables.files[field.codes]
    if source.domain is None:
        problem = f"«{field.source}» is not a closed list"
        raise TableError(f"{field.where}, column codes", problem, "leave it blank")
    ours = {ours_name(value) for value in source.domain}
    if missing := sorted(ours - set(table)):
        raise TableError(f"{where}, column ours", f"there is no code for {', '.join(missing)}", "add a row")
    codes = list(table.values())
    for row, (word, code) in enumerate(table.items(), 2):
        here = f"{where}, row {row}"
        if word not in ours:
            right = near(word, dict.fromkeys(ours)) or f"there are {', '.join(sorted(ours))}"
            raise TableError(f"{here}, column ours", f"the hub has no «{word}»", right)
        if first and codes.index(code) < row - 2:
            raise TableError(f"{here}, column theirs", f"«{code}» stands twice: it could not be read back")
        if first and source.enum is None and not code:
            raise TableError(f"{here}, column theirs", "a blank is what is left blank", "a word needs a code")
        size = len(code.encode(tables.head.encoding)) if tables.head.unit == "bytes" else len(code)
        if field.width and size > field.width:
            problem = f"«{code}» is longer than the item «{field.name}»"
            raise TableError(f"{here}, column theirs", problem, f"use at most {field.width}")


def ours_name(value: str) -> str:
    """How a code table names our value: a member by its name, a word by itself."""
    return str(getattr(value, "name", value))


def carried(fields: Iterable[Field]) -> set[str]:
    """The values that can be read back: a pair of views carries a part, four words a relationship."""
    named = {field.source for field in fields if field.source and _readable(field)}
    shown: dict[str, set[str]] = {}
    for view, (part, _) in VIEWS.items():
        members = {f"{part}{name.removeprefix(view)}" for name in named if name.startswith(f"{view}.")}
        shown[part] = shown.get(part, members) & members
    found = named.union(*shown.values())
    for source in list(found):
        stem, _, last = source.rpartition(".")
        if last == "1" and {f"{stem}.{index}" for index in range(1, LINKS + 1)} <= found:
            found.add(stem)
        if source in sources() and sources()[source].kind == "uncertain":
            found |= {f"{source}.{part}" for part in ("year", "month", "day")}
    return found & set(leaves())


def _readable(field: Field) -> bool:
    return converter(field, sources()[field.source]).read is not None


def omitted(omits: Mapping[str, str]) -> set[str]:
    """The values that the layout does not carry; naming a part means all of it."""
    return {leaf for leaf in leaves() if any(leaf == name or leaf.startswith(f"{name}.") for name in omits)}


def _check_omits(tables: Tables, where: str) -> None:
    has, lacks = carried(tables.fields), omitted(tables.head.omits)
    for name, reason in tables.head.omits.items():
        if not reason or not omitted({name: reason}):
            right = near(name, leaves()) or "give a reason"
            raise TableError(f"{where}, [omits]", f"«{name}» is not a value, or has no reason", right)
    if required := sorted(lacks & set(REQUIRED)):
        raise TableError(f"{where}, [omits]", f"«{required[0]}» cannot be omitted: a town answers by it")
    if forgotten := sorted(set(leaves()) - has - lacks):
        right = "add a row, or list it under [omits] with the reason"
        raise TableError(f"{tables.name}/fields.csv", f"nothing carries {', '.join(forgotten)}", right)
    if needless := sorted(has & lacks):
        raise TableError(f"{where}, [omits]", f"«{needless[0]}» is carried by an item", "remove it")


def _check_presence(tables: Tables) -> None:
    """In a row of texts a part that was filed empty must not look like one that was not filed."""
    told: dict[str, bool] = {}
    for field in tables.fields:
        if field.source and (part := sources()[field.source].part).path:
            told[part.name] = told.get(part.name, False) or _never_blank(tables, field)
    for name in (name for name, is_told in told.items() if not is_told):
        right = f"add an item with source {name} and convert present"
        raise TableError(f"{tables.name}/fields.csv", f"nothing tells an empty «{name}» from none", right)


def _never_blank(tables: Tables, field: Field) -> bool:
    source = sources()[field.source]
    if source.enum is not None:
        return "" not in (tables.codes[field.codes].values() if field.codes else source.enum)
    return source.kind in {"part", "uncertain", "flag", "number"}
