"""What a report changes besides the states of legs: who takes part, what the document says, in which flow.

``before`` runs before a report is checked, ``after`` when it was taken in; both under the relocation's lock and in
the report's transaction, so that a refusal leaves nothing behind.
"""

from django.utils import timezone

from hub.catalogue import refuse
from hub.deliveries import services as deliveries
from hub.relocations import corrections, facts, journey, services
from hub.relocations.models import Relocation, Report
from hub.relocations.notes import Notes
from hub.relocations.reported import ReportBody
from municipalities.models import Municipality
from municipalities.notice import Flow, Role

#: Reports that may say where the movers are registered, when they never filed where they lived.
UNFILED = ("arrival.visited", "arrival.diverted")


def before(body: ReportBody, relocation: Relocation, rows: facts.Rows, municipality: str) -> None:
    """Give the town and the last town of registration the legs that the report needs."""
    if body.type == "arrival.diverted":
        _divert(body, relocation, rows, municipality)
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
    if said == ("moveout.decided", "EX_OFFICIO") and relocation.flow == Flow.CARD_SPECIAL:
        change_flow(relocation, notes, Flow.PAPER_CERT)
    gone = _not_concerned(report, rows)
    if gone:
        deliveries.take_back(relocation.pk, municipalities=gone, movers=report.ordinals)
        taken = facts.read(relocation)
        return facts.Rows(rows.movers, taken.deliveries, rows.reports, rows.acts)
    return rows


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


def change_flow(relocation: Relocation, notes: Notes, flow: Flow) -> None:
    """Go on with the certificate in another way (Order Art. 24-2; standard 4.1.3.0.3)."""
    relocation.flow = flow.value
    relocation.save(update_fields=["flow"])
    notes.add("flow.changed", flow=flow.value)


def _not_concerned(report: Report, rows: facts.Rows) -> set[str]:
    """Return the towns to which nothing about these movers need go any more."""
    said = (report.type, report.outcome)
    if said == ("arrival.diverted", ""):
        planned = {mover.municipality_id for mover in rows.movers if mover.role == Role.DESTINATION}
        return planned - {report.municipality_id}
    if said in (("cancel.decided", "CANCEL_ADD"), ("registry.change", "DEATH")):
        return {mover.municipality_id for mover in rows.movers if mover.role != Role.ORIGIN} - {report.municipality_id}
    return set()
