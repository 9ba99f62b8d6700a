"""The two shapes of a record: flat rows, one per mover, and a tree in which the movers repeat.

Compiled once per standard: the items of each part together, so that a part that was not filed costs nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from municipalities.characters import Fallback, Ledger
from municipalities.errors import UnfitError
from municipalities.formats import delimited, fixed_width, json, xml
from municipalities.notice import Notice
from municipalities.standard.items import Cell, Item, Take, Write, compile_items
from municipalities.standard.sources import Part, Source
from municipalities.standard.tables import Tables

Cells = list[Cell]


class Absent:
    """Stands in a row for an item that is not there; a blank item is there."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Cell = Absent()


@dataclass(frozen=True, slots=True)
class Written:
    """A notice in the layout of its receiver."""

    content: bytes
    records: int
    fallbacks: tuple[Fallback, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The items of one part."""

    part: Part
    values: Callable[[Any], Sequence[Any]]
    writes: tuple[tuple[int, Write], ...]
    takes: tuple[tuple[int, str, Take | None, type], ...]


def group(items: Iterable[Item]) -> list[Group]:
    """One group per part, in the order in which the parts first appear."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.source.part.name, []).append(item)
    return [
        Group(
            members[0].source.part,
            _values([item.source for item in members]),
            tuple((item.position, item.write) for item in members),
            tuple((item.position, item.name, item.take, item.cell) for item in members),
        )
        for members in found.values()
    ]


def _values(sources: Sequence[Source]) -> Callable[[Any], Sequence[Any]]:
    """Fetches all that the items of a part need in one go; "" is the part itself."""
    if all(source.attribute for source in sources) and len(sources) > 1:
        return attrgetter(*(source.attribute for source in sources))
    names = [source.attribute for source in sources]
    return lambda part: [getattr(part, name) if name else part for name in names]


def fill(cells: Cells, owner: object, groups: Iterable[Group], ledger: Ledger) -> None:
    """Write what the owner (the notice or a mover) has into its cells."""
    for found in groups:
        part = found.part.get(owner)
        if part is not None:
            for value, (position, write) in zip(found.values(part), found.writes, strict=True):
                cells[position] = write(value, ledger)


def gather(cells: Cells, groups: Iterable[Group], *, missing: Cell) -> dict[str, Any]:
    """Read the cells into the members of their owner; a part of which nothing is there stays absent."""
    owner: dict[str, Any] = {}
    for found in groups:
        if found.part.path and all(cells[position] == missing for position, *_ in found.takes):
            continue
        values: dict[str, Any] = {}
        for position, name, take, kind in found.takes:
            cell = cells[position]
            if type(cell) is not kind and not (cell is None and take is not None):
                raise UnfitError(f"{name} is missing or of another type", code="E100", pointer=name)
            if take is not None:
                _take(take, values, cell, name)
        _attach(owner, found.part, values)
    return owner


def _take(take: Take, values: dict[str, Any], cell: Cell, name: str) -> None:
    try:
        take(values, cell)
    except ValueError as error:
        raise UnfitError(f"{name} cannot be read: {error}", code="E100", pointer=name) from None


def _attach(owner: dict[str, Any], part: Part, values: dict[str, Any]) -> None:
    if not part.path:
        owner.update(values)
    elif part.path[0] in owner:
        raise UnfitError(f"two items say different things of {part.target}", code="E100")
    else:
        owner[part.path[0]] = values


def _notice(tree: dict[str, Any]) -> Notice:
    try:
        return msgspec.convert(tree, Notice)
    except msgspec.ValidationError as error:
        where = str(error).rpartition("`$")[2].rstrip("`")
        raise UnfitError(f"a value does not fit the record at {where or 'its top'}", code="E100") from None


class Flat:
    """One row per mover, each with the items of the notice; a notice without movers is one row."""

    def __init__(self, tables: Tables) -> None:
        self.head = tables.head
        self.names = [field.name for field in tables.fields]
        self.widths = [field.width for field in tables.fields]
        items = compile_items(tables)
        self.items = {item.position: item for item in items}
        self.ordinal = next(item.position for item in items if item.source.text == "mover.ordinal")
        self.notice = group(item for item in items if not item.source.part.of_mover)
        self.movers = group(item for item in items if item.source.part.of_mover)
        self.shared = [item.position for item in items if not item.source.part.of_mover]
        self.own = [item.position for item in items if item.source.part.of_mover]
        self.blank = list(self._blank(tables))

    def _blank(self, tables: Tables) -> Iterator[Cell]:
        for position, field in enumerate(tables.fields):
            if position in self.items:
                yield self.items[position].blank
            else:
                yield b" " * field.width if self.head.format == "fixed_width" else ""

    def write(self, notice: Notice) -> Written:
        ledger = Ledger()
        shared = self.blank.copy()
        fill(shared, notice, self.notice, ledger)
        rows = [shared] if not notice.movers else []
        for position, mover in enumerate(notice.movers):
            row = shared.copy()
            ledger.prefix = f"/movers/{position}"
            fill(row, mover, self.movers, ledger)
            rows.append(row)
        return Written(self._render(rows), len(rows), tuple(ledger.fallbacks))

    def _render(self, rows: list[Cells]) -> bytes:
        if self.head.format == "fixed_width":
            return fixed_width.render(rows)
        try:
            return delimited.render(self.names, rows, self.head.encoding)
        except UnicodeEncodeError:
            raise _unwritable(zip(self.names, row, strict=True) for row in rows) from None

    def read(self, content: bytes) -> Notice:
        rows = self._parse(content)
        if not rows:
            raise UnfitError("there is no record", code="E100")
        first = rows[0]
        for row in rows[1:]:
            if any(row[position] != first[position] for position in self.shared):
                raise UnfitError("the records are not of one notice", code="E100")
        tree = gather(first, self.notice, missing="")
        movers = [row for row in rows if row[self.ordinal] != ""]
        if len(movers) < len(rows) and (movers or any(first[position] != "" for position in self.own)):
            name = self.names[self.ordinal]
            raise UnfitError(f"{name} is blank", code="E100", pointer=name)
        tree["movers"] = [gather(row, self.movers, missing="") for row in movers]
        return _notice(tree)

    def _parse(self, content: bytes) -> list[list[str]]:
        if self.head.format == "delimited":
            return delimited.parse(content, self.names, self.head.encoding)
        rows = fixed_width.parse(content, self.names, self.widths, self.head.encoding)
        for row in rows:
            for position, item in self.items.items():
                row[position] = row[position].rstrip(item.strip)
        return rows


class Tree:
    """Nested items; a name is a path, and the movers repeat under a name of their own."""

    def __init__(self, tables: Tables) -> None:
        self.head = tables.head
        items = compile_items(tables)
        paths = [field.name.split("/") for field in tables.fields]
        self.paths = [(tuple(path[:-1]), path[-1]) for path in paths]
        self.places = [
            {"/".join(path): position for position, path in enumerate(paths) if position in own}
            for own in (
                {item.position for item in items if not item.source.part.of_mover},
                {item.position for item in items if item.source.part.of_mover},
            )
        ]
        self.notice = group(item for item in items if not item.source.part.of_mover)
        self.movers = group(item for item in items if item.source.part.of_mover)
        self.lists = [item.position for item in items if item.cell is list]
        self.silent: Cell = [] if self.head.format == "xml" else ABSENT  # no element says «none»
        self.repeated = {self.head.movers} | {
            f"{self.head.movers}/{item.name}" if item.source.part.of_mover else item.name
            for item in items
            if item.cell is list
        }

    def write(self, notice: Notice) -> Written:
        ledger = Ledger()
        tree = self._nest(notice, self.notice, ledger)
        movers = []
        for position, mover in enumerate(notice.movers):
            ledger.prefix = f"/movers/{position}"
            movers.append(self._nest(mover, self.movers, ledger))
        tree[self.head.movers] = movers
        return Written(self._render(tree), max(1, len(movers)), tuple(ledger.fallbacks))

    def _nest(self, owner: object, groups: list[Group], ledger: Ledger) -> dict[str, Any]:
        cells = [ABSENT] * len(self.paths)
        fill(cells, owner, groups, ledger)
        tree: dict[str, Any] = {}
        for (above, name), cell in zip(self.paths, cells, strict=True):
            if cell is not ABSENT and cell != self.silent:
                node = tree
                for step in above:
                    node = node.setdefault(step, {})
                node[name] = cell
        return tree

    def _render(self, tree: dict[str, Any]) -> bytes:
        try:
            if self.head.format == "json":
                return json.render(tree)
            content = xml.render(tree, self.head.root, self.head.namespaces)
        except UnicodeEncodeError:
            raise _unwritable(self._records(tree)) from None
        if not xml.holds(content):
            raise _unwritable(self._records(tree), xml.holds)
        return content

    def _records(self, tree: dict[str, Any]) -> Iterator[Iterator[tuple[str, Any]]]:
        movers = tree.pop(self.head.movers)
        return map(_leaves, [tree, *movers])

    def read(self, content: bytes) -> Notice:
        if self.head.format == "json":
            tree = json.parse(content)
        else:
            tree = xml.parse(content, self.head.root, self.head.namespaces, self.repeated)
        movers = tree.pop(self.head.movers, [])
        if type(movers) is not list or not all(type(mover) is dict for mover in movers):
            raise UnfitError(f"{self.head.movers} must be a list", code="E100", pointer=self.head.movers)
        found = gather(self._cells(tree, self.places[0]), self.notice, missing=ABSENT)
        own = self.places[1]
        found["movers"] = [gather(self._cells(mover, own), self.movers, missing=ABSENT) for mover in movers]
        return _notice(found)

    def _cells(self, tree: dict[str, Any], places: dict[str, int]) -> Cells:
        """The items of a tree at their places; an item that the layout does not know is refused."""
        cells = [ABSENT] * len(self.paths)
        for path, value in _leaves(tree):
            if path not in places:
                raise UnfitError(f"{path} is not an item of this layout", code="E100", pointer=path)
            cells[places[path]] = value
        if self.head.format == "xml":  # an empty list leaves no element behind
            for position in self.lists:
                cells[position] = [] if cells[position] is ABSENT else cells[position]
        return cells


def _leaves(tree: dict[str, Any], path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > 8:
        raise UnfitError(f"{path} is nested too deeply", code="E100", pointer=path)
    for name, value in tree.items():
        if type(value) is dict:
            yield from _leaves(value, f"{path}{name}/", depth + 1)
        else:
            yield f"{path}{name}", value


def _unwritable(
    rows: Iterable[Iterable[tuple[str, Any]]], holds: Callable[[bytes], bool] = lambda _: True
) -> UnfitError:
    """Which item has a character that the format cannot hold (a lone surrogate, a control character)."""
    for name, cell in (pair for row in rows for pair in row):
        for text in cell if isinstance(cell, list) else [cell]:
            for character in text if isinstance(text, str) else "":
                try:
                    if holds(character.encode()):
                        continue
                except UnicodeEncodeError:
                    pass
                problem = f"{name}: U+{ord(character):04X} cannot be written"
                return UnfitError(problem, code="E130", pointer=name)
    return UnfitError("a character cannot be written", code="E130")
