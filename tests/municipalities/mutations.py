"""Seeded mistakes: each kind takes a standard's folder and yields copies of it with one thing wrong."""

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from municipalities.convert import CONVERTERS
from municipalities.standard import tables_of
from municipalities.standard.head import CHARSETS, RECORDS
from municipalities.standard.sources import sources

Rows = tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Folder:
    """The tables of a folder as they are written: what a person edits."""

    path: Path
    toml: str
    fields: Rows
    codes: Mapping[str, Rows] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Folder":
        codes = {table.stem: _rows(table) for table in sorted(path.glob("codes/*.csv"))}
        fields = _rows(path / "fields.csv") if (path / "fields.csv").exists() else ()
        return cls(path, (path / "standard.toml").read_text(encoding="utf-8"), fields, codes)

    def write(self, to: Path) -> Path:
        """The folder under its own name, for a layout is known by it."""
        folder = to / self.path.name
        shutil.copytree(self.path, folder, dirs_exist_ok=True)
        (folder / "standard.toml").write_text(self.toml, encoding="utf-8")
        if self.fields:
            _write(folder / "fields.csv", self.fields)
        for name, rows in self.codes.items():
            _write(folder / "codes" / f"{name}.csv", rows)
        return folder


@dataclass(frozen=True)
class Mutant:
    """One mistake."""

    what: str
    folder: Folder


def _rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _write(path: Path, rows: Rows) -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")


def _changed(folder: Folder, number: int, **cells: str) -> Folder:
    rows = list(folder.fields)
    rows[number] = rows[number] | cells
    return replace(folder, fields=tuple(rows))


def _without(rows: Rows, number: int) -> Rows:
    return rows[:number] + rows[number + 1 :]


# --- the kinds ------------------------------------------------------------------------------------------


def dropped_rows(folder: Folder) -> Iterator[Mutant]:
    for number, row in enumerate(folder.fields):
        if len(folder.fields) > 1:
            yield Mutant(row["name"], replace(folder, fields=_without(folder.fields, number)))


def wrong_sources(folder: Folder) -> Iterator[Mutant]:
    """Each with the source of the next row that has another one."""
    for number, row in enumerate(folder.fields):
        others = [other["source"] for other in (*folder.fields[number + 1 :], *folder.fields) if other["source"]]
        other = next((source for source in others if source != row["source"]), None)
        if row["source"] and other:
            yield Mutant(f"{row['name']} ← {other}", _changed(folder, number, source=other))


def wrong_converters(folder: Folder) -> Iterator[Mutant]:
    for number, row in enumerate(folder.fields):
        kind = sources()[row["source"]].kind if row["source"] else ""
        used = row.get("convert", "")
        other = next((name for name, kinds in CONVERTERS.items() if kind in kinds and name != (used or "text")), None)
        if kind in {"date", "uncertain", "flag"} and other and not row.get("codes"):
            yield Mutant(f"{row['name']}: {other}", _changed(folder, number, convert=other))


def missing_codes(folder: Folder) -> Iterator[Mutant]:
    for name, rows in folder.codes.items():
        for number, row in enumerate(rows):
            codes = {**folder.codes, name: _without(rows, number)}
            if len(rows) > 1:
                yield Mutant(f"{name}: {row['ours']}", replace(folder, codes=codes))


def doubled_codes(folder: Folder) -> Iterator[Mutant]:
    """A code that stands for two of ours, in tables that are read."""
    read = _read_tables(folder)
    for name, rows in folder.codes.items():
        for number in range(1, len(rows) if name in read else 0):
            twice = rows[number] | {"theirs": rows[number - 1]["theirs"]}
            codes = {**folder.codes, name: (*rows[:number], twice, *rows[number + 1 :])}
            yield Mutant(f"{name}: {twice['ours']}", replace(folder, codes=codes))


def _read_tables(folder: Folder) -> set[str]:
    """Of items that carry the same value the first is read, the others are for the eyes."""
    first: dict[str, str] = {}
    for item in tables_of(folder.path.name).fields:
        if item.source:
            first.setdefault(item.source, item.codes)
    return set(first.values())


def narrower_widths(folder: Folder) -> Iterator[Mutant]:
    for number, row in enumerate(folder.fields):
        if int(row.get("width") or 0) > 1:
            yield Mutant(f"{row['name']}: -1", _changed(folder, number, width=str(int(row["width"]) - 1)))


def wrong_encodings(folder: Folder) -> Iterator[Mutant]:
    own = re.search('^encoding = "(.*)"$', folder.toml, re.MULTILINE)
    for encoding in CHARSETS if own else ():
        if own and encoding != own[1]:
            toml = folder.toml.replace(own[0], f'encoding = "{encoding}"')
            yield Mutant(encoding, replace(folder, toml=toml))


def swapped_columns(folder: Folder) -> Iterator[Mutant]:
    """Neighbours in each other's place, as when a column was pasted one too far."""
    rows = folder.fields
    for number in range(len(rows) - 1):
        one, other = rows[number], rows[number + 1]
        if one.get("record", "") == other.get("record", "") and not (one.get("after") or other.get("after")):
            swapped = (*rows[:number], other, one, *rows[number + 2 :])
            yield Mutant(f"{one['name']} ↔ {other['name']}", replace(folder, fields=swapped))


def changed_constants(folder: Folder) -> Iterator[Mutant]:
    for number, row in enumerate(folder.fields):
        if text := row.get("constant", ""):
            other = ("X" if text[0] != "X" else "Y") + text[1:]
            yield Mutant(f"{row['name']}: {other}", _changed(folder, number, constant=other))


def wrong_records(folder: Folder) -> Iterator[Mutant]:
    used = {row.get("record", "") for row in folder.fields} - {""}
    for number, row in enumerate(folder.fields):
        for record in RECORDS if used and row.get("record") else ():
            if record != row["record"]:
                yield Mutant(f"{row['name']} in {record}", _changed(folder, number, record=record))


KINDS: Mapping[str, Callable[[Folder], Iterator[Mutant]]] = {
    "dropped row": dropped_rows,
    "wrong source": wrong_sources,
    "wrong converter": wrong_converters,
    "missing code": missing_codes,
    "one code for two": doubled_codes,
    "width less one": narrower_widths,
    "wrong encoding": wrong_encodings,
    "swapped columns": swapped_columns,
    "changed constant": changed_constants,
    "wrong record": wrong_records,
}


def sampled(mutants: list[Any], most: int) -> list[Any]:
    """So many of them, evenly from first to last."""
    if len(mutants) <= most:
        return mutants
    return [mutants[round(place * (len(mutants) - 1) / (most - 1))] for place in range(most)]
