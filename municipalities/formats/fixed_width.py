"""Records of fixed width: items at byte offsets, filled to their widths, with or without line ends."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from municipalities.errors import UnfitError


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of record: its items, and by which bytes it is known where there are several kinds."""

    names: Sequence[str]
    widths: Sequence[int]
    marks: tuple[tuple[int, bytes], ...] = ()

    @property
    def width(self) -> int:
        return sum(self.widths)


def render(rows: Iterable[Sequence[bytes]], end: bytes = b"") -> bytes:
    """The records, one after the other, each with the line end.

    >>> render([[b"01", "見本".encode("cp932")], [b"02", "試験".encode("cp932")]]).decode("cp932")
    '01見本02試験'
    """
    if not end:
        return b"".join([cell for row in rows for cell in row])
    return b"".join([cell for row in rows for cell in (*row, end)])


def parse(content: bytes, shapes: Sequence[Shape], encoding: str, end: bytes = b"") -> list[tuple[int, list[str]]]:
    """The records as the number of their shape and their texts, still filled to their widths.

    >>> parse("01見本02試験".encode("cp932"), [Shape(["番号", "氏名"], [2, 4])], "cp932")
    [(0, ['01', '見本']), (0, ['02', '試験'])]
    """
    return list(_records(content, shapes, encoding, end))


def _records(content: bytes, shapes: Sequence[Shape], encoding: str, end: bytes) -> Iterator[tuple[int, list[str]]]:
    start, widths = 0, [shape.width for shape in shapes]
    while start < len(content):
        kind = _kind(content, start, shapes)
        stop = start + widths[kind]
        if stop > len(content):
            raise UnfitError(f"{len(content) - start} bytes from {start} are no record of {widths[kind]}", code="E100")
        yield kind, _cells(content, start, shapes[kind], encoding)
        if content[stop : stop + len(end)] != end and stop != len(content):
            raise UnfitError(f"at byte {stop} there is no line end", code="E100")
        start = stop + len(end)


def _kind(content: bytes, start: int, shapes: Sequence[Shape]) -> int:
    if len(shapes) == 1:
        return 0
    for number, shape in enumerate(shapes):
        if all(content.startswith(mark, start + offset) for offset, mark in shape.marks):
            return number
    raise UnfitError(f"the record from byte {start} is of no known kind", code="E100")


def _cells(content: bytes, start: int, shape: Shape, encoding: str) -> list[str]:
    cells = []
    for name, width in zip(shape.names, shape.widths, strict=True):
        try:
            cells.append(content[start : start + width].decode(encoding))
        except UnicodeDecodeError:
            problem = f"{name}: bytes {start} to {start + width} are not {encoding}"
            raise UnfitError(problem, code="E100", pointer=name) from None
        start += width
    return cells
