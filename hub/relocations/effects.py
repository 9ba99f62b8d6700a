"""What a report changes besides the states of legs: who takes part, what the document says, in which flow.

``before`` runs before a report is checked, ``after`` when it was taken in; both under the relocation's lock and in
the report's transaction, so that a refusal leaves nothing behind.
"""

import re
from collections.abc import Collection
from itertools import chain

import msgspec
from django.utils import timezone
from django.utils.translation import gettext

from hub.catalogue import Problem, Refusal, refuse
from hub.deliveries import services as deliveries
from hub.relocations import (
    alerts,
    changing,
    corrections,
    facts,
    heirs,
    journey,
    legs,
    outages,
    services,
    tables,
    timers,
    visits,
)
from hub.relocations.clocks import table
from hub.relocations.filing import Document
from hub.relocations.models import Alert, Guard, Relocation, Report
from hub.relocations.notes import Notes
from hub.relocations.reported import ReportBody
from hub.rows import Reader
from municipalities.models import Municipality
from municipalities.notice import Flow, Kind, Role


def before(body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str) -> None:
    """Give the town and the last town of registration the legs that the report needs."""
    if body.type == "arrival.diverted":
        _divert(body, relocation, rows, municipality)
    if body.type in visits.APPEARED:
        _come_again(body, relocation, rows, municipality)
    head_settled(body, relocation, municipality)
    outages.line_works(body, relocation, rows, municipality)
    if body.last_registered:
        # The movers stand at the counter; it is said then, when they never filed where they lived.
        if body.type not in visits.APPEARED or body.outcome == visits.PRESENTED:
            raise refuse("E104", "/last_registered", "Said when the movers appear.")
        code = _keeps_now(body.last_registered)
        if code not in (municipality, relocation.origin_id):
            _add(relocation, rows, Role.LAST_REGISTERED, code, body)


def _keeps_now(code: str) -> str:
    """Return who keeps the register of a municipality now; E120 where nobody does, or several do parts of it."""
    today = timezone.localdate()
    if Municipality.objects.leaf().valid_on(today).filter(pk=code).exists():
        return code
    office = heirs.successor(code, today)
    if office is None:
        raise Refusal(Problem("E120", "/last_registered", advice=heirs.advice(code, today)))
    return office.pk


#: What who appears too late is told, and who speaks of somebody who has died.
NOT_AGAIN = "The move was taken back or another town has the movers (order rule O7): another filing is needed."
DIED = "A municipality reported the death of one of them: go on with the others."


def _divert(body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str) -> None:
    if municipality == relocation.origin_id:
        raise refuse("E200", "/type", "The town that is left is not entered.")
    advice = _another_filing(relocation, municipality)
    if advice:
        raise Refusal(Problem("E307", "/type", "The move leads there by another filing (Act Arts. 22 to 24).", advice))
    if not any(change.pointer == "/newAddress" for change in body.changes):
        raise refuse("E310", "/changes", "The address that was moved to: a change of /newAddress.")
    _add(relocation, rows, Role.DESTINATION, municipality, body)


def _another_filing(relocation: Relocation, municipality: str) -> str:
    """Return what to tell who appears where a move of this kind cannot lead to; empty where it can.

    Between wards of one city no move-out is filed and no certificate issued (Act Art. 38), to another city both are.
    """
    kind = Kind(relocation.kind)
    if kind not in tables.kinds_of("arrival.diverted"):
        return gettext("A move within a municipality or abroad leads to no other municipality. Ask for another filing.")
    wards = Municipality.objects.filter(pk__in=[relocation.origin_id, municipality]).exclude(parent_code="")
    cities = list(wards.values_list("parent_code", flat=True))
    within = len(cities) == 2 and len(set(cities)) == 1
    if kind is Kind.WARD_TO_WARD and not within:
        return gettext(
            "They filed a move between wards of one city. To enter another municipality they need a move-out filed at"
            " the ward that they leave, with its certificate, and another filing. Ask them to withdraw this one."
        )
    if kind is Kind.DOMESTIC and within:
        return gettext(
            "They filed a move to another municipality. Between wards of one city no move-out is filed: ask for a"
            " filing of such a move, and for this one to be taken back."
        )
    return ""


def _come_again(body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str) -> None:
    """Let whose move-in was cancelled here appear again where the filing says that they live, or say where it is.

    E200 where they appeared elsewhere since, for then the filing's address is another one, and as the gate of 23 for
    whom another town has; E301 for whoever has died.
    """
    here = (Role.DESTINATION, municipality)
    named = {
        mover.ordinal: mover.state
        for mover in rows.movers
        if (mover.role, mover.municipality_id) == here and (body.movers is None or mover.ordinal in body.movers)
    }
    if body.type == "arrival.visited" and "CANCELLED" not in named.values():
        return
    # A part that has just been made has not come to its state yet: the move may have been taken back before.
    pasts = journey.pasts(facts.situation(relocation, rows))
    cancelled = {ordinal for ordinal in named if pasts[ordinal].states[here] == "CANCELLED"}
    if any(journey.died(pasts[ordinal]) for ordinal in cancelled):
        raise refuse("E301", "/movers", DIED)
    if not all(journey.comes_again(pasts[ordinal]) for ordinal in cancelled):
        raise refuse("E200", "/type", NOT_AGAIN)
    if cancelled and body.type == "arrival.visited":
        document = services.opened(relocation).document
        there = {document.address_of(ordinal).local_government_code for ordinal in cancelled}
        if {rows.heirs.get(code, code) for code in there} != {municipality}:
            raise refuse("E200", "/type", "They appeared elsewhere since: arrival.diverted says their address here.")


def _add(relocation: Relocation, rows: facts.Rows, role: Role, code: str, body: ReportBody) -> None:
    everyone = {mover.ordinal for mover in rows.movers}
    named = everyone if body.movers is None else set(body.movers) & everyone
    services.add_legs(relocation, rows, {(role, code): sorted(named)})


def after(
    report: Report,
    body: ReportBody,
    relocation: Relocation,
    rows: facts.Rows,
    notes: Notes,
    unsealed: services.Opened,
) -> facts.Rows:
    """Do what the report asks for; returns the rows as they are then. ``unsealed``: the document as it was before."""
    said = (report.type, report.outcome)
    if body.changes:
        _correct(report, body, relocation, rows, notes)
        for leg in legs.of(rows.movers):  # who is guarded may show only now
            leg.refresh_from_db(fields=["guard", "contact_office"])
        unsealed = services.Opened(relocation, key=unsealed.key)
    if said == ("moveout.decided", "EX_OFFICIO"):
        by_card = {ordinal for ordinal, flow in facts.flows(rows).items() if flow is Flow.CARD_SPECIAL}
        services.change_flow(relocation, rows, notes, Flow.PAPER_CERT, by_card & set(report.ordinals))
    _alert(report, body, relocation, rows)
    if body.head_change:  # who it is stands in the report alone, sealed
        notes.add("head.changed", report.municipality_id, how=body.head_change, movers=report.ordinals)
    if body.returnee:
        _returned(report, body, relocation, notes)
    if report.type in visits.APPEARED:
        _named_as_it_was(body.last_registered, rows, notes)
        visits.take(report, body, relocation, rows, notes, unsealed)
    elif body.visited_on is not None:
        raise refuse("E104", "/visited_on", "Said when the movers appear.")
    _suggested(report, body)
    _cancelled(report, relocation, rows, notes)
    gone = _not_concerned(report, rows)
    if gone:
        deliveries.take_back(relocation.pk, municipalities=gone, movers=report.ordinals)
        taken = facts.read(relocation)
        return facts.Rows(rows.movers, taken.deliveries, rows.reports, rows.acts)
    return rows


def _suggested(report: Report, body: ReportBody) -> None:
    """Let the filer read that the town would rather see the movers on another day (``status``); no more follows."""
    if body.suggested_on is None:
        return
    if report.type != "arrival.plan_ack":
        raise refuse("E104", "/suggested_on", "Said with arrival.plan_ack.")
    if body.suggested_on < timezone.localdate():
        raise refuse("E308", "/suggested_on")


def _named_as_it_was(code: str, rows: facts.Rows, notes: Notes) -> None:
    """Note whose place a code of the past is taken by: the record tells the one under which they were registered."""
    now = _keeps_now(code) if code else code
    if now != code:
        role = Role.LAST_REGISTERED.value
        rows.acts.append(notes.add("code.succeeded", now, predecessor=code, role=role))


def _alert(report: Report, body: ReportBody, relocation: Relocation, rows: facts.Rows) -> None:
    """Tell the clerks of another town what this one found; fields by name, never a value."""
    origin = [relocation.origin_id]
    if report.type == "differences.reported":
        named = sorted(set(body.differences))
        if not named or not all(POINTER.fullmatch(pointer) for pointer in named):
            raise refuse("E104", "/differences", "Pointers into the filing, at least one.")
        for pointer in named:
            alerts.tell(relocation, origin, "A415", report.ordinals, pointer)
    elif report.type == "appendix.mismatch":
        towns = _concerned(rows, report.ordinals, Role.DESTINATION)
        alerts.tell(relocation, towns or origin, "A416", report.ordinals, str(report.pk))
    elif (report.type, report.outcome) == ("inquiry.replied", "NOT_ARRIVED"):
        alerts.tell(relocation, origin, "A419", report.ordinals)
    elif report.type == "arrival.diverted":
        _ask_for_data(report, relocation, rows)
    elif report.type in ("cancel.decided", "movein.decided"):
        _settle(relocation, rows)
        _recorded_nowhere(report, relocation, rows)
    elif report.type == "registry.change":
        _family_register(report, relocation, rows)


def _ask_for_data(report: Report, relocation: Relocation, rows: facts.Rows) -> None:
    """Let the origin send the certificate data to where the movers appeared (Act Art. 24-2), by the statutory line.

    Under protection it is not said which town that is: until the move-in notice the origin knows the planned one.
    """
    flows = facts.flows(rows)
    by_card = [ordinal for ordinal in report.ordinals if flows[ordinal] is Flow.CARD_SPECIAL]
    if not by_card or _concerned(rows, by_card, Role.LAST_REGISTERED):
        return
    guarded = any(leg.guard != Guard.NONE for leg in legs.of(rows.movers))
    about = "" if guarded else str(report.municipality_id)
    alerts.tell(relocation, [relocation.origin_id], "A431", by_card, about)


#: By what somebody has a record again.
RECORDED = frozenset({("movein.decided", "REGISTERED"), ("cancel.decided", "CANCEL_ADD")})


def _settle(relocation: Relocation, rows: facts.Rows) -> None:
    """Ask no more where a record is, nor for its data, once each of the movers has one again."""
    for alert in relocation.alerts.filter(code__in=("A427", "A431"), settled_at=None):
        since = [row for row in rows.reports if row.received_at >= alert.at and (row.type, row.outcome) in RECORDED]
        if set(alert.ordinals) <= set(chain(*(row.ordinals for row in since))):
            alerts.settle(alert)


def _recorded_nowhere(report: Report, relocation: Relocation, rows: facts.Rows) -> None:
    """Remind the town that deleted the record, until whoever was taken out at the destination has one again."""
    if (report.type, report.outcome) not in journey.UNDONE:
        return
    for role in (Role.LAST_REGISTERED, Role.ORIGIN):
        towns = _concerned(rows, report.ordinals, role)
        if towns:
            alerts.tell(relocation, sorted(towns), "A427", report.ordinals, str(report.pk))
            return


def _concerned(rows: facts.Rows, ordinals: Collection[int], *roles: Role) -> set[str]:
    """Return the towns that have to do with any of these movers; one of them that they went past has not."""
    return {
        row.municipality_id
        for row in rows.movers
        if row.role in roles and row.ordinal in ordinals and row.state not in PAST
    }


#: States of a town that nothing more about the movers is told to.
PAST = frozenset({"WITHDRAWN", "CANCELLED", "REJECTED"}) | journey.ELSEWHERE


def _family_register(report: Report, relocation: Relocation, rows: facts.Rows) -> None:
    """Tell the towns that keep the persons' records what became known of their family register (Act Art. 9(2))."""
    towns = _concerned(rows, report.ordinals, Role.ORIGIN, Role.DESTINATION)
    code = "A423" if report.outcome == "DEATH" else "A424"
    about = f"{report.outcome} {report.pk}"
    alerts.tell(relocation, sorted(towns - {report.municipality_id}), code, report.ordinals, about)


#: Reports in which the destination may say that it knows the movers from before (standard 4.1.1.2).
RETURNEE = ("arrival.plan_ack", "differences.reported", "arrival.visited", "movein.decided")


def _returned(report: Report, body: ReportBody, relocation: Relocation, notes: Notes) -> None:
    """Let the town's clerk compare where it is not sure; whether a former number is used again is the town's alone."""
    if report.type not in RETURNEE:
        raise refuse("E104", "/returnee", "Said by the destination before or with its decision.")
    notes.add("returnee.known", report.municipality_id, returnee=body.returnee, movers=report.ordinals)
    town = str(report.municipality_id)
    if body.returnee == "LIKELY":
        alerts.tell(relocation, [town], "A401", report.ordinals)
        return
    for alert in relocation.alerts.filter(municipality=town, code="A401", settled_at=None):
        alerts.settle(alert)


#: A pointer to a field of a filing: names of fields and numbers of movers only.
POINTER = re.compile("(/([a-z][A-Za-z]{1,30}|[0-9]{1,2})){1,4}")


def _cancelled(report: Report, relocation: Relocation, rows: facts.Rows, notes: Notes) -> None:
    """Ask for a cancellation that was asked for at a counter, or let what a decided one has opened wait again."""
    if report.type == "cancel.requested":
        changing.ask(rows, notes, {"movers": report.ordinals})
    elif report.type == "cancel.decided":
        _reopen(report, relocation, rows)


def _reopen(report: Report, relocation: Relocation, rows: facts.Rows) -> None:
    """Let the town that was left wait for a move-in again, once that of the destination was cancelled."""
    clock = table()["REOPENED"]
    if (report.type, report.outcome) not in journey.UNDONE or relocation.kind not in clock.kinds:
        return
    for row in rows.movers:
        if row.role == clock.role and row.ordinal in report.ordinals:
            timers.begin(relocation, clock, row.municipality_id, timezone.localdate(), [row.ordinal])


UNDECIDED_HEAD = Reader(
    Alert, "WHERE relocation_id = %s AND municipality_id = %s AND code = 'A414' AND about = %s AND settled_at IS NULL"
)


def head_settled(body: ReportBody, relocation: Relocation, municipality: str) -> None:
    """Hold order rule O6: the origin does or waives the change of head before the head's move-out is registered."""
    if (body.head_change or body.new_head) and body.type != "moveout.decided":
        raise refuse("E104", "/head_change", "Said by the origin with its decision.")
    if body.new_head and body.head_change not in ("DONE", "EX_OFFICIO"):
        raise refuse("E104", "/new_head", "Only of a head that changed: DONE or EX_OFFICIO.")
    if (body.type, body.outcome) != ("moveout.decided", "REGISTERED"):
        return
    open_ = UNDECIDED_HEAD.first(relocation.pk, municipality, alerts.UNDECIDED)
    if open_ is None:
        return
    if not body.head_change:
        raise refuse("E302", "/head_change", "DONE or WAIVED: who becomes head of those who remain (standard 4.0.4).")
    alerts.settle(open_)


def _correct(report: Report, body: ReportBody, relocation: Relocation, rows: facts.Rows, notes: Notes) -> None:
    diverted = report.type == "arrival.diverted"
    if not diverted and report.type != "correction.notified":
        raise refuse("E104", "/changes", "Only a correction and a diverted arrival change the document.")
    opened, ordinals = services.opened(relocation), _with_this_town(report, rows)
    before = opened.at((ordinals or report.ordinals)[0])
    filing = corrections.corrected(before, body.changes, moved=diverted)
    if diverted and filing.new_address.local_government_code != report.municipality_id:
        raise refuse("E104", "/changes", "The address that was moved to is in your municipality.")
    document = Document.of(filing, opened.document.elsewhere)
    document = msgspec.structs.replace(document, new_address=opened.document.new_address)
    if filing.new_address != before.new_address:
        if not diverted and (not ordinals or len(opened.document.apart(ordinals)) > 1):
            raise refuse(
                "E104", "/movers", "Name movers who go to one address, which a town that they went past is not."
            )
        document = document.moved(ordinals, filing.new_address)
    by = journey.MOVED if diverted else str(report.municipality_id)
    changed = corrections.write(relocation, opened.document, document, opened.key, by)
    notes.add("filing.corrected", report.municipality_id, version=relocation.version, fields=sorted(changed))


def _with_this_town(report: Report, rows: facts.Rows) -> list[int]:
    """Return the movers of a report without those who appeared elsewhere: of their address this town says nothing."""
    town = report.municipality_id
    gone = {row.ordinal for row in rows.movers if row.municipality_id == town and row.state in journey.ELSEWHERE}
    return [ordinal for ordinal in report.ordinals if ordinal not in gone]


def _not_concerned(report: Report, rows: facts.Rows) -> set[str]:
    """Return the towns to which nothing about these movers need go any more."""
    said = (report.type, report.outcome)
    if said == ("arrival.diverted", ""):
        planned = {mover.municipality_id for mover in rows.movers if mover.role == Role.DESTINATION}
        return planned - {report.municipality_id}
    arrived = any(
        mover.role == Role.DESTINATION and mover.state in journey.ARRIVED and mover.ordinal in report.ordinals
        for mover in rows.movers
    )
    # Who was registered there and died then has moved: everybody is told of it all the same.
    if said == ("cancel.decided", "CANCEL_ADD") or (said == ("registry.change", "DEATH") and not arrived):
        return {mover.municipality_id for mover in rows.movers if mover.role != Role.ORIGIN} - {report.municipality_id}
    return set()
