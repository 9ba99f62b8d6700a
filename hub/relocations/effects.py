"""What a report changes besides the states of legs: who takes part, what the document says, in which flow.

``before`` runs before a report is checked, ``after`` when it was taken in; both under the relocation's lock and in
the report's transaction, so that a refusal leaves nothing behind.
"""

import re

from django.utils import timezone

from hub.catalogue import refuse
from hub.deliveries import services as deliveries
from hub.relocations import alerts, corrections, facts, journey, legs, outages, services, timers
from hub.relocations.clocks import table
from hub.relocations.models import Alert, Relocation, Report
from hub.relocations.notes import Notes
from hub.relocations.reported import ReportBody
from hub.rows import Reader
from municipalities.models import Municipality
from municipalities.notice import Flow, Role
from municipalities.openings import opening

#: Reports that may say where the movers are registered, when they never filed where they lived.
UNFILED = ("arrival.visited", "arrival.diverted")


def before(body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str) -> None:
    """Give the town and the last town of registration the legs that the report needs."""
    if body.type == "arrival.diverted":
        _divert(body, relocation, rows, municipality)
    head_settled(body, relocation, municipality)
    outages.line_works(body, relocation, rows, municipality)
    if body.last_registered:
        if body.type not in UNFILED:
            raise refuse("E104", "/last_registered", "Said when the movers appear.")
        offices = Municipality.objects.leaf().valid_on(timezone.localdate())
        if not offices.filter(pk=body.last_registered).exists():
            raise refuse("E120", "/last_registered")
        if body.last_registered not in (municipality, relocation.origin_id):
            _add(relocation, rows, Role.LAST_REGISTERED, body.last_registered, body)


def _divert(body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str) -> None:
    if municipality == relocation.origin_id:
        raise refuse("E200", "/type", "The town that is left is not entered.")
    if not any(change.pointer == "/newAddress" for change in body.changes):
        raise refuse("E310", "/changes", "The address that was moved to: a change of /newAddress.")
    _add(relocation, rows, Role.DESTINATION, municipality, body)


def _add(relocation: Relocation, rows: facts.Rows, role: Role, code: str, body: ReportBody) -> None:
    everyone = {mover.ordinal for mover in rows.movers}
    named = everyone if body.movers is None else set(body.movers) & everyone
    services.add_legs(relocation, rows, {(role, code): sorted(named)})


def after(report: Report, body: ReportBody, relocation: Relocation, rows: facts.Rows, notes: Notes) -> facts.Rows:
    """Do what the report asks for; returns the rows as they are then."""
    said = (report.type, report.outcome)
    if body.changes:
        _correct(report, body, relocation, notes)
        for leg in legs.of(rows.movers):  # who is guarded may show only now
            leg.refresh_from_db(fields=["guard", "contact_office"])
    if said == ("moveout.decided", "EX_OFFICIO") and relocation.flow == Flow.CARD_SPECIAL:
        services.change_flow(relocation, notes, Flow.PAPER_CERT)
    _alert(report, body, relocation, rows)
    if body.head_change:  # who it is stands in the report alone, sealed
        notes.add("head.changed", report.municipality_id, how=body.head_change, movers=report.ordinals)
    if body.returnee:
        _returned(report, body, relocation, notes)
    if report.type == "arrival.visited":
        _first_visit(report, body, relocation, notes)
    gone = _not_concerned(report, rows)
    if gone:
        deliveries.take_back(relocation.pk, municipalities=gone, movers=report.ordinals)
        taken = facts.read(relocation)
        return facts.Rows(rows.movers, taken.deliveries, rows.reports, rows.acts)
    return rows


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
        towns = {row.municipality_id for row in rows.movers if row.role == Role.DESTINATION}
        alerts.tell(relocation, towns or origin, "A416", report.ordinals, str(report.pk))
    elif (report.type, report.outcome) == ("inquiry.replied", "NOT_ARRIVED"):
        alerts.tell(relocation, origin, "A419", report.ordinals)


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


def _first_visit(report: Report, body: ReportBody, relocation: Relocation, notes: Notes) -> None:
    """Judge the flow with the card by the day of moving in (Order Art. 24-2), and start the 90 days."""
    if relocation.flow != Flow.CARD_SPECIAL or body.legal_date is None:
        return
    today, town = timezone.localdate(), str(report.municipality_id)
    for name, event in (("SPECIAL14", body.legal_date), ("C30", relocation.planned_out_on)):
        clock = table()[name]
        if event is None or today <= clock.last_day(event):
            continue
        rolled = clock.rolled(event, opening(town))
        if rolled is None or today <= rolled:
            alerts.tell(relocation, [town], "A420", report.ordinals, name)
        else:
            alerts.tell(relocation, [town], "A408", report.ordinals, name)
            services.change_flow(relocation, notes, Flow.PAPER_CERT)
            return
    if not body.card_shown:
        timers.begin(relocation, table()["C90"], town, today, list(report.ordinals))


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


def _correct(report: Report, body: ReportBody, relocation: Relocation, notes: Notes) -> None:
    diverted = report.type == "arrival.diverted"
    if not diverted and report.type != "correction.notified":
        raise refuse("E104", "/changes", "Only a correction and a diverted arrival change the document.")
    opened = services.opened(relocation)
    filing = corrections.corrected(opened.filing, body.changes, moved=diverted)
    if diverted and filing.new_address.local_government_code != report.municipality_id:
        raise refuse("E104", "/changes", "The address that was moved to is in your municipality.")
    by = journey.MOVED if diverted else str(report.municipality_id)
    changed = corrections.write(relocation, opened.filing, filing, opened.key, by)
    notes.add("filing.corrected", report.municipality_id, version=relocation.version, fields=sorted(changed))


def _not_concerned(report: Report, rows: facts.Rows) -> set[str]:
    """Return the towns to which nothing about these movers need go any more."""
    said = (report.type, report.outcome)
    if said == ("arrival.diverted", ""):
        planned = {mover.municipality_id for mover in rows.movers if mover.role == Role.DESTINATION}
        return planned - {report.municipality_id}
    if said in (("cancel.decided", "CANCEL_ADD"), ("registry.change", "DEATH")):
        return {mover.municipality_id for mover in rows.movers if mover.role != Role.ORIGIN} - {report.municipality_id}
    return set()
