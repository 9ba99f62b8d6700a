"""Reports that a town sends as a record in its own layout: read, compared, taken in, or held for a person."""

from datetime import date
from typing import TypeAlias
from uuid import UUID

import msgspec
from django.utils import timezone

from hub import actors
from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.deliveries import returning
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery, Held, Return
from hub.deliveries.returning import UnclearError
from hub.relocations import papers, reports
from hub.relocations.models import Report
from hub.relocations.reported import OWN_SCOPES, Document, Office, ReportBody
from municipalities.notice import Notice

#: The report and whether it is new, or the file that waits for a person.
Taken: TypeAlias = tuple[Report, bool] | Return


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a record does not say itself: which report it makes, under the town's own id, and of which delivery.

    ``contact_office`` and ``documents`` are said here where the layout has no item for them.
    """

    id: UUID
    type: str
    delivery: UUID
    outcome: str = ""
    visited_on: date | None = None
    contact_office: Office = ""
    documents: tuple[Document, ...] = ()


#: Reports that a record only goes with, saying of whom: how it differs says nothing, and it waits for nobody. Of
#: protection measures whoever works on held files and on differences must not learn.
GOES_WITH = frozenset({papers.REPORT, *OWN_SCOPES})
AS_JSON = "Say it as a report in JSON, which needs no record: this one is not kept for a person."


def receive(envelope: Envelope, content: bytes, municipality: str) -> Taken:
    """Take a record in as a report; as ``reports.receive``, which it ends in, and ``returning.read``.

    A record that cannot be read without a person is held, or refused with the same code where it only goes with a
    report. The caller has seen whether the town may make this report (``OWN_SCOPES``).
    """
    delivery = deliveries.one(envelope.delivery, municipality)
    try:
        return _take(envelope, content, delivery)
    except UnclearError as unclear:
        if envelope.type in GOES_WITH:
            raise refuse(unclear.error.code, unclear.error.pointer, AS_JSON) from None
        report = {"id": str(envelope.id), "type": envelope.type, "outcome": envelope.outcome}
        if envelope.visited_on is not None:
            report["visited_on"] = envelope.visited_on.isoformat()
        return returning.hold(delivery, content, unclear, report)


def _take(envelope: Envelope, content: bytes, delivery: Delivery) -> tuple[Report, bool]:
    came = returning.read(delivery, content)
    body = ReportBody(
        id=envelope.id,
        type=envelope.type,
        receipt_no=delivery.receipt_no,
        delivery=delivery.pk if envelope.type == "task.result" else None,
        outcome=envelope.outcome,
        legal_date=_legal_date(came.record),
        movers=tuple(mover.ordinal for mover in came.record.movers) or None,
        visited_on=envelope.visited_on,
        contact_office=envelope.contact_office or _office(envelope, came.record),
        documents=envelope.documents or _documents(envelope, came.record),
    )
    report, new = reports.receive(body, delivery.municipality_id)
    if new and envelope.type not in GOES_WITH:
        returning.note(delivery, report.pk, came.differences)
    return report, new


def _office(envelope: Envelope, record: Notice) -> str:
    """The office that a record says (照会先), where it is reported that the persons are protected."""
    return record.contact_office if envelope.type in OWN_SCOPES else ""


def _documents(envelope: Envelope, record: Notice) -> tuple[Document, ...]:
    """The papers that a record names (手続番号, 手続書類), where it hands papers on."""
    if envelope.type != papers.REPORT or record.task is None:
        return ()
    return papers.named(record.task.procedure, record.task.documents)


def _legal_date(record: Notice) -> date | None:
    """The day of moving in, or the day from which another decision counts."""
    return record.actual_in_on or record.effective_on


def read_again(row: Return) -> bool:
    """Read a held file again, after a person answered or a table was corrected; tells whether it was taken in.

    Raises ``Refusal`` as the door would: the file stays held.
    """
    _must_be_held(row)
    try:
        with acting(HUB):  # an operator may have it read and cannot read it
            _read_again(row)
    except UnclearError as unclear:
        returning.describe(row, unclear)
        row.save(update_fields=["code", "item", "points"])
        return False
    _settle(row, Held.TAKEN)
    return True


def _read_again(row: Return) -> None:
    content = returning.content_of(row)
    if row.report:
        _take(msgspec.convert(row.report | {"delivery": row.delivery_id}, Envelope), content, row.delivery)
    else:
        returning.receive_answers(deliveries.locked(row.delivery_id, row.municipality_id), content)


def drop(row: Return) -> None:
    """Put a held file aside: the town has said it in another way."""
    _must_be_held(row)
    _settle(row, Held.DROPPED)


def _must_be_held(row: Return) -> None:
    if row.state != Held.HELD:
        raise refuse("E200", detail=f"The file is {row.state}.")


def _settle(row: Return, state: Held) -> None:
    row.state, row.settled_at, row.settled_by = state, timezone.now(), actors.current().name
    row.save(update_fields=["state", "settled_at", "settled_by"])
    audit.record(deliveries.act(f"return.{state.value}", row.delivery))
