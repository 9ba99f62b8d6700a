"""Documents of named items: a name is a path, the movers repeat under their own, what is absent is not there."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from municipalities.characters import NOTHING_DECIDED, Decisions, Gaiji, Question
from municipalities.errors import UnfitError
from municipalities.standard.documents import document_of
from municipalities.standard.items import Compiler
from municipalities.standard.sections import Alert, Reading, Section, Written, converted
from municipalities.standard.tables import Field, Tables
from municipalities.standard.texts import Cell, Cells, Writing

Path = tuple[tuple[str, ...], str]  #: the names above an item, and its own


class Absent:
    """Stands in a row for an item that is not there; a blank item is there."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __len__(self) -> int:
        return 0


ABSENT: Cell = Absent()

#: How deep a document may be nested.
DEEPEST = 8


class Branch:
    """The items of the notice, or of each mover."""

    def __init__(self, fields: Sequence[Field], compiler: Compiler) -> None:
        form = compiler.tables.head.format
        items = compiler.items(fields)
        above: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.paths = [(above.setdefault(path, path), name) for path, name in map(_path, (it.name for it in fields))]
        self.blank: Cells = [field.constant or ABSENT for field in fields]
        self.places = {fields[item.position].name: item.position for item in items}
        self.constants = {field.name: field.constant for field in fields if field.constant}
        self.lists = [(item.position, item.name) for item in items if item.cell is list]
        # No element says «none», and in a sheet a blank is no line.
        self.silent: Cell = {"xml": [], "sheet": ""}.get(form, ABSENT)
        self.missing: Cell = "" if form == "sheet" else ABSENT
        self.section = Section(items, self.missing, silent_lists=form == "xml")

    def write(self, owner: object, writing: Writing) -> Cells:
        cells = self.blank.copy()
        self.section.write(cells, owner, writing)
        return cells

    def nest(self, cells: Cells, tree: dict[str, Any], start: int = 0, stop: int | None = None) -> dict[str, Any]:
        """Put the cells at their paths, in the order of the table."""
        silent, node = self.silent, tree
        last: tuple[str, ...] = ()
        for (above, name), cell in zip(self.paths[start:stop], cells[start:stop], strict=True):
            if cell is not ABSENT and cell != silent:
                if above is not last:  # most items stand beside the one before
                    last, node = above, tree
                    for step in above:
                        node = node.setdefault(step, {})
                node[name] = cell
        return tree

    def cells(self, tree: dict[str, Any]) -> Cells:
        """The items at their places; one that the layout does not know is refused."""
        cells = [self.missing] * len(self.paths)
        for path, value in leaves(tree):
            if path in self.places:
                cells[self.places[path]] = value
            elif value != self.constants.get(path, ABSENT):
                known = f"«{self.constants[path]}»" if path in self.constants else "an item of this layout"
                raise UnfitError(f"{path} is not {known}", code="E100", pointer=path)
        return cells

    def read(self, tree: dict[str, Any], reading: Reading, prefix: str) -> dict[str, Any]:
        """The members of the owner."""
        return self.section.read(self.cells(tree), reading, prefix)


def _path(name: str) -> Path:
    *above, last = name.split("/")
    return tuple(above), last


class Tree:
    """A document: what the notice says, and the movers where the first of their items stands in the table."""

    def __init__(self, tables: Tables, gaiji: Gaiji | None = None) -> None:
        self.subject = tables.subject
        compiler = Compiler(tables, gaiji)
        self.owner = attrgetter(tables.subject.many)
        of_movers = [field for field in tables.fields if _of_mover(field, tables)]
        first = tables.fields.index(of_movers[0]) if of_movers else len(tables.fields)
        own = [field for field in tables.fields if field not in of_movers]
        self.before = sum(field not in of_movers for field in tables.fields[:first])
        self.notice = Branch(own, compiler)
        self.mover = Branch(of_movers, compiler)
        self.above, self.name = _path(tables.head.movers)
        self.empty = tables.head.format == "json"  #: whether an empty list can be written
        lists = [name for _, name in self.notice.lists]
        lists += [f"{tables.head.movers}/{name}" for _, name in self.mover.lists]
        self.document = document_of(tables.head, {tables.head.movers, *lists})

    # --- writing ----------------------------------------------------------------------------------------

    def write(self, notice: Any, decided: Decisions = NOTHING_DECIDED) -> Written:
        writing = Writing(decided)
        cells = self.notice.write(notice, writing)
        movers = []
        for mover in self._each(notice, writing):
            movers.append(self.mover.nest(self.mover.write(mover, writing), {}))
        tree = self.notice.nest(cells, {}, 0, self.before)
        if movers or self.empty:
            node = tree
            for step in self.above:
                node = node.setdefault(step, {})
            node[self.name] = movers
        self.notice.nest(cells, tree, self.before)
        content = self.document.render(tree)
        return Written(content, max(1, len(movers)), tuple(dict.fromkeys(writing.fallbacks)))

    def _each(self, notice: Any, writing: Writing) -> Iterator[Any]:
        """The movers; meanwhile what is written is recorded as theirs."""
        for position, mover in enumerate(self.owner(notice)):
            writing.prefix = f"/{self.subject.many}/{position}"
            yield mover

    def questions(self, notice: Any, decided: Decisions = NOTHING_DECIDED) -> tuple[Question, ...]:
        writing = Writing(decided)
        asked = dict.fromkeys(self.notice.section.questions(notice, writing))
        for mover in self._each(notice, writing):
            asked |= dict.fromkeys(self.mover.section.questions(mover, writing))
        return tuple(asked)

    # --- reading ----------------------------------------------------------------------------------------

    def read(self, content: bytes, decided: Decisions = NOTHING_DECIDED) -> Any:
        reading = Reading(decided)
        tree, movers = self._parsed(content)
        found = self.notice.read(tree, reading, "")
        found[self.subject.many] = [
            self.mover.read(mover, reading, f"/{self.subject.many}/{position}") for position, mover in enumerate(movers)
        ]
        reading.finished()
        return converted(found, self.subject.record)

    def alerts(self, content: bytes) -> tuple[Alert, ...]:
        tree, movers = self._parsed(content)
        found = list(self.notice.section.alerts(self.notice.cells(tree)))
        for mover in movers:
            found += self.mover.section.alerts(self.mover.cells(mover))
        return tuple(found)

    def _parsed(self, content: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The document without its movers, and the movers."""
        tree = self.document.parse(content)
        movers = self._taken(tree)
        if type(movers) is not list or not all(type(mover) is dict for mover in movers):
            raise UnfitError(f"{self.name} must be a list", code="E100", pointer=self.name)
        return tree, movers

    def _taken(self, tree: dict[str, Any]) -> Any:
        """The movers, taken out of the document."""
        node: Any = tree
        for step in self.above:
            node = node.get(step) if type(node) is dict else None
        return node.pop(self.name, []) if type(node) is dict else []


def _of_mover(field: Field, tables: Tables) -> bool:
    if not field.source:
        return field.record == "person"
    return tables.subject.sources[field.source].part.of_mover


def leaves(tree: dict[str, Any], path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every item of a document with its path."""
    if depth > DEEPEST:
        raise UnfitError(f"{path} is nested too deeply", code="E100", pointer=path)
    for name, value in tree.items():
        if type(value) is dict:
            yield from leaves(value, f"{path}{name}/", depth + 1)
        else:
            yield f"{path}{name}", value
