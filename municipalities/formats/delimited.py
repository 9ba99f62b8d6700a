"""Records of items set apart by a sign (RFC 4180 and its relatives)."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from municipalities.errors import UnfitError


@dataclass(frozen=True, slots=True)
class Dialect:
    """How items and records are set apart."""

    delimiter: str = ","
    quoting: str = "all"  #: all, minimal or none
    line_end: str = "\r\n"


def liner(dialect: Dialect) -> Callable[[Sequence[str]], str]:
    """Makes a line of the items of a record; compiled once, for it is called for each.

    >>> liner(Dialect())(["1", 'a"b']), liner(Dialect("\\t", "minimal", "\\n"))(["1", "a\\tb"])
    ('"1","a""b"\\r\\n', '1\\t"a\\tb"\\n')
    """
    delimiter, end = dialect.delimiter, dialect.line_end
    between = f'"{delimiter}"'
    special = re.compile(f'[{re.escape(delimiter)}"\r\n]').search
    unquotable = re.compile(f"[{re.escape(delimiter)}\r\n]").search

    def all_quoted(cells: Sequence[str]) -> str:
        text = between.join(cells)
        if text.count('"') != 2 * len(cells) - 2:
            text = between.join([cell.replace('"', '""') for cell in cells])
        return f'"{text}"{end}'

    def quoted_where_needed(cells: Sequence[str]) -> str:
        if special("".join(cells)):
            cells = [f'"{cell.replace(chr(34), chr(34) * 2)}"' if special(cell) else cell for cell in cells]
        return delimiter.join(cells) + end

    def unquoted(cells: Sequence[str]) -> str:
        if unquotable("".join(cells)):
            raise UnfitError("an item holds what sets items apart, and there are no quotation marks", code="E130")
        return delimiter.join(cells) + end

    return {"all": all_quoted, "minimal": quoted_where_needed, "none": unquoted}[dialect.quoting]


def parse(text: str, dialect: Dialect) -> list[list[str]]:
    """The records of a text, whichever line end they have."""
    if dialect.quoting == "none":
        lines = text.removesuffix("\n").removesuffix("\r").replace("\r\n", "\n").split("\n") if text else []
        return [line.split(dialect.delimiter) for line in lines]
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=dialect.delimiter))
    except csv.Error as error:
        raise UnfitError(f"not CSV: {error}", code="E100") from None


def check_header(found: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a first line that does not name our items in our order."""
    for number, name in enumerate(names, 1):
        if number > len(found) or found[number - 1] != name:
            raise UnfitError(f"the header must name «{name}» as item {number}", code="E100")
    if len(found) > len(names):
        raise UnfitError(f"the header has {len(found)} items, not {len(names)}", code="E100")
