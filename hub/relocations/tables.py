"""The rules of moving as tables: messages, gates, steps of legs, disclosure (``data/*.csv``).

Columns: ``messages`` is the catalogue; in ``gates`` a message may go when every group has at least one
need met; ``leg_steps`` is the state machine of each role; ``disclosure`` says which field of a notice each
type may carry (what is not marked is not told).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from municipalities.notice import Role

DATA = Path(__file__).parent / "data"


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the catalogue."""

    no: str
    type: str
    sender: str
    recipient: str
    legal: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Need:
    """Something that must have happened first; an empty outcome means any."""

    type: str
    outcome: str


#: The start of each role's state machine.
START = {Role.ORIGIN: "PENDING", Role.DESTINATION: "NONE", Role.DOMICILE: "NONE"}


@cache
def messages() -> tuple[Message, ...]:
    """Return the message catalogue."""
    return tuple(Message(**row) for row in _rows("messages.csv"))


@cache
def notices() -> tuple[tuple[str, Role], ...]:
    """Return type and receiving role of every notice that goes to a town, in the catalogue's order."""
    roles = {role.value for role in Role}
    return tuple((row.type, Role(row.recipient)) for row in messages() if row.recipient in roles)


@cache
def reports() -> Mapping[str, Role | None]:
    """Return who may send each report; ``None`` for any town that got the delivery."""
    roles = {role.value for role in Role}
    return {
        row.type: Role(row.sender) if row.sender in roles else None
        for row in messages()
        if row.recipient == "hub" and row.sender != "citizen"
    }


@cache
def gates() -> Mapping[str, tuple[tuple[Need, ...], ...]]:
    """Return, by message, the groups of needs: one need of every group must be met."""
    found: dict[str, dict[str, list[Need]]] = {}
    for row in _rows("gates.csv"):
        found.setdefault(row["message"], {}).setdefault(row["group"], []).append(Need(row["needs"], row["outcome"]))
    return {message: tuple(map(tuple, groups.values())) for message, groups in found.items()}


@cache
def leg_steps() -> Mapping[tuple[Role, str, str, str], str]:
    """Return the next state by (role, state, message, outcome)."""
    return {(Role(row["role"]), row["from"], row["on"], row["outcome"]): row["to"] for row in _rows("leg_steps.csv")}


@cache
def decides(role: Role, message: str) -> bool:
    """Tell whether this message moves a leg of this role at all."""
    return any(step[0] == role and step[2] == message for step in leg_steps())


@cache
def outcomes(message: str) -> frozenset[str]:
    """Return the outcomes a report of this type may have; ``{""}`` when it has none."""
    named = {step[3] for step in leg_steps() if step[2] == message}
    return frozenset(named or {""})


@cache
def disclosure() -> Mapping[str, frozenset[str]]:
    """Return the fields that each type of notice may carry."""
    rows = _rows("disclosure.csv")
    types = [name for name in rows[0] if name != "field"]
    return {name: frozenset(row["field"] for row in rows if row[name] == "x") for name in types}


def transitions(role: Role) -> list[tuple[str, str]]:
    """Return the steps of one role's state machine, for the database to enforce."""
    return sorted({(step[1], to) for step, to in leg_steps().items() if step[0] == role and step[1] != to})
