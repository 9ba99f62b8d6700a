"""What a municipality tells the hub (reports): checked against role, gate and state, then the journey goes on."""

from dataclasses import replace
from datetime import datetime

import msgspec
from django.db import IntegrityError
from django.utils import timezone

from hub import numbers
from hub.actors import HUB, acting
from hub.catalogue import refuse
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.ids import is_receipt_no
from hub.procedures import services as procedures
from hub.procedures.models import Task
from hub.relocations import effects, facts, followon, journey, papers, services, signals, tables
from hub.relocations.filing import Filing
from hub.relocations.models import Relocation, Report
from hub.relocations.notes import Notes
from hub.relocations.reported import ReportBody
from hub.relocations.tables import Need
from hub.rows import Reader, Writer
from hub.vault import cipher

REPORTS = Writer(Report)
#: The relocation of a receipt number, locked, if the town has a leg in one of these roles.
LOCKED = Reader(
    Relocation,
    "WHERE receipt_no = %s AND EXISTS (SELECT FROM relocations_leg AS leg WHERE leg.municipality_id = %s"
    " AND leg.role = ANY(%s) AND leg.relocation_id = relocations_relocation.id) FOR UPDATE",
)


def receive(body: ReportBody, municipality: str) -> tuple[Report, bool]:
    """Take a report in and recompute the journey, in one transaction; returns it and whether it is new.

    Refuses with E102 (unknown type or outcome), E108 (no such relocation for this town), E104 (wrong mover or
    date), E140 (a number in the reference that the hub must not hold), E200 (its gate is not met or its step is
    not possible now), E201 (the move that it answers was cancelled since), E202 (same id, other content), E301 (about
    somebody who has died), and as ``papers.said`` and ``effects`` do.
    """
    if body.type not in tables.reports():
        raise refuse("E102", "/type")
    for pointer, text in (("/reference", body.reference), ("/new_head", body.new_head)):
        if numbers.is_forbidden(text):
            raise refuse("E140", pointer)
    with acting(HUB):
        signals.coming.send(sender=Report, report=body, municipality=municipality)
        relocation = _relocation(body, municipality)
        mark = services.fingerprint(msgspec.json.encode(body))
        rows = facts.read(relocation)
        existing = next((row for row in rows.reports if row.pk == body.id), None)
        if existing is not None:
            if bytes(existing.fingerprint) != mark or existing.municipality_id != municipality:
                raise refuse("E202", "/id")
            return existing, False
        return _take(body, relocation, rows, municipality, mark), True


def _take(body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str, mark: bytes) -> Report:
    """Write a new report and do what follows from it."""
    unsealed = services.Opened(relocation)
    ordinals, tasks = _about(body, relocation, rows, municipality, unsealed)
    handed = papers.said(body, ordinals)
    said = {"relocation": relocation, "report": body, "municipality": municipality, "ordinals": ordinals}
    signals.reporting.send(sender=Report, **said)
    report = _store(body, relocation, municipality, ordinals, mark, unsealed.key, facts.moment(rows))
    rows.reports.append(report)
    notes = Notes(relocation, rows)
    rows = effects.after(report, body, relocation, rows, notes, unsealed)
    signals.reported.send(sender=Report, rows=rows, **said)
    notes.add(body.type, municipality, outcome=body.outcome, movers=ordinals, report=str(body.id))
    if tasks:
        notes.write()  # the audit chain is locked before the tasks, as everywhere
        procedures.take_result(tasks, body.outcome)
    services.go_on(relocation, rows, notes, None if body.changes else unsealed, only_states=not body.changes)
    if handed:
        followon.hand_on(relocation, rows, unsealed, handed)
    return report


def _about(
    body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str, unsealed: services.Opened
) -> tuple[list[int], list[Task]]:
    """Return the movers and the tasks that a report is about; raises when it cannot be taken in now."""
    if body.type == "task.result":
        tasks = _tasks(body, municipality)
        return [task.ordinal for task in tasks], tasks
    if body.delivery is not None:
        deliveries.send_again(deliveries.locked(body.delivery, municipality), body.type)
        return [], []
    effects.before(body, relocation, rows, municipality)
    situation = facts.situation(relocation, rows)
    if tables.by_day(body.type):
        situation = _by_their_own_days(situation, unsealed.filing)
    return _check(body, situation, municipality), []


def _by_their_own_days(situation: journey.Situation, filing: Filing) -> journey.Situation:
    """Let each mover leave on the day that the document says of them, which none of the rows does."""
    own = {mover.ordinal: mover.leaves_on for mover in filing.movers if mover.leaves_on is not None}
    return replace(situation, planned_out_on=filing.planned_out_on, leaving=own)


def _relocation(body: ReportBody, municipality: str) -> Relocation:
    """Lock the relocation, if this town has a leg that may send this report.

    A town that asks for a delivery again may not have been able to read whose it is: the delivery says it.
    """
    roles = tables.reports()[body.type]
    if bool(roles) == (body.delivery is not None):
        raise refuse("E104", "/delivery", "Only resend.requested and task.result name a delivery.")
    locked = Relocation.objects.select_for_update(of=("self",))
    if body.delivery is not None:
        wanted = Delivery.objects.for_town(municipality).filter(pk=body.delivery)
        relocation = locked.filter(pk__in=wanted.values("relocation_id")).first()
    elif not is_receipt_no(body.receipt_no):
        raise refuse("E108", "/receipt_no")
    elif body.type == "arrival.diverted":  # who appears brings the number; the town has no part in it before
        relocation = locked.filter(receipt_no=body.receipt_no).first()
    else:
        relocation = LOCKED.first(body.receipt_no, municipality, [role.value for role in roles])
    if relocation is None:
        raise refuse("E108", "/receipt_no" if roles else "/delivery")
    return relocation


def _check(body: ReportBody, situation: journey.Situation, municipality: str) -> list[int]:
    """Return the movers the report is about; raises when it cannot be taken in now."""
    roles = tables.reports()[body.type]
    mine = [leg for leg in situation.legs if leg.municipality == municipality and leg.role in roles]
    if not any(body.outcome in tables.outcomes(body.type, leg.role) for leg in mine):
        raise refuse("E102", "/outcome")
    dated = (body.type, body.outcome) in DATED
    if dated and (body.legal_date is None or body.legal_date > timezone.localdate()):
        raise refuse("E308", "/legal_date", "Needed, and not in the future (standard 4.0.3).")
    own = {ordinal for leg in mine for ordinal in leg.ordinals}
    ordinals = sorted(own if body.movers is None else set(body.movers))
    if not ordinals or not set(ordinals) <= own:
        raise refuse("E104", "/movers", "Name movers of your own leg by their ordinals.")
    _gate(body, mine, situation, ordinals)
    return ordinals


#: Reports whose legal date later notices repeat.
DATED = frozenset(
    {("arrival.visited", ""), ("arrival.diverted", ""), ("movein.decided", "REGISTERED")}
    | {("cancel.decided", outcome) for outcome in ("CANCEL_ADD", "CANCEL_REMOVE", "CANCEL_AMENDED")}
)


#: Conditions of gates that a report no longer meets when what it answers was cancelled since.
STANDS = frozenset({"arrival.stands", "departure.stands"})
#: What towns say about a notice of a move (25, 30).
ABOUT_A_MOVE = frozenset({"movein.notice_applied", "appendix.applied", "appendix.mismatch"})
CANCELLED = "What this answers was cancelled since (message 64)."
#: Conditions of gates in the words of who must wait.
HINTS = {
    "arrival.none": "the cancellation at the destination (order rule O7)",
    "flow.card": "the paper certificate, for the flow with the card does not apply",
}


def _gate(body: ReportBody, mine: list[journey.LegFacts], situation: journey.Situation, ordinals: list[int]) -> None:
    """Refuse with E200 what comes before its gate, or what the leg's state does not allow.

    E201 for what is said too late about a move that was cancelled since, E301 of somebody who has died: to say it
    again would change nothing.
    """
    pasts = journey.pasts(situation)
    for ordinal in ordinals:
        past = pasts[ordinal]
        for leg in (one for one in mine if ordinal in one.ordinals):
            missing = journey.missing(past, body.type, leg.role, body.outcome)
            if missing and all(need.type in STANDS for need in missing):
                raise refuse("E201", "/type", CANCELLED)
            if missing and journey.died(past):
                raise refuse("E301", "/movers", effects.DIED)
            if missing:
                names = ", ".join(HINTS.get(need.type, f"{need.type} {need.outcome}".strip()) for need in missing)
                raise refuse("E200", "/type", f"Must come first: {names}.")
            state = past.states[leg.role, leg.municipality]
            step = (state, body.type, body.outcome, True)
            if tables.decides(leg.role, body.type) and step not in tables.machine(leg.role):
                if body.type in ABOUT_A_MOVE and not any(past.met(Need(name, "")) for name in STANDS):
                    raise refuse("E201", "/type", CANCELLED)
                if journey.died(past):
                    raise refuse("E301", "/movers", effects.DIED)
                raise refuse("E200", "/type", f"The leg is {state}.")


def _tasks(body: ReportBody, municipality: str) -> list[Task]:
    """Return the tasks that the named delivery opened, of the movers named; E104 when there are none."""
    assert body.delivery is not None  # noqa: S101 - a report without a role names one, or it was refused before
    tasks = procedures.of_delivery(body.delivery, municipality)
    found = [task for task in tasks if body.movers is None or task.ordinal in body.movers]
    if not found or len(found) < len(set(body.movers or ())):
        raise refuse("E104", "/movers" if tasks else "/delivery", "Name the task.opened and movers of it.")
    return found


def _store(
    body: ReportBody,
    relocation: Relocation,
    municipality: str,
    ordinals: list[int],
    mark: bytes,
    key: bytes,
    at: datetime,
) -> Report:
    """Write the report, sealed; E202 when another relocation has one with this id."""
    report = Report(
        id=body.id,
        relocation=relocation,
        municipality_id=municipality,
        type=body.type,
        outcome=body.outcome,
        ordinals=ordinals,
        received_at=at,
        fingerprint=mark,
    )
    report.body = cipher.seal(key, msgspec.json.encode(body), report.identity)
    try:
        REPORTS([report])
    except IntegrityError:
        raise refuse("E202", "/id") from None
    return report
