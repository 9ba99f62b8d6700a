"""What a town's clerk hears by no record: from a person at the counter or on the telephone, or by looking again.

Whoever plays the persons says it to the town (``POST /towns/{code}/counter``); hearing it twice is hearing it once.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal
from uuid import uuid5

import msgspec

from municipalities.simulator.clerk import NAMESPACE, REGISTRATION, Step

#: The records by which a clerk decides, each with the first step that belongs to the decision.
DECIDES = {"moveout.submitted": REGISTRATION, "arrival.prefill": "arrival.visited"}
#: What is reported at once.
REPORTS = {
    "appears": "arrival.diverted",
    "error": "correction.notified",
    "protects": "protection.route",
    "papers": "moveout.transfer_docs",
}


class Change(msgspec.Struct, frozen=True):
    """One field of the filing as it should read."""

    pointer: str
    value: Any


class Paper(msgspec.Struct, frozen=True):
    """A paper that the town gave for a procedure at the destination, by its own number."""

    procedure: str
    reference: str
    mover: int | None = None


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was said about a filing.

    ``wait``: it will be changed, taken back or nobody comes: nothing is decided about it as it is. ``appears``: the
    person is here, though another town was planned, or was on ``visited_on``. ``error``: something in the record is
    wrong. ``protects``: the town handles it under protection measures, others ask the ``contact_office``. ``papers``:
    the town gave ``documents`` for procedures at the destination.
    """

    receipt_no: str
    what: Literal["wait", "appears", "error", "protects", "papers"]
    changes: tuple[Change, ...] = ()
    visited_on: date | None = None
    contact_office: str = ""
    documents: tuple[Paper, ...] = ()
    movers: tuple[int, ...] | None = None


def steps(town: str, said: Said, day: date) -> tuple[Step, ...]:
    """What the clerk reports about it: one report, or nothing."""
    if said.what not in REPORTS:
        return ()
    name = REPORTS[said.what]
    number = str(uuid5(NAMESPACE, f"{town}/{said.receipt_no}/{name}"))
    body: dict[str, Any] = {"id": number, "type": name, "receipt_no": said.receipt_no}
    if said.what in ("appears", "error"):
        body |= {"legal_date": min(day, said.visited_on or day), "changes": said.changes}
    more = {"visited_on": said.visited_on, "contact_office": said.contact_office, "documents": said.documents}
    body |= {name: value for name, value in (more | {"movers": said.movers}).items() if value}
    return (Step(number, name, "/api/v1/reports", msgspec.json.encode(body)),)


def until_decision(kind: str, planned: Sequence[Step]) -> tuple[Step, ...]:
    """The steps before the decision on a record of this type."""
    names = [step.name for step in planned]
    return tuple(planned[: names.index(DECIDES[kind])]) if DECIDES[kind] in names else tuple(planned)


def at_counter_already(planned: Sequence[Step]) -> tuple[Step, ...]:
    """The steps about a person who is here and has said so."""
    return tuple(step for step in planned if step.name != "arrival.visited")
