"""Reads a standard's folder; whatever is wrong in a table is named by file, row, column and what is right."""

import csv
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from municipalities.characters import Gaiji, GaijiError
from municipalities.convert import CONVERTERS
from municipalities.standard import sources
from municipalities.standard.checks import check
from municipalities.standard.head import RECORDS, Head, merged
from municipalities.standard.sources import Subject, near
from municipalities.standard.tables import Field, TableError, Tables

COLUMNS = (
    "name",
    "source",
    "convert",
    "codes",
    "width",
    "record",
    "required",
    "constant",
    "repeat",
    "after",
    "note",
)
#: In the column «after»: before every other item.
FIRST = "-"


def read_folder(folder: Path, base: Callable[[str], Tables]) -> Tables:
    """Read a folder and check it by itself; ``base`` finds the one it extends."""
    settings = _settings(folder)
    below = base(settings["extends"]) if settings.get("extends") else None
    if below is not None:
        settings = merged(below.settings, settings)
    try:
        head = msgspec.convert(settings, Head)
    except msgspec.ValidationError as error:
        raise TableError(f"{folder.name}/standard.toml", str(error)) from None
    codes = dict(below.codes) if below else {}
    files = dict(below.files) if below else {}
    for path in sorted(folder.glob("codes/*.csv")):
        codes[path.stem], files[path.stem] = _codes(path), f"{folder.name}/codes/{path.name}"
    fields = _fields(folder / "fields.csv", below, head.drops)
    tables = Tables(folder.name, head, settings, fields, MappingProxyType(codes), files, sources.notices())
    tables = replace(tables, gaiji=_gaiji(folder) or (below.gaiji if below else None))
    tables = replace(tables, answers=_answers(folder, below, tables))
    check(tables)
    return tables


def _answers(folder: Path, below: Tables | None, tables: Tables) -> Tables | None:
    """The file of answers: the same format, with items of its own."""
    over, path = below.answers if below else None, folder / "answers.csv"
    if over is None and not path.exists():
        return None
    head, own = tables.head, tables.head.answers
    head = msgspec.structs.replace(
        head, root=own.root or head.root, movers=own.movers or head.movers, omits=own.omits, totals={}, drops=[]
    )
    answers = replace(tables, head=head, subject=sources.answers(), file=path.name)
    return replace(answers, fields=_fields(path, over, [], sources.answers()))


def _gaiji(folder: Path) -> Gaiji | None:
    path = folder / "gaiji.csv"
    try:
        return Gaiji.load(path, folder.name) if path.exists() else None
    except GaijiError as error:
        raise TableError(f"{folder.name}/{path.name}", str(error)) from None


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "standard.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TableError(folder.name, "there is no standard.toml") from None
    except tomllib.TOMLDecodeError as error:
        raise TableError(f"{folder.name}/{path.name}", str(error)) from None


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


def _codes(path: Path) -> Mapping[str, str]:
    table: dict[str, str] = {}
    for where, row in _table(path, ("ours", "theirs", "note")):
        if row["ours"] in table:
            raise TableError(f"{where}, column ours", f"«{row['ours']}» stands twice")
        table[row["ours"]] = row["theirs"]
    return MappingProxyType(table)


# --- items ----------------------------------------------------------------------------------------------


def _fields(
    path: Path, below: Tables | None, drops: Iterable[str], subject: Subject | None = None
) -> tuple[Field, ...]:
    """The items of the base with the rows of this table put over them, without those it drops."""
    fields = list(below.fields) if below else []
    if below is None or path.exists():
        for field, after in _rows(path, subject or sources.notices()):
            _place(fields, field, after)
    for name in drops:
        _drop(fields, name, f"{path.parent.name}/standard.toml, drops", below)
    return tuple(fields)


def _place(fields: list[Field], field: Field, after: str) -> None:
    """A row replaces the row of its name; it stands behind ``after``, else where that stood, else last."""
    names = [(other.record, other.name) for other in fields]
    key = (field.record, field.name)
    place = names.index(key) if key in names else len(fields)
    if key in names:
        del fields[place], names[place]
    if after:
        anchor = (field.record, after)
        if after != FIRST and anchor not in names:
            right = near(after, (name for record, name in names if record == field.record))
            raise TableError(f"{field.where}, column after", f"there is no item «{after}» before it", right)
        place = 0 if after == FIRST else names.index(anchor) + 1
    fields.insert(place, field)


def _drop(fields: list[Field], name: str, where: str, below: Tables | None) -> None:
    """Take an item of the base out; «person:氏名» names the kind of record where several have it."""
    if below is None:
        raise TableError(where, "only a layout that extends another drops items", "delete the rows themselves")
    kind, _, rest = name.partition(":")
    key = (kind, rest) if kind in RECORDS else ("", name)
    found = [field for field in fields if field.name == key[1] and key[0] in {"", field.record}]
    if len(found) != 1 or found[0] not in below.fields:
        problem = f"the base has {'more than one' if len(found) > 1 else 'no'} item «{name}»"
        right = f"name the record: person:{name}" if len(found) > 1 else near(name, (it.name for it in below.fields))
        raise TableError(where, problem, right)
    fields.remove(found[0])


def _rows(path: Path, subject: Subject) -> Iterator[tuple[Field, str]]:
    """Each row of a table of items, with the item it follows."""
    seen: set[tuple[str, str]] = set()
    for where, row in _table(path, COLUMNS):
        if not row["name"]:
            raise TableError(f"{where}, column name", "it is blank")
        record = _one_of(row, "record", ("", *RECORDS), where)
        if (record, row["name"]) in seen:
            raise TableError(f"{where}, column name", f"«{row['name']}» stands twice")
        seen.add((record, row["name"]))
        field = Field(
            name=row["name"],
            source=row["source"],
            convert=row.get("convert", ""),
            codes=row.get("codes", ""),
            width=_number(row, "width", where),
            note=row.get("note", ""),
            where=where,
            record=record,
            required=_one_of(row, "required", ("", "1"), where) == "1",
            constant=row.get("constant", ""),
            repeat=_number(row, "repeat", where),
        )
        yield _checked(field, subject), row.get("after", "")


def _number(row: Mapping[str, str], column: str, where: str) -> int:
    text = row.get(column, "")
    if text and not (text.isascii() and text.isdecimal()):
        raise TableError(f"{where}, column {column}", f"«{text}» is not a number")
    return int(text or 0)


def _one_of(row: Mapping[str, str], column: str, known: tuple[str, ...], where: str) -> str:
    text = row.get(column, "")
    if text not in known:
        right = f"use one of {', '.join(filter(None, known))}, or leave it blank"
        raise TableError(f"{where}, column {column}", f"«{text}» is not known", right)
    return text


def _checked(field: Field, subject: Subject) -> Field:
    """The row with its converter; whatever it names must exist and fit its source."""
    where, known = field.where, subject.sources
    if field.source and field.source not in known:
        raise TableError(f"{where}, column source", f"the record has no «{field.source}»", near(field.source, known))
    if field.convert and field.convert not in CONVERTERS:
        right = near(field.convert, CONVERTERS) or f"there are {', '.join(CONVERTERS)}"
        raise TableError(f"{where}, column convert", f"there is no converter «{field.convert}»", right)
    if field.constant and (field.source or field.convert or field.codes):
        raise TableError(f"{where}, column constant", "a constant has no source", "leave source, convert, codes blank")
    if field.required and not field.source:
        raise TableError(f"{where}, column required", "an item without a source is always blank", "leave it blank")
    if not field.source:
        return field
    kind = known[field.source].kind
    convert = field.convert or ("number" if known[field.source].counted else "text")
    if field.codes and convert != "text":
        raise TableError(f"{where}, column convert", "an item with a code table needs none", "leave it blank")
    if kind not in CONVERTERS[convert] and not field.codes:
        fit = ", ".join(name for name, kinds in CONVERTERS.items() if kind in kinds)
        raise TableError(f"{where}, column convert", f"«{convert}» cannot write a {kind}", f"use one of {fit}")
    return replace(field, convert=convert)
