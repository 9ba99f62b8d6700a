"""Files of rows: every item has its place in its record. One kind of record, or header, household, persons, trailer."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from municipalities.characters import NOTHING_DECIDED, Decisions, Gaiji, Question
from municipalities.errors import UnfitError
from municipalities.standard.files import file_of
from municipalities.standard.head import Head
from municipalities.standard.items import Compiler
from municipalities.standard.plans import Plan, Record
from municipalities.standard.sections import Alert, Reading, Written, converted, join
from municipalities.standard.sources import Counts
from municipalities.standard.tables import Tables
from municipalities.standard.texts import Cells, Writing

#: Records that stand once in a file.
ONCE = {"header", "trailer"}


class Flat:
    """Rows: the movers stand in records of their own, or in places of their household's record."""

    def __init__(self, tables: Tables, gaiji: Gaiji | None = None) -> None:
        self.head: Head = tables.head
        self.subject = tables.subject
        self.movers = attrgetter(tables.subject.many)
        compiler = Compiler(tables, gaiji)
        self.plans = [Plan(kind, fields, compiler) for kind, fields in tables.laid_out().items()]
        self.kinds = {plan.kind for plan in self.plans}
        self.counted = any(plan.counts for plan in self.plans)
        self.file = file_of(self.head, self.plans)

    # --- writing ----------------------------------------------------------------------------------------

    def write(self, notice: Any, decided: Decisions = NOTHING_DECIDED) -> Written:
        writing = Writing(decided)
        records = list(self._records(notice, writing))
        persons = len(self.movers(notice))
        if self.counted:
            for counts, (plan, row) in zip(_counts(records, persons), records, strict=True):
                if plan.counts:
                    plan.counts.write(row, counts, writing)
        content = self.file.render(records)
        return Written(content, max(1, persons), tuple(dict.fromkeys(writing.fallbacks)))

    def _records(self, notice: Any, writing: Writing) -> Iterator[Record]:
        movers = self.movers(notice)
        for plan in self.plans:
            writing.prefix = ""
            shared = plan.blank.copy()
            plan.notice.write(shared, notice, writing)
            if not plan.places or (not movers and self._stands_alone(plan)):
                yield plan, self._row(plan, shared, (), 0, writing)
            elif len(movers) > len(plan.places) > 1 and not self.head.continues:
                name, most = plan.names[plan.places[0].key], len(plan.places)
                raise UnfitError(f"{name}: {len(movers)} movers do not fit into {most}", code="E131", pointer=name)
            else:
                for start in range(0, len(movers), len(plan.places)):
                    yield plan, self._row(plan, shared.copy(), movers, start, writing)

    def _row(self, plan: Plan, row: Cells, movers: Sequence[Any], start: int, writing: Writing) -> Cells:
        for position, place in enumerate(plan.places, start):
            if position < len(movers):
                writing.prefix = f"/{self.subject.many}/{position}"
                place.section.write(row, movers[position], writing)
            else:
                place.section.leave(row, writing)
        return row

    def _stands_alone(self, plan: Plan) -> bool:
        """Whether the record is needed where nobody moves: it carries what the notice says."""
        return bool(plan.shared) and (plan.kind == "household" or "household" not in self.kinds)

    def questions(self, notice: Any, decided: Decisions = NOTHING_DECIDED) -> tuple[Question, ...]:
        writing = Writing(decided)
        asked: dict[Question, None] = {}
        for plan in self.plans:
            asked |= dict.fromkeys(plan.notice.questions(notice, writing))
        for plan in (plan for plan in self.plans if plan.places):
            for position, mover in enumerate(self.movers(notice)):
                writing.prefix = f"/{self.subject.many}/{position}"
                place = plan.places[position % len(plan.places)]
                asked |= dict.fromkeys(place.section.questions(mover, writing))
        return tuple(asked)

    # --- reading ----------------------------------------------------------------------------------------

    def read(self, content: bytes, decided: Decisions = NOTHING_DECIDED) -> Any:
        records, reading = self.file.parse(content), Reading(decided)
        self._check_order([plan for plan, _ in records])
        tree: dict[str, Any] = {}
        movers: list[dict[str, Any]] = []
        for plan in self.plans:
            rows = (
                [row for found, row in records if found is plan] if len(self.plans) > 1 else [row for _, row in records]
            )
            if rows:
                _check_alike(plan, rows)
                join(tree, plan.notice.read(rows[0], reading, ""))
                movers += self._movers(plan, rows, reading)
        if self.counted:
            _check_counts(records, len(movers))
        reading.finished()
        tree[self.subject.many] = movers
        return converted(tree, self.subject.record)

    def alerts(self, content: bytes) -> tuple[Alert, ...]:
        found: list[Alert] = []
        for plan, row in self.file.parse(content):
            for section in (plan.notice, *(place.section for place in plan.places)):
                found += section.alerts(row)
        return tuple(dict.fromkeys(found))

    def _check_order(self, found: list[Plan]) -> None:
        """Header, household, persons, trailer: each where it belongs, and as often as it may."""
        order = [self.plans.index(plan) for plan in found]
        if order != sorted(order):
            raise UnfitError("the records are not in their order", code="E100")
        for number, plan in enumerate(self.plans):
            times = order.count(number)
            once = plan.kind in ONCE or (plan.kind == "household" and not self.head.continues)
            if times > 1 and once:
                raise UnfitError(f"there are {times} records «{plan.kind}», not 1", code="E100")
            if not times and (not plan.places or self._stands_alone(plan)):
                raise UnfitError(f"there is no record «{plan.kind}»", code="E100")

    def _movers(self, plan: Plan, rows: list[Cells], reading: Reading) -> Iterator[dict[str, Any]]:
        """The movers in the places of the records; only the last places may be left blank."""
        places = [(row, place) for row in rows for place in plan.places]
        there = [pair for pair in places if pair[1].is_there(pair[0])]
        spare = len(places) - len(there)
        alone = not there and len(rows) == 1 and self._stands_alone(plan)
        left = places[len(there) :] if alone or spare < len(plan.places) else places
        for row, place in left:
            if place.is_there(row) or not place.is_blank(row):
                name = plan.names[place.key]
                raise UnfitError(f"{name} is blank", code="E100", pointer=name)
        for position, (row, place) in enumerate(there):
            yield place.section.read(row, reading, f"/{self.subject.many}/{position}")


def _check_alike(plan: Plan, rows: list[Cells]) -> None:
    """Constants stand where they must, and all records of a kind say the same of the notice."""
    first = rows[0]
    for row in rows:
        for position, name, text in plan.constants:
            if row[position] != text:
                raise UnfitError(f"{name} is not «{text}»", code="E100", pointer=name)
        if row is not first and any(row[position] != first[position] for position in plan.shared):
            raise UnfitError("the records are not of one notice", code="E100")


def _check_counts(records: list[Record], persons: int) -> None:
    for counts, (plan, row) in zip(_counts(records, persons), records, strict=True):
        for key, value in plan.counts.read(row, Reading(), "").items() if plan.counts else ():
            if value != getattr(counts, key):
                problem = f"the file says {value} {key}, but there are {getattr(counts, key)}"
                raise UnfitError(problem, code="E100")


def _counts(records: list[Record], persons: int) -> Iterator[Counts]:
    """What each record may say of the file."""
    kinds = [plan.kind for plan, _ in records]
    households = kinds.count("household")
    details = len(kinds) - sum(kind in ONCE for kind in kinds)
    part = 0
    for number, kind in enumerate(kinds, 1):
        part += kind == "household"
        yield Counts(
            records=len(kinds),
            details=details,
            households=households,
            persons=persons,
            number=number,
            part=part if kind == "household" else 0,
            parts=households,
        )
