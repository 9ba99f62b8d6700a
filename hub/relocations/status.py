"""Where a relocation stands with each town: the one reading for the citizen's page and the partner's API."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import Exists, OuterRef, QuerySet

from hub.actors import HUB, acting
from hub.catalogue import refuse
from hub.deliveries import windows
from hub.deliveries.models import Delivery
from hub.deliveries.states import State
from hub.procedures.tables import questions
from hub.relocations import facts, followon, frozen, hindsight, journey, outages, services, tables, timers
from hub.relocations.clocks import Plan, deadlines
from hub.relocations.filing import Filing
from hub.relocations.models import Event, Leg, Relocation, Report
from hub.relocations.services import Opened
from hub.vault import cipher
from hub.vault.services import ShreddedError
from municipalities.models import Municipality
from municipalities.notice import Flow, Role

#: Movers of a leg and their states.
States = Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """That a municipality has another one's part in a move: it took it over, or the old code ``was_filed``."""

    heir: str
    former: Municipality
    at: datetime
    was_filed: bool


def as_it_stands(relocation: Relocation) -> Relocation:
    """Let it read as it is by now, without storing it; to who is shown nothing new, as it was (``frozen``).

    What is handed over moves legs and the stored state of the filing (``legs.restate``); who was changing it at that
    moment moves it right after. Whoever reads that state for a citizen asks here.
    E108 when it cannot be said any more how it was.
    """
    if relocation.frozen_at is not None:
        return look(relocation, relocation.frozen_at).relocation
    with acting(HUB):  # the state counts what this reader may not see
        found = journey.travel(facts.situation(relocation, facts.read(relocation)))
        relocation.state = facts.whole(relocation, found.state)
    return relocation


def look(relocation: Relocation, at: datetime) -> frozen.Look:
    """Return how it stood at a moment; E108 when it was shredded."""
    try:
        return frozen.look(relocation, at)
    except ShreddedError:
        raise refuse("E108") from None


def decided(relocation: Relocation) -> bool:
    """Tell whether a municipality has decided, as far as the filer is shown it."""
    if relocation.frozen_at is not None:
        return look(relocation, relocation.frozen_at).is_decided
    return bool(facts.decided(facts.read(relocation)))


def visible(relocation_id: UUID | None = None, receipt_no: str = "") -> Relocation:
    """Return the relocation as it stands if row-level security shows it to who acts; E108 otherwise."""
    rows = Relocation.objects.select_related("origin", "destination")
    found = rows.filter(pk=relocation_id) if relocation_id else rows.filter(receipt_no=receipt_no)
    relocation = found.first()
    if relocation is None:
        raise refuse("E108")
    return as_it_stands(relocation)


def document(relocation_id: UUID) -> dict[str, Any]:
    """Return the status as plain values."""
    relocation = visible(relocation_id)
    if relocation.frozen_at is not None:
        return frozen_document(look(relocation, relocation.frozen_at))
    opened = services.opened(relocation)
    filing = opened.filing
    found, before = legs(relocation), taken_over(relocation)
    closed, ways = windows.receives_from(leg.municipality_id for leg in found), flows(found)
    silent = outages.silent(relocation, [(leg, states(leg)) for leg in found], ways)
    days = suggested(relocation.reports.order_by("received_at"), opened)
    return {
        "id": str(relocation.pk),
        "receipt_no": relocation.receipt_no,
        "state": relocation.state,
        "version": relocation.version,
        "filed_on": relocation.filed_on,
        "legs": [
            leg_document(leg, states(leg), told(relocation, leg, before), closed, silent, ways, days) for leg in found
        ],
        "deadlines": deadline_documents(filing, plans(filing, ways, map(states, found))),
        "procedures": [procedure_document(one) for one in followon.listed(relocation, opened)],
    }


def frozen_document(then: frozen.Look) -> dict[str, Any]:
    """Return the status as it stood, with the answers that were given since."""
    relocation = then.relocation
    found, before = frozen_legs(then)
    listed, told = procedures_of(then)
    then.rows.deliveries.extend(told)
    closed = windows.receives_from(leg.municipality_id for leg in found)
    silent = outages.silent(relocation, [(leg, then.movers(leg)) for leg in found], then.flows)
    days = suggested(then.reports, Opened(relocation))
    return {
        "id": str(relocation.pk),
        "receipt_no": relocation.receipt_no,
        "state": relocation.state,
        "version": relocation.version,
        "filed_on": relocation.filed_on,
        "legs": [
            leg_document(leg, then.movers(leg), then.told(leg, codes_of(leg, before)), closed, silent, then.flows, days)
            for leg in found
        ],
        "deadlines": deadline_documents(then.filing, plans(then.filing, then.flows, map(then.movers, found))),
        "procedures": [procedure_document(one) for one in listed],
    }


def procedures_of(then: frozen.Look) -> tuple[list[followon.Listed], list[Delivery]]:
    """Return the procedures as they stood, and what departments would have been told; E108 as ``look``."""
    at = then.relocation.frozen_at
    assert at is not None  # noqa: S101 - asked only of what its filer is shown as it stood
    try:
        return hindsight.as_it_stood(then, at)
    except ShreddedError:
        raise refuse("E108") from None


def frozen_legs(then: frozen.Look) -> tuple[list[Leg], list[TakenOver]]:
    """Return the legs that are shown, each with the municipality that it had then, and the mergers up to then."""
    found = [*legs(then.relocation), *then.legs]
    for leg in found:
        leg.municipality_id = then.code(leg)
    return _in_order(leg for leg in found if then.movers(leg)), _taken_over(then.taken_over)


def deadline_documents(filing: Filing, planned: Collection[Plan]) -> list[dict[str, Any]]:
    """Return the last days as they are planned, each with the movers for whom it is that day."""
    running = deadlines(filing.kind, planned)
    return [{"clock": one.clock, "due_on": one.due_on, "movers": list(one.ordinals)} for one in running]


def procedure_document(one: followon.Listed) -> dict[str, Any]:
    """Return one follow-on procedure of one mover; ``questions`` say what must be asked before it is known."""
    rule = one.finding.rule
    return {
        "procedure": rule.procedure,
        "rule": rule.name,
        "title": str(rule.title),
        "kind": rule.kind,
        "role": rule.side,
        "municipality": one.finding.municipality,
        "mover": one.finding.ordinal if rule.scope == "person" else None,
        "state": one.state,
        "reason": one.task.reason if one.task else "",
        "due_on": one.due_on,
        "questions": [
            {"mover": number or None, "question": name, "text": str(questions()[name].text)}
            for number, name in one.finding.questions
        ],
    }


def plans(filing: Filing, ways: Mapping[int, Flow], legs_states: Iterable[States]) -> list[Plan]:
    """Return the days that the clocks of each mover start from, as they are planned; of who still moves.

    ``ways``: how their certificates travel; ``legs_states``: the states of each leg. As ``timers`` counts them.
    """
    moving = {ordinal for movers in legs_states for ordinal, state in movers if state not in timers.OVER}
    return [
        Plan(
            mover.ordinal,
            ways[mover.ordinal],
            {
                "planned_out_on": mover.leaves_on or filing.planned_out_on,
                "arrived_on": mover.arrives_on or filing.living_from,
                "visit_on": filing.visit_on,
            },
        )
        for mover in filing.movers
        if mover.ordinal in moving
    ]


def flows(found: Iterable[Leg]) -> dict[int, Flow]:
    """Return how each mover's certificate travels."""
    return {mover.ordinal: Flow(mover.flow) for leg in found for mover in leg.movers.all()}


def legs(relocation: Relocation) -> list[Leg]:
    """Return the legs in the order of the move, with municipality and movers at hand."""
    return _in_order(relocation.legs.select_related("municipality").prefetch_related("movers"))


def _in_order(legs: Iterable[Leg]) -> list[Leg]:
    order = {role.value: place for place, role in enumerate(tables.START)}
    return sorted(legs, key=lambda leg: (order[leg.role], leg.municipality_id))


def leg_document(
    leg: Leg,
    movers: States,
    notices: Sequence[Delivery],
    closed: Mapping[str, datetime],
    silent: Mapping[int, datetime],
    ways: Mapping[int, Flow],
    days: Mapping[str, date],
) -> dict[str, Any]:
    """Return one town's part: states per mover, how the certificate travels, what was handed over and answered.

    ``receives_from`` says when the town's system opens, while it is closed and something waits for it;
    ``line_down_since`` since when the statutory line is down there, while something must still pass over it;
    ``visit_suggested_on`` on which of the ``days`` the town would rather see the movers than on the one announced.
    """
    waits = any(row.state == State.QUEUED for row in notices)
    return {
        "role": leg.role,
        "municipality": leg.municipality_id,
        "name": leg.municipality.full_name,
        "movers": [{"ordinal": ordinal, "state": state, "flow": ways[ordinal].value} for ordinal, state in movers],
        "notices": [notice_document(row) for row in notices],
        "receives_from": closed.get(leg.municipality_id) if waits else None,
        "line_down_since": silent.get(leg.pk),
        "visit_suggested_on": days.get(leg.municipality_id) if leg.role == Role.DESTINATION else None,
    }


class _Acknowledged(msgspec.Struct):
    """The part of an acknowledged announcement that says another day."""

    suggested_on: date | None = None


def suggested(reports: Iterable[Report], opened: Opened) -> Mapping[str, date]:
    """Return on which day a town would rather see the movers, as it said last (message 21); by its code."""
    found: dict[str, date] = {}
    for row in reports:
        if row.type == "arrival.plan_ack":
            body = cipher.unseal(opened.key, bytes(row.body), row.identity)
            day = msgspec.json.decode(body, type=_Acknowledged).suggested_on
            found |= {str(row.municipality_id): day} if day else {}
    return found


def states(leg: Leg) -> States:
    """Return the leg's movers and their states, by number."""
    return sorted((mover.ordinal, mover.state) for mover in leg.movers.all())


def taken_over(relocation: Relocation) -> list[TakenOver]:
    """Return what municipalities took over during this move or before it was filed, in order."""
    return _taken_over(list(relocation.events.filter(type__in=facts.SUCCEEDED).order_by("pk")))


def _taken_over(acts: Sequence[Event]) -> list[TakenOver]:
    names = Municipality.objects.in_bulk([act.detail["predecessor"] for act in acts])
    return [
        TakenOver(
            str(act.municipality_id), names[act.detail["predecessor"]], act.at, was_filed=act.type == "code.succeeded"
        )
        for act in acts
    ]


def codes_of(leg: Leg, before: Sequence[TakenOver]) -> list[str]:
    """Return the codes under which this part was told and spoke: the town's own and those it took over from."""
    found = [leg.municipality_id]
    for one in reversed(before):
        if one.heir in found:
            found.append(one.former.pk)
    return found


def told(relocation: Relocation, leg: Leg, before: Sequence[TakenOver]) -> list[Delivery]:
    """Return the deliveries to this town in this role that the filer is shown, in order."""
    codes = codes_of(leg, before)
    rows = Delivery.objects.filter(relocation_id=relocation.pk, municipality__in=codes, role=leg.role)
    return list(rows.exclude(pk__in=_unanswered(relocation)).order_by("created_at", "sequence"))


def _unanswered(relocation: Relocation) -> QuerySet[Delivery, Any]:
    """Return requests for a cancellation (61) on which no municipality has decided since.

    No filer is shown one: of a filing that is hidden none is made, and what is missing would tell of the measure.
    """
    asked = Delivery.objects.filter(relocation_id=relocation.pk, type="cancel.requested")
    reports = Report.objects.filter(relocation=relocation, type="cancel.decided")
    return asked.exclude(Exists(reports.filter(received_at__gte=OuterRef("created_at")))).values("pk")


def notice_document(row: Delivery) -> dict[str, str | date | datetime | None]:
    """Return what is known of one delivery, without its content."""
    return {"type": row.type, "state": row.state, "answer": row.answer, "sent_at": row.sent_at, "due_at": row.due_at}
