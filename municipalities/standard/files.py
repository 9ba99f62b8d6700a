"""Records of a file to its bytes and back: which kind each is, and what their format makes of them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from municipalities.errors import UnfitError
from municipalities.formats import delimited, fixed_width, symbols
from municipalities.standard.head import Head
from municipalities.standard.plans import Plan, Record

MARK = "\ufeff"


class File(Protocol):
    """Writes and reads the records of a file."""

    def render(self, records: Sequence[Record]) -> bytes:
        """The bytes."""

    def parse(self, content: bytes) -> list[Record]:
        """The records with what they were filled with taken off, or ``UnfitError``."""


def file_of(head: Head, plans: Sequence[Plan]) -> File:
    if head.format == "fixed_width":
        return FixedWidth(head, plans)
    return Symbols(head, plans) if head.format == "symbols" else Delimited(head, plans)


class Delimited:
    """Lines of items set apart by a sign."""

    def __init__(self, head: Head, plans: Sequence[Plan]) -> None:
        self.plans, self.encoding = plans, head.encoding
        self.dialect = delimited.Dialect(head.dialect.delimiter, head.dialect.quoting, head.line_end)
        self.names = plans[0].names if head.dialect.header else None
        self.marked = head.dialect.byte_order_mark
        line = self.line = delimited.liner(self.dialect)
        self.top = (MARK if self.marked else "") + (line(self.names) if self.names else "")

    def render(self, records: Sequence[Record]) -> bytes:
        line = self.line
        return (self.top + "".join([line(row) for _, row in records])).encode(self.encoding)

    def parse(self, content: bytes) -> list[Record]:
        rows = delimited.parse(self._text(content), self.dialect)
        if self.names is not None:
            delimited.check_header(rows[0] if rows else [], self.names)
        first = 1 if self.names is None else 2
        body = rows if self.names is None else rows[1:]
        return [(self._plan(row, number), row) for number, row in enumerate(body, first)]

    def _text(self, content: bytes) -> str:
        try:
            text = content.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise UnfitError(f"byte {error.start} is not {self.encoding}", code="E100") from None
        return text.removeprefix(MARK) if self.marked or self.names else text

    def _plan(self, row: list[str], number: int) -> Plan:
        plan = self.plans[0] if len(self.plans) == 1 else next(filter(_told_by(row), self.plans), None)
        if plan is None:
            raise UnfitError(f"record {number} is of no known kind", code="E100")
        if len(row) != len(plan.names):
            raise UnfitError(f"record {number} has {len(row)} items, not {len(plan.names)}", code="E100")
        return plan


def _told_by(row: list[str]) -> Callable[[Plan], bool]:
    def told(plan: Plan) -> bool:
        return all(position < len(row) and row[position] == text for position, _, text in plan.constants)

    return told


class FixedWidth:
    """Items at byte offsets."""

    def __init__(self, head: Head, plans: Sequence[Plan]) -> None:
        self.plans, self.encoding = plans, head.encoding
        self.end = head.line_end.encode(head.encoding)
        self.mark = MARK.encode(head.encoding) if head.dialect.byte_order_mark else b""
        self.shapes = [fixed_width.Shape(plan.names, plan.widths, plan.marks()) for plan in plans]
        self.strips = [[(position, item.strip) for position, item in plan.items.items()] for plan in plans]

    def render(self, records: Sequence[Record]) -> bytes:
        return self.mark + fixed_width.render((row for _, row in records), self.end)

    def parse(self, content: bytes) -> list[Record]:
        found = []
        for kind, row in fixed_width.parse(content.removeprefix(self.mark), self.shapes, self.encoding, self.end):
            for position, strip in self.strips[kind]:
                row[position] = row[position].rstrip(strip)
            found.append((self.plans[kind], row))
        return found


class Symbols(Delimited):
    """Lines of items, split over several symbols."""

    def __init__(self, head: Head, plans: Sequence[Plan]) -> None:
        super().__init__(head, plans)
        self.size, self.most = head.symbol, head.symbols

    def render(self, records: Sequence[Record]) -> bytes:
        text = self.top + "".join([self.line(row) for _, row in records])
        return symbols.render(text, self.encoding, self.size, self.most)

    def parse(self, content: bytes) -> list[Record]:
        return super().parse(symbols.parse(content))
