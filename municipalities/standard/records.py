"""Checks of the records of a file: which kinds there are, how they are told apart, who stands where."""

from itertools import combinations, pairwise

from municipalities.standard.head import ROWS
from municipalities.standard.tables import Field, TableError, Tables


def check_records(tables: Tables) -> None:
    """Each mover has one place, and a reader can tell every record's kind."""
    for field in tables.fields:
        _check_field(tables, field)
    kinds = tables.laid_out()
    _check_movers(tables, kinds)
    if tables.head.format not in ROWS:
        return
    if len(kinds) > 1 and tables.head.format != "fixed_width" and tables.head.dialect.header:
        where = f"{tables.name}/standard.toml, [dialect]"
        raise TableError(where, "one heading cannot name several kinds of record", "say header = false")
    for one, other in combinations(kinds, 2):
        if not _told_apart(tables, kinds[one], kinds[other]):
            right = "give both a constant item at the same place, with different texts"
            raise TableError(f"{tables.name}/{tables.file}", f"nothing tells record {one} from {other}", right)


def _check_field(tables: Tables, field: Field) -> None:
    where, form = f"{field.where}, item {field.name}", tables.head.format
    if form not in ROWS and field.record not in ({"", "person"} if field.constant else {""}):
        raise TableError(f"{where}, column record", f"{form} has no records", "leave it blank")
    if form not in ROWS and field.repeat:
        raise TableError(f"{where}, column repeat", f"in {form} the movers repeat by themselves", "leave it blank")
    if field.repeat and field.record not in {"", "household"}:
        raise TableError(f"{where}, column repeat", "only items of a household repeat", "use record household")
    if field.repeat and "#" not in field.name:
        raise TableError(f"{where}, column name", "an item that repeats needs its number", f"{field.name}#")


def _check_movers(tables: Tables, kinds: dict[str, list[Field]]) -> None:
    block = [position for position, field in enumerate(tables.fields) if field.repeat]
    for before, position in pairwise(block):
        field = tables.fields[position]
        if position != before + 1 or field.repeat != tables.fields[before].repeat:
            where = f"{field.where}, item {field.name}, column repeat"
            raise TableError(where, "items that repeat stand together, as often as each other", "move the row")
    for kind, fields in kinds.items():
        for field in fields:
            if not field.source:
                continue
            where, of_mover = f"{field.where}, item {field.name}", tables.subject.sources[field.source].part.of_mover
            if of_mover and kind != "person" and not field.repeat:
                raise TableError(f"{where}, column record", f"«{field.source}» stands once per mover", "use person")
            if of_mover and kind == "person" and block:
                raise TableError(f"{where}, column repeat", "the movers stand in the household's record", "repeat it")
            if field.repeat and not of_mover:
                problem = f"«{field.source}» stands once per household"
                raise TableError(f"{where}, column repeat", problem, "leave it blank")


def _told_apart(tables: Tables, one: list[Field], other: list[Field]) -> bool:
    marks = _marks(tables, one)
    return any(place in marks and marks[place] != mark for place, mark in _marks(tables, other).items())


def _marks(tables: Tables, fields: list[Field]) -> dict[tuple[int, int], str]:
    """The constants of a record at their places: numbers of items, or bytes in a record of fixed width."""
    marks: dict[tuple[int, int], str] = {}
    start = 0
    for position, field in enumerate(fields):
        fixed = tables.head.format == "fixed_width"
        if field.constant:
            marks[(start, field.width) if fixed else (position, 0)] = field.constant
        start += field.width
    return marks
