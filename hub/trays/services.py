"""Take in one file of a town: receipts or a report, in the town's own layout or in the API's JSON.

The rules are those of the API's doors; what differs is only how the file says what it is: by its manifest
(``transports/answers.py``), or by its name, which begins with the delivery's id. A file of receipts may answer
many deliveries: each stands for itself, and the file may be sent again whole once it was corrected. What a client
of the API needs a scope for, the town's connection must allow.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog
from django.db import Error as DatabaseError

from hub import records
from hub.actors import Actor, ActorKind, acting
from hub.catalogue import Problem, Refusal, refuse
from hub.deliveries import returning
from hub.deliveries import services as deliveries
from hub.deliveries.returning import UnclearError
from hub.relocations import reports, returns
from hub.relocations.reported import OWN_SCOPES, ReportBody
from municipalities.models import Connection
from municipalities.transports.answers import Found, Slip

log = structlog.get_logger(__name__)

RECEIPT = msgspec.json.Decoder(deliveries.ReceiptBody)
REPORT = msgspec.json.Decoder(ReportBody)
JSON = "application/json"
#: A name that says which delivery is answered.
NAMED = re.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: What passes by itself: the file stays and is read again in the next round, as long as ``PATIENCE``.
PASSING = frozenset({"E200", "E210", "E220", "E900", "E901"})
#: Seconds: as long as the hub itself tries to deliver (design 5).
PATIENCE = 72 * 3600
NOTHING = Slip(size=0, sha256="")


class Fate(Enum):
    """What becomes of the file."""

    TAKEN = "taken"
    BAD = "bad"
    LEFT = "left"


@dataclass(slots=True)
class Verdict:
    """What was done with a file, and what was wrong with it: by item of the file, empty for all of it."""

    fate: Fate = Fate.TAKEN
    taken: int = 0
    problems: list[tuple[str, Problem]] = field(default_factory=list)

    def document(self, file: str) -> dict[str, Any]:
        """The error file: codes of the catalogue, where, and what to do, in both languages; nothing of the content."""
        return {
            "file": file,
            "taken": self.taken,
            "problems": [
                {
                    "code": problem.code,
                    "item": item,
                    "pointer": problem.pointer,
                    "detail": problem.detail,
                    "title": {"ja": problem.entry.title_ja, "en": problem.entry.title_en},
                    "remedy": {"ja": problem.entry.remedy_ja, "en": problem.entry.remedy_en},
                }
                for item, problem in self.problems
            ],
            "next": {
                "ja": "直したファイルを answers/ に置き直してください。取り込み済みの項目は二重に処理されません。",
                "en": "Put the corrected file into answers/ again. What was taken in already has no second effect.",
            },
        }


def take(row: Connection, found: Found) -> Verdict:
    """Take a file in as the town's system; what passes by itself leaves it for the next round."""
    if found.spoilt:
        return Verdict(Fate.BAD, problems=[("", Problem(found.spoilt, detail="File, manifest and size must agree."))])
    verdict = Verdict()
    passing = False
    for item, work in _works(row, found):
        try:
            with acting(Actor(ActorKind.SYSTEM, row.municipality_id, "files")):
                work()
        except Refusal as refusal:
            verdict.problems += [(item, problem) for problem in refusal.problems]
            passing |= refusal.lead.code in PASSING
        except DatabaseError as error:
            log.warning("tray_file_not_taken", municipality=row.municipality_id, error=type(error).__name__)
            return Verdict(Fate.LEFT)
        else:
            verdict.taken += 1
    if verdict.problems:
        verdict.fate = Fate.LEFT if passing and time.time() - found.modified < PATIENCE else Fate.BAD
    return verdict


Work = Callable[[], object]


def _works(row: Connection, found: Found) -> Iterator[tuple[str, Work]]:
    """What the file asks for, item by item; each is one transaction."""
    slip, town = found.slip or NOTHING, row.municipality_id
    named = slip.delivery or (match.group() if (match := NAMED.match(found.name)) else "")
    if slip.report_type:
        yield "", lambda: _receive_record(row, slip, found.content)
    elif slip.content_type.partition(";")[0].strip().lower() == JSON or found.name.endswith(".json"):
        if _names_a_type(found.content):
            yield "", lambda: _receive_report(row, records.decode(REPORT, found.content))
        else:
            yield "", lambda: _receive(named, records.decode(RECEIPT, found.content), town)
    elif named:
        yield "", lambda: _receive_all(named, found.content, town)
    else:
        yield from _batch(row, found.content)


class _Head(msgspec.Struct):
    """Only a report has a type."""

    type: str = ""


def _names_a_type(content: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(content, type=_Head).type)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


def _receive_report(row: Connection, body: ReportBody) -> None:
    _check_scope(row, body.type)
    reports.receive(body, row.municipality_id)


def _receive_record(row: Connection, slip: Slip, content: bytes) -> None:
    envelope = _envelope(slip)
    _check_scope(row, envelope.type)
    returns.receive(envelope, content, row.municipality_id)


def _check_scope(row: Connection, type_: str) -> None:
    """Refuse with E107, as the API does, a report that the town's connection does not allow."""
    if type_ in OWN_SCOPES and OWN_SCOPES[type_] not in scopes(row):
        raise refuse("E107")


def scopes(row: Connection) -> frozenset[str]:
    """What a town's system may do by files, in the words of the API's scopes."""
    return frozenset({"deliveries", "reports"} | ({"protection"} if row.sets_protection else set()))


def _receive(delivery: str, body: deliveries.ReceiptBody, town: str) -> None:
    deliveries.receive(deliveries.locked(_id(delivery), town), body)


def _receive_all(named: str, content: bytes, town: str) -> None:
    """Receipts about one delivery; what is unclear is kept for a person, as at the API."""
    delivery = deliveries.locked(_id(named), town)
    try:
        returning.receive_answers(delivery, content)
    except UnclearError as unclear:
        returning.hold(delivery, content, unclear)


def _batch(row: Connection, content: bytes) -> Iterator[tuple[str, Work]]:
    """Receipts about many deliveries, in the layout of the connection."""
    try:
        found = returning.read_answers(row.layout(), content)
    except (Refusal, UnclearError) as error:
        yield "", partial(_raise, error)
        return
    for answer in found:
        yield answer.notice_id, partial(_receive, answer.notice_id, returning.receipt_of(answer), row.municipality_id)


def _raise(error: Refusal | UnclearError) -> None:
    if isinstance(error, UnclearError):
        raise refuse(error.error.code, error.error.pointer, "Send the receipts of each delivery as a file of its own.")
    raise error


#: Members of a manifest by what they say of a report.
MEMBERS = {
    "id": "reportId",
    "type": "reportType",
    "delivery": "delivery",
    "outcome": "reportOutcome",
    "visited_on": "reportVisitedOn",
    "contact_office": "reportContactOffice",
    "documents": "reportDocuments",
}


def _envelope(slip: Slip) -> returns.Envelope:
    """What the manifest says of a record; E110 for a member that is missing, E104 for one that is wrong."""
    told: dict[str, Any] = {"id": slip.report_id, "type": slip.report_type, "delivery": slip.delivery}
    told |= {"outcome": slip.report_outcome, "visited_on": slip.report_visited_on or None}
    told |= {"contact_office": slip.report_contact_office, "documents": slip.report_documents}
    records.refuse_nul(told)
    try:
        return msgspec.convert(told, returns.Envelope)
    except msgspec.ValidationError as error:
        pointer, detail = records.where(error)
        member, *rest = pointer.removeprefix("/").split("/")
        if member in ("id", "type", "delivery"):
            detail = "The manifest of a report needs reportId, reportType and delivery; ids are UUIDs."
            raise refuse("E110", f"/{MEMBERS[member]}", detail) from None
        raise refuse("E104", "/".join(["", MEMBERS.get(member, member), *rest]), detail) from None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise refuse(
            "E110", "", "Name the delivery: in the manifest, or at the beginning of the file's name."
        ) from None
