"""A whole move in one process: the courier's work without its loop, and clerks who say what is to be said."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Queue
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

import aiohttp
import msgspec
from django.utils import timezone

from hub.actors import HUB, Actor, ActorKind, acting
from hub.catalogue import Refusal
from hub.deliveries import services as deliveries
from hub.deliveries.claims import Claimed, Fate, Outcome, claim, write
from hub.deliveries.courier import InDatabase, attempt
from hub.deliveries.models import Delivery, Receipt
from hub.deliveries.states import Answer, Cause
from hub.fidelity.services import Recalled
from hub.relocations import reports, services, tables
from hub.relocations.filing import Filing
from hub.relocations.models import Event, Mover, Relocation, Report
from hub.relocations.reported import ReportBody
from hub.vault import services as vault
from municipalities.errors import UnfitError
from municipalities.notice import Flow, Kind, Role

CITIZEN = Actor(ActorKind.CITIZEN, name="1")

#: What a careful clerk answers to each notice, in order: receipts (one word) and reports (type and outcome).
ANSWERS: dict[str, list[tuple[str, ...]]] = {
    "moveout.submitted": [
        ("received",),
        ("accepted_for_review",),
        ("moveout.reviewing", ""),
        ("registered",),
        ("moveout.decided", "REGISTERED"),
        ("certificate", ""),
    ],
    "arrival.planned": [("received",), ("accepted_for_review",), ("arrival.plan_ack", "")],
    "arrival.prefill": [
        ("received",),
        ("accepted_for_review",),
        ("arrival.visited", ""),
        ("registered",),
        ("movein.decided", "REGISTERED"),
    ],
    "movein.notice": [("received",), ("registered",), ("moveout.effective", ""), ("movein.notice_applied", "")],
    "appendix.notice": [("received",), ("registered",), ("appendix.applied", "")],
    "withdraw.requested": [("received",), ("registered",)],
}
CERTIFICATE = {
    Flow.CARD_SPECIAL: "certificate.available",
    Flow.PAPER_CERT: "certificate.paper_issued",
    Flow.NOT_APPLICABLE: "moveout.effective",  # who moves abroad gets none
}
#: Which notice goes to whom, in the order of an undisturbed move.
COURSE = (
    ("moveout.submitted", Role.ORIGIN),
    ("arrival.planned", Role.DESTINATION),
    ("arrival.prefill", Role.DESTINATION),
    ("movein.notice", Role.ORIGIN),
    ("movein.notice", Role.LAST_REGISTERED),
    ("appendix.notice", Role.DOMICILE),
)


def system(town: str) -> Actor:
    """Return the machine client of a town."""
    return Actor(ActorKind.SYSTEM, town, f"town-{town}")


def file(filing: Filing) -> Relocation:
    """File as a citizen."""
    return services.file(filing, CITIZEN)[0]


def carry() -> int:
    """Claim what is due, hand it over and write it down, as a courier does; returns how many."""
    batch = claim(100)
    if batch:
        write(attempts(batch))
    return len(batch)


def attempts(batch: list[Claimed]) -> list[Outcome]:
    """Attempt in a loop of its own thread; what needs the database comes back to this one and its transaction."""
    asked: Queue[tuple[Callable[[], Recalled], Future[Recalled]] | None] = Queue()

    async def in_database(work: Callable[[], Recalled]) -> Recalled:
        answer: Future[Recalled] = Future()
        asked.put((work, answer))
        return await asyncio.wrap_future(answer)

    async def each() -> list[Outcome]:
        return [await _attempt(claimed, in_database) for claimed in batch]

    with ThreadPoolExecutor(1) as loop:
        ended = loop.submit(lambda: asyncio.run(each()))
        ended.add_done_callback(lambda _: asked.put(None))
        for work, answer in iter(asked.get, None):
            answer.set_result(work())
        return ended.result()


async def _attempt(claimed: Claimed, in_database: InDatabase) -> Outcome:
    nowhere = cast("aiohttp.ClientSession", None)  # memory: and pull: need no network
    try:
        return await attempt(claimed, nowhere, in_database)
    except UnfitError as error:
        return Outcome(claimed, Fate.HELD, error.code, Cause.DATA.value)


def fetch(town: str = "") -> int:
    """Fetch what is ready, for one town or for all; returns how many."""
    with acting(HUB):
        ready = Delivery.objects.filter(state="ready", **{"municipality": town} if town else {})
        waiting = list(ready.values_list("pk", "municipality_id"))
    for pk, code in waiting:
        with acting(system(code)):
            deliveries.fetch(deliveries.locked(pk, code))
    return len(waiting)


@dataclass(frozen=True)
class Said:
    """One thing that a town says: a receipt for a notice, or a report; about these movers."""

    town: str
    role: Role
    notice: str
    word: str
    outcome: str
    ordinals: tuple[int, ...]

    @property
    def is_receipt(self) -> bool:
        """Tell a receipt from a report."""
        return "." not in self.word


def course(relocation: Relocation, filing: Filing, *, split: bool = False) -> list[Said]:
    """Return everything that careful clerks say, in the order of an undisturbed move.

    With ``split`` the reports are made mover by mover, as by a clerk who works person by person.
    """
    said = []
    legs = services.parts(filing)
    for notice, role in COURSE:
        if not goes(notice, filing):
            continue
        for town, ordinals in [(code, tuple(movers)) for (kind, code), movers in legs.items() if kind is role]:
            whole = not split or notice in ("moveout.submitted", "arrival.planned")
            for answer in ANSWERS[notice]:
                if answer[0] == "moveout.effective" and role is Role.LAST_REGISTERED:
                    continue
                word = CERTIFICATE[filing.flow] if answer[0] == "certificate" else answer[0]
                for group in [ordinals] if whole and len(answer) == 1 else groups(ordinals, split=split):
                    said.append(Said(town, role, notice, word, "".join(answer[1:]), group))
    return said


def goes(notice: str, filing: Filing) -> bool:
    """Tell whether such a move has this notice; who never filed where they lived files no move-out there."""
    kinds = next(row.kinds for row in tables.notice_rows() if row.type == notice)
    unfiled = filing.kind is Kind.DOMESTIC and filing.last_registered != ""
    return (not kinds or filing.kind in kinds) and not (notice == "moveout.submitted" and unfiled)


def groups(ordinals: tuple[int, ...], *, split: bool) -> list[tuple[int, ...]]:
    """Return the movers that one report speaks of."""
    return [(ordinal,) for ordinal in ordinals] if split else [ordinals]


def say(relocation: Relocation, said: Said) -> str:
    """Let the town say it, as its door does; returns ``new``, ``known`` or the catalogue's code of a refusal."""
    try:
        with acting(system(said.town)):
            new = _receipt(relocation, said) if said.is_receipt else _report(relocation, said)
    except Refusal as refusal:
        return refusal.lead.code
    return "new" if new else "known"


def _receipt(relocation: Relocation, said: Said) -> bool:
    rows = Delivery.objects.filter(relocation_id=relocation.pk, type=said.notice, role=said.role.value)
    found = rows.filter(municipality=said.town, ordinals=list(said.ordinals)).first()
    delivery = deliveries.locked(found.pk if found else uuid4(), said.town)
    return deliveries.receive(delivery, deliveries.ReceiptBody(kind=Answer(said.word)))[1]


def _report(relocation: Relocation, said: Said) -> bool:
    return reports.receive(report(relocation, said), said.town)[1]


def report(relocation: Relocation, said: Said) -> ReportBody:
    """Return the report as the town posts it, under the same id each time."""
    return ReportBody(
        id=uuid5(relocation.pk, str((said.town, said.word, said.outcome, said.ordinals))),
        type=said.word,
        receipt_no=relocation.receipt_no,
        outcome=said.outcome,
        legal_date=timezone.localdate(),
        movers=said.ordinals,
    )


def settle(relocation: Relocation, all_said: list[Said], *, departments: bool = True) -> None:
    """Carry, fetch and say what was not taken yet, again and again, as towns do, until nothing is new any more."""
    waiting, news = all_said, 1
    while news:
        news = carry() + fetch()
        for said in waiting:
            if say(relocation, said) == "new":
                news += 1 + carry() + fetch()
        waiting = [said for said in waiting if say(relocation, said) != "known"]
        news += answer_tasks(relocation) if departments else 0


def answer_tasks(relocation: Relocation) -> int:
    """Let every department that was handed a task finish it, and take note of one taken back; returns how many."""
    with acting(HUB):
        handed = Delivery.objects.filter(relocation_id=relocation.pk, type__startswith="task.", state="sent")
        waiting = list(handed.order_by("pk"))
    for row in waiting:
        with acting(system(row.municipality_id)):
            done = row.type == "task.opened"
            kind = Answer.ACCEPTED_FOR_REVIEW if done else Answer.REGISTERED
            deliveries.receive(deliveries.locked(row.pk, row.municipality_id), deliveries.ReceiptBody(kind=kind))
        if done:
            body = ReportBody(id=uuid5(row.pk, "result"), type="task.result", outcome="DONE", delivery=row.pk)
            with contextlib.suppress(Refusal):  # cancelled meanwhile
                reports.receive(body, row.municipality_id)
    return len(waiting)


def picture(relocation: Relocation) -> dict[str, Any]:
    """Return how a relocation ended: equal for two runs of the same filing that had the same effect."""
    with acting(HUB):
        relocation.refresh_from_db()
        key = vault.open_one(relocation.pk)
        rows = list(Delivery.objects.filter(relocation_id=relocation.pk))
        return {
            "state": relocation.state,
            "movers": dict(sorted(_movers(relocation))),
            "deliveries": Counter(_line(row) for row in rows),
            "notices": sorted(_content(row, key) for row in rows),
            "receipts": Counter(
                Receipt.objects.filter(delivery__in=rows).values_list(
                    "delivery__type", "delivery__municipality", "kind"
                )
            ),
            "reports": Counter(_told(row) for row in Report.objects.filter(relocation=relocation)),
            "events": Counter(
                Event.objects.filter(relocation=relocation)
                .exclude(type="state.changed")
                .values_list("type", "municipality", "actor_kind")
            ),
        }


def _movers(relocation: Relocation) -> Iterator[tuple[tuple[str, str, int], str]]:
    for mover in Mover.objects.filter(relocation=relocation):
        yield (mover.role, mover.municipality_id, mover.ordinal), mover.state


def _line(row: Delivery) -> tuple[Any, ...]:
    return row.type, row.role, row.municipality_id, tuple(row.ordinals), row.state, row.answer


def _told(row: Report) -> tuple[Any, ...]:
    return row.type, row.outcome, row.municipality_id, tuple(row.ordinals)


def _content(row: Delivery, key: bytes) -> bytes:
    """The notice without what differs between two filings."""
    notice = deliveries.notice_of(row, key)
    assert notice.notice_id == str(row.pk)
    return msgspec.json.encode(msgspec.structs.replace(notice, notice_id=str(UUID(int=0)), receipt_no=""))
