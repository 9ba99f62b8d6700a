"""From one move and what was answered to the procedures it brings: per person and per day, with the reason. Pure.

Ages count on the day that matters to the side: the planned day of leaving at the origin, the day of moving in at the
destination. A child that turns six in between is told of the school on one side only.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from hub.procedures import tables
from hub.procedures.conditions import HOUSEHOLD, Answers, Move, Person, Subject, Truth, holds
from hub.procedures.tables import Rule
from municipalities.opening import Opening, UnknownHolidaysError

#: What is marked must be written as it always was: a mark that changes re-opens tasks.
_as_text = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


class Verdict(StrEnum):
    """What a rule says of a person."""

    DUE = "due"
    ASK = "ask"  #: an answer is missing
    CLERK = "clerk"  #: a date of birth is uncertain: a clerk decides


@dataclass(frozen=True, slots=True)
class Local:
    """What a municipality sets otherwise for one rule."""

    offered: bool = True
    department: str = ""
    days: int | None = None
    age_limit: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that applies to a person, or may."""

    rule: Rule
    ordinal: int
    municipality: str
    verdict: Verdict
    #: The next questions to ask; only with ``ASK``. ``HOUSEHOLD`` or the person's number, and the question.
    questions: tuple[tuple[int, str], ...]
    #: Names of the conditions that hold.
    reasons: tuple[str, ...]
    #: The day on which the rule was asked: of leaving at the origin, of moving in elsewhere.
    on: date
    counted_from: date | None
    days: int | None
    local: Local
    #: Everything the rule read: what is not in it re-opens nothing.
    read: Mapping[str, object]

    @property
    def inputs(self) -> str:
        """What was read, as one text."""
        return _as_text({name: str(value) for name, value in self.read.items()})

    def due_on(self, opening: Opening) -> date | None:
        """Return the last day by the town's calendar; as it falls where the holidays are not known yet."""
        if self.counted_from is None or self.days is None:
            return None
        plain = self.counted_from + timedelta(days=self.days)
        if not self.rule.deadline.rolls:
            return plain
        try:
            return opening.due_on(self.counted_from, self.days)
        except UnknownHolidaysError:
            return plain


#: Local rules by municipality and rule.
Locals = Mapping[tuple[str, str], Local]
NOTHING = Local()


def evaluate(move: Move, answers: Answers, local: Locals) -> tuple[Finding, ...]:
    """Return everything the move brings or may bring, in the catalogue's order, person by person.

    A rule whose conditions fail is not among them. Repeating it gives the same; it reads no clock.
    """
    return tuple(_findings(move, answers, local))


def _findings(move: Move, answers: Answers, local: Locals) -> Iterator[Finding]:
    for rule in tables.rules():
        if move.kind not in rule.kinds:
            continue
        persons = move.persons if rule.scope == "person" else move.persons[:1]
        for person in persons:
            found = one(rule, move, person, answers, local)
            if found is not None:
                yield found


def one(rule: Rule, move: Move, person: Person, answers: Answers, local: Locals) -> Finding | None:
    """Return what one rule says of one person; ``None`` when it does not apply."""
    on = day_of(rule, person)
    code = {"origin": person.origin, "destination": person.destination}.get(rule.side, "")
    here = local.get((code, rule.name), NOTHING)
    nowhere = rule.side != "elsewhere" and not code
    if on is None or nowhere or not rule.valid_on(on) or not here.offered:
        return None
    subject = Subject(move, person, on, answers, here.age_limit)
    verdict, questions, reasons = weigh(rule, subject)
    if verdict is None:
        return None
    counted_from, days = _counted(rule, person, here)
    subject.note("counted_from", counted_from)
    subject.note("days", days)
    subject.note("reasons", reasons)
    subject.note("rule", f"{rule.name} v{rule.version} {code}")
    read = subject.read
    return Finding(rule, person.ordinal, code, verdict, questions, reasons, on, counted_from, days, here, read)


def day_of(rule: Rule, person: Person) -> date | None:
    """Return the day on which the rule is asked: of leaving at the origin, of moving in elsewhere."""
    if rule.side == "origin":
        return person.leaves_on or person.arrives_on
    return person.arrives_on or person.leaves_on


def _counted(rule: Rule, person: Person, here: Local) -> tuple[date | None, int | None]:
    """Return the day from which the deadline counts, and how many days."""
    days = here.days if here.days is not None else rule.deadline.days
    if days is None:
        return None, None
    out, in_ = person.leaves_on, person.arrives_on
    either = min((day for day in (out, in_) if day is not None), default=None)
    base = {"move_out": out, "move_in": in_, "earlier": either}.get(rule.deadline.counts_from)
    return base or day_of(rule, person), days


def weigh(rule: Rule, subject: Subject) -> tuple[Verdict | None, tuple[tuple[int, str], ...], tuple[str, ...]]:
    """Weigh the groups in their order: one that fails ends it, the first that is open says what to ask next.

    Of a rule that may apply all groups are read, so that what it depends on does not depend on the order.
    """
    open_: Truth | None = None
    asked: tuple[tuple[int, str], ...] = ()
    reasons: list[str] = []
    for group in rule.needs:
        found = [(condition, holds(subject, condition)) for condition in group]
        met = [condition.name for condition, truth in found if truth is Truth.HOLDS]
        if met:
            reasons.append(met[0])
            continue
        unknown = next(((condition, truth) for condition, truth in found if truth is not Truth.NOT), None)
        if unknown is None:
            return None, (), ()
        if open_ is None:
            condition, open_ = unknown
            asked = _question(condition.question, subject) if open_ is Truth.ASK else ()
    if open_ is None:
        return Verdict.DUE, (), tuple(reasons)
    return (Verdict.ASK if open_ is Truth.ASK else Verdict.CLERK), asked, tuple(reasons)


def _question(name: str, subject: Subject) -> tuple[tuple[int, str], ...]:
    household = tables.questions()[name].scope == "household"
    return ((HOUSEHOLD if household else subject.person.ordinal, name),)
