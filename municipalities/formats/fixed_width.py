"""Records of fixed width: items at byte offsets, filled to their widths, without line ends."""

from collections.abc import Iterable, Sequence

from municipalities.errors import UnfitError


def render(rows: Iterable[Sequence[bytes]]) -> bytes:
    """The records, one after the other.

    >>> render([[b"01", "見本".encode("cp932")], [b"02", "試験".encode("cp932")]]).decode("cp932")
    '01見本02試験'
    """
    return b"".join(cell for row in rows for cell in row)


def parse(content: bytes, names: Sequence[str], widths: Sequence[int], encoding: str) -> list[list[str]]:
    """The records as texts, still filled to their widths.

    >>> parse("01見本02試験".encode("cp932"), ["番号", "氏名"], [2, 4], "cp932")
    [['01', '見本'], ['02', '試験']]
    """
    width = sum(widths)
    if not content or len(content) % width:
        raise UnfitError(f"{len(content)} bytes are not records of {width}", code="E100")
    return [_record(content, start, names, widths, encoding) for start in range(0, len(content), width)]


def _record(content: bytes, start: int, names: Sequence[str], widths: Sequence[int], encoding: str) -> list[str]:
    cells = []
    for name, width in zip(names, widths, strict=True):
        try:
            cells.append(content[start : start + width].decode(encoding))
        except UnicodeDecodeError:
            raise UnfitError(
                f"{name}: bytes {start} to {start + width} are not {encoding}", code="E100", pointer=name
            ) from None
        start += width
    return cells
