"""Between the rows and the journey: reads what happened into a ``Situation``, writes its states back."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from django.db import connection
from django.utils import timezone

from hub import ids
from hub.deliveries.models import Delivery
from hub.deliveries.states import State
from hub.relocations import journey
from hub.relocations.journey import Due, Fact, LegFacts, Situation
from hub.relocations.models import Event, Guard, Leg, Mover, Relocation, Report
from hub.rows import Reader
from hub.vault import cipher
from municipalities.notice import Flow, Kind, Role

#: A delivery that never left: its notice is not a fact and its town need not be told of a withdrawal.
NEVER_LEFT = (State.WITHDRAWN, State.SUPERSEDED, State.EXPIRED)

#: Events that are facts of the journey: what the citizen, the hub and its clocks did. Those with ``movers`` in their
#: detail concern these alone.
ACTS = (
    "filing.acknowledged",
    "filing.withdrawn",
    "leg.dropped",
    "leg.restored",
    "leg.succeeded",
    "cancel.asked",
    "visit.overdue",
    "special.lapsed",
    "arrival.absent",
)
#: States of a relocation in which its movers are registered where they went.
REGISTERED = ("ARRIVED", "SETTLED")
#: States in which a move that follows this one need not wait: what never came about is no reason to wait, and whether
#: the movers are registered where they say that they leave is for that municipality to see, as with any filing.
OVER = (*REGISTERED, "WITHDRAWN", "CANCELLED", "REJECTED")


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
        """Municipalities of the past whose part of this move another took over, with the one that has it now."""
        found: dict[str, str] = {}
        for act in self.acts:
            if act.type == "leg.succeeded":
                before, now = act.detail["predecessor"], str(act.municipality_id)
                found = {code: now if heir == before else heir for code, heir in found.items()} | {before: now}
        return found


LEGS = Reader(Leg, "WHERE relocation_id = %s")
MOVERS = Reader(Mover, "WHERE relocation_id = %s ORDER BY leg_id, ordinal")
# What was told stays sealed: the journey asks what was told and when, never for the text.
DELIVERIES = Reader(Delivery, "WHERE relocation_id = %s ORDER BY sequence", without=["notice"])
REPORTS = Reader(Report, "WHERE relocation_id = %s ORDER BY received_at")
EVENTS = Reader(Event, "WHERE relocation_id = %s AND type = ANY(%s) ORDER BY id")


def read(relocation: Relocation) -> Rows:
    """Read the rows; whoever changes them holds the relocation's lock."""
    key = relocation.pk
    legs = {leg.pk: leg for leg in LEGS(key)}
    rows = Rows(MOVERS(key), DELIVERIES(key), REPORTS(key), EVENTS(key, list(ACTS)))
    for mover in rows.movers:
        mover.leg = legs[mover.leg_id]
    if rows.deliveries:  # what is told next has a larger id: a town that exchanges files reads its tray in their order
        ids.seen(max(row.pk for row in rows.deliveries))
    return rows


def situation(relocation: Relocation, rows: Rows) -> Situation:
    """Turn the rows into everything the journey depends on."""
    everyone = frozenset(mover.ordinal for mover in rows.movers)
    follows, heirs = relocation.follows, rows.heirs
    return Situation(
        flow=Flow(relocation.flow),
        planned_out_on=relocation.planned_out_on,
        legs=_legs(rows.movers),
        facts=tuple(fact for _, fact in sorted(_facts(rows, everyone), key=lambda pair: pair[0])),
        covered=_covered(rows, relocation.version),
        today=timezone.localdate(),
        told=_told(rows.deliveries, heirs),
        outdated=_told((row for row in rows.deliveries if row.version < relocation.version), heirs),
        kind=Kind(relocation.kind),
        prior_over=follows is None or follows.state in OVER,
        version_by=heirs.get(relocation.version_by, relocation.version_by),
        consent=relocation.agreement,
        routed=frozenset({mover.municipality_id for mover in rows.movers if mover.leg.guard == Guard.TOLD}),
    )


def _legs(movers: list[Mover]) -> tuple[LegFacts, ...]:
    found: dict[tuple[str, str], list[int]] = {}
    for mover in movers:
        found.setdefault((mover.role, mover.municipality_id), []).append(mover.ordinal)
    return tuple(LegFacts(Role(role), code, tuple(ordinals)) for (role, code), ordinals in found.items())


def _told(deliveries: Iterable[Delivery], heirs: Mapping[str, str]) -> Mapping[tuple[Role, str], frozenset[int]]:
    """Return the movers of whom each town was told anything in each role."""
    found: dict[tuple[Role, str], frozenset[int]] = {}
    for row in deliveries:
        if row.state not in NEVER_LEFT:
            key = (Role(row.role), heirs.get(row.municipality_id, row.municipality_id))
            found[key] = found.get(key, frozenset()) | frozenset(row.ordinals)
    return found


def _facts(rows: Rows, everyone: frozenset[int]) -> list[tuple[datetime, Fact]]:
    heirs = rows.heirs
    found = [(row.at, _act(row, everyone, heirs)) for row in rows.acts]
    found += [
        (row.sent_at, Fact(row.type, frozenset(row.ordinals), "", _now(row, heirs), Role(row.role)))
        for row in rows.deliveries
        if row.sent_at is not None
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

    A town that a newer version leads to again is told everything anew, for it was told of a withdrawal meanwhile.
    """
    found: dict[tuple[str, Role, str], frozenset[int]] = {}
    heirs = rows.heirs
    asked_again = [act for act in rows.acts if act.type == "cancel.asked" and act.detail.get("again")]
    restored = [act for act in rows.acts if act.type == "leg.restored"]
    for row in rows.deliveries:
        if row.state == State.SUPERSEDED or (row.type in journey.BY_VERSION and row.version != version):
            continue
        anew = [
            act.detail["movers"]
            for act in restored
            if (act.detail["role"], _now(act, heirs)) == (row.role, _now(row, heirs)) and act.at > row.created_at
        ]
        if row.type == "cancel.requested":  # asked again after a town refused
            anew += [act.detail.get("movers", row.ordinals) for act in asked_again if act.at > row.created_at]
        key = (row.type, Role(row.role), _now(row, heirs))
        found[key] = found.get(key, frozenset()) | frozenset(row.ordinals).difference(*anew)
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


def decided(rows: Rows) -> bool:
    """Tell whether the move-out of any mover is decided, or, where none is filed, anything at the town entered."""
    return any(
        row.type in ("moveout.decided", "movein.decided") and row.outcome not in ("RETURNED", "PROVISIONAL")
        for row in rows.reports
    )


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


def last_registered(rows: Rows, ordinals: Collection[int]) -> str:
    """Return the town where these movers were registered before an unfiled stay; empty when there was none."""
    codes = (row.municipality_id for row in rows.movers if row.role == "last_registered" and row.ordinal in ordinals)
    return next(codes, "")


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
