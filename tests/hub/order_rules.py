"""The order rules O1 to O12, judged from what was written down as it happened; written without the code under test.

The log of a relocation is read from the events of the relocation and of its deliveries alone. Each rule looks
through it and returns how many things it had to judge, so that nobody takes silence for obedience.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from hub.deliveries.models import Event as Step
from hub.procedures.models import Task
from hub.relocations import services, tables
from hub.relocations.models import Alert, Event, Mover, Relocation

#: What citizens and clocks do, besides towns and notices.
ACTS = {
    "filing.acknowledged",
    "filing.withdrawn",
    "leg.dropped",
    "leg.restored",
    "cancel.asked",
    "visit.overdue",
    "special.lapsed",
    "arrival.absent",
}
START = {"origin": "PENDING", "destination": "NONE", "domicile": "NONE", "last_registered": "NONE"}
FILED_AT_ORIGIN = ("DOMESTIC", "OVERSEAS_OUT")
DECIDED = ("moveout.decided REGISTERED", "moveout.decided EX_OFFICIO")
ENTERED = "movein.decided REGISTERED"
REGISTERED = {"REGISTERED", "NOTIFIED", "CLOSED"}


@dataclass(frozen=True)
class Entry:
    """One thing that happened: ``said`` by a town, ``done`` by a citizen or a clock, ``queued`` or ``handed``."""

    at: datetime
    how: str
    type: str
    outcome: str
    town: str
    role: str
    ordinals: frozenset[int]

    @property
    def word(self) -> str:
        """Type and outcome."""
        return f"{self.type} {self.outcome}".strip()


@dataclass(frozen=True)
class Log:
    """What happened to one relocation, in order, and the rows as they are now."""

    relocation: Relocation
    entries: tuple[Entry, ...]
    movers: tuple[Mover, ...]
    deliveries: tuple[Delivery, ...]
    handed: dict[Any, datetime]

    @property
    def everyone(self) -> frozenset[int]:
        """Every mover."""
        return frozenset(mover.ordinal for mover in self.movers)

    def unfiled(self, ordinal: int) -> bool:
        """Tell whether this mover never filed where they lived."""
        return any(mover.role == "last_registered" and mover.ordinal == ordinal for mover in self.movers)

    def each(self, how: str, *types: str) -> Iterator[tuple[int, Entry, int]]:
        """Yield these entries, once for every mover that they are about."""
        for index, entry in enumerate(self.entries):
            if entry.how == how and entry.type in types:
                for ordinal in entry.ordinals:
                    yield index, entry, ordinal

    def before(self, index: int, ordinal: int, *words: str) -> bool:
        """Tell whether one of these was said, done or handed about the mover before."""
        earlier = (entry for entry in self.entries[:index] if entry.how != "queued" and ordinal in entry.ordinals)
        return any(entry.type in words or entry.word in words for entry in earlier)

    def states(self, until: int | None = None) -> dict[tuple[str, str, int], str]:
        """Follow the log from its beginning through the tables of steps, as if nothing else were known."""
        found = {(mover.role, mover.municipality_id, mover.ordinal): START[mover.role] for mover in self.movers}
        for entry in self.entries[:until]:
            if entry.how == "queued":
                continue
            for (role, town, ordinal), state in found.items():
                if ordinal in entry.ordinals:
                    own = "own" if town == entry.town and entry.role in ("", role) else "other"
                    found[role, town, ordinal] = steps().get((role, state, entry.type, entry.outcome, own), state)
        return found


@cache
def steps() -> dict[tuple[str, str, str, str, str], str]:
    """Return where each step leads to, by role, state, message, outcome and whose act it is."""
    with Path(tables.DATA / "leg_steps.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["role"], row["from"], row["on"], row["outcome"], whose): row["to"]
            for row in csv.DictReader(file)
            for whose in ({"own", "other"} if row["whose"] == "any" else {row["whose"]})
        }


@cache
def reachable(role: str) -> frozenset[tuple[str, str]]:
    """Return every pair of states of which the second can follow the first, by any number of steps."""
    pairs = {(key[1], end) for key, end in steps().items() if key[0] == role}
    while more := {(start, end) for start, way in pairs for other, end in pairs if way == other} - pairs:
        pairs |= more
    return frozenset(pairs)


def read(relocation: Relocation) -> Log:
    """Read the log of a relocation and its rows."""
    with acting(HUB):
        relocation = Relocation.objects.select_related("follows").get(pk=relocation.pk)
        movers = tuple(Mover.objects.filter(relocation=relocation))
        deliveries = tuple(Delivery.objects.filter(relocation_id=relocation.pk).order_by("sequence"))
        handed: dict[Any, datetime] = {}
        for row in Step.objects.filter(delivery__in=deliveries, state="sent").order_by("at", "pk"):
            handed.setdefault(row.delivery_id, row.at)
        everyone = frozenset(mover.ordinal for mover in movers)
        found = [*_events(relocation, everyone), *_handed(deliveries, handed)]
    return Log(relocation, tuple(sorted(found, key=lambda entry: entry.at)), movers, deliveries, handed)


def _events(relocation: Relocation, everyone: frozenset[int]) -> Iterator[Entry]:
    for row in Event.objects.filter(relocation=relocation).order_by("pk"):
        who = (
            frozenset(row.detail.get("movers") or everyone) if isinstance(row.detail.get("movers"), list) else everyone
        )
        town, role = row.municipality_id or "", row.detail.get("role", "")
        if "report" in row.detail:
            yield Entry(row.at, "said", row.type, row.detail["outcome"], town, "", frozenset(row.detail["movers"]))
        elif row.type in ACTS:
            yield Entry(row.at, "done", row.type, "", town, role, who)
        elif row.type.endswith(".queued"):
            yield Entry(row.at, "queued", row.type.removesuffix(".queued"), "", town, role, who)


def _handed(deliveries: tuple[Delivery, ...], handed: dict[Any, datetime]) -> Iterator[Entry]:
    for row in deliveries:
        if row.pk in handed:
            who = frozenset(row.ordinals)
            yield Entry(handed[row.pk], "handed", row.type, "", row.municipality_id, row.role, who)


# --- The rules -----------------------------------------------------------------------------------------------------


def needs_nothing_from_the_origin(log: Log, ordinal: int) -> bool:
    """Tell whether no move-out is filed for this mover."""
    return log.relocation.kind not in FILED_AT_ORIGIN or log.unfiled(ordinal)


def o1(log: Log) -> int:
    judged = 0
    for index, _, ordinal in log.each("queued", "arrival.prefill"):
        judged += 1
        assert needs_nothing_from_the_origin(log, ordinal) or log.before(index, ordinal, *DECIDED)
    return judged


def o2(log: Log) -> int:
    judged = 0
    for index, _, ordinal in log.each("said", "movein.decided"):
        judged += 1
        assert log.before(index, ordinal, "arrival.visited", "arrival.diverted")
        certificate = log.before(index, ordinal, "certificate.available", "certificate.paper_issued")
        assert certificate or needs_nothing_from_the_origin(log, ordinal)
    return judged


def o3(log: Log) -> int:
    judged = 0
    for index, _, ordinal in log.each("queued", "movein.notice"):
        judged += 1
        assert log.before(index, ordinal, ENTERED)
    return judged


def o4(log: Log) -> int:
    judged, out = 0, log.relocation.kind == "OVERSEAS_OUT"
    for index, _, ordinal in log.each("queued", "appendix.notice"):
        judged += 1
        assert log.before(index, ordinal, *(DECIDED if out else (ENTERED,)))
    return judged


def o5(log: Log) -> int:
    """In order per town; and a second move waits until the first is registered or has ended."""
    judged = 0
    for later in log.deliveries:
        for earlier in log.deliveries:
            same = earlier.municipality_id == later.municipality_id and earlier.sequence < later.sequence
            if same and later.pk in log.handed:
                judged += 1
                if earlier.pk in log.handed:
                    assert log.handed[earlier.pk] < log.handed[later.pk], (earlier.type, later.type)
                else:
                    assert earlier.state in ("withdrawn", "superseded", "expired"), (earlier.type, later.type)
    first = log.relocation.follows
    if first is not None:
        for _, entry, _ in log.each("queued", "moveout.submitted"):
            over = ["ARRIVED", "SETTLED", "WITHDRAWN", "CANCELLED", "REJECTED"]
            ended = Event.objects.filter(relocation=first, type="state.changed", detail__state__in=over)
            with acting(HUB):
                assert ended.filter(at__lt=entry.at).exists()
    return judged


def o6(log: Log) -> int:
    undecided = Alert.objects.filter(relocation=log.relocation, code="A414", about="undecided")
    with acting(HUB):
        settled = undecided.values_list("settled_at", flat=True).first() if undecided.exists() else "never asked"
    left = list(log.each("said", "moveout.decided"))
    if settled == "never asked" or not any(entry.outcome == "REGISTERED" for _, entry, _ in left):
        return 0
    assert settled is not None
    return 1


def o7(log: Log) -> int:
    """Nobody is entered again where they left while they are registered where they went."""
    judged = 0
    for index, entry, ordinal in log.each("said", "cancel.decided"):
        if entry.outcome == "CANCEL_ADD":
            judged += 1
            there = {
                state for (role, _, who), state in log.states(index).items() if (role, who) == ("destination", ordinal)
            }
            assert not there & REGISTERED
    for index, _, ordinal in log.each("queued", "certificate.recalled"):
        assert not log.before(index, ordinal, ENTERED)
    return judged


def o8(log: Log) -> int:
    """Nothing is asked of a department before its gate."""
    judged = 0
    with acting(HUB):
        tasks = list(Task.objects.filter(relocation_id=log.relocation.pk, opened_at__isnull=False))
    for task in tasks:
        judged += 1
        assert task.opened_at is not None
        by_then = sum(entry.at <= task.opened_at for entry in log.entries)
        if task.side == "destination":
            assert log.before(by_then, task.ordinal, ENTERED)
        elif task.gate == "O_EFFECTIVE":
            planned = log.relocation.planned_out_on
            reached = planned is not None and planned <= timezone.localdate(task.opened_at)
            gone = log.before(by_then, task.ordinal, "moveout.effective", "moveout.decided EX_OFFICIO", ENTERED)
            assert gone or (reached and log.before(by_then, task.ordinal, *DECIDED))
    return judged


def o9(log: Log) -> int:
    """The town, not the hub, notifies the agency: its clerk is told on the planned day, of foreign residents alone."""
    with acting(HUB):
        told = list(Alert.objects.filter(relocation=log.relocation, code="A418"))
        foreign = {mover.ordinal for mover in services.filing_of(log.relocation).movers if mover.nationality != "JPN"}
    for alert in told:
        assert set(alert.ordinals) <= foreign
        assert timezone.localdate(alert.at) >= (log.relocation.planned_out_on or date.max)
    return len(told)


def o10(log: Log) -> int:
    """What a newer version took the place of is never handed over, and nothing an answer to it says counts."""
    judged = 0
    for row in log.deliveries:
        if row.state == "superseded":
            judged += 1
            assert row.pk not in log.handed
            assert not row.answer
    for type_ in ("filing.amended", "correction.notified"):
        for town in {row.municipality_id for row in log.deliveries}:
            versions = [
                row.version
                for row in log.deliveries
                if row.type == type_ and row.municipality_id == town and row.pk in log.handed
            ]
            assert versions == sorted(versions)
    return judged


#: What can be judged from the log of one relocation. O11 and O12 compare before and after (``lives``).
RULES: dict[str, Callable[[Log], int]] = {
    "O1": o1,
    "O2": o2,
    "O3": o3,
    "O4": o4,
    "O5": o5,
    "O6": o6,
    "O7": o7,
    "O8": o8,
    "O9": o9,
    "O10": o10,
}
