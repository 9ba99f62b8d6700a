"""What became of the filings: the hub's rows held against the towns' own books.

A filing is settled when its journey has ended, as filed, withdrawn or cancelled, and every town it concerns knows. It
need not be complete: where a layout has no items for tasks, departments work at the desk, and nobody plays them.
"""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery, Receipt
from hub.deliveries.states import State
from hub.demo import lives
from hub.demo.front import Accepted
from hub.procedures.models import Task
from hub.procedures.states import State as Asked
from hub.relocations.models import Event, Mover, Relocation, Report

#: A delivery in one of these is on its way, or somebody was told why not.
UNFINISHED = (State.QUEUED, State.READY, State.SENT, State.HELD)
#: A journey in one of these has ended.
ENDED = ("SETTLED", "COMPLETE", "WITHDRAWN", "CANCELLED")
#: Seconds that the towns' books are given to catch up with the hub.
LAST_LOOK = 30.0


@dataclass
class Outcome:
    """The figures of a run; ``as_json`` has the stable keys."""

    filings: int
    settled: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    waiting: int = 0
    seconds: float = 0.0
    by_standard: dict[str, int] = field(default_factory=dict)
    by_transport: dict[str, int] = field(default_factory=dict)
    by_state: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    receipts: dict[str, int] = field(default_factory=dict)
    #: Filings by what came of them besides the ordinary course.
    lives: dict[str, int] = field(default_factory=dict)
    #: Deliveries that wait or are held, by town: what a person would be told.
    unfinished: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the document that ``demo --once --json`` prints."""
        return {
            "filings": self.filings,
            "settled": self.settled,
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "waiting": self.waiting,
            "seconds": round(self.seconds, 1),
            "deliveries": {
                "total": sum(self.by_state.values()),
                "by_standard": self.by_standard,
                "by_transport": self.by_transport,
                "by_state": self.by_state,
            },
            "receipts": self.receipts,
            "tasks": self.tasks,
            "lives": self.lives,
            "unfinished": self.unfinished,
        }


#: Plays the persons: takes the states by id and tells whether all have done what they do.
GoOn = Callable[[dict[str, str]], bool]


def wait(
    accepted: Sequence[Accepted],
    quiet: float,
    limit: float,
    progress: Callable[[int], None],
    go_on: GoOn = lambda _states: True,
) -> bool:
    """Wait until every journey is settled, every task answered and every life over; returns whether that is so.

    Or until nothing has moved for ``quiet`` seconds, or ``limit`` seconds are over.
    """
    ids = [one.id for one in accepted]
    deadline, moved, before = time.monotonic() + limit, time.monotonic(), None
    while time.monotonic() < deadline and time.monotonic() - moved < quiet:
        states, settled, open_, picture = _picture(ids)
        over = go_on(states)
        progress(len(settled))
        if over and len(settled) == len(ids) and not open_:
            return True
        if picture != before:
            before, moved = picture, time.monotonic()
        time.sleep(0.3)
    return False


def _picture(ids: list[str]) -> tuple[dict[str, str], set[str], int, Any]:
    """Return the states, who is settled, how many tasks wait for a town, and something that changes with anything."""
    with acting(HUB):
        states = _states(ids)
        settled = _settled(ids, states)
        rows = Delivery.objects.filter(relocation_id__in=ids).values_list("state").annotate(n=Count("pk"))
        deliveries = tuple(sorted(rows))
        receipts = Receipt.objects.filter(delivery__relocation_id__in=ids).count()
        handed = Task.objects.filter(relocation_id__in=ids, state__in=(Asked.READY, Asked.SENT))
        open_ = handed.filter(delivery_id__isnull=False).count()
    return states, settled, open_, (tuple(sorted(states.items())), deliveries, receipts, open_)


def _states(ids: Sequence[str]) -> dict[str, str]:
    return {str(id_): state for id_, state in Relocation.objects.filter(pk__in=ids).values_list("pk", "state")}


def _settled(ids: Sequence[str], states: dict[str, str]) -> set[str]:
    """Return whose journey has ended and is known to every town: nothing is on its way, nobody is asked to decide."""
    keys = [UUID(id_) for id_ in ids]
    ended = {id_ for id_, state in states.items() if state in ENDED}
    under_way = Delivery.objects.filter(relocation_id__in=ids, state__in=UNFINISHED)
    # A register that was told of a cancelled move-in enters it, too.
    revoked = Mover.objects.filter(leg__relocation__in=keys, state="REVOKED")
    asked = Event.objects.filter(relocation__in=keys, type="cancel.asked").exclude(relocation__state="CANCELLED")
    refused = Report.objects.filter(relocation__in=keys, type="cancel.decided", outcome="REFUSED")
    waits = {str(id_) for id_ in asked.values_list("relocation", flat=True)}
    waits -= {str(id_) for id_ in refused.values_list("relocation", flat=True)}
    waits |= {str(id_) for id_ in under_way.values_list("relocation_id", flat=True)}
    waits |= {str(id_) for id_ in revoked.values_list("leg__relocation", flat=True)}
    return ended - waits


def examine(accepted: Sequence[Accepted], towns: str) -> Outcome:
    """Compare what was accepted, what the hub has, and what the towns' books say."""
    outcome = Outcome(len(accepted))
    ids = [one.id for one in accepted]
    with acting(HUB):
        deliveries = list(Delivery.objects.filter(relocation_id__in=ids).select_related("connection"))
        kinds = Receipt.objects.filter(delivery__relocation_id__in=ids).values_list("kind").annotate(n=Count("pk"))
        outcome.receipts = dict(kinds)
        outcome.tasks = dict(Counter(Task.objects.filter(relocation_id__in=ids).values_list("state", flat=True)))
        states = _states(ids)
        settled = _settled(ids, states)
    outcome.settled = len(settled)
    outcome.lives = lives.happened(ids, states)
    outcome.by_state = dict(Counter(row.state for row in deliveries))
    outcome.by_standard = dict(Counter(row.connection.standard for row in deliveries))
    outcome.by_transport = dict(Counter(transport(row) for row in deliveries))
    _explain(outcome, accepted, settled, states, deliveries)
    books = _closed_books(towns, {one.receipt_no for one in accepted}, deliveries)
    with acting(HUB):  # after the books: a journey still under way makes deliveries while the books are waited for
        known = Delivery.objects.filter(relocation_id__in=ids)
        parts = Counter(known.values_list("municipality_id", "receipt_no", "type"))
    _compare(outcome, deliveries, parts, books)
    return outcome


def _closed_books(towns: str, receipts: set[str], deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Read the books once every answer stands in them.

    A town that exchanges files enters an effect when it sees that its answer was taken, a look later than the hub.
    """
    until = time.monotonic() + LAST_LOOK
    while True:
        books = _books(towns, receipts)
        if not _missing(deliveries, books) or time.monotonic() > until:
            return books
        time.sleep(0.5)


def _missing(deliveries: Sequence[Delivery], books: Sequence[dict[str, Any]]) -> list[Delivery]:
    """Return the registered deliveries that have no effect in their town's book."""
    kept = {row["notice_id"] for row in books if row["times"]}
    answered = [row for row in deliveries if row.state == State.ANSWERED and row.answer == "registered"]
    return [row for row in answered if str(row.pk) not in kept]


def transport(row: Delivery) -> str:
    """Return the way a delivery goes, as its address names it."""
    scheme = row.connection.address.partition(":")[0]
    return "https" if scheme == "http" else scheme


def _explain(
    outcome: Outcome,
    accepted: Sequence[Accepted],
    settled: set[str],
    states: dict[str, str],
    deliveries: list[Delivery],
) -> None:
    """Say where a filing waits that is not settled: its deliveries, or its state; without any delivery it is lost."""
    waits: dict[str, list[Delivery]] = {}
    for row in deliveries:
        if row.state in UNFINISHED or (row.state == State.ANSWERED and row.answer in ("returned", "rejected")):
            waits.setdefault(str(row.relocation_id), []).append(row)
    pending = {str(row.relocation_id) for row in deliveries}
    for one in accepted:
        if one.id not in pending:
            outcome.lost.append(one.receipt_no)
        elif one.id not in settled:
            outcome.waiting += 1
            lines = [_line(row) for row in waits.get(one.id, [])]
            outcome.unfinished += lines or [{"receipt_no": one.receipt_no, "state": states[one.id]}]


def _line(row: Delivery) -> dict[str, Any]:
    return {
        "receipt_no": row.receipt_no,
        "town": row.municipality_id,
        "type": row.type,
        "state": row.state,
        "attempts": row.attempts,
        "code": row.code,
        "who_acts": row.cause,
        "next_attempt": row.due_at.isoformat(timespec="seconds") if row.state == State.QUEUED else None,
    }


def _books(towns: str, receipts: set[str]) -> list[dict[str, Any]]:
    """Read the towns' own ledgers for these receipt numbers."""
    with urllib.request.urlopen(f"{towns}/ledger?detail=1", timeout=30) as answer:  # noqa: S310 - loopback
        rows: list[dict[str, Any]] = json.load(answer)["effects"]
    return [row for row in rows if row["receipt_no"] in receipts]


def _compare(
    outcome: Outcome, deliveries: list[Delivery], parts: Counter[tuple[str, str, str]], books: list[dict[str, Any]]
) -> None:
    """Every answered delivery must stand in its town's book once; no effect may stand there twice."""
    outcome.lost += [f"{row.receipt_no} {row.type}" for row in _missing(deliveries, books)]
    told = Counter((row["town"], row["receipt_no"], row["type"]) for row in books)
    outcome.doubled += [f"{key[1]} {key[2]}" for key, times in told.items() if times > parts[key]]
    outcome.doubled += [f"{row['receipt_no']} {row['type']}" for row in books if row["times"] > 1]
