"""What a condition means: one small function per kind, over one person and one move. Pure.

A condition holds, does not, must be asked (what may not be inferred is never guessed), or is for a clerk (a date of
birth that is only about known). What a function reads it notes, so that a later change of anything else re-opens
nothing (order rule O11).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from hub.procedures import ages, tables
from municipalities.notice import Coverage, Kind, Pension, Scope, UncertainDate

#: In place of a person's number: an answer for the whole household.
HOUSEHOLD = 0
YES, NO = "yes", "no"


class Truth(Enum):
    """Whether a condition holds."""

    HOLDS = "holds"
    NOT = "not"
    ASK = "ask"
    CLERK = "clerk"


@dataclass(frozen=True, slots=True)
class Person:
    """What of a mover the rules read."""

    ordinal: int
    birth: UncertainDate | None
    nationality: str
    coverage: Coverage | None
    presents_card: bool
    leaves_on: date | None  #: planned day of leaving
    arrives_on: date | None  #: day of moving in: as registered, before that as planned
    origin: str  #: six digits, empty when moving in from abroad
    destination: str  #: six digits, empty when moving abroad; where the person appeared, if elsewhere than planned
    card_lapsed: bool = False  #: the card they have cannot be used on


@dataclass(frozen=True, slots=True)
class Move:
    """What of a relocation the rules read."""

    kind: Kind
    scope: Scope
    persons: tuple[Person, ...]


#: Answers by person (``HOUSEHOLD`` for all) and question.
Answers = Mapping[tuple[int, str], str]


@dataclass(slots=True)
class Subject:
    """One person on one day, with a note of what was read."""

    move: Move
    person: Person
    on: date
    answers: Answers
    age_limit: int | None = None  #: of this municipality, where it differs
    read: dict[str, object] = field(default_factory=dict)

    def note(self, name: str, value: object) -> None:
        """Note that the rule depends on this value."""
        self.read[name] = value

    def answer(self, question: str) -> str:
        """Return what was answered, empty if nothing."""
        household = tables.questions()[question].scope == "household"
        found = self.answers.get((HOUSEHOLD if household else self.person.ordinal, question), "")
        self.note(f"answer.{question}", found)
        return found


def _told(value: bool) -> Truth:
    return Truth.HOLDS if value else Truth.NOT


def _age(subject: Subject, test: Callable[[date], bool]) -> Truth:
    """Test the date of birth; one that is not certain is ruled out or left to a clerk."""
    birth = subject.person.birth
    subject.note(f"birth.{subject.person.ordinal}", birth)
    day = ages.certain(birth) if birth else None
    if day is not None:
        return _told(test(day))
    limits = ages.bounds(birth) if birth else None
    if limits is None:
        return Truth.CLERK
    first, last = limits
    # School years are the finest grain that any rule has: born on 1 April, or on 2 April.
    days = (date(year, 4, day) for year in range(first.year, last.year + 1) for day in (1, 2))
    return Truth.CLERK if any(map(test, days)) else Truth.NOT


def age_at_least(subject: Subject, argument: str) -> Truth:
    """So many years are complete: from the day before the birthday."""
    return _age(subject, lambda birth: ages.reached_on(birth, int(argument)) <= subject.on)


def age_below(subject: Subject, argument: str) -> Truth:
    """So many years are not complete yet."""
    return _age(subject, lambda birth: ages.reached_on(birth, int(argument)) > subject.on)


def age_from_birthday(subject: Subject, argument: str) -> Truth:
    """From the birthday itself: late-stage elderly medical care is given from that day in practice."""
    return _age(subject, lambda birth: ages.birthday(birth, int(argument)) <= subject.on)


def age_below_birthday(subject: Subject, argument: str) -> Truth:
    """Until the day before the birthday."""
    return _age(subject, lambda birth: ages.birthday(birth, int(argument)) > subject.on)


def until_year_end(subject: Subject, argument: str) -> Truth:
    """Until the first 31 March on or after the day on which so many years are complete."""
    return _age(subject, lambda birth: birth <= subject.on <= ages.year_end_after(birth, int(argument)))


def until_year_end_local(subject: Subject, argument: str) -> Truth:
    """As ``until_year_end``, up to the age that the municipality itself sets."""
    limit = str(subject.age_limit if subject.age_limit is not None else int(argument))
    subject.note("age_limit", limit)
    return until_year_end(subject, limit)


def school_age(subject: Subject, _argument: str) -> Truth:
    """In compulsory school, or in the spring before the first school year."""

    def test(birth: date) -> bool:
        first, last = ages.school_years(birth)
        return first <= subject.on <= last

    return _age(subject, test)


def coverage(subject: Subject, argument: str, question: str) -> Truth:
    """What the citizen ticked in the form, unless it was answered since; asked where nothing was said."""
    answered = subject.answer(question)
    said = subject.person.coverage
    subject.note(f"coverage.{argument}", getattr(said, argument) if said else "")
    if answered:
        return _told(answered == YES)
    return Truth.ASK if said is None else _told(bool(getattr(said, argument)))


def pension_first(subject: Subject, _argument: str, question: str) -> Truth:
    """Category 1 of the national pension; blank in the form means «not insured or not known»: asked."""
    answered = subject.answer(question)
    said = subject.person.coverage.pension if subject.person.coverage else Pension.BLANK
    subject.note("coverage.pension", said.value)
    if answered:
        return _told(answered == YES)
    return Truth.ASK if said is Pension.BLANK else _told(said is Pension.FIRST)


def holds_card(subject: Subject, _argument: str, question: str) -> Truth:
    """Who will show a card has one; of the others nothing is known."""
    answered = subject.answer(question)
    subject.note("presents_card", subject.person.presents_card)
    if answered:
        return _told(answered == YES)
    return Truth.HOLDS if subject.person.presents_card else Truth.ASK


def card_lapsed(subject: Subject, _argument: str) -> Truth:
    """Whoever has a card cannot use it on: the days for it are over, or the record was handled ex officio."""
    subject.note("card_lapsed", subject.person.card_lapsed)
    return _told(subject.person.card_lapsed)


def card_kept(subject: Subject, argument: str) -> Truth:
    """Whoever has a card can use it on."""
    return Truth.NOT if card_lapsed(subject, argument) is Truth.HOLDS else Truth.HOLDS


def answer_yes(subject: Subject, _argument: str, question: str) -> Truth:
    """Answered with yes."""
    answered = subject.answer(question)
    return _told(answered == YES) if answered else Truth.ASK


def answer_no(subject: Subject, _argument: str, question: str) -> Truth:
    """Answered with no."""
    answered = subject.answer(question)
    return _told(answered == NO) if answered else Truth.ASK


def _prefectures(subject: Subject) -> tuple[str, str]:
    found = subject.person.origin[:2], subject.person.destination[:2]
    subject.note("prefectures", found)
    return found


def same_prefecture(subject: Subject, _argument: str) -> Truth:
    """Both municipalities lie in one prefecture."""
    left, entered = _prefectures(subject)
    return _told(bool(left) and left == entered)


def other_prefecture(subject: Subject, _argument: str) -> Truth:
    """The municipalities lie in two prefectures."""
    left, entered = _prefectures(subject)
    return _told(bool(left and entered) and left != entered)


def _kind(subject: Subject, kind: Kind) -> Truth:
    subject.note("kind", subject.move.kind.value)
    return _told(subject.move.kind is kind)


def from_abroad(subject: Subject, _argument: str) -> Truth:
    """Moves in from abroad."""
    return _kind(subject, Kind.OVERSEAS_IN)


def to_abroad(subject: Subject, _argument: str) -> Truth:
    """Moves abroad."""
    return _kind(subject, Kind.OVERSEAS_OUT)


def _scope(subject: Subject, scope: Scope) -> Truth:
    subject.note("scope", subject.move.scope.value)
    return _told(subject.move.scope is scope)


def whole_household(subject: Subject, _argument: str) -> Truth:
    """Nobody stays behind."""
    return _scope(subject, Scope.WHOLE)


def part_of_household(subject: Subject, _argument: str) -> Truth:
    """Somebody stays behind."""
    return _scope(subject, Scope.PART)


def japanese(subject: Subject, _argument: str) -> Truth:
    """A Japanese citizen."""
    subject.note("nationality", subject.person.nationality)
    return _told(subject.person.nationality == "JPN")


def foreign(subject: Subject, _argument: str) -> Truth:
    """A foreign resident."""
    subject.note("nationality", subject.person.nationality)
    return _told(bool(subject.person.nationality) and subject.person.nationality != "JPN")


def always(_subject: Subject, _argument: str) -> Truth:
    """Applies to everyone."""
    return Truth.HOLDS


#: Kinds that need no answer, and kinds that may have to ask (they are given the question).
PLAIN: Mapping[str, Callable[[Subject, str], Truth]] = {
    function.__name__: function
    for function in (
        always, age_at_least, age_below, age_from_birthday, age_below_birthday, until_year_end, until_year_end_local,
        school_age, same_prefecture, other_prefecture, from_abroad, to_abroad, whole_household,
        part_of_household, japanese, foreign, card_lapsed, card_kept,
    )
}  # fmt: skip
ASKING: Mapping[str, Callable[[Subject, str, str], Truth]] = {
    function.__name__: function for function in (coverage, pension_first, holds_card, answer_yes, answer_no)
}


def holds(subject: Subject, condition: tables.Condition) -> Truth:
    """Tell whether the condition holds; raises ``KeyError`` for a kind that no function stands behind."""
    if condition.kind in PLAIN:
        return PLAIN[condition.kind](subject, condition.argument)
    return ASKING[condition.kind](subject, condition.argument, condition.question)
