"""Who is told what: composes a notice and keeps only what the disclosure table allows.

This is the one place where disclosure is applied; everything that leaves the hub for a town passes here.
"""

from datetime import date
from uuid import UUID

import msgspec

from hub.relocations import tables
from hub.relocations.filing import Filing
from municipalities.notice import Mover, Notice, Role

#: Needed to answer at all; never withheld.
ENVELOPE = frozenset({"notice_id", "type", "receipt_no", "version", "recipient", "role", "movers"})
MOVER_ENVELOPE = frozenset({"ordinal"})


def compose(
    filing: Filing,
    *,
    notice_id: UUID,
    type_: str,
    receipt_no: str,
    version: int,
    recipient: str,
    role: Role,
    ordinals: tuple[int, ...],
    filed_on: date,
    actual_in_on: date | None,
) -> Notice:
    """Return what this town may know about these movers, and nothing else."""
    movers = tuple(mover for mover in filing.movers if mover.ordinal in ordinals)
    whole = Notice(
        notice_id=str(notice_id),
        type=type_,
        receipt_no=receipt_no,
        version=version,
        recipient=recipient,
        role=role,
        kind=filing.kind,
        flow=filing.flow,
        scope=filing.scope,
        filed_on=filed_on,
        planned_out_on=filing.planned_out_on,
        living_from=filing.living_from,
        visit_on=filing.visit_on,
        actual_in_on=actual_in_on,
        origin=filing.origin,
        destination=filing.destination,
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


def disclose(notice: Notice) -> Notice:
    """Blank every field that the table does not allow for this type of notice (a field unknown to it too)."""
    allowed = tables.disclosure()[notice.type]
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
    movers = tuple(msgspec.structs.replace(mover, **blanks) for mover in notice.movers)
    return msgspec.structs.replace(notice, movers=movers, **hidden)
