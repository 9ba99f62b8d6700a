"""Brings the database in line with the tables of municipalities; repeating it changes nothing.

A table with one wrong cell is refused as a whole, and the refusal says where and what would be right. What
clerks set (opening hours, exceptions, connections) is never touched, and no row is ever deleted: a code
that ends gets its last day in the table.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django.db import transaction

from municipalities import codes
from municipalities.models import Kind, Municipality, Succession

DATA = Path(__file__).parent / "data"
MUNICIPALITIES = DATA / "municipalities.csv"
SUCCESSIONS = DATA / "successions.csv"
COLUMNS = ("code", "kind", "prefecture", "within", "name", "kana", "parent_code", "valid_from", "valid_to")
FROM_TABLE = COLUMNS[1:]
SUCCESSION_COLUMNS = ("predecessor", "successor", "on", "part")
KATAKANA = re.compile(r"[ァ-ヴー]+")


class TableError(ValueError):
    """A cell of a table is wrong; the text says which and what would be right."""

    def __init__(self, file: Path, row: int, column: str, why: str) -> None:
        super().__init__(f"{file.name}, row {row}, column {column}: {why}")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell with where it stands, so that a refusal can say it; the heading is row 1."""

    file: Path
    row: int
    column: str
    text: str

    def wrong(self, why: str) -> TableError:
        return TableError(self.file, self.row, self.column, why)

    def code(self) -> str:
        """A code of six digits with the right check digit."""
        if not codes.SIX_DIGITS.fullmatch(self.text):
            raise self.wrong(f"{self.text!r} is not six digits")
        right = codes.complete(self.text[:5])
        if self.text != right:
            raise self.wrong(f"{self.text} has a wrong check digit, {right} would be right")
        return self.text

    def day(self) -> date | None:
        """A day as 2024-01-01, or nothing."""
        try:
            return date.fromisoformat(self.text) if self.text else None
        except ValueError as error:
            raise self.wrong(f"{self.text!r} is not a day, 2024-01-01 is one") from error


@dataclass(slots=True)
class Report:
    """What a synchronisation did, by code."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    #: In the database but no longer in the table: kept, and worth a look.
    unlisted: list[str] = field(default_factory=list)
    successions: list[str] = field(default_factory=list)
    unchanged: int = 0


def read(file: Path, columns: tuple[str, ...]) -> Iterator[Mapping[str, Cell]]:
    """The rows of a table, cell by cell."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        heading = tuple(next(rows, ()))
        if heading != columns:
            raise TableError(file, 1, ",".join(heading), f"the columns have to be {','.join(columns)}")
        for number, row in enumerate(rows, start=2):
            if len(row) != len(columns):
                raise TableError(file, number, columns[-1], f"{len(row)} cells instead of {len(columns)}")
            yield {name: Cell(file, number, name, text) for name, text in zip(columns, row, strict=True)}


def read_municipalities(file: Path = MUNICIPALITIES) -> dict[str, Municipality]:
    """The table of municipalities, checked, by code."""
    found: dict[str, Municipality] = {}
    parents: list[Cell] = []
    for row in read(file, COLUMNS):
        one = municipality(row)
        if one.code in found:
            raise row["code"].wrong(f"{one.code} is there twice")
        found[one.code] = one
        if one.parent_code:
            parents.append(row["parent_code"])
    for parent in parents:
        if parent.text not in found or found[parent.text].kind != Kind.DESIGNATED_CITY:
            raise parent.wrong(f"{parent.text} is no designated city of this table")
    return found


def municipality(row: Mapping[str, Cell]) -> Municipality:
    """One row of the table, checked."""
    code, kind, kana = row["code"].code(), row["kind"], row["kana"]
    if kind.text not in Kind.values:
        raise kind.wrong(f"{kind.text!r} is none of {', '.join(Kind.values)}")
    right = codes.prefectures().get(code[:2])
    if row["prefecture"].text != right:
        raise row["prefecture"].wrong(f"{row['prefecture'].text!r}, but code {code} lies in {right}")
    if not row["name"].text:
        raise row["name"].wrong("a name is needed")
    if not KATAKANA.fullmatch(kana.text):
        raise kana.wrong(f"{kana.text!r} is not full-width katakana")
    parent = row["parent_code"]
    if (kind.text == Kind.WARD) != bool(parent.text):
        raise parent.wrong("a ward, and only a ward, has its designated city here")
    texts = {name: row[name].text for name in ("prefecture", "within", "name")}
    first, last = row["valid_from"].day(), row["valid_to"].day()
    if first and last and last < first:
        raise row["valid_to"].wrong(f"{last} is before {first}")
    return Municipality(
        code=code,
        kind=kind.text,
        kana=kana.text,
        parent_code=parent.code() if parent.text else "",
        valid_from=first,
        valid_to=last,
        **texts,
    )


def read_successions(known: Mapping[str, Municipality], file: Path = SUCCESSIONS) -> list[Succession]:
    """The table of successions, checked against the municipalities."""
    return [succession(row, known) for row in read(file, SUCCESSION_COLUMNS)]


def succession(row: Mapping[str, Cell], known: Mapping[str, Municipality]) -> Succession:
    """One row of the table, checked."""
    for name in ("predecessor", "successor"):
        if row[name].code() not in known:
            raise row[name].wrong(f"{row[name].text} is not in the table of municipalities")
    on = row["on"].day()
    first = known[row["successor"].text].valid_from
    if on is None or (first and on < first):
        raise row["on"].wrong(f"the successor's first day is needed, it begins on {first}")
    return Succession(
        predecessor_id=row["predecessor"].text,
        successor_id=row["successor"].text,
        on=on,
        part=row["part"].text,
    )


@transaction.atomic
def sync(municipalities: Path = MUNICIPALITIES, successions: Path = SUCCESSIONS) -> Report:
    """Read both tables and bring the database in line with them."""
    listed = read_municipalities(municipalities)
    follow = read_successions(listed, successions)
    known = Municipality.objects.select_for_update().in_bulk()
    report = Report(unlisted=sorted(known.keys() - listed.keys()))
    differing: list[Municipality] = []
    for code, row in listed.items():
        before = known.get(code)
        if before is None:
            report.added.append(code)
        elif differs(before, row, FROM_TABLE):
            (report.ended if row.valid_to and not before.valid_to else report.changed).append(code)
            differing.append(row)
        else:
            report.unchanged += 1
    Municipality.objects.bulk_create([listed[code] for code in report.added])
    Municipality.objects.bulk_update(differing, FROM_TABLE)
    report.successions = sync_successions(follow)
    return report


def sync_successions(listed: list[Succession]) -> list[str]:
    """Add or correct successions; returns those that were."""
    known = {(row.predecessor_id, row.successor_id): row for row in Succession.objects.all()}
    wanted = []
    for row in listed:
        before = known.get((row.predecessor_id, row.successor_id))
        if before is None or differs(before, row, ("on", "part")):
            wanted.append(row)
    Succession.objects.bulk_create(
        wanted,
        update_conflicts=True,
        unique_fields=["predecessor", "successor"],
        update_fields=["on", "part"],
    )
    return [str(row) for row in wanted]


def differs(before: object, after: object, names: tuple[str, ...]) -> bool:
    """Whether any of these fields has another value."""
    return any(getattr(before, name) != getattr(after, name) for name in names)
