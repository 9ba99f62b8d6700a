"""Comma-separated records (RFC 4180): a header line, every item quoted, CRLF."""

import csv
import io
from collections.abc import Iterable, Sequence

from municipalities.errors import UnfitError


def render(names: Sequence[str], rows: Iterable[Sequence[str]], encoding: str) -> bytes:
    """The header and one line per row.

    >>> render(["番号", "備考"], [["1", "a,b"]], "utf-8").decode().splitlines()
    ['"番号","備考"', '"1","a,b"']
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def parse(content: bytes, names: Sequence[str], encoding: str) -> list[list[str]]:
    """The rows below the header, which must name our items in our order."""
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise UnfitError(f"byte {error.start} is not {encoding}", code="E100") from None
    except csv.Error as error:
        raise UnfitError(f"not CSV: {error}", code="E100") from None
    if not rows or rows[0] != list(names):
        raise UnfitError(_header(rows[0] if rows else [], names), code="E100")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise UnfitError(f"record {number} has {len(row)} items, not {len(names)}", code="E100")
    return rows[1:]


def _header(found: Sequence[str], names: Sequence[str]) -> str:
    for number, name in enumerate(names, 1):
        if number > len(found) or found[number - 1] != name:
            return f"the header must name «{name}» as item {number}"
    return f"the header has {len(found)} items, not {len(names)}"
