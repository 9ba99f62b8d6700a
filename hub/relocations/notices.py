"""Who is told what: composes a notice and keeps only what the disclosure table allows.

This is the one place where disclosure is applied; everything that leaves the hub for a town passes here.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from hub.relocations import tables
from hub.relocations.filing import Filing
from municipalities import notice as record
from municipalities.notice import Contact, Flow, Mover, Notice, Reason, Role

#: Needed to answer at all; never withheld.
ENVELOPE = frozenset({"notice_id", "type", "receipt_no", "version", "recipient", "role", "movers"})
MOVER_ENVELOPE = frozenset({"ordinal"})


@dataclass(frozen=True, slots=True)
class Address:
    """To whom a notice goes: its id and type, the town and its role, the movers it is about."""

    notice_id: UUID
    type: str
    recipient: str
    role: Role
    ordinals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about the relocation besides what was filed."""

    receipt_no: str
    version: int
    flow: Flow
    filed_on: date
    #: Where the movers are registered or appeared, when that is known; else as planned.
    destination: str = ""
    last_registered: str = ""
    actual_in_on: date | None = None
    #: Legal date of what is told, why, and the id of what it is about.
    effective_on: date | None = None
    reason: Reason = Reason.BLANK
    refers_to: str = ""
    protected: bool = False
    contact_office: str = ""


def compose(filing: Filing, to: Address, known: Known) -> Notice:
    """Return what this town may know about these movers, and nothing else."""
    movers = tuple(mover for mover in filing.movers if mover.ordinal in to.ordinals)
    whole = Notice(
        notice_id=str(to.notice_id),
        type=to.type,
        receipt_no=known.receipt_no,
        version=known.version,
        recipient=to.recipient,
        role=to.role,
        kind=filing.kind,
        flow=known.flow,
        scope=filing.scope,
        filed_on=known.filed_on,
        planned_out_on=filing.planned_out_on,
        living_from=filing.living_from,
        visit_on=filing.visit_on,
        actual_in_on=known.actual_in_on,
        effective_on=known.effective_on,
        reason=known.reason,
        refers_to=known.refers_to,
        origin=filing.origin,
        destination=known.destination or filing.destination,
        last_registered=known.last_registered or filing.last_registered,
        protected=known.protected,
        contact_office=known.contact_office,
        old_address=filing.old_address,
        new_address=filing.new_address,
        household_left=filing.household_left,
        household_joined=filing.household_joined,
        contact=filing.contact,
        person_count=len(movers),
        movers=movers,
        remarks=filing.remarks,
    )
    return disclose(whole)


def guarded(filing: Filing, type_: str, role: Role, *, entered: bool = False) -> Filing:
    """Take out what protection measures (支援措置) forbid though the table allows it.

    The origin knows the planned municipality alone until the move-in notice, which the law has it receive in full
    (``entered``: it was told so of these movers; a correction that comes before says no more than was known);
    a contact that is not safe is told to nobody.
    """
    changes: dict[str, object] = {}
    if not filing.contact.safe:
        changes["contact"] = Contact(language=filing.contact.language, safe=False)
    if knows_the_plan(type_, role, entered=entered):
        place = filing.new_address
        changes["new_address"] = record.Address(
            local_government_code=place.local_government_code,
            prefecture=place.prefecture,
            city_and_county=place.city_and_county,
            full_address=f"{place.prefecture}{place.city_and_county}",
            country=place.country,
        )
    return msgspec.structs.replace(filing, **changes)


def knows_the_plan(type_: str, role: Role, *, entered: bool) -> bool:
    """Tell whether under protection this notice may say nothing of where somebody went but what was planned."""
    return role is Role.ORIGIN and type_ != "movein.notice" and not (type_ == "correction.notified" and entered)


def disclose(notice: Notice) -> Notice:
    """Blank every field that the table does not allow for this type of notice (a field unknown to it too)."""
    hidden, blanks = _withheld(tables.allowed(notice.type, notice.role, notice.kind))
    movers = tuple(msgspec.structs.replace(mover, **blanks) for mover in notice.movers)
    return msgspec.structs.replace(notice, movers=movers, **hidden)


@cache
def _withheld(allowed: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what takes the place of the fields that are not allowed: of the notice, and of each mover."""
    hidden = {
        field.name: field.default
        for field in msgspec.structs.fields(Notice)
        if field.name not in ENVELOPE and field.name not in allowed
    }
    blanks = {
        field.name: field.default
        for field in msgspec.structs.fields(Mover)
        if field.name not in MOVER_ENVELOPE and f"movers.{field.name}" not in allowed
    }
    return hidden, blanks
