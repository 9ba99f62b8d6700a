"""What one owner has in one record: the items of each part together, so that a part not filed costs nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from municipalities.characters import NOTHING_DECIDED, PRIVATE, Decisions, Fallback, Question, Undecided
from municipalities.errors import UnfitError
from municipalities.standard.items import Item
from municipalities.standard.sources import Part
from municipalities.standard.texts import Cell, Cells, Lists, Texts, Writing, picker, private, texts_of


@dataclass(frozen=True, slots=True)
class Written:
    """A notice in the layout of its receiver."""

    content: bytes
    records: int
    fallbacks: tuple[Fallback, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a clerk is told of a value that could be read: an era that was over on that day."""

    item: str
    detail: str


class Reading:
    """A file while it is read: what clerks decided, and what they must still say."""

    __slots__ = ("decided", "questions")

    def __init__(self, decided: Decisions = NOTHING_DECIDED) -> None:
        self.decided = decided
        self.questions: list[Question] = []

    def finished(self) -> None:
        """Refuse what cannot be understood, all of it in one."""
        if self.questions:
            first = self.questions[0].item
            raise Undecided(tuple(self.questions), f"{first}: a private-use character has no meaning here", item=first)


class Group:
    """The items of one part."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.part: Part = items[0].source.part
        raw = [item for item in items if item.write is None]
        coded = [item for item in items if item.table is not None]
        made = [item for item in items if item.write is not None and item.table is None]
        self.coders = [(item.position, item.write) for item in coded if item.write is not None]
        self.coded_values = _values(coded)
        self.tables = [(item.position, item.table) for item in coded if item.table is not None]
        self.raw_values = _values(raw)
        self.raw_positions = [item.position for item in raw]
        self.made_values = _values(made)
        self.writes = [(item.position, item.write) for item in made if item.write is not None]
        self.positions = [item.position for item in items]
        self.lists = [item.position for item in items if item.cell is list]
        self.alike = [(item.position, item.name, item.key) for item in items if item.key]
        self.takes = [(item.position, item.name, item.take, item.cell) for item in items if not item.key]
        self.texts = [(item.source.attribute, item.write, item.text) for item in items if item.text is not None]

    def fill(self, cells: Cells, part: Any) -> None:
        """Write what a part has into its cells."""
        for position, value in zip(self.raw_positions, self.raw_values(part), strict=True):
            cells[position] = value
        values = self.coded_values(part)
        try:
            for (position, table), value in zip(self.tables, values, strict=True):
                cells[position] = table[value]
        except KeyError:
            for (position, write), value in zip(self.coders, values, strict=True):
                cells[position] = write(value)
        for (position, write), value in zip(self.writes, self.made_values(part), strict=True):
            cells[position] = write(value)

    def take(self, cells: Cells) -> dict[str, Any]:
        """Read the cells of a part into its members."""
        values: dict[str, Any] = {}
        for position, name, key in self.alike:
            cell = values[key] = cells[position]
            if cell.__class__ is not str:
                raise _mistyped(name)
        for position, name, take, kind in self.takes:
            cell = cells[position]
            if cell.__class__ is not kind and not (cell is None and take is not None):
                raise _mistyped(name)
            if take is not None:
                try:
                    take(values, cell)
                except ValueError as error:
                    raise UnfitError(f"{name} cannot be read: {error}", code="E100", pointer=name) from None
        return values


def _mistyped(name: str) -> UnfitError:
    return UnfitError(f"{name} is missing or of another type", code="E100", pointer=name)


def _values(items: Sequence[Item]) -> Callable[[Any], Sequence[Any]]:
    """Fetches all that the items of a part need in one go; "" is the part itself."""
    names = [item.source.attribute for item in items]
    if all(names) and len(names) > 1:
        return attrgetter(*names)
    return lambda part: [getattr(part, name) if name else part for name in names]


class Section:
    """The items that one owner, the notice or a mover, has in one record."""

    def __init__(self, items: Sequence[Item], missing: Cell, *, silent_lists: bool = False) -> None:
        parts: dict[str, list[Item]] = {}
        for item in items:
            parts.setdefault(item.source.part.name, []).append(item)
        self.groups = [Group(members) for members in parts.values()]
        self.missing = missing
        self.silent_lists = silent_lists  #: whether an empty list leaves nothing behind
        self.watched = [(item.position, item.name, item.alert) for item in items if item.alert is not None]
        single = [item.text for item in items if item.text is not None and item.cell is str]
        several = [item.text for item in items if item.text is not None and item.cell is list]
        self.texts: list[Texts | Lists] = [*texts_of(single), *([Lists(several)] if several else [])]
        self.texts_read = [item.text for item in items if item.text is not None]
        self.read_texts = picker([text.position for text in self.texts_read]) if self.texts_read else None
        self.needs = [(item.position, item.name, (item.blank, "", missing)) for item in items if item.required]

    def write(self, cells: Cells, owner: object, writing: Writing) -> None:
        """Write what the owner has; a part that was not filed leaves its cells as they are."""
        for found in self.groups:
            part = found.part.get(owner)
            if part is not None:
                found.fill(cells, part)
        if self.needs:
            self._check_needs(cells, "E310")
        for texts in self.texts:
            texts.settle(cells, writing)

    def leave(self, cells: Cells, writing: Writing) -> None:
        """Leave the items blank, because the owner is not there."""
        for texts in self.texts:
            texts.settle(cells, writing)

    def _check_needs(self, cells: Cells, code: str) -> None:
        for position, name, blanks in self.needs:
            if cells[position] in blanks:
                raise UnfitError(f"{name} is blank, and the receiver requires it", code=code, pointer=name)

    def questions(self, owner: object, writing: Writing) -> Iterator[Question]:
        """What clerks must say before this can be written; all of it, not the first alone."""
        for found in self.groups:
            part = found.part.get(owner)
            for attribute, write, text in found.texts if part is not None else ():
                try:
                    value = getattr(part, attribute)
                    made = write(value) if write is not None else value
                except UnfitError:  # no question of characters: writing says it
                    continue
                yield from text.questions(made, writing)

    def read(self, cells: Cells, reading: Reading, prefix: str) -> dict[str, Any]:
        """The members of the owner; a part of which nothing is there stays absent."""
        if self.needs:
            self._check_needs(cells, "E100")
        if self.read_texts is not None and PRIVATE.search("".join(_flat(self.read_texts(cells)))):
            reading.questions += private(self.texts_read, cells, reading.decided, prefix)
        owner: dict[str, Any] = {}
        missing = self.missing
        for found in self.groups:
            part = found.part
            if part.path and all(cells[position] == missing for position in found.positions):
                continue
            for position in found.lists if self.silent_lists else ():
                if cells[position] == missing:
                    cells[position] = []
            values = found.take(cells)
            if not part.path:
                owner.update(values)
            elif part.path[0] in owner:
                raise UnfitError(f"two items say different things of {part.target}", code="E100")
            else:
                owner[part.path[0]] = values
        return owner

    def alerts(self, cells: Cells) -> Iterator[Alert]:
        """What a clerk is told of the cells."""
        for position, name, alert in self.watched:
            cell = cells[position]
            if cell.__class__ is str and cell and (detail := alert(cell)):
                yield Alert(name, detail)


def _flat(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        if isinstance(cell, str):
            yield cell
        elif isinstance(cell, list):
            yield from _flat(cell)


def join(whole: dict[str, Any], more: dict[str, Any]) -> None:
    """Put what another record says of the same owner to what is known; they must agree."""
    for key, value in more.items():
        known = whole.setdefault(key, value)
        if known is value or known == value:
            continue
        if not (isinstance(known, dict) and isinstance(value, dict)):
            raise UnfitError(f"two records say different things of {key}", code="E100")
        join(known, value)


def converted(tree: dict[str, Any], record: type[Any]) -> Any:
    """The record that a tree of its members is."""
    try:
        return msgspec.convert(tree, record)
    except msgspec.ValidationError as error:
        where = str(error).rpartition("`$")[2].rstrip("`")
        raise UnfitError(f"a value does not fit the record at {where or 'its top'}", code="E100") from None
