"""A text split over several two-dimensional symbols: each numbered and checked, read in any order.

A part is one line of the file: a heading of 32 bytes, the bytes of its piece of text, a line end.
``S1`` (version), the number and how many there are, the check of the whole, the check of the piece (CRC-32 in
eight hexadecimal digits each) and its size in bytes: ``S1 01/03 0A1B2C3D 89ABCDEF 0360 ``.
"""

import re
from collections.abc import Iterator
from zlib import crc32

from municipalities.characters.clusters import MARK
from municipalities.errors import UnfitError

HEADING = re.compile(rb"S1 ([0-9]{2})/([0-9]{2}) ([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9]{4}) ")
LENGTH = 32  #: of a heading, in bytes
END = b"\r\n"


def render(text: str, encoding: str, size: int, most: int) -> bytes:
    """The parts, none longer than ``size`` bytes; no character is cut from its selector.

    Raises ``UnfitError`` (E131) when more than ``most`` symbols would be needed.
    """
    pieces = list(_pieces(text, encoding, size - LENGTH))
    if len(pieces) > most:
        raise UnfitError(f"{len(pieces)} symbols are needed, and there may be {most}", code="E131")
    whole = crc32(b"".join(pieces))
    return b"".join(
        b"S1 %02d/%02d %08X %08X %04d %b" % (number, len(pieces), whole, crc32(piece), len(piece), piece) + END
        for number, piece in enumerate(pieces, 1)
    )


def _pieces(text: str, encoding: str, size: int) -> Iterator[bytes]:
    """The text in pieces of at most so many bytes.

    >>> [piece.decode() for piece in _pieces("見本太郎", "utf-8", 7)]
    ['見本', '太郎']
    """
    start = 0
    while start < len(text) or not start:
        stop = min(len(text), start + size)
        while len(data := text[start:stop].encode(encoding)) > size:
            stop = start + min((stop - start) * size // len(data), stop - start - 1)
        whole = stop
        while start < whole < len(text) and MARK.match(text, whole):
            whole -= 1
        stop = whole if whole > start else stop
        yield text[start:stop].encode(encoding)
        start = max(stop, 1)


def parse(content: bytes) -> bytes:
    """The bytes of the text; a missing, doubled, damaged or foreign part is named (E100)."""
    parts: dict[int, bytes] = {}
    heads: set[tuple[bytes, bytes]] = set()
    start = 0
    while start < len(content):
        heading = HEADING.match(content, start)
        if heading is None:
            raise UnfitError(f"at byte {start} no symbol begins", code="E100")
        number, total, whole, check, length = heading.groups()
        piece = content[heading.end() : heading.end() + int(length)]
        name = f"symbol {int(number)} of {int(total)}"
        if b"%08X" % crc32(piece) != check:
            raise UnfitError(f"{name} is damaged", code="E100")
        heads.add((total, whole))
        if len(heads) > 1:
            raise UnfitError(f"{name} belongs to other symbols than the one before it", code="E100")
        if int(number) in parts:
            raise UnfitError(f"{name} stands twice", code="E100")
        parts[int(number)] = piece
        start = _past_line_end(content, heading.end() + len(piece), name)
    return _whole(parts, heads)


def _past_line_end(content: bytes, stop: int, name: str) -> int:
    for end in (END, b"\n"):
        if content.startswith(end, stop):
            return stop + len(end)
    if stop != len(content):
        raise UnfitError(f"{name} has no line end", code="E100")
    return stop


def _whole(parts: dict[int, bytes], heads: set[tuple[bytes, bytes]]) -> bytes:
    if not heads:
        raise UnfitError("there is no symbol", code="E100")
    total, whole = next(iter(heads))
    for number in range(1, int(total) + 1):
        if number not in parts:
            raise UnfitError(f"symbol {number} of {int(total)} is missing", code="E100")
    content = b"".join(parts[number] for number in sorted(parts))
    if len(parts) != int(total) or b"%08X" % crc32(content) != whole:
        raise UnfitError("the symbols do not belong together", code="E100")
    return content
