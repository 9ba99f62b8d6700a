"""A town's own private-use characters (外字): what each of them means, in both directions."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from municipalities.characters.clusters import BROKEN, CLUSTER, PRIVATE, points

COLUMNS = ["private", "sequence", "note"]
POINTS = re.compile(r"U\+[0-9A-Fa-f]{4,6}(?: U\+[0-9A-Fa-f]{4,6})*")


class GaijiError(ValueError):
    """A mistake in a table of gaiji; the message names file, row and column."""


@dataclass(frozen=True)
class Gaiji:
    """One town's table. Each private character means one character, with its selector, and the other way round."""

    name: str
    meaning: Mapping[str, str] = field(hash=False, repr=False)  #: private character → what it means

    def __post_init__(self) -> None:
        for private, sequence in self.meaning.items():
            if wrong := _wrong_private(private) or _wrong_sequence(sequence):
                raise GaijiError(f"{self.name}: {points(private)}: {wrong}")
        if len(self.private) < len(self.meaning):
            raise GaijiError(f"{self.name}: two private characters mean the same")

    @cached_property
    def private(self) -> Mapping[str, str]:
        """What may be filed → the town's private character."""
        return {sequence: private for private, sequence in self.meaning.items()}

    @cached_property
    def sequences(self) -> frozenset[str]:
        return frozenset(self.private)

    @classmethod
    def load(cls, path: Path, name: str = "") -> "Gaiji":
        """The table of a CSV file with the columns private, sequence and note (UTF-8).

        It is named after its file: ``gaiji_sample.csv`` is «sample». Raises ``GaijiError``.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise GaijiError(f"{path.name}: the file is not UTF-8") from None
        return cls.parse(name or path.stem.removeprefix("gaiji_"), text, path.name)

    @classmethod
    def parse(cls, name: str, text: str, file: str = "") -> "Gaiji":
        """The table of a CSV text; a character stands as itself or as code points, «U+9089 U+E0101»."""
        rows = csv.reader(io.StringIO(text, newline=""))
        file = file or name
        if (header := next(rows, [])) != COLUMNS:
            raise GaijiError(f"{file}, row 1: the columns are {','.join(header)}, not {','.join(COLUMNS)}")
        meaning: dict[str, str] = {}
        lines: dict[str, int] = {}
        for row in rows:
            if len(row) != len(COLUMNS):
                raise GaijiError(f"{file}, row {rows.line_num}: {len(row)} cells instead of {len(COLUMNS)}")
            cells = [_characters(cell) for cell in row[:2]]
            wrongs = _wrong_private(cells[0]), _wrong_sequence(cells[1])
            for column, cell, wrong in zip(COLUMNS, cells, wrongs, strict=False):
                known = f"{points(cell)} stands in row {lines[cell]} already" if cell in lines else ""
                if wrong or known:
                    raise GaijiError(f"{file}, row {rows.line_num}, column {column}: {wrong or known}")
                lines[cell] = rows.line_num
            meaning[cells[0]] = cells[1]
        return cls(name, meaning)


def _characters(cell: str) -> str:
    """What a cell names; a code point beyond Unicode's last stays as it was written."""
    codes = [int(point[2:], 16) for point in cell.split(" ")] if POINTS.fullmatch(cell) else []
    return "".join(map(chr, codes)) if codes and max(codes) <= 0x10FFFF else cell


def _wrong_private(cell: str) -> str:
    return "" if PRIVATE.fullmatch(cell) else "it is not one private-use character, as U+E000 is"


def _wrong_sequence(cell: str) -> str:
    if not CLUSTER.fullmatch(cell) or BROKEN.search(cell) or cell.isspace():
        return "it is not one character, with its selector if it has one, as U+20BB7 and U+9089 U+E0101 are"
    return "it is itself a private-use character, which nobody else can read" if PRIVATE.search(cell) else ""
