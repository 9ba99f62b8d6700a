"""Between the rows and the journey: reads what happened into a ``Situation``, writes its states back."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec
from django.db import connection
from django.utils import timezone

from hub import ids
from hub.deliveries.models import Delivery
from hub.deliveries.states import State
from hub.procedures import services as procedures
from hub.relocations import journey
from hub.relocations.journey import Due, Fact, LegFacts, Situation
from hub.relocations.models import Event, Guard, Leg, Mover, Relocation, Report
from hub.rows import Reader, Together
from hub.vault import cipher
from municipalities.notice import Flow, Kind, Role

#: A delivery that never left: its notice is not a fact and its town need not be told of a withdrawal.
NEVER_LEFT = (State.WITHDRAWN, State.SUPERSEDED, State.EXPIRED)

#: By a notice: those that it takes back, so that they are told anew when their gate opens again.
TAKEN_BACK = {journey.CANCELLED: journey.ENTERED} | dict.fromkeys(journey.ENTERED, (journey.CANCELLED,))

#: Events that are facts of the journey: what the citizen, the hub and its clocks did. Those with ``movers`` in their
#: detail concern these alone.
ACTS = (
    "filing.acknowledged",
    "filing.withdrawn",
    "leg.dropped",
    "leg.restored",
    "leg.succeeded",
    "code.succeeded",
    "cancel.asked",
    "visit.overdue",
    "special.lapsed",
    "arrival.absent",
)
#: Of these, those by which one municipality has another's part: of a leg that there was, or of a code as it was filed.
SUCCEEDED = ("leg.succeeded", "code.succeeded")
#: States of a relocation in which its movers are registered where they went.
REGISTERED = ("ARRIVED", journey.SETTLED, journey.COMPLETE)
#: States in which a move that follows this one need not wait: what never came about is no reason to wait, and whether
#: the movers are registered where they say that they leave is for that municipality to see, as with any filing.
OVER = (*REGISTERED, "WITHDRAWN", "CANCELLED", "REJECTED")

#: The least that one thing happens after another, as the database keeps times.
RIGHT_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one relocation that the journey is worked out from."""

    movers: list[Mover]
    deliveries: list[Delivery]
    reports: list[Report]
    #: What the citizen and the hub did (``ACTS``).
    acts: list[Event]

    @property
    def heirs(self) -> Mapping[str, str]:
        """Municipalities of the past with the one that has their part of this move now."""
        found: dict[str, str] = {}
        for act in self.acts:
            if act.type in SUCCEEDED:
                before, now = act.detail["predecessor"], str(act.municipality_id)
                found = {code: now if heir == before else heir for code, heir in found.items()} | {before: now}
        return found

    @property
    def named(self) -> Mapping[str, str]:
        """Codes of the past as they were filed, with those that stood in their place then."""
        acts = (act for act in self.acts if act.type == "code.succeeded")
        return {act.detail["predecessor"]: str(act.municipality_id) for act in acts}


ROWS = Together(
    Reader(Leg, "WHERE relocation_id = %s"),
    Reader(Mover, "WHERE relocation_id = %s ORDER BY leg_id, ordinal"),
    # What was told stays sealed: the journey asks what was told and when, never for the text.
    Reader(Delivery, "WHERE relocation_id = %s ORDER BY sequence", without=["notice"]),
    Reader(Report, "WHERE relocation_id = %s ORDER BY received_at"),
    Reader(Event, "WHERE relocation_id = %s AND type = ANY(%s) ORDER BY id"),
)


def read(relocation: Relocation) -> Rows:
    """Read the rows; whoever changes them holds the relocation's lock."""
    key = relocation.pk
    legs, *found = ROWS(key, key, key, key, key, list(ACTS))
    rows, leg_of = Rows(*found), {leg.pk: leg for leg in legs}
    for mover in rows.movers:
        mover.leg = leg_of[mover.leg_id]
    if rows.deliveries:  # what is told next has a larger id: a town that exchanges files reads its tray in their order
        ids.seen(max(row.pk for row in rows.deliveries))
    return rows


def moment(rows: Rows) -> datetime:
    """Return the time of what happens next: now, and later than everything before it.

    Facts are put in order by their times, and the clocks of two machines differ. Who holds the relocation's lock knows
    what happened before, whatever its own clock says.
    """
    before = [row.at for row in rows.acts]
    before += [row.received_at for row in rows.reports]
    before += [_handed_over_at(row) or row.created_at for row in rows.deliveries]
    return max([timezone.now(), *(at + RIGHT_AFTER for at in before)])


def _handed_over_at(row: Delivery) -> datetime | None:
    """When it was handed over, by whichever clock: never before it was made."""
    return max(row.sent_at, row.created_at) if row.sent_at else None


def situation(relocation: Relocation, rows: Rows) -> Situation:
    """Turn the rows into everything the journey depends on."""
    everyone = frozenset(mover.ordinal for mover in rows.movers)
    follows, heirs = relocation.follows, rows.heirs
    return Situation(
        flows=flows(rows),
        planned_out_on=relocation.planned_out_on,
        legs=_legs(rows.movers),
        facts=tuple(fact for _, fact in sorted(_facts(rows, everyone), key=lambda pair: pair[0])),
        covered=_covered(rows, relocation.version),
        today=timezone.localdate(),
        told=_told(rows.deliveries, heirs),
        outdated=_told((row for row in rows.deliveries if row.version < relocation.version), heirs),
        kind=Kind(relocation.kind),
        prior_over=follows is None or shown_state(follows) in OVER,
        version_by=heirs.get(relocation.version_by, relocation.version_by),
        consent=relocation.agreement,
        routed=frozenset({mover.municipality_id for mover in rows.movers if mover.leg.guard == Guard.TOLD}),
    )


def shown_state(relocation: Relocation) -> str:
    """Return the state that the filer is shown, and by which the filer's next move waits."""
    return relocation.state if relocation.frozen_at is None else relocation.frozen_state


def flows(rows: Rows) -> dict[int, Flow]:
    """Return how each mover's certificate travels."""
    return {mover.ordinal: Flow(mover.flow) for mover in rows.movers}


def whole(relocation: Relocation, state: str) -> str:
    """Return the state of a filing of which the journey says this one: settled, and nobody owes anything, is complete.

    Asked as the hub, for tasks are no citizen's rows.
    """
    return journey.COMPLETE if state == journey.SETTLED and not procedures.is_owed(relocation.pk) else state


def _legs(movers: list[Mover]) -> tuple[LegFacts, ...]:
    found: dict[tuple[str, str], list[int]] = {}
    for mover in movers:
        found.setdefault((mover.role, mover.municipality_id), []).append(mover.ordinal)
    return tuple(LegFacts(Role(role), code, tuple(ordinals)) for (role, code), ordinals in found.items())


def _told(deliveries: Iterable[Delivery], heirs: Mapping[str, str]) -> Mapping[tuple[Role, str], frozenset[int]]:
    """Return the movers of whom each town was told anything in each role; how to handle it (75) tells of no move."""
    found: dict[tuple[Role, str], frozenset[int]] = {}
    for row in deliveries:
        if row.state not in NEVER_LEFT and row.type != journey.ROUTE:
            key = (Role(row.role), heirs.get(row.municipality_id, row.municipality_id))
            found[key] = found.get(key, frozenset()) | frozenset(row.ordinals)
    return found


def _facts(rows: Rows, everyone: frozenset[int]) -> list[tuple[datetime, Fact]]:
    heirs = rows.heirs
    found = [(row.at, _act(row, everyone, heirs)) for row in rows.acts]
    found += [
        (at, Fact(row.type, frozenset(row.ordinals), "", _now(row, heirs), Role(row.role)))
        for row in rows.deliveries
        if (at := _handed_over_at(row)) is not None
    ]
    found += [
        (row.received_at, Fact(row.type, frozenset(row.ordinals), row.outcome, _now(row, heirs)))
        for row in rows.reports
    ]
    return found


def _act(row: Event, everyone: frozenset[int], heirs: Mapping[str, str]) -> Fact:
    role = Role(row.detail["role"]) if "role" in row.detail else None
    return Fact(row.type, frozenset(row.detail.get("movers", everyone)), "", _now(row, heirs), role)


def _now(row: Event | Delivery | Report, heirs: Mapping[str, str]) -> str:
    """The municipality that has the part of the move in which this happened."""
    code = row.municipality_id or ""
    return heirs.get(code, code)


def _covered(rows: Rows, version: int) -> Mapping[tuple[str, Role, str], frozenset[int]]:
    """Return who was told what; a superseded notice told nothing, and a new version is told of again (O10).

    A town that a newer version leads to again is told everything anew, for it was told of a withdrawal meanwhile. A
    move-in and its cancellation take each other back: whichever was told last counts.
    """
    found: dict[tuple[str, Role, str], frozenset[int]] = {}
    heirs = rows.heirs
    asked_again = [act for act in rows.acts if act.type == "cancel.asked" and act.detail.get("again")]
    restored = [act for act in rows.acts if act.type == "leg.restored"]
    for row in sorted(rows.deliveries, key=lambda row: row.pk):
        if row.state == State.SUPERSEDED or (row.type in journey.BY_VERSION and row.version != version):
            continue
        if row.type == journey.CANCELLED and row.state == State.WITHDRAWN:
            continue
        anew = [
            act.detail["movers"]
            for act in restored
            if (act.detail["role"], _now(act, heirs)) == (row.role, _now(row, heirs)) and act.at > row.created_at
        ]
        if row.type == "cancel.requested":  # asked again after a town refused
            anew += [act.detail.get("movers", row.ordinals) for act in asked_again if act.at > row.created_at]
        here = (Role(row.role), _now(row, heirs))
        found[row.type, *here] = found.get((row.type, *here), frozenset()) | frozenset(row.ordinals).difference(*anew)
        for type_ in TAKEN_BACK.get(row.type, ()):
            if (type_, *here) in found:
                found[type_, *here] -= frozenset(row.ordinals)
    return found


def states(rows: Rows) -> dict[tuple[Role, str, int], str]:
    """Return the states of the legs by role, municipality and mover."""
    return {(Role(mover.role), mover.municipality_id, mover.ordinal): mover.state for mover in rows.movers}


# One statement however many movers: the step of each is checked by the table's triggers all the same.
MOVE = """
WITH moved AS (
    UPDATE relocations_mover AS mover SET state = step.state
      FROM unnest(%s::bigint[], %s::varchar[]) AS step(id, state)
     WHERE mover.id = step.id
)
UPDATE relocations_relocation SET state = %s WHERE id = %s AND state <> %s
"""


def write_states(relocation: Relocation, rows: Rows, states: Mapping[tuple[Role, str, int], str], whole: str) -> bool:
    """Write the states of movers that changed, and of the whole; tells whether a mover's did.

    The database refuses a step that is not in the table.
    """
    moved = []
    for mover in rows.movers:
        state = states[Role(mover.role), mover.municipality_id, mover.ordinal]
        if state != mover.state:
            mover.state = state
            moved.append(mover)
    if moved or whole != relocation.state:
        relocation.state = whole
        ids, ends = [mover.pk for mover in moved], [mover.state for mover in moved]
        with connection.cursor() as cursor:
            cursor.execute(MOVE, [ids, ends, whole, relocation.pk, whole])
    return bool(moved)


def part(rows: Rows, due: Due) -> int:
    """Return which of several notices of this kind the next one is."""
    kind = (due.type, due.role.value, due.municipality)
    same = [row.part for row in rows.deliveries if (row.type, row.role, row.municipality_id) == kind]
    return max(same, default=0) + 1


def last_sequences(rows: Rows) -> dict[str, int]:
    """Return the last number given to a delivery, by town."""
    found: dict[str, int] = {}
    for row in rows.deliveries:
        found[row.municipality_id] = max(row.sequence, found.get(row.municipality_id, 0))
    return found


def decided(rows: Rows) -> frozenset[int]:
    """Return the movers whose move-out is decided or, where none is filed, whose move-in."""
    return frozenset(
        ordinal
        for row in rows.reports
        if row.type in ("moveout.decided", "movein.decided") and row.outcome not in ("RETURNED", "PROVISIONAL")
        for ordinal in row.ordinals
    )


#: By what the town that is left deletes a record without a filing in time.
EX_OFFICIO = (("moveout.decided", "EX_OFFICIO"), ("moveout.effective", "EX_OFFICIO"))


def lapsed(rows: Rows, filed: Flow) -> set[int]:
    """Return whose card cannot be used on (Order Art. 30-20): the way with it, ``filed``, was lost, or the record."""
    lost = {who for who, flow in flows(rows).items() if filed is Flow.CARD_SPECIAL and flow is Flow.PAPER_CERT}
    return lost.union(*(row.ordinals for row in rows.reports if (row.type, row.outcome) in EX_OFFICIO))


def withdrawn(rows: Rows) -> set[int]:
    """Return the movers who were taken out of the filing one by one; its document still names them."""
    acts = (act for act in rows.acts if act.type == "filing.withdrawn")
    return {ordinal for act in acts for ordinal in act.detail.get("movers", ())}


def entered(rows: Rows, ordinals: Collection[int]) -> str:
    """Return the town where these movers are registered, or appeared; empty before they have."""
    for types in (("movein.decided",), ("arrival.diverted",)):
        for report in reversed(rows.reports):
            counts = report.type in types and report.outcome in ("", "REGISTERED")
            if counts and set(report.ordinals) & set(ordinals):
                return _now(report, rows.heirs)
    return ""


def noticed(rows: Rows, municipality: str, ordinals: Collection[int]) -> bool:
    """Tell whether a town was told by the move-in notice where all of these movers are registered now."""
    told = set[int]()
    for row in sorted(rows.deliveries, key=lambda row: row.pk):
        if (row.type, row.municipality_id) == ("movein.notice", municipality):
            told.update(row.ordinals)
        elif (row.type, row.municipality_id) == (journey.CANCELLED, municipality):
            told.difference_update(row.ordinals)
    return set(ordinals) <= told


def last_registered(rows: Rows, ordinals: Collection[int], filed: str = "") -> str:
    """Return the town where these movers were registered before an unfiled stay; empty when there was none.

    By the code of its day where it was said so: as ``filed``, or by the town where they appeared.
    """
    codes = (row.municipality_id for row in rows.movers if row.role == "last_registered" and row.ordinal in ordinals)
    code, heirs = next(codes, ""), rows.heirs
    said = [
        act.detail["predecessor"]
        for act in rows.acts
        if act.type == "code.succeeded" and act.detail.get("role") == "last_registered"
    ]
    return next((former for former in (filed, *reversed(said)) if code and heirs.get(former) == code), code)


class Said(msgspec.Struct):
    """The part of a report's body that a later notice repeats."""

    legal_date: date | None = None


#: Of which report a notice repeats the legal date, as the day of moving in or as the day of legal effect.
REPEATS = {
    "movein.decided": ("REGISTERED",),
    "cancel.decided": ("CANCEL_ADD", "CANCEL_REMOVE", "CANCEL_AMENDED"),
    "correction.notified": ("",),
    "registry.change": ("DEATH",),
}


def last_report(rows: Rows, types: Collection[str], ordinals: Collection[int]) -> Report | None:
    """Return the last of these reports that says something about any of these movers."""
    for report in reversed(rows.reports):
        if report.type in types and report.outcome in REPEATS[report.type] and set(report.ordinals) & set(ordinals):
            return report
    return None


def legal_date(report: Report | None, key: bytes) -> date | None:
    """Return the legal date that a report says."""
    if report is None:
        return None
    body = cipher.unseal(key, bytes(report.body), report.identity)
    return msgspec.json.decode(body, type=Said).legal_date
