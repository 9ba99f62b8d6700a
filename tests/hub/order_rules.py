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
from hub.procedures import tables as procedures
from hub.procedures.models import Task
from hub.relocations import services, tables
from hub.relocations.models import Alert, Event, Mover, Relocation

#: What citizens and clocks do, besides towns and notices.
ACTS = {
    "filing.acknowledged",
    "filing.amended",
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
#: How the certificate travels, in the order in which one names the whole filing; the first two need one.
WAYS = ("CARD_SPECIAL", "PAPER_CERT", "EX_OFFICIO", "NOT_APPLICABLE")
DECIDED = ("moveout.decided REGISTERED", "moveout.decided EX_OFFICIO")
ENTERED = "movein.decided REGISTERED"
REGISTERED = {"REGISTERED", "NOTIFIED", "CLOSED"}
#: By what a destination takes out whom it had registered.
UNDONE = ("cancel.decided CANCEL_REMOVE", "cancel.decided CANCEL_AMENDED")
#: What says that somebody is registered where they went, and that this was cancelled.
TOLD = ("movein.notice", "appendix.notice", "movein.cancelled")
CANCELS = ("cancel.decided CANCEL_ADD", *UNDONE)
#: What nobody was told by any more, or by which nobody is told of the move itself.
NEVER_LEFT = ("withdrawn", "superseded", "expired")
HANDLING = "protection.route"


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
    #: Since when whose certificate travels how: as the filer said last, and as it changed since; nobody named: everyone.
    ways: tuple[tuple[datetime, frozenset[int], str], ...]

    def way(self, ordinal: int, until: datetime | None = None) -> str:
        """Return how a mover's certificate travels, or travelled at a moment."""
        said = [way for at, who, way in self.ways if ordinal in who and (until is None or at <= until)]
        return said[-1]

    @property
    def everyone(self) -> frozenset[int]:
        """Every mover."""
        return frozenset(mover.ordinal for mover in self.movers)

    @property
    def end(self) -> int:
        """How many entries there are."""
        return len(self.entries)

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

    def there(self, until: int, ordinal: int) -> set[str]:
        """Return how it stood with a mover where they go."""
        return there(self.states(until), ordinal)

    def departed(self, until: int, ordinal: int) -> bool:
        """Tell whether it stood so that a mover moves abroad, uncancelled."""
        states = self.states(until)
        left = {state for (role, _, who), state in states.items() if (role, who) == ("origin", ordinal)}
        return self.relocation.kind == "OVERSEAS_OUT" and "CANCELLED" not in left

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


def there(states: dict[tuple[str, str, int], str], ordinal: int) -> set[str]:
    """Return the states of a mover at the towns they go to."""
    return {state for (role, _, who), state in states.items() if (role, who) == ("destination", ordinal)}


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
        movers = tuple(Mover.objects.filter(relocation=relocation).order_by("pk"))
        deliveries = tuple(Delivery.objects.filter(relocation_id=relocation.pk).order_by("sequence"))
        handed: dict[Any, datetime] = {}
        for row in Step.objects.filter(delivery__in=deliveries, state="sent").order_by("at", "pk"):
            handed.setdefault(row.delivery_id, row.at)
        everyone = frozenset(mover.ordinal for mover in movers)
        found = [*_events(relocation, everyone), *_handed(deliveries, handed)]
        ways = tuple(sorted(_ways(relocation, everyone), key=lambda way: way[0]))
    return Log(relocation, tuple(sorted(found, key=lambda entry: entry.at)), movers, deliveries, handed, ways)


def _ways(relocation: Relocation, everyone: frozenset[int]) -> Iterator[tuple[datetime, frozenset[int], str]]:
    for version in relocation.versions.filter(by__in=("", "filer")):
        filed = Relocation(id=relocation.pk, version=version.number)
        yield version.created_at, everyone, services.filing_of(filed).flow.value
    for row in Event.objects.filter(relocation=relocation, type="flow.changed"):
        yield row.at, frozenset(row.detail["movers"]), row.detail["flow"]


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


@cache
def duties() -> frozenset[str]:
    """Return the rules of procedures that the law orders."""
    with (procedures.DATA / "procedures.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["rule"] for row in csv.DictReader(file) if row["duty"])


def owed(relocation: Relocation) -> bool:
    """Tell whether a procedure that the law orders has not come to its end."""
    with acting(HUB):
        open_ = Task.objects.filter(relocation_id=relocation.pk, state__in=["PENDING", "READY", "SENT"])
        return open_.filter(rule__in=duties()).exists()


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
    for index, entry, ordinal in log.each("said", "movein.decided"):
        judged += 1
        assert log.before(index, ordinal, "arrival.visited", "arrival.diverted")
        of_the_way = ("certificate.available",) if log.way(ordinal, entry.at) == "CARD_SPECIAL" else ()
        certificate = log.before(index, ordinal, "certificate.paper_issued", *of_the_way)
        assert certificate or needs_nothing_from_the_origin(log, ordinal)
        assert log.states(index)["destination", entry.town, ordinal] in ("AT_COUNTER", "PROVISIONAL")
    for _, entry, ordinal in log.each("said", "certificate.available"):
        assert log.way(ordinal, entry.at) == "CARD_SPECIAL"
    return judged


def o3(log: Log) -> int:
    judged = 0
    for index, _, ordinal in log.each("queued", "movein.notice"):
        judged += 1
        assert log.before(index, ordinal, ENTERED)
        assert log.there(index, ordinal) & REGISTERED
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
                    assert earlier.state in NEVER_LEFT, (earlier.type, later.type)
    first = log.relocation.follows
    if first is not None:
        for _, entry, _ in log.each("queued", "moveout.submitted"):
            judged += 1
            over = ["ARRIVED", "SETTLED", "COMPLETE", "WITHDRAWN", "CANCELLED", "REJECTED"]
            ended = Event.objects.filter(relocation=first, type="state.changed", detail__state__in=over)
            with acting(HUB):
                assert ended.filter(at__lt=entry.at).exists()
    return judged


def o6(log: Log) -> int:
    """Where it was left open who becomes head, that is settled with the decision at the latest."""
    with acting(HUB):
        asked = list(Alert.objects.filter(relocation=log.relocation, code="A414", about="undecided"))
    left = [entry.at for _, entry, _ in log.each("said", "moveout.decided") if entry.outcome == "REGISTERED"]
    if not asked or not left:
        return 0
    assert asked[0].settled_at is not None
    assert asked[0].settled_at <= min(left)
    return 1


def o7(log: Log) -> int:
    """Nobody is entered again where they left, or asked to be, while they are registered where they went.

    What the destination cancelled is told to whoever was told of it, and confirmed by nobody. Nobody is registered at
    two destinations, nor again where a move-in was cancelled once they were entered again where they left. A
    certificate is recalled, and a move-in taken back, only after something that does so.
    """
    judged = told_last(log) + comes_again(log)
    for index, entry, ordinal in log.each("said", "cancel.decided"):
        if entry.outcome == "CANCEL_ADD":
            judged += 1
            assert not log.there(index, ordinal) & REGISTERED
    for index, _, ordinal in log.each("said", "movein.notice_applied"):
        judged += 1
        assert log.there(index, ordinal) & REGISTERED
    for index, _, ordinal in log.each("said", "appendix.mismatch"):
        judged += 1
        assert log.there(index, ordinal) & REGISTERED or log.departed(index, ordinal)
    for index, entry, ordinal in log.each("queued", "cancel.requested"):
        judged += 1
        assert entry.role != "origin" or not log.there(index, ordinal) & REGISTERED
    for index, _, ordinal in log.each("queued", "certificate.recalled"):
        judged += 1
        assert log.before(index, ordinal, "cancel.decided CANCEL_ADD", "registry.change DEATH", "arrival.diverted")
        assert not log.before(index, ordinal, ENTERED)
    for index, _, ordinal in log.each("queued", "movein.cancelled"):
        judged += 1
        assert log.before(index, ordinal, *CANCELS)
    return judged


def comes_again(log: Log) -> int:
    """Who comes to a town that had cancelled is nobody else's; who is registered is so at this town alone."""
    judged = 0
    for index, entry, ordinal in log.each("said", "arrival.visited", "arrival.diverted"):
        states = log.states(index)
        if states["destination", entry.town, ordinal] != "CANCELLED":
            continue
        judged += 1
        others = there({key: state for key, state in states.items() if key[1] != entry.town}, ordinal)
        assert others <= {"CANCELLED", "REJECTED", "DIVERTED", "DROPPED"}, others
        left = {state for (role, _, who), state in states.items() if (role, who) == ("origin", ordinal)}
        assert not left & {"CANCELLED", "WITHDRAWN"}, left
        assert log.before(index, ordinal, *UNDONE)
    for index, entry, ordinal in log.each("said", "movein.decided"):
        if entry.outcome == "REGISTERED":
            judged += 1
            assert not log.there(index, ordinal) & REGISTERED
    return judged


def told_last(log: Log) -> int:
    """What each town was told last of a mover, a move-in or its cancellation, is what became of it."""
    judged, last = 0, dict[tuple[str, str, int], str]()
    for row in sorted(log.deliveries, key=lambda row: row.pk):
        if row.type in TOLD and row.state not in NEVER_LEFT:
            last.update({(row.role, row.municipality_id, ordinal): row.type for ordinal in row.ordinals})
    states = log.states()
    for (role, town, ordinal), type_ in last.items():
        over = states[role, town, ordinal] in ("CLOSED", "CLOSED_EX_OFFICIO")
        if over or log.relocation.kind == "OVERSEAS_OUT" or log.before(log.end, ordinal, "registry.change DEATH"):
            continue
        judged += 1
        cancelled = type_ == "movein.cancelled"
        assert cancelled != bool(there(states, ordinal) & REGISTERED), (role, town, ordinal, type_)
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


#: After one of these nothing is expected of the town that somebody leaves.
ENDS = ("filing.withdrawn", "registry.change DEATH", "moveout.decided REJECTED", *CANCELS)


def agency(log: Log) -> int:
    """O9 once more, after the clocks of today: whose planned day has come, of that the town's clerk was told."""
    relocation = log.relocation
    if relocation.kind not in FILED_AT_ORIGIN:
        return 0
    with acting(HUB):
        told = {
            ordinal for alert in Alert.objects.filter(relocation=relocation, code="A418") for ordinal in alert.ordinals
        }
        people = services.filing_of(relocation).movers
    judged = 0
    for mover in people:
        day = mover.leaves_on or relocation.planned_out_on
        due = mover.nationality != "JPN" and day is not None and day <= timezone.localdate()
        if due and not log.before(log.end, mover.ordinal, *ENDS):
            judged += 1
            assert mover.ordinal in told, "O9: nobody was told on the planned day"
    return judged


def o10(log: Log) -> int:
    """What a newer version took the place of is never handed over, and nothing an answer to it says counts.

    Whoever was told of an earlier version is told of the one that counts, as amended by who amended it and as
    corrected by who corrected it.
    """
    judged = told_the_latest(log)
    for index, entry, _ in log.each("queued", "filing.amended", "correction.notified"):
        judged += 1  # what one mover's report corrects is a new version of all of them
        assert any(one.type == entry.type and one.how in ("said", "done") for one in log.entries[:index])
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


@cache
def concerned(type_: str) -> dict[str, frozenset[str]]:
    """Return the states, by role, in which a town is told so."""
    with Path(tables.DATA / "messages.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["type"], row["payload"]) == (type_, "Notice")]
    return {row["recipient"]: frozenset(row["states"].split()) for row in rows}


def told_the_latest(log: Log) -> int:
    """Who knows an older version of a mover, and still has to do with them, is told of the latest one."""
    relocation, judged = log.relocation, 0
    amended = relocation.version_by == "filer"
    if relocation.version_by in ("", "moved") or (amended and relocation.agreement not in ("", "GIVEN")):
        return 0
    type_ = "filing.amended" if amended else "correction.notified"
    for mover in log.movers:
        here = [
            row
            for row in log.deliveries
            if (row.role, row.municipality_id) == (mover.role, mover.municipality_id) and mover.ordinal in row.ordinals
        ]
        older = [row for row in here if row.version < relocation.version and row.state not in NEVER_LEFT]
        knows = any(row.type != HANDLING for row in older) and mover.state in concerned(type_).get(mover.role, ())
        decided = amended or log.before(log.end, mover.ordinal, *DECIDED, ENTERED)
        if knows and decided and mover.municipality_id != relocation.version_by:
            judged += 1
            now = [row for row in here if (row.type, row.version) == (type_, relocation.version)]
            assert any(row.state != "superseded" for row in now), (mover.role, mover.ordinal)
    return judged


def o11(log: Log) -> int:
    """A correction is of what was decided; that it opens no procedure, ``lives`` compares."""
    judged = 0
    for index, _, ordinal in log.each("said", "correction.notified"):
        judged += 1
        assert log.before(index, ordinal, *DECIDED, ENTERED)
    return judged


def judge(name: str, log: Log) -> int:
    """Return how much a rule had to judge; what breaks it is named by it."""
    try:
        return RULES[name](log)
    except AssertionError as broken:
        raise AssertionError(f"{name}: {broken}") from broken


#: What can be judged from the log of one relocation. O11 (its tasks) and O12 compare before and after (``lives``).
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
    "O11": o11,
}
