"""What a town sends: JSON of the hub's API, or, where its system can, a file in the town's own layout.

Half of the towns answer in their own layout. A letter follows from the message and the record alone, so that a
repeat after a crash is the same letter.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid5
from zlib import crc32

import msgspec

from municipalities.errors import UnfitError
from municipalities.notice import Task
from municipalities.simulator.clerk import NAMESPACE, Step
from municipalities.simulator.counter import Paper
from municipalities.simulator.town import Town
from municipalities.standard import Answer, AnswerKind, Standard

JSON = "application/json"

#: A receipt number that no filing ever gets.
NOBODYS = "00-0000-0000-0"

#: Reports that go with the record: the certificate's data, and what was entered in the register; and what the layout
#: has an item for, the office to ask about a protected person and the papers for a procedure.
WITH_RECORD = frozenset(
    {
        "certificate.available", "certificate.paper_issued", "moveout.decided", "movein.decided",
        "protection.route", "moveout.transfer_docs",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is posted."""

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})


class _Receipt(msgspec.Struct):
    kind: AnswerKind
    errors: list[dict[str, str]]
    legal_date: date | None = None


class _Report(msgspec.Struct):
    id: str
    outcome: str = ""
    legal_date: date | None = None
    contact_office: str = ""
    documents: tuple[Paper, ...] = ()
    movers: tuple[int, ...] | None = None


def letter(town: Town, step: Step, record: bytes | None) -> Letter:
    """The message as this town sends it; ``record`` is what it was handed, if that could be read."""
    found = None
    if record is not None and has_own_words(town):
        found = (_report if step.is_report else _receipt)(town.layout_of(record), step, record)
    return found or Letter(step.path, step.body)


def wrong(step: Step, attempt: int) -> Letter:
    """A message in good form that cannot be true: about a delivery or a relocation that never was."""
    nothing = str(uuid5(NAMESPACE, f"{step.key}/wrong/{attempt}"))
    if not step.is_report:
        return Letter(f"/api/v1/deliveries/{nothing}/receipts", step.body)
    body = msgspec.json.decode(step.body) | {"id": nothing, "receipt_no": NOBODYS}
    return Letter(step.path, msgspec.json.encode(body | ({"delivery": nothing} if "delivery" in body else {})))


def has_own_words(town: Town) -> bool:
    """Whether the town's system writes answers itself; its code decides."""
    return crc32(town.code.encode()) % 2 == 0


def _receipt(layout: Standard, step: Step, _record: bytes) -> Letter | None:
    """A receipt as a file of one answer, where the layout has such files."""
    if layout.answers is None or layout.content_type.startswith(JSON):  # which is taken for the API's own form
        return None
    said = msgspec.json.decode(step.body, type=_Receipt)
    answer = Answer(
        notice_id=step.path.split("/")[-2],
        kind=said.kind,
        errors=tuple(error["code"] for error in said.errors),
        legal_date=said.legal_date,
    )
    return Letter(step.path, layout.write_answers((answer,)), {"Content-Type": layout.content_type})


def _report(layout: Standard, step: Step, record: bytes) -> Letter | None:
    """A report as the record it is about, with what it says in it, where the layout has a place for that."""
    if step.name not in WITH_RECORD:
        return None
    said = msgspec.json.decode(step.body, type=_Report)
    item, value = _item(step.name, said)
    if item == "task" and value is None:
        return None
    days = {"actual_in_on": None, "effective_on": None} if item.endswith("_on") else {}
    try:
        notice = layout.read(record)
        movers = tuple(one for one in notice.movers if said.movers is None or one.ordinal in said.movers)
        notice = msgspec.structs.replace(notice, movers=movers, **(days | {item: value}))
        content = layout.write(notice).content
        if not movers or getattr(layout.read(content), item) != value:
            return None
    except UnfitError:
        return None
    headers = {
        "Content-Type": layout.content_type,
        "Hikkoshi-Report-Id": said.id,
        "Hikkoshi-Report-Type": step.name,
        "Hikkoshi-Delivery": notice.notice_id,
    }
    if said.outcome:
        headers["Hikkoshi-Report-Outcome"] = said.outcome
    return Letter(step.path, content, headers)


def _item(name: str, said: _Report) -> tuple[str, Any]:
    """What a report says in the record: the item of the notice and its value; papers of several procedures in none."""
    if name == "protection.route":
        return "contact_office", said.contact_office
    if name == "moveout.transfer_docs":
        procedures = {paper.procedure for paper in said.documents}
        papers = (f"{paper.mover}:{paper.reference}" if paper.mover else paper.reference for paper in said.documents)
        return "task", Task(procedure=procedures.pop(), documents=" ".join(papers)) if len(procedures) == 1 else None
    return "actual_in_on" if name == "movein.decided" else "effective_on", said.legal_date
