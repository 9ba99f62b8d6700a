"""What a vendor's file is: its encoding, how its items are set apart, the names of its items and sample values.

The first line of a sample names the items; or the file is a layout sheet, which lists them one a line with their
sizes. Everything that was concluded is told.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le"}
#: Encodings that no mark and no escape tells; of two that fit alike the first.
GUESSED = ("cp932", "euc_jp", "shift_jis_2004")

JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uff01-\uff5e]")
UNLIKELY = re.compile("[\uff61-\uff9f\ue000-\uf8ff\u0080-\u009f]")

PRIVATE = re.compile("[\ue000-\uf8ff]")

#: Columns of a layout sheet.
NAMES = ("項目名", "データ項目名", "項目名称", "項目")
BYTES = "バイト数"
WIDTHS = ("桁数", BYTES, "最大桁数", "サイズ", "文字数", "長さ")
NOTES = ("備考", "説明", "内容")


class UnreadableError(ValueError):
    """The file is nothing that a draft can be made of; says what it should be."""


@dataclass(frozen=True, slots=True)
class Named:
    """One item of the vendor's, with what its file shows of it."""

    name: str
    samples: tuple[str, ...] = ()  #: values that are not blank, each once
    width: int = 0  #: as a layout sheet says
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The file."""

    encoding: str
    byte_order_mark: bool
    delimiter: str
    quoting: str  #: all or minimal
    line_end: str  #: crlf or lf
    sheet: bool  #: whether it is a layout sheet: then nothing above is told of the records
    items: tuple[Named, ...]
    records: int
    unit: str = "characters"  #: what the sizes of a layout sheet count
    private: bool = False  #: whether there are characters of a vendor's own, or of JIS X 0213: the bytes do not tell

    def told(self) -> str:
        """In one line, for the person who will check it."""
        mark = " with a byte order mark" if self.byte_order_mark else ""
        if self.sheet:
            return f"a layout sheet of {len(self.items)} items, itself {self.encoding}: state the records' encoding"
        marks = {"all": "every item quoted", "minimal": "quoted where needed"}[self.quoting]
        ends = {"crlf": "CRLF", "lf": "LF"}[self.line_end]
        shape = f"{DELIMITERS[self.delimiter]}-separated, {marks}, {ends}"
        own = "; private-use characters, unless it is shift_jis_2004" if self.private else ""
        return f"{self.encoding}{mark}, {shape}: {len(self.items)} items, {self.records} sample records{own}"


def sniff(content: bytes) -> Sniffed:
    """Find out what the file is, or raise ``UnreadableError``."""
    encoding, mark = encoding_of(content)
    text = content.removeprefix(mark).decode(encoding)
    delimiter, rows = _rows(text)
    items, sheet = _items(rows)
    if not items:
        raise UnreadableError("the first line must name the items")
    line_end = "crlf" if "\r\n" in text or "\n" not in text else "lf"
    quoting, unit = _quoting(text, rows), "bytes" if sheet and BYTES in rows[0] else "characters"
    private = encoding == "cp932" and PRIVATE.search(text) is not None
    return Sniffed(encoding, bool(mark), delimiter, quoting, line_end, sheet, items, len(rows) - 1, unit, private)


def encoding_of(content: bytes) -> tuple[str, bytes]:
    """The encoding and the byte order mark, if there is one.

    >>> encoding_of("氏名,備考".encode("euc_jp"))
    ('euc_jp', b'')
    """
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return encoding, mark
    if b"\x00" in content:
        if not _decodes(content, "utf-16-le") or content[:1] == b"\x00" or content.startswith(b"\xfe\xff"):
            raise UnreadableError("there are NUL bytes, but it is no UTF-16LE")
        return "utf-16-le", b""
    if content.isascii():
        return ("iso2022_jp" if b"\x1b$" in content else "utf-8"), b""
    if _decodes(content, "utf-8"):
        return "utf-8", b""
    found = [encoding for encoding in GUESSED if _decodes(content, encoding)]
    if not found:
        raise UnreadableError(f"the bytes are none of utf-8, utf-16-le, iso2022_jp, {', '.join(GUESSED)}")
    return max(found, key=lambda encoding: _likely(content.partition(b"\n")[0].decode(encoding))), b""


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _likely(heading: str) -> float:
    """How much the names of the items look like Japanese; values may be of half-width kana or private use."""
    return (len(JAPANESE.findall(heading)) - 2 * len(UNLIKELY.findall(heading))) / max(1, len(heading))


def _rows(text: str) -> tuple[str, list[list[str]]]:
    """The delimiter that gives the most items, as many in every line."""
    found: list[tuple[bool, int, str, list[list[str]]]] = []
    for delimiter in DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
        if rows:
            even = all(len(row) == len(rows[0]) for row in rows)
            found.append((even and len(rows[0]) > 1, len(rows[0]), delimiter, rows))
    if not found:
        raise UnreadableError("the file is empty")
    _, _, delimiter, rows = max(found, key=lambda entry: entry[:2])
    return delimiter, rows


def _quoting(text: str, rows: Sequence[Sequence[str]]) -> str:
    """A file without any quotation mark may still need them one day: where needed, then."""
    return "all" if text.count('"') >= 2 * sum(map(len, rows)) else "minimal"


def _items(rows: list[list[str]]) -> tuple[tuple[Named, ...], bool]:
    header = [name.strip() for name in rows[0]]
    columns = [_column(header, names) for names in (NAMES, WIDTHS, NOTES)]
    if columns[0] is not None and len(rows) > 1:
        return tuple(_listed(rows[1:], *columns)), True
    if len(set(header)) < len(header):
        raise UnreadableError("the first line must name the items, each by a name of its own")
    values = ([row[at] for row in rows[1:] if at < len(row) and row[at]] for at in range(len(header)))
    pairs = zip(header, values, strict=True)
    return tuple(Named(name, tuple(dict.fromkeys(seen))) for name, seen in pairs if name), False


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _listed(rows: list[list[str]], name: int | None, width: int | None, note: int | None) -> Iterator[Named]:
    for row in rows:
        cells = ["" if at is None or at >= len(row) else row[at].strip() for at in (name, width, note)]
        if cells[0]:
            yield Named(cells[0], (), int(cells[1]) if cells[1].isdecimal() else 0, cells[2])
