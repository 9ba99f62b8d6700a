"""Takes a table of private-use characters (外字) in from CSV and writes it out again, with its notes."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from django.db import transaction
from django.db.models import F

from municipalities import characters
from municipalities.characters import GaijiError
from municipalities.models import LONGEST_NOTE, Gaiji, GaijiTable

#: The table of a town that does not exist, for the demo.
SAMPLE = Path(__file__).parent / "data" / "characters" / "gaiji_sample.csv"
COLUMNS = ("private", "sequence", "note")


def read(file: str, content: bytes) -> list[Gaiji]:
    """The rows of a CSV file (UTF-8, with or without a byte order mark), checked; none is saved.

    A table with one wrong cell is refused as a whole: ``GaijiError`` names file, row and column.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise GaijiError(f"{file}, row {row}: it is not UTF-8; save it as «CSV UTF-8»") from None
    try:
        meaning = characters.Gaiji.parse(file, text).meaning
        notes = [row[2] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    except csv.Error as error:
        raise GaijiError(f"{file}: {error}") from None
    for number, note in enumerate(notes, start=2):
        if len(note) > LONGEST_NOTE:
            raise GaijiError(f"{file}, row {number}, column note: it is longer than {LONGEST_NOTE} characters")
    return [Gaiji(private=one, sequence=meaning[one], note=note) for one, note in zip(meaning, notes, strict=True)]


def points(text: str) -> str:
    """The code points of a text.

    >>> points("𠮷")
    'U+20BB7'
    """
    return " ".join(f"U+{ord(character):04X}" for character in text)


def write(rows: Iterable[Gaiji]) -> str:
    """The rows as CSV, code points in place of characters that a reader may have no font for."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((points(row.private), points(row.sequence), row.note) for row in rows)
    return lines.getvalue()


@transaction.atomic
def replace(table: GaijiTable, rows: Iterable[Gaiji]) -> bool:
    """Put these rows in the place of the table's; tells whether that changed anything."""
    GaijiTable.objects.select_for_update().get(pk=table.pk)
    new = {row.private: (row.sequence, row.note) for row in rows}
    old = {row.private: (row.sequence, row.note) for row in table.rows.all()}
    if new == old:
        return False
    table.rows.all().delete()
    Gaiji.objects.bulk_create(
        Gaiji(table=table, private=private, sequence=sequence, note=note) for private, (sequence, note) in new.items()
    )
    GaijiTable.objects.filter(pk=table.pk).update(version=F("version") + 1)
    table.refresh_from_db(fields=["version"])
    return True
