"""The kinds of records of a file, compiled: where everything stands in each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from municipalities.standard.items import Compiler, Item
from municipalities.standard.sections import Section
from municipalities.standard.tables import Field
from municipalities.standard.texts import Cell, Cells, Paper


@dataclass(frozen=True, slots=True)
class Place:
    """Where one mover stands in a record."""

    section: Section
    key: int  #: the item by which the mover is known to be there
    own: tuple[int, ...]

    def is_there(self, row: Cells) -> bool:
        return bool(row[self.key] != "")

    def is_blank(self, row: Cells) -> bool:
        return all(row[position] == "" for position in self.own)


class Plan:
    """One kind of record, compiled."""

    def __init__(self, kind: str, fields: Sequence[Field], compiler: Compiler) -> None:
        self.kind = kind
        self.names = [field.name for field in fields]
        self.widths = [field.width for field in fields]
        items = compiler.items(fields)
        self.items = {item.position: item for item in items}
        own = [item for item in items if item.source.part.of_mover]
        shared = [item for item in items if not item.source.part.of_mover and not item.source.counted]
        counted = [item for item in items if item.source.counted]
        self.shared = [item.position for item in shared]
        self.notice = Section(shared, "")
        self.counts = Section(counted, "") if counted else None
        self.places = list(_places(own, compiler.tables.subject.key))
        self.blank = list(self._blank(fields, compiler.paper))
        self.constants = [
            (position, fields[position].name, _text(self.blank[position], compiler.paper))
            for position, field in enumerate(fields)
            if field.constant
        ]

    def _blank(self, fields: Sequence[Field], paper: Paper) -> Iterator[Cell]:
        for position, field in enumerate(fields):
            if position in self.items:
                yield self.items[position].blank
            elif paper.fixed:
                data = field.constant.encode(paper.encoding)
                yield data + paper.fills(field.width, " ")[field.width - len(data)]
            else:
                yield field.constant

    def marks(self) -> tuple[tuple[int, bytes], ...]:
        """The constants of a record of fixed width at their bytes."""
        return tuple((sum(self.widths[:position]), self.blank[position]) for position, *_ in self.constants)


def _text(cell: Cell, paper: Paper) -> str:
    text: str = cell.decode(paper.encoding) if paper.fixed else cell
    return text


def _places(items: Sequence[Item], key: str) -> Iterator[Place]:
    for slot in sorted({item.slot for item in items}):
        own = [item for item in items if item.slot == slot]
        known_by = next(item.position for item in own if item.source.text == key)
        yield Place(Section(own, ""), known_by, tuple(item.position for item in own))


#: One record: its kind and its cells.
Record = tuple[Plan, Cells]
