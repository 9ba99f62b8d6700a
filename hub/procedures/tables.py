"""The rules of follow-on procedures as tables (``data/*.csv``), read and checked at start.

``procedures.csv`` has one row per rule and version; ``needs.csv`` says when it is due: every group must have at
least one condition that holds. ``conditions.csv`` names the conditions and the question to ask where a filing
does not say it; ``questions.csv`` are those questions, ``deadlines.csv`` how a last day is counted, ``moves.csv``
for which kinds of move a rule is asked at all, ``departments.csv`` who works on it. ``gates.csv`` says in which
states of a mover's leg a department may be asked (order rule O8), in one of them only from the day of leaving. ``duty``
names the provision that orders somebody to file (届け出なければならない): a filing is complete when these are over. It
is empty where something is only offered: a benefit to claim, a certificate, a service. A cell names a thing, it never
holds an expression.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import get_language

from municipalities.notice import Kind

DATA = Path(__file__).parent / "data"
SIDES = ("origin", "destination", "elsewhere")
#: What a rule leads to: work of a department, which is asked; something done at the counter with the filing itself;
#: something that follows by itself; something to know.
KINDS = ("task", "counter", "automatic", "information")
SCOPES = ("person", "household")
#: The row of ``gates.csv`` that says which movers' move has come to nothing.
GONE = "GONE"


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages."""

    ja: str
    en: str

    def __str__(self) -> str:
        return self.en if get_language() == "en" else self.ja


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds for a person and a move, or does not; ``kind`` names the function that tells."""

    name: str
    kind: str
    argument: str
    question: str
    text: Words


@dataclass(frozen=True, slots=True)
class Question:
    """Something that may not be inferred and is asked, of each person or once for the household."""

    name: str
    scope: str
    text: Words
    hint: Words


@dataclass(frozen=True, slots=True)
class Deadline:
    """How a last day is counted: from which day, so many days, moved to an open day or not."""

    name: str
    counts_from: str
    days: int | None
    rolls: bool
    text: Words


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of one rule."""

    name: str  #: "F01.gain": one procedure may have several rules
    procedure: str  #: "F01": the catalogue's id
    version: int
    title: Words
    side: str
    scope: str
    kind: str
    department: str
    kinds: frozenset[Kind]  #: kinds of move it is asked for
    gate: str
    deadline: Deadline
    document: str  #: paper of the origin that must be brought along
    bring: Words
    effective_from: date
    effective_to: date | None
    #: The provision that orders the filing; empty where nobody must.
    duty: str
    source: str
    #: Every group needs one condition that holds; the order is the order of asking.
    needs: tuple[tuple[Condition, ...], ...]

    def valid_on(self, day: date) -> bool:
        """Tell whether this version is the law of that day; the last day counts."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _words(row: Mapping[str, str], name: str) -> Words:
    return Words(row[f"{name}_ja"], row[f"{name}_en"])


@cache
def departments() -> Mapping[str, Words]:
    """Return the departments by key."""
    return {row["department"]: _words(row, "name") for row in _rows("departments")}


@cache
def questions() -> Mapping[str, Question]:
    """Return what can be asked, by name, in the order of asking."""
    return {
        row["question"]: Question(row["question"], row["scope"], _words(row, "text"), _words(row, "hint"))
        for row in _rows("questions")
    }


@cache
def conditions() -> Mapping[str, Condition]:
    """Return the conditions by name."""
    return {
        row["condition"]: Condition(
            row["condition"], row["kind"], row["argument"], row["question"], _words(row, "text")
        )
        for row in _rows("conditions")
    }


@cache
def deadlines() -> Mapping[str, Deadline]:
    """Return how last days are counted, by name."""
    return {
        row["deadline"]: Deadline(
            row["deadline"],
            row["counts_from"],
            int(row["days"]) if row["days"] else None,
            row["rolls"] == "yes",
            _words(row, "text"),
        )
        for row in _rows("deadlines")
    }


@cache
def moves() -> Mapping[str, frozenset[Kind]]:
    """Return the kinds of move behind each word of the column ``moves``."""
    found: dict[str, frozenset[Kind]] = {}
    for row in _rows("moves"):
        found[row["move"]] = found.get(row["move"], frozenset()) | {Kind(row["kind"])}
    return found


@cache
def gates() -> Mapping[tuple[str, str], Mapping[str, bool]]:
    """Return, by role and state of a leg, the gates that are open; whether only from the day of leaving."""
    found: dict[tuple[str, str], dict[str, bool]] = {}
    for row in _rows("gates"):
        found.setdefault((row["role"], row["state"]), {})[row["gate"]] = row["day"] == "leaving"
    return found


@cache
def by_day() -> frozenset[str]:
    """Return the gates that a day alone may open."""
    return frozenset(row["gate"] for row in _rows("gates") if row["day"])


@cache
def rules() -> tuple[Rule, ...]:
    """Return every version of every rule, in the catalogue's order."""
    needs = _needs()
    return tuple(_rule(row, needs.get((row["rule"], row["version"]), ())) for row in _rows("procedures"))


def _needs() -> dict[tuple[str, str], tuple[tuple[Condition, ...], ...]]:
    found: dict[tuple[str, str], dict[str, list[Condition]]] = {}
    for row in _rows("needs"):
        groups = found.setdefault((row["rule"], row["version"]), {})
        groups.setdefault(row["group"], []).append(conditions()[row["condition"]])
    return {key: tuple(map(tuple, groups.values())) for key, groups in found.items()}


def _rule(row: Mapping[str, str], needs: tuple[tuple[Condition, ...], ...]) -> Rule:
    return Rule(
        name=row["rule"],
        procedure=row["id"],
        version=int(row["version"]),
        title=_words(row, "title"),
        side=row["side"],
        scope=row["scope"],
        kind=row["kind"],
        department=row["department"],
        kinds=moves()[row["moves"]],
        gate=row["gate"],
        deadline=deadlines()[row["deadline"]],
        document=row["document"],
        bring=_words(row, "bring"),
        effective_from=date.fromisoformat(row["effective_from"]),
        effective_to=date.fromisoformat(row["effective_to"]) if row["effective_to"] else None,
        duty=row["duty"],
        source=row["source"],
        needs=needs,
    )


@cache
def named(name: str, version: int) -> Rule:
    """Return one version of one rule; raises ``KeyError`` for one that the tables do not have."""
    for rule in rules():
        if (rule.name, rule.version) == (name, version):
            return rule
    raise KeyError(f"{name} v{version}")


@cache
def duties() -> tuple[tuple[str, int], ...]:
    """Return the rules that are a duty, by name and version."""
    return tuple((rule.name, rule.version) for rule in rules() if rule.duty)


def check() -> None:
    """Raise ``ImproperlyConfigured`` where the tables do not fit together, naming the row."""
    try:
        found = rules()
    except (KeyError, ValueError) as error:
        raise ImproperlyConfigured(f"hub/procedures/data: {error!r} names nothing or is no date") from error
    for rule in found:
        where = f"procedures.csv {rule.name} v{rule.version}"
        if not rule.needs:
            raise ImproperlyConfigured(f"{where}: needs.csv does not say when it is due")
        _among(where, rule.side, SIDES)
        _among(where, rule.scope, SCOPES)
        _among(where, rule.kind, KINDS)
        _among(where, rule.gate, tuple(row["gate"] for row in _rows("gates") if row["gate"] != GONE))
        _among(where, rule.department, tuple(departments()))
        if rule.kind == "task" and rule.side == "elsewhere":
            raise ImproperlyConfigured(f"{where}: a task needs a municipality")
        if rule.duty and rule.kind != "task":
            raise ImproperlyConfigured(f"{where}: nobody reports the end of a duty that is no task")
        for other in found:
            if other.name == rule.name and other.version > rule.version and other.valid_on(rule.effective_from):
                raise ImproperlyConfigured(f"{where} and v{other.version} are valid on the same day")
    for condition in conditions().values():
        if condition.question:
            _among(f"conditions.csv {condition.name}", condition.question, tuple(questions()))


def _among(where: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ImproperlyConfigured(f"{where}: «{value}» is none of {', '.join(allowed)}")
