"""The rules of moving as tables: messages, gates, steps of legs, kinds, disclosure (``data/*.csv``).

``messages`` is the catalogue; in ``gates`` a message may go when every group has at least one need met;
``leg_steps`` is the state machine of each role; ``kinds`` says which legs a kind of move has and how each ends;
``disclosure`` says which field of a notice each type may carry (what is not marked is not told). A cell names a
thing, it never holds an expression.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from municipalities.notice import Flow, Kind, Role

DATA = Path(__file__).parent / "data"
#: The start of each role's state machine.
START = {Role.ORIGIN: "PENDING", Role.DESTINATION: "NONE", Role.DOMICILE: "NONE", Role.LAST_REGISTERED: "NONE"}
#: Kinds in which one municipality is left and entered: it may know both households.
WITHIN = frozenset({Kind.IN_CITY, Kind.HOUSEHOLD_CHANGE})
#: Departments are those of the town left and of the town entered.
LEADING = (Role.ORIGIN, Role.DESTINATION)
_ROLES = {role.value for role in Role}


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table in ``data``."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the catalogue: one type in one direction.

    ``payload`` is what carries it: ``Notice`` to a town, ``Task`` to a department of one (``followon``), ``Report``
    from one, ``Receipt``, ``Filing``, a page, or another door. ``outcomes``: what a report may say. ``kinds``: of which
    moves (empty: all). ``states``: a notice goes only while its leg is in one of them (empty: any). ``told``: only to a
    town that was handed something before.
    ``legal``: W working copy, N mirrors a statutory notice. ``changes``: what moves by it.
    """

    no: str
    type: str
    sender: str
    recipient: str
    payload: str
    outcomes: frozenset[str]
    kinds: frozenset[Kind]
    states: frozenset[str]
    told: bool
    legal: str
    changes: str
    purpose: str

    @property
    def role(self) -> Role | None:
        """The role that receives this notice or sends this report; ``None`` when any town may."""
        name = self.recipient if self.payload == "Notice" else self.sender
        return Role(name) if name in _ROLES else None


@dataclass(frozen=True, slots=True)
class Need:
    """Something that must have happened first; an empty outcome means any."""

    type: str
    outcome: str


@cache
def messages() -> tuple[Message, ...]:
    """Return the message catalogue."""
    return tuple(_message(row) for row in rows("messages.csv"))


def _message(row: dict[str, str]) -> Message:
    return Message(
        no=row["no"],
        type=row["type"],
        sender=row["sender"],
        recipient=row["recipient"],
        payload=row["payload"],
        outcomes=_outcomes(row["outcomes"]),
        kinds=frozenset(map(Kind, row["kinds"].split())),
        states=frozenset(row["states"].split()),
        told=row["told"] == "told",
        legal=row["legal"],
        changes=row["changes"],
        purpose=row["purpose"],
    )


def _outcomes(cell: str) -> frozenset[str]:
    """Read a cell of outcomes; nothing, or a bar alone among words, means that none is possible."""
    words = cell.split()
    return frozenset("" if word == "|" else word for word in words) or frozenset({""})


@cache
def notice_rows() -> tuple[Message, ...]:
    """Return every notice that goes to a town, in the catalogue's order."""
    return tuple(row for row in messages() if row.payload == "Notice")


@cache
def notices() -> tuple[tuple[str, Role], ...]:
    """Return type and receiving role of every notice that goes to a town, in the catalogue's order."""
    return tuple((row.type, row.role) for row in notice_rows() if row.role is not None)


@cache
def tasks() -> tuple[tuple[str, Role], ...]:
    """Return type and side of every notice that goes to a department of a town (``followon``): who may be told it."""
    told = ((row.type, role) for row in messages() if row.payload == "Task" for role in LEADING)
    return tuple((type_, role) for type_, role in told if f"{type_} {role.value}" in disclosure())


@cache
def reports() -> Mapping[str, frozenset[Role]]:
    """Return which roles may send each report; none for one that any town may send about its delivery."""
    found: dict[str, frozenset[Role]] = {}
    for row in messages():
        if row.payload == "Report":
            found[row.type] = found.get(row.type, frozenset()) | ({row.role} if row.role else frozenset())
    return found


@cache
def outcomes(message: str, role: Role | None = None) -> frozenset[str]:
    """Return the outcomes a report of this type may have, from this role if given; ``{""}`` when it has none."""
    same = [row for row in messages() if row.type == message and row.payload == "Report"]
    return frozenset().union(*(row.outcomes for row in same if role is None or row.role in (role, None)))


@cache
def kinds_of(message: str) -> frozenset[Kind]:
    """Return the kinds of moves in which there is such a message; none where the catalogue does not say."""
    return frozenset().union(*(row.kinds for row in messages() if row.type == message))


@cache
def gates() -> Mapping[str, tuple[tuple[Need, ...], ...]]:
    """Return, by message, the groups of needs: one need of every group must be met.

    Under ``message role`` stand the groups that count only from or to that role; under ``message notice`` those that
    count only for a notice, under ``message notice role`` for one to that role, ``message report role`` for a report
    from it; under ``message |`` those that count only for a report without an outcome.
    """
    found: dict[str, dict[str, list[Need]]] = {}
    for row in rows("gates.csv"):
        name = f"{row['message']} {row['only']}".strip()
        found.setdefault(name, {}).setdefault(row["group"], []).append(Need(row["needs"], row["outcome"]))
    return {name: tuple(map(tuple, groups.values())) for name, groups in found.items()}


@cache
def gate(message: str, role: Role, *, notice: bool = False, outcome: str = "") -> tuple[tuple[Need, ...], ...]:
    """Return the gate of a report from a role, or of a notice to it."""
    way = ["notice", f"notice {role.value}"] if notice else [f"report {role.value}"]
    only = [role.value, *way, *([] if outcome else ["|"])]
    names = (message, *(f"{message} {one}" for one in only))
    return tuple(group for name in names for group in gates().get(name, ()))


#: The need of a gate that asks for the day on which each mover leaves.
BY_DAY = "planned_date.reached"


@cache
def by_day(message: str) -> bool:
    """Tell whether the gate of a report asks for it."""
    needs = (need for role in reports()[message] for group in gate(message, role) for need in group)
    return any(need.type == BY_DAY for need in needs)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a role's state machine; ``whose``: done by or to this leg's own town, another one, or any."""

    role: Role
    start: str
    on: str
    outcome: str
    whose: str
    end: str


@cache
def leg_steps() -> tuple[Step, ...]:
    """Return the state machines of all roles."""
    return tuple(
        Step(Role(row["role"]), row["from"], row["on"], row["outcome"], row["whose"], row["to"])
        for row in rows("leg_steps.csv")
    )


@cache
def machine(role: Role) -> Mapping[tuple[str, str, str, bool], str]:
    """Return the next state of a role by (state, message, outcome, whether it is of the leg's own town)."""
    found = {}
    for step in leg_steps():
        if step.role is role:
            for own in {"own": (True,), "other": (False,), "any": (True, False)}[step.whose]:
                found[step.start, step.on, step.outcome, own] = step.end
    return found


@cache
def decides(role: Role, message: str) -> bool:
    """Tell whether this message, said by a leg of this role, moves that leg at all."""
    return any(step.role is role and step.on == message and step.whose == "own" for step in leg_steps())


def transitions(role: Role) -> list[tuple[str, str]]:
    """Return the steps of one role's state machine, for the database to enforce."""
    return sorted({(step.start, step.end) for step in leg_steps() if step.role is role and step.start != step.end})


@dataclass(frozen=True, slots=True)
class Part:
    """A leg that a kind of move has: for whom, not where another role already is, and when it is done."""

    role: Role
    movers: str
    not_at: str
    done: frozenset[str]


@cache
def kinds() -> Mapping[Kind, tuple[Part, ...]]:
    """Return the legs of each kind of move."""
    found: dict[Kind, tuple[Part, ...]] = {}
    for row in rows("kinds.csv"):
        part = Part(Role(row["role"]), row["movers"], row["not_at"], frozenset(row["done"].split()))
        found[Kind(row["kind"])] = (*found.get(Kind(row["kind"]), ()), part)
    return found


@cache
def done(kind: Kind, role: Role) -> frozenset[str]:
    """Return the states in which this role's part of such a move is done."""
    return next((part.done for part in kinds()[kind] if part.role is role), frozenset())


@cache
def flows(kind: Kind) -> frozenset[Flow]:
    """Return the flows in which a move of this kind may be filed."""
    return frozenset(Flow(row["flow"]) for row in rows("flows.csv") if row["kind"] == kind and row["may_be_filed"])


#: In this order one of them names the whole filing: as long as anybody goes the way with the card, its days count.
FLOWS = (Flow.CARD_SPECIAL, Flow.PAPER_CERT, Flow.EX_OFFICIO, Flow.NOT_APPLICABLE)


def whole_flow(flows: Iterable[Flow]) -> Flow:
    """Return how the certificates of several movers travel, in one word."""
    return min(flows, key=FLOWS.index)


@cache
def disclosure() -> Mapping[str, frozenset[str]]:
    """Return, by column, the fields that a notice may carry."""
    table = rows("disclosure.csv")
    return {name: frozenset(row["field"] for row in table if row[name] == "x") for name in table[0] if name != "field"}


@cache
def allowed(type_: str, role: Role, kind: Kind = Kind.DOMESTIC) -> frozenset[str]:
    """Return the fields that a notice of this type to this role may carry: its own column, or the type's."""
    own = "within" if kind in WITHIN and f"{type_} within" in disclosure() else role.value
    columns = disclosure()
    return columns[f"{type_} {own}"] if f"{type_} {own}" in columns else columns[type_]
