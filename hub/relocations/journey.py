"""The journey: from what was filed and what happened since to leg states, notices due and the filing's state.

A pure function over the tables. Every event (filing, report, timer, a person's decision) does the same:
recompute, then add what is missing; repeating it adds nothing. State is kept per mover and leg, because
one child may stay behind.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from hub.relocations import tables
from hub.relocations.tables import Need
from municipalities.notice import Flow, Kind, Role


@dataclass(frozen=True, slots=True)
class LegFacts:
    """One municipality's part: its role and the movers it is about."""

    role: Role
    municipality: str
    ordinals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, in the order it happened: a report, a notice handed over, an act, a timer."""

    type: str
    ordinals: frozenset[int]
    outcome: str = ""
    #: Where it happened (who reported, who was handed it); empty when it concerns every leg.
    municipality: str = ""
    #: As what the town was handed it: one municipality may have two parts in a move.
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the journey depends on."""

    #: How each mover's certificate travels.
    flows: Mapping[int, Flow]
    planned_out_on: date | None
    legs: tuple[LegFacts, ...]
    #: In order of time; a notice is a fact from when it was handed over.
    facts: tuple[Fact, ...]
    #: Movers already covered by a notice that was queued, by type, role and municipality.
    covered: Mapping[tuple[str, Role, str], frozenset[int]]
    today: date
    #: Movers of whom a town was told anything, by role and municipality: it must be told of a withdrawal of them.
    told: Mapping[tuple[Role, str], frozenset[int]] = field(default_factory=dict)
    #: Of these, those who were told of in an earlier version than the present one.
    outdated: Mapping[tuple[Role, str], frozenset[int]] = field(default_factory=dict)
    kind: Kind = Kind.DOMESTIC
    #: The move before this one, if the filer named one, is registered at its destination or has ended.
    prior_over: bool = True
    #: What made the present version: nothing (as filed), an amendment of the filer, or a town's correction.
    version_by: str = ""
    #: What the consents amount to (``models.Agreement``).
    consent: str = ""
    #: Towns that must be told to handle it under protection (message 75).
    routed: frozenset[str] = frozenset()
    #: Days of leaving of movers who have their own; known where a gate asks for them (``tables.by_day``).
    leaving: Mapping[int, date] = field(default_factory=dict)


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


#: The cancellation of a move-in, and the notices that it takes back; one told later takes it back in its turn.
CANCELLED = "movein.cancelled"
ENTERED = ("movein.notice", "appendix.notice")
#: Destination states of a person who is registered there.
ARRIVED = frozenset({"REGISTERED", "NOTIFIED", "CLOSED"})
#: States of a town that has nothing to do with the move any more: the person went, or now plans to go, elsewhere.
ELSEWHERE = frozenset({"DIVERTED", "DROPPED"})
#: By what a destination cancels what it registered.
UNDONE = frozenset({("cancel.decided", "CANCEL_REMOVE"), ("cancel.decided", "CANCEL_AMENDED")})
#: States of a destination that has decided that it does not have somebody.
GIVEN_UP = frozenset({"CANCELLED", "REJECTED"})
#: States of a town that was to be left in which nobody leaves it any more.
NOT_LEFT = frozenset({"CANCELLED", "WITHDRAWN", "CLOSED"})
#: How ``version_by`` names the filer; else it is the code of the town that corrected.
AMENDED = "filer"
#: The same of a move that ended at another town than planned: its address comes with the move-in notice.
MOVED = "moved"


class Past:
    """What happened to one mover, prepared so that every question about it is one look-up."""

    __slots__ = ("arrived", "facts", "flow", "happened", "leaves_on", "situation", "states", "unfiled")

    def __init__(self, situation: Situation, ordinal: int, facts: tuple[Fact, ...]) -> None:
        self.situation, self.facts, self.flow = situation, facts, situation.flows[ordinal]
        self.leaves_on = situation.leaving.get(ordinal, situation.planned_out_on)
        happened: set[tuple[str, str]] = set()
        for fact in facts:
            happened.add((fact.type, ""))
            happened.add((fact.type, fact.outcome))
        # A notice counts from when it is queued: a town may answer before the courier has written down «sent».
        happened.update((key[0], "") for key, told in situation.covered.items() if ordinal in told)
        self.happened = happened
        legs = [leg for leg in situation.legs if ordinal in leg.ordinals]
        self.states = {(leg.role, leg.municipality): self.fold(leg) for leg in legs}
        self.unfiled = any(leg.role is Role.LAST_REGISTERED for leg in legs)
        self.arrived = any(role is Role.DESTINATION and state in ARRIVED for (role, _), state in self.states.items())

    def fold(self, leg: LegFacts) -> str:
        """Fold what happened through the state machine of a leg."""
        machine, state, here = tables.machine(leg.role), tables.START[leg.role], leg.municipality
        for fact in self.facts:
            own = fact.municipality == here and fact.role in (None, leg.role)
            state = machine.get((state, fact.type, fact.outcome, own), state)
        return state

    def open(self, gate: tuple[tuple[Need, ...], ...]) -> bool:
        """Tell whether every group of a gate has a need that is met."""
        for group in gate:
            for need in group:
                if self.met(need):
                    break
            else:
                return False
        return True

    def met(self, need: Need) -> bool:
        """Tell whether a need is met: it happened, or the condition that it names holds."""
        condition = CONDITIONS.get(need.type)
        return condition(self) if condition else (need.type, need.outcome) in self.happened


def _reached(past: Past) -> bool:
    return past.leaves_on is not None and past.leaves_on <= past.situation.today


def _departed(past: Past) -> bool:
    """Tell whether somebody moved abroad and that was not cancelled."""
    origin = next((state for (role, _), state in past.states.items() if role is Role.ORIGIN), "CANCELLED")
    return past.situation.kind is Kind.OVERSEAS_OUT and origin != "CANCELLED"


def died(past: Past) -> bool:
    """Tell whether a town said that somebody has died."""
    return ("registry.change", "DEATH") in past.happened


def comes_again(past: Past) -> bool:
    """Tell whether somebody whose move-in was cancelled may still be registered by this filing (order rule O7).

    No other destination has them, the town that was left has not entered them again, and nothing was taken back.
    """
    if ("filing.withdrawn", "") in past.happened or died(past):
        return False
    return not any(
        (role is Role.ORIGIN and state in NOT_LEFT) or (role is Role.DESTINATION and state not in ELSEWHERE | GIVEN_UP)
        for (role, _), state in past.states.items()
    )


def _is_cancelled(past: Past) -> bool:
    """Tell whether a destination has nothing to do with somebody any more, by its own decision or another's."""
    return any(role is Role.DESTINATION and state == "CANCELLED" for (role, _), state in past.states.items())


#: What a gate may need besides that something happened. A cell of ``gates.csv`` names one of these.
CONDITIONS: dict[str, Callable[[Past], bool]] = {
    "flow.card": lambda past: past.flow is Flow.CARD_SPECIAL,
    tables.BY_DAY: _reached,
    "kind.without_moveout": lambda past: past.situation.kind not in tables.kinds_of("moveout.submitted"),
    "kind.overseas_out": lambda past: past.situation.kind is Kind.OVERSEAS_OUT,
    "stay.filed": lambda past: not past.unfiled,
    "stay.unfiled": lambda past: past.unfiled,
    "prior.over": lambda past: past.situation.prior_over,
    "consents.given": lambda past: past.situation.consent in ("", "GIVEN"),
    "protection.set": lambda past: bool(past.situation.routed),
    "arrival.none": lambda past: not past.arrived,
    "arrival.stands": lambda past: past.arrived,
    "arrival.uncancelled": lambda past: not _is_cancelled(past),
    "arrival.again": comes_again,
    "departure.stands": _departed,
    "movein.undecided": lambda past: ("movein.decided", "REGISTERED") not in past.happened,
    "version.amended": lambda past: past.situation.version_by == AMENDED,
    "version.corrected": lambda past: past.situation.version_by not in ("", AMENDED, MOVED),
}


def pasts(situation: Situation) -> dict[int, Past]:
    """Return the past of every mover; movers of the same past, legs, flow and day of leaving share the work."""
    found: dict[int, Past] = {}
    known: dict[tuple[object, ...], Past] = {}
    for ordinal in {ordinal: None for leg in situation.legs for ordinal in leg.ordinals}:
        facts = tuple(fact for fact in situation.facts if ordinal in fact.ordinals)
        same = (
            situation.flows[ordinal],
            situation.leaving.get(ordinal),
            tuple(map(id, facts)),
            tuple(ordinal in leg.ordinals for leg in situation.legs),
            tuple(ordinal in told for told in situation.covered.values()),
        )
        past = known.get(same)
        if past is None:
            past = known[same] = Past(situation, ordinal, facts)
        found[ordinal] = past
    return found


def travel(situation: Situation) -> Journey:
    """Work out leg states, notices due and the state of the whole filing."""
    movers = pasts(situation)
    states = {
        (leg.role, leg.municipality, ordinal): movers[ordinal].states[leg.role, leg.municipality]
        for leg in situation.legs
        for ordinal in leg.ordinals
    }
    due = tuple(_due(situation, movers))
    return Journey(states, (*routes_due(situation, due), *due), roll_up(situation, movers))


def missing(past: Past, message: str, role: Role, outcome: str = "") -> list[Need]:
    """Return what must still happen for this mover before the message may go (its gate); empty = open."""
    return [group[0] for group in tables.gate(message, role, outcome=outcome) if not past.open((group,))]


def _due(situation: Situation, movers: Mapping[int, Past]) -> Iterator[Due]:
    """Yield each notice whose gate is open for movers that no earlier notice of its kind covers."""
    for row, role, gate, says_flow in _notices(situation.kind):
        # What takes back or corrects goes to who was told of this very mover, a new version to who knows an older one.
        told = situation.outdated if row.type in BY_VERSION else situation.told
        for leg in situation.legs:
            if leg.role is not role:
                continue
            if row.type == "correction.notified" and leg.municipality == situation.version_by:
                continue  # who corrected knows
            covered = situation.covered.get((row.type, leg.role, leg.municipality), frozenset())
            here = (leg.role, leg.municipality)
            ordinals = tuple(
                ordinal
                for ordinal in leg.ordinals
                if ordinal not in covered
                and (not row.told or ordinal in told.get(here, ()))
                and (not row.states or movers[ordinal].states[here] in row.states)
                and movers[ordinal].open(gate)
            )
            for some in _by_flow(ordinals, movers) if says_flow else [ordinals] if ordinals else ():
                yield Due(row.type, leg.role, leg.municipality, some)


def _by_flow(ordinals: Sequence[int], movers: Mapping[int, Past]) -> Iterable[tuple[int, ...]]:
    """Group movers by how their certificates travel: a notice says one way for all whom it is about."""
    found: dict[Flow, tuple[int, ...]] = {}
    for ordinal in ordinals:
        flow = movers[ordinal].flow
        found[flow] = (*found.get(flow, ()), ordinal)
    return found.values()


@cache
def _notices(kind: Kind) -> tuple[tuple[tables.Message, Role, tuple[tuple[Need, ...], ...], bool], ...]:
    """Return the notices of a kind of move in the catalogue's order: their gates, and whether they say the flow."""
    return tuple(
        (
            row,
            row.role,
            tables.gate(row.type, row.role, notice=True),
            "flow" in tables.allowed(row.type, row.role, kind),
        )
        for row in tables.notice_rows()
        if row.role is not None and (not row.kinds or kind in row.kinds) and row.type != ROUTE
    )


#: Notices that every version is told of anew, where an earlier one was.
BY_VERSION = ("filing.amended", "correction.notified")
#: Message 75: «handle it under protection; contact office X», without a reason.
ROUTE = "protection.route"


def routes_due(situation: Situation, due: Sequence[Due]) -> Iterator[Due]:
    """Yield the notice of protection for each town that must be told, before the first other thing it is told."""
    for leg in situation.legs if situation.routed else ():
        if leg.municipality not in situation.routed or (ROUTE, leg.role) not in tables.notices():
            continue
        here = (leg.role, leg.municipality)
        told = [ordinals for (_, *where), ordinals in situation.covered.items() if (*where,) == here]
        now = {ordinal for one in due if (one.role, one.municipality) == here for ordinal in one.ordinals}
        now.update(*told)
        now -= situation.covered.get((ROUTE, *here), frozenset())
        if now:
            yield Due(ROUTE, *here, tuple(sorted(now)))


#: A settled filing is complete once nobody owes a procedure that the law orders (``facts.whole``).
SETTLED, COMPLETE = "SETTLED", "COMPLETE"
#: The states of a filing in the order of an undisturbed move: the least of any mover counts.
ORDER = (
    "SUBMITTED",
    "IN_REVIEW",
    "MOVEOUT_ACCEPTED",
    "NON_ARRIVAL",
    "AWAITING_ARRIVAL",
    "ARRIVED",
    SETTLED,
)
#: States in which a mover's part has ended otherwise; they name the filing when nobody else is under way.
ENDED = ("REJECTED", "WITHDRAWN", "CANCELLED")
#: What the state of a mover's leading leg means for the filing.
LEADING: dict[Role, dict[str, str]] = {
    Role.ORIGIN: {
        "PENDING": "SUBMITTED",
        "DELIVERED": "IN_REVIEW",
        "PROVISIONAL": "IN_REVIEW",
        "RETURNED": "RETURNED",
        "REJECTED": "REJECTED",
        "WITHDRAWN": "WITHDRAWN",
        "CANCELLED": "CANCELLED",
        "CLOSED": "CANCELLED",
        "REGISTERED": "MOVEOUT_ACCEPTED",
        "EFFECTIVE": "AWAITING_ARRIVAL",
        "NON_ARRIVAL": "NON_ARRIVAL",
        "CONFIRMED": "ARRIVED",
        "CLOSED_EX_OFFICIO": "CANCELLED",
    },
    Role.DESTINATION: {
        "NONE": "SUBMITTED",
        "CANCELLED": "CANCELLED",
        "REJECTED": "REJECTED",
        **dict.fromkeys(
            ("ANNOUNCED", "PREPARED", "OVERDUE", "SPECIAL_LAPSED", "AT_COUNTER", "PROVISIONAL"), "AWAITING_ARRIVAL"
        ),
        **dict.fromkeys(ARRIVED, "ARRIVED"),
    },
}


def roll_up(situation: Situation, movers: Mapping[int, Past]) -> str:
    """Return the state of the filing: the least over the movers that are still under way."""
    found = {_of_mover(situation, past) for past in movers.values()}
    if "RETURNED" in found:
        return "RETURNED"
    under_way = found - set(ENDED)
    if not under_way:
        return min(found, key=ENDED.index)
    least = min(under_way, key=ORDER.index)
    # Until everyone has agreed nobody is told; a refusal gives the filing back to who filed it (message 04).
    waits = {"PENDING": "CONSENT_PENDING", "REFUSED": "RETURNED"}
    return waits.get(situation.consent, least) if least in ("SUBMITTED", "IN_REVIEW") else least


def _leading(past: Past) -> dict[Role, str]:
    """Return a mover's state by role; of several destinations that of the one where they are, else of the last."""
    found: dict[Role, str] = {}
    for (role, _), state in past.states.items():
        given_up = state in GIVEN_UP and found.get(role, state) not in GIVEN_UP
        if state not in ELSEWHERE and found.get(role) not in ARRIVED and not given_up:
            found[role] = state
    return found


def _of_mover(situation: Situation, past: Past) -> str:
    kind, mine = situation.kind, _leading(past)
    if all(state in tables.done(kind, role) for role, state in mine.items()):
        return SETTLED
    origin, destination = mine.get(Role.ORIGIN), mine.get(Role.DESTINATION)
    if destination in ARRIVED:
        return "ARRIVED"
    if destination == "REJECTED":
        return "REJECTED"
    if destination is None and origin == "EFFECTIVE":  # moved abroad: nobody is awaited anywhere
        return "MOVEOUT_ACCEPTED"
    # Where nothing is filed at the town that is left, the town entered says where things stand.
    if origin is not None and kind in tables.kinds_of("moveout.submitted") and not past.unfiled:
        cancelled = destination == "CANCELLED" and origin == "REGISTERED"
        if cancelled or (destination is not None and origin == "CONFIRMED"):
            return "AWAITING_ARRIVAL"  # the move-in was cancelled, and this town is still to be told
        return LEADING[Role.ORIGIN][origin]
    if ("filing.withdrawn", "") in past.happened:
        return "WITHDRAWN"
    return LEADING[Role.DESTINATION][destination or "NONE"]
