"""What a town's system says of protection (message 75): «handle it under protection; contact office X», no reason.

Setting protects, so one may do it alone, as at the desk; what ends or shows takes two clerks and has no message. What
is answered does not depend on whether a measure was in force before. The filing is guarded before anything goes on,
so that the other towns are told first and the filer is shown nothing new.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from hub import numbers
from hub.catalogue import refuse
from hub.duplicates.models import Mark
from hub.ids import is_receipt_no
from hub.protection import services
from hub.protection.models import Measure, State
from hub.relocations import facts, legs, people
from hub.relocations import services as relocations
from hub.relocations.models import Relocation
from hub.relocations.reported import ReportBody

REPORT = "protection.route"
#: The outcome of a measure that is to be confirmed (仮支援措置).
PROVISIONAL = "PROVISIONAL"
#: One year as a rule; the desk extends it.
TERM = timedelta(days=364)
#: Who set it, where no clerk of the hub's own did.
SYSTEM = "system"


def check(report: ReportBody, **_: Any) -> None:
    """Refuse a report without an office (E310), or with anything that could tell why (E104); ``signals.reporting``."""
    if report.type != REPORT:
        if report.contact_office:
            raise refuse("E104", "/contact_office", f"Said with {REPORT}.")
        return
    if not report.contact_office.strip():
        raise refuse("E310", "/contact_office", "The office that other municipalities ask; never a person.")
    if numbers.is_forbidden(report.contact_office):
        raise refuse("E140", "/contact_office")
    if report.reference:
        raise refuse("E104", "/reference", "No reason and no other person is ever told.")


def lock(report: ReportBody, municipality: str, **_: Any) -> None:
    """Lock every filing of the persons before the report locks its own; ``signals.coming``."""
    if report.type != REPORT or not is_receipt_no(report.receipt_no):
        return
    here = Mark.objects.filter(relocation__receipt_no=report.receipt_no, municipality=municipality)
    if report.movers is not None:
        here = here.filter(ordinal__in=report.movers)
    services.lock_filed(municipality, here.values("mark"), Q(receipt_no=report.receipt_no))


def protect(
    relocation: Relocation, rows: facts.Rows, report: ReportBody, municipality: str, ordinals: Sequence[int], **_: Any
) -> None:
    """Set a measure for each mover of the report and guard every filing of theirs; ``signals.reported``."""
    if report.type != REPORT:
        return
    filing = relocations.filing_of(relocation)
    found = [
        (mover.ordinal, *_measure(report, municipality, people.mark_of(municipality, mover)))
        for mover in filing.movers
        if mover.ordinal in ordinals
    ]
    for ordinal, measure, _what in found:
        services.guard_filing(measure, relocation, ordinal, legs.of(rows.movers), filing)
        services.guard_others(measure, relocation)
    for _ordinal, measure, what in found:  # the audit's general chain last, as at the desk
        if what:
            services.write_down(what, measure, **({"state": measure.state} if what == "set" else {}))


def _measure(report: ReportBody, municipality: str, mark: bytes) -> tuple[Measure, str]:
    """Return the measure in force for this person, and what was done: a new one if there was none.

    What was provisional is confirmed.
    """
    state = State.PROVISIONAL if report.outcome == PROVISIONAL else State.ACTIVE
    found = _in_force(services.IN_FORCE([mark]), municipality)
    if found is None:
        new = Measure(
            municipality_id=municipality,
            mark=mark,
            state=state,
            contact_office=report.contact_office.strip(),
            expires_on=timezone.localdate() + TERM,
            set_by=SYSTEM,
        )
        try:
            with transaction.atomic():
                new.save(force_insert=True)
        except IntegrityError:  # a clerk set one at this very moment: that one protects
            return Measure.objects.exclude(state=State.ENDED).get(municipality=municipality, mark=mark), ""
        return new, "set"
    if (found.state, state) == (State.PROVISIONAL, State.ACTIVE):
        found.state = State.ACTIVE
        found.save(update_fields=["state"])
        return found, "confirmed"
    return found, ""


def _in_force(measures: Iterable[Measure], municipality: str) -> Measure | None:
    return next((one for one in measures if one.municipality_id == municipality), None)
