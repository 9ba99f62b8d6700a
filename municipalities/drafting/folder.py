"""Writes the draft of a standard: a folder that loads, or that says by file, row and column what remains."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from municipalities.drafting.draft import Draft, Row
from municipalities.exports.comparison import in_order
from municipalities.standard import Field, Standard, TableError
from municipalities.standard.folder import FIRST, read_folder
from municipalities.standard.tables import Tables

COLUMNS = ("name", "source", "convert", "codes", "width", "note")
REASON = "Drafted from {file}: names and codes were matched by machine; confirm each row, then replace this reason."


def write(draft: Draft, folder: Path) -> None:
    """Write the folder, which must not exist."""
    (folder / "codes").mkdir(parents=True)
    (folder / "standard.toml").write_text(_toml(draft), encoding="utf-8")
    rows, columns = (_all(draft), COLUMNS) if draft.base is None else (_over(draft, draft.base), (*COLUMNS, "after"))
    _write(folder / "fields.csv", columns, rows)
    for name, table in draft.codes.items():
        if draft.base is None or draft.base.codes.get(name) != table:
            words = draft.words[name]
            lines = ({"ours": ours, "theirs": code, "note": words.get(ours, "")} for ours, code in table.items())
            _write(folder / "codes" / f"{name}.csv", ("ours", "theirs", "note"), lines)
    if not any((folder / "codes").iterdir()):
        (folder / "codes").rmdir()


def remaining(draft: Draft, folder: Path, base: Callable[[str], Tables]) -> list[str]:
    """What must be filled in before the folder loads, each by file, row and column."""
    found = [
        f"{folder.name}/codes/{name}.csv, row {row}, column theirs: the code of {ours}"
        for name, table in draft.codes.items()
        for row, (ours, theirs) in enumerate(table.items(), 2)
        if not theirs and not any(table.values())
    ]
    try:
        read_folder(folder, base)
    except TableError as error:
        return found or [str(error)]
    return found


def _write(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")


def _cells(field: Field) -> dict[str, str]:
    convert = "" if field.convert == "text" else field.convert
    width = str(field.width or "")
    names = (field.name, field.source, convert, field.codes, width, field.note)
    return dict(zip(COLUMNS, names, strict=True))


def _all(draft: Draft) -> Iterator[dict[str, str]]:
    return (_cells(row.field) for row in draft.rows)


# --- over a base ----------------------------------------------------------------------------------------


def _over(draft: Draft, base: Standard) -> Iterator[dict[str, str]]:
    """Only the rows that the base does not have so, and those that stand elsewhere, each behind the one before it."""
    below = {item.name: item for item in base.items}
    names = [row.field.name for row in draft.rows]
    places = {name: place for place, name in enumerate(below)}
    kept = set(in_order([name for name in names if name in below], places))
    before = FIRST
    for row in draft.rows:
        field = _as_below(row, below.get(row.field.name))
        if row.field.name not in kept or field != below[row.field.name]:
            yield _cells(field) | {"after": "" if row.field.name in kept else before}
        before = row.field.name


def _as_below(row: Row, item: Field | None) -> Field:
    """The row of the base, where the draft says nothing else."""
    if item is None or item.source != row.field.source:
        return row.field
    same = (
        row.field.width in {0, item.width} and row.field.convert in {"", item.convert} and row.field.codes == item.codes
    )
    return item if same else replace(row.field, width=row.field.width or item.width)


def _drops(draft: Draft, base: Standard) -> list[str]:
    names = {row.field.name for row in draft.rows}
    return [item.name for item in base.items if item.name not in names]


# --- standard.toml --------------------------------------------------------------------------------------


def _toml(draft: Draft) -> str:
    settings = {
        "title": f"{draft.name}, drafted",
        "source": f"{draft.file}, as the vendor gave it",
        "extends": draft.base.name if draft.base else "",
        "format": "" if draft.base else "delimited",
        "encoding": "" if draft.base and draft.base.encoding == draft.sniffed.encoding else draft.sniffed.encoding,
        "unit": draft.sniffed.unit if draft.sniffed.unit == "bytes" else "",
        "provisional": True,
        "reason": REASON.format(file=draft.file),
        "drops": _drops(draft, draft.base) if draft.base else [],
    }
    lines = [f"{name} = {_value(value)}" for name, value in settings.items() if value]
    for title, table in (("dialect", _dialect(draft)), ("omits", draft.omits)):
        if table:
            lines += ["", f"[{title}]", *(f"{_key(name)} = {_value(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"


def _dialect(draft: Draft) -> dict[str, object]:
    sniffed = draft.sniffed
    told = {
        "delimiter": sniffed.delimiter,
        "quoting": sniffed.quoting,
        "line_end": sniffed.line_end,
        "byte_order_mark": sniffed.byte_order_mark,
    }
    usual = {"delimiter": ",", "quoting": "all", "line_end": "crlf", "byte_order_mark": False}
    if draft.base or sniffed.sheet:
        return {} if sniffed.sheet else told
    return {name: value for name, value in told.items() if value != usual[name]}


def _key(name: str) -> str:
    return name if "." not in name else _value(name)


def _value(value: object) -> str:
    """A TOML value: its strings, lists of strings and truth values are written as JSON writes them."""
    return json.dumps(value, ensure_ascii=False)
