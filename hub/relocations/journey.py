"""The journey: from what was filed and what happened since to leg states, notices due and deadlines.

A pure function over the tables. Every event (filing, report, timer, a person's decision) does the same:
recompute, then add what is missing; repeating it adds nothing. State is kept per mover and leg, because
one child may stay behind.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hub.relocations import tables
from municipalities.notice import Flow, Role


@dataclass(frozen=True, slots=True)
class LegFacts:
    """One municipality's part: its role and the movers it is about."""

    role: Role
    municipality: str
    ordinals: tuple[int, ...]
    #: Something was handed to this town already, so that it must be told of a withdrawal.
    told: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, in the order it happened: a report, a notice handed over, a citizen's act."""

    type: str
    ordinals: frozenset[int]
    outcome: str = ""
    #: Where it happened; empty when it concerns every leg.
    municipality: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the journey depends on."""

    flow: Flow
    planned_out_on: date | None
    legs: tuple[LegFacts, ...]
    #: In order of time; a notice is a fact from when it was handed over.
    facts: tuple[Fact, ...]
    #: Movers already covered by a notice that was queued, by type, role and municipality.
    covered: Mapping[tuple[str, Role, str], frozenset[int]]
    today: date


@dataclass(frozen=True, slots=True)
class Due:
    """A notice whose gate is open and that nobody was told yet."""

    type: str
    role: Role
    municipality: str
    ordinals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """Where things stand and what is due."""

    states: Mapping[tuple[Role, str, int], str]
    due: tuple[Due, ...]
    state: str


def travel(situation: Situation) -> Journey:
    """Work out leg states, notices due and the state of the whole filing."""
    states = leg_states(situation)
    return Journey(states, tuple(notices_due(situation)), roll_up(situation, states))


def leg_states(situation: Situation) -> dict[tuple[Role, str, int], str]:
    """Fold what happened through the state machine of each leg, mover by mover."""
    steps = tables.leg_steps()
    states = {}
    for leg in situation.legs:
        for ordinal in leg.ordinals:
            state = tables.START[leg.role]
            for fact in situation.facts:
                if ordinal in fact.ordinals:
                    state = steps.get((leg.role, state, fact.type, fact.outcome), state)
            states[leg.role, leg.municipality, ordinal] = state
    return states


def missing(situation: Situation, message: str, ordinal: int) -> list[tables.Need]:
    """Return what must still happen for this mover before the message may go (its gate); empty = open."""
    return [
        group[0]
        for group in tables.gates().get(message, ())
        if not any(_met(situation, need, ordinal) for need in group)
    ]


def _met(situation: Situation, need: tables.Need, ordinal: int) -> bool:
    if need.type == "flow.card":
        return situation.flow is Flow.CARD_SPECIAL
    if need.type == "planned_date.reached":
        return situation.planned_out_on is not None and situation.planned_out_on <= situation.today
    # A notice counts from when it is queued: a town may answer before the courier has written down «sent».
    if any(ordinal in told for (type_, _, _), told in situation.covered.items() if type_ == need.type):
        return True
    return any(
        fact.type == need.type and ordinal in fact.ordinals and need.outcome in ("", fact.outcome)
        for fact in situation.facts
    )


def notices_due(situation: Situation) -> Iterator[Due]:
    """Yield each notice whose gate is open for movers that no earlier notice of its kind covers."""
    withdrawn = {n for fact in situation.facts if fact.type == "filing.withdrawn" for n in fact.ordinals}
    for message, role in tables.notices():
        taking_back = message == "withdraw.requested"
        for leg in situation.legs:
            if leg.role != role or (taking_back and not leg.told):
                continue
            covered = situation.covered.get((message, role, leg.municipality), frozenset())
            ordinals = tuple(
                ordinal
                for ordinal in leg.ordinals
                if ordinal not in covered
                and (taking_back or ordinal not in withdrawn)
                and not missing(situation, message, ordinal)
            )
            if ordinals:
                yield Due(message, role, leg.municipality, ordinals)


#: What a leg's state means for the whole filing: the lowest rank of any leg and mover counts.
ORIGIN_RANK = {
    "PENDING": "SUBMITTED",
    "DELIVERED": "IN_REVIEW",
    "PROVISIONAL": "IN_REVIEW",
    "RETURNED": "RETURNED",
    "REGISTERED": "MOVEOUT_ACCEPTED",
    "EFFECTIVE": "AWAITING_ARRIVAL",
    "CONFIRMED": "ARRIVED",
}
ORDER = ("SUBMITTED", "IN_REVIEW", "MOVEOUT_ACCEPTED", "AWAITING_ARRIVAL", "ARRIVED", "SETTLED")
ARRIVED = frozenset({"REGISTERED", "NOTIFIED", "CLOSED"})
#: The end of each role's part.
DONE = {Role.ORIGIN: "CONFIRMED", Role.DESTINATION: "CLOSED", Role.DOMICILE: "APPLIED"}
#: States of which one is enough to name the whole filing.
STOPS = ("WITHDRAWN", "REJECTED", "RETURNED")


def roll_up(situation: Situation, states: Mapping[tuple[Role, str, int], str]) -> str:
    """Return the state of the filing: the minimum over all movers and legs."""
    found = set(states.values())
    for stop in STOPS:
        if stop in found:
            return stop
    ordinals = {ordinal for _, _, ordinal in states}
    return min((_of_mover(states, ordinal) for ordinal in ordinals), key=ORDER.index)


def _of_mover(states: Mapping[tuple[Role, str, int], str], ordinal: int) -> str:
    mine = {role: state for (role, _, number), state in states.items() if number == ordinal}
    if all(state == DONE[role] for role, state in mine.items()):
        return "SETTLED"
    if mine.get(Role.DESTINATION) in ARRIVED:
        return "ARRIVED"
    return ORIGIN_RANK[mine[Role.ORIGIN]]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A clock that runs: its id in the law's words (C14, C30), and the last day."""

    clock: str
    starts_on: date
    due_on: date


def deadlines(flow: Flow, planned_out_on: date | None, living_from: date | None) -> Sequence[Deadline]:
    """Return the clocks that run from the planned dates; the first day is not counted (Civil Code Art. 140).

    C14: move-in filing within 14 days of moving in (Act Art. 22). C30: the card flow ends 30 days after the
    planned move-out date (Order Art. 24-2). Roll-over to an open day is the town's calendar's business.
    """
    found = []
    if living_from is not None:
        found.append(Deadline("C14", living_from, living_from + timedelta(days=14)))
    if flow is Flow.CARD_SPECIAL and planned_out_on is not None:
        found.append(Deadline("C30", planned_out_on, planned_out_on + timedelta(days=30)))
    return found
