"""The follow-on procedures of a relocation in a citizen's words: per person what, where, by when, and what is asked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub.citizens.phrases import day, person_name
from hub.procedures import services as tasks
from hub.procedures import tables
from hub.procedures.conditions import HOUSEHOLD, NO, YES, Answers
from hub.procedures.states import Reason, State
from hub.relocations import followon
from hub.relocations.models import Relocation
from hub.relocations.services import Opened
from hub.words import Words
from municipalities.models import Municipality

#: Where a procedure stands, as a citizen reads it, and its colour. Before a department was asked, only what comes.
STATES: Mapping[str, tuple[Words, str]] = {
    "due": (_("comes with the move"), "under-way"),
    "clerk": (_("the municipality decides"), "under-way"),
    State.PENDING: (_("comes later"), "under-way"),
    State.READY: (_("open"), "under-way"),
    State.SENT: (_("the department was told"), "under-way"),
    State.DONE: (_("finished"), "done"),
    State.NOT_NEEDED: (_("does not apply"), "done"),
    State.DECLINED: (_("not carried out"), "wrong"),
}
#: What is no task: done at the counter, by itself, or only to know.
KINDS: Mapping[str, Words] = {
    "counter": _("at the counter, with the move-in filing"),
    "automatic": _("happens by itself"),
    "information": _("for your information"),
}
#: In a form's name: which person and which question.
PREFIX = "answer"


@dataclass(frozen=True, slots=True)
class Item:
    """One procedure of one person."""

    key: str
    title: str
    place: str
    due: str
    due_on: date | None
    passed: bool
    state: str
    tone: str
    bring: str
    document: str
    note: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    """The procedures of one person, or of the household."""

    name: str
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is asked, with what was answered."""

    name: str
    about: str
    text: str
    hint: str
    answer: str


@dataclass(frozen=True, slots=True)
class Procedures:
    """The section of the page."""

    groups: list[Group]
    open: list[Question]
    answered: list[Question]


def of(relocation: Relocation, opened: Opened) -> Procedures:
    """Read everything the section shows; the caller has made sure whose it is."""
    return section(followon.listed(relocation, opened), relocation, opened)


def section(listed: list[followon.Listed], relocation: Relocation, opened: Opened) -> Procedures:
    """Show these procedures with what was asked and answered."""
    names = {mover.ordinal: mover.full_name for mover in opened.filing.movers}
    given = tasks.answers_of(relocation.pk, opened.key)
    asked = dict.fromkeys(pair for one in listed for pair in one.finding.questions)
    return Procedures(
        list(_groups(listed, names)),
        [_question(pair, names, "") for pair in sorted(asked, key=_order)],
        [_question(pair, names, given[pair]) for pair in sorted(given, key=_order)],
    )


def _order(pair: tuple[int, str]) -> tuple[int, int]:
    """Of the household first, then person by person, in the order of the table."""
    return pair[0], list(tables.questions()).index(pair[1])


def _question(pair: tuple[int, str], names: Mapping[int, str], answer: str) -> Question:
    number, name = pair
    row = tables.questions()[name]
    about = gettext("Your household") if number == HOUSEHOLD else person_name(number, names)
    return Question(f"{PREFIX}-{number}-{name}", about, str(row.text), str(row.hint), answer)


def _groups(listed: Iterable[followon.Listed], names: Mapping[int, str]) -> Iterator[Group]:
    """Each person in the order of the filing, then the household; what has a day first."""
    known = [one for one in listed if one.state != "ask"]
    codes = {one.finding.municipality for one in known if one.finding.municipality}
    towns = {row.pk: row.full_name for row in Municipality.objects.filter(pk__in=codes)}
    mine: dict[int, list[Item]] = {}
    for one in known:
        number = one.finding.ordinal if one.finding.rule.scope == "person" else HOUSEHOLD
        mine.setdefault(number, []).append(_item(one, towns))
    for number in sorted(mine, key=lambda number: (number == HOUSEHOLD, number)):
        name = gettext("Your household") if number == HOUSEHOLD else person_name(number, names)
        yield Group(name, sorted(mine[number], key=lambda item: (item.due_on is None, item.due_on or date.max)))


def _item(one: followon.Listed, towns: Mapping[str, str]) -> Item:
    rule, task = one.finding.rule, one.task
    words, tone = STATES[one.state]
    if rule.kind != "task":
        words, tone = KINDS[rule.kind], "under-way"
    if task is not None and task.state == State.SENT and task.reason == Reason.NEEDS_VISIT:
        words, tone = _("please visit the counter"), "wrong"
    department = task.department if task else one.finding.local.department or rule.department
    name = str(tables.departments().get(department, department))
    place = " ".join(part for part in (towns.get(one.finding.municipality, ""), name) if part)
    over = task is not None and task.state not in (State.PENDING, State.READY, State.SENT)
    return Item(
        key=f"{rule.name}-{one.finding.ordinal}",
        title=str(rule.title),
        place=place,
        due=day(one.due_on) if one.due_on else str(rule.deadline.text),
        due_on=one.due_on,
        passed=one.due_on is not None and not over and one.due_on < timezone.localdate(),
        state=str(words),
        tone=tone,
        bring=str(rule.bring),
        document=rule.document,
        note=one.finding.local.note,
        reasons=[str(tables.conditions()[name].text) for name in one.finding.reasons],
    )


def read(sent: QueryDict) -> Answers:
    """Read the answers of the form; what was left open is no answer. Raises ``ValueError`` for another form's field."""
    found = {}
    for field, value in sent.items():
        prefix, *rest = field.split("-")
        if prefix == PREFIX and value:
            number, question = rest
            if value not in (YES, NO):
                raise ValueError(field)
            found[int(number), question] = str(value)
    return found
