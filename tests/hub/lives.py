"""Several filings at once and everything that can happen to them: said and done through the services, written down.

A world is driven by commands of plain values. The list of those it has obeyed is its log: another world that obeys
the same log, or one in which what is independent stands in another order, must come to the same end.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec
from django.db import transaction
from django.utils import timezone

from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.catalogue import Refusal, entries
from hub.consents import services as consents
from hub.consents.models import Means, Request
from hub.deliveries import lanes
from hub.deliveries import services as deliveries
from hub.deliveries.claims import Claimed, claim, write
from hub.deliveries.models import Delivery
from hub.deliveries.states import UNSENT, Answer, Cause, State
from hub.procedures import services as procedures
from hub.procedures.models import Task
from hub.relocations import changing, firing, reports, services
from hub.relocations.corrections import Change
from hub.relocations.filing import Filer, Filing
from hub.relocations.models import Alert, Deadline, Mover, Relocation
from hub.relocations.reported import Document, ReportBody
from municipalities.notice import Address, Flow, HouseholdJoined, HouseholdLeft, Kind, Registry, Residence, Scope
from tests.hub import journeys
from tests.scenarios.stage import FAMILY, KANAGAWA, TSURUMI, A, B, C, R, move, place

#: Towns that pull; all others are pushed to.
PULLS = (B, R)
TOWNS = (A, B, C, R, TSURUMI, KANAGAWA)
ABROAD = Address(country="FRA", full_address="1 rue Exemple, Paris")
#: Filings of different persons: how many move, where their family register is, and what is peculiar about each.
CASES: dict[str, tuple[int, str, dict[str, Any]]] = {
    "card": (2, R, {}),
    "paper": (1, A, {"flow": Flow.PAPER_CERT}),
    "foreign": (3, B, {}),
    "wards": (2, R, {"kind": Kind.WARD_TO_WARD, "flow": Flow.NOT_APPLICABLE, "planned_out_on": None}),
    "within": (1, R, {"kind": Kind.IN_CITY, "flow": Flow.NOT_APPLICABLE, "planned_out_on": None}),
    "out": (2, R, {"kind": Kind.OVERSEAS_OUT, "flow": Flow.NOT_APPLICABLE, "living_from": None}),
    "home": (1, R, {"kind": Kind.OVERSEAS_IN, "flow": Flow.NOT_APPLICABLE, "planned_out_on": None}),
    "unfiled": (1, R, {"flow": Flow.PAPER_CERT, "last_registered": C}),
    "head": (1, C, {"scope": Scope.PART, "head_undecided": True}),
    "asked": (2, R, {"filer": Filer()}),
    "later": (1, R, {}),  # planned in the future
}


def document(case: str, number: int) -> Filing:
    """Return the filing of a case; the persons of every number are others."""
    size, domicile, changes = CASES[case]
    register = Registry(local_government_code=domicile, domicile="見本町１番地", head_of_register="見本　太郎")
    movers = [
        msgspec.structs.replace(one, full_name=f"{one.full_name}{'〇一二三四五六七八九'[number]}", registry=register)
        for one in FAMILY[:size]
    ]
    today, towns = timezone.localdate(), {"origin": A, "destination": B}
    if case == "foreign":
        status = Residence(category="mid_long_term", status="永住者")
        movers[2] = msgspec.structs.replace(movers[2], nationality="USA", registry=None, residence=status)
    if case == "wards":
        towns = {"origin": TSURUMI, "destination": KANAGAWA}
    if case == "within":
        towns = {"origin": A, "destination": A}
    if case == "later":
        changes = {"planned_out_on": today + timedelta(days=9), "visit_on": today + timedelta(days=12)}
    if case == "head":
        left = HouseholdLeft(head_name=movers[0].full_name, head_moves=True, remaining_count=2)
        changes = changes | {"household_left": left}
    found = move(*movers, **(towns | changes))
    if found.kind is Kind.OVERSEAS_OUT:
        found = msgspec.structs.replace(found, new_address=ABROAD, household_joined=HouseholdJoined())
    if found.kind is Kind.OVERSEAS_IN:
        found = msgspec.structs.replace(found, old_address=ABROAD, household_left=HouseholdLeft())
    return found


class Mail(NamedTuple):
    """A report as a town has written it; posted once, twice, late or never, it is the same one."""

    life: int
    number: int
    town: str
    type: str
    outcome: str = ""
    movers: tuple[int, ...] | None = None
    #: What it says besides: ``done`` or ``waived`` (head), ``place`` or ``remark`` (changes), ``unfiled``.
    more: str = ""
    days_ago: int = 0

    @property
    def is_alone(self) -> bool:
        """Tell whether it speaks of its movers alone: what it does concerns nobody else of the filing."""
        whole = ("arrival.visited", "arrival.diverted")  # who is left where; alerts name those who were late together
        return self.movers is not None and not self.more and self.type not in whole


class Key(NamedTuple):
    """Which delivery of a relocation is meant, whatever its id."""

    type: str
    role: str
    town: str
    version: int
    part: int


#: Commands that concern everybody: what stands on both sides of one is never exchanged.
BARRIERS = ("carry", "claim", "write", "fetch", "pause", "wait", "file")
Command = tuple[Any, ...]


@dataclass
class World:
    """The lives of several relocations."""

    lives: list[Relocation] = field(default_factory=list)
    filings: list[Filing] = field(default_factory=list)
    #: Which relocations can tell of each other: one that follows another has its number.
    group: list[int] = field(default_factory=list)
    log: list[tuple[Command, str]] = field(default_factory=list)
    claimed: list[Claimed] = field(default_factory=list)
    #: The days on which reports were written, by life and number.
    written: dict[tuple[int, int], date] = field(default_factory=dict)
    days: int = 0
    clock: Any = None

    def do(self, *command: Any) -> str:
        """Obey a command and write it down with its result: ``new``, ``known``, or a code of the catalogue."""
        name, *arguments = command
        try:
            with transaction.atomic():
                found = getattr(self, name)(*arguments)
        except Refusal as refusal:
            found = refusal.lead.code
            assert found in entries()
        self.log.append((command, str(found)))
        return str(found)

    def touched(self, command: Command) -> Sequence[int]:
        """Return the relocations that a command concerns."""
        if command[0] in BARRIERS:
            return range(len(self.lives))
        return [command[1].life if isinstance(command[1], Mail) else command[1]]

    # The citizen ----------------------------------------------------------------------------------------------

    def file(self, case: str, follows: int | None) -> str:
        """File; ``follows``: the move before this one."""
        whole = document(case, len(self.lives))
        if follows is not None:
            whole = msgspec.structs.replace(whole, follows=self.lives[follows].receipt_no)
        relocation, new = services.file(whole, journeys.CITIZEN)
        assert new
        self.group.append(len(self.lives) if follows is None else self.group[follows])
        self.lives.append(relocation)
        self.filings.append(whole)
        return "new"

    def amend(self, life: int, what: str) -> str:
        """File a new version."""
        whole, today = self.filings[life], timezone.localdate()
        if what == "visit":
            whole = msgspec.structs.replace(whole, visit_on=today + timedelta(days=5))
        elif what == "later":
            ahead = {"planned_out_on": today + timedelta(days=9), "visit_on": today + timedelta(days=12)}
            whole = msgspec.structs.replace(whole, **ahead)
        elif what == "remark":
            whole = msgspec.structs.replace(whole, remarks=f"{len(whole.remarks)}")
        elif what == "flow":
            other = Flow.PAPER_CERT if whole.flow is Flow.CARD_SPECIAL else Flow.CARD_SPECIAL
            whole = msgspec.structs.replace(whole, flow=other)
        elif what == "town":
            other_town = C if whole.destination == B else B
            whole = msgspec.structs.replace(whole, new_address=place(other_town, "試験町３番４号"))
        changing.amend(self.lives[life].pk, whole, journeys.CITIZEN)
        self.filings[life] = whole
        return "new"

    def withdraw(self, life: int, movers: tuple[int, ...]) -> str:
        """Take it back, or some of its movers out of it."""
        changing.withdraw(self.lives[life].pk, journeys.CITIZEN, movers)
        return "new"

    def consent(self, life: int, ordinal: int, agrees: bool) -> str:
        """Somebody who is asked agrees, or does not; at the counter, once no link goes out any more."""
        with acting(HUB):
            wanted = Request.objects.filter(relocation=self.lives[life], ordinal=ordinal).last()
            guarded = consents.guarded(self.lives[life].pk)
        if wanted and guarded:
            clerk = Actor(ActorKind.CLERK, self.filings[life].origin, "7", duty=PROTECTS)
            with acting(clerk):
                consents.record(wanted.pk, clerk, Means.PHOTO, agrees=agrees)
            return "new"
        _, token = consents.make_link(wanted.pk if wanted else UUID(int=0), journeys.CITIZEN)
        consents.answer(token, Actor(ActorKind.CITIZEN, name=f"{ordinal + 10}"), agrees=agrees)
        return "new"

    # The towns ------------------------------------------------------------------------------------------------

    def post(self, mail: Mail) -> str:
        """Post a report, for the first time or again."""
        with acting(journeys.system(mail.town)):
            new = reports.receive(self.body(mail), mail.town)[1]
        return "new" if new else "known"

    def body(self, mail: Mail) -> ReportBody:
        """Return the report in full; it is dated when it is first posted, and keeps that day."""
        written = self.written.setdefault((mail.life, mail.number), timezone.localdate())
        changes: tuple[Change, ...] = ()
        if mail.more == "place":
            address = msgspec.to_builtins(place(mail.town, "別の町５番６号"))
            changes = (Change("/newAddress", address),)
        elif mail.more == "remark":
            changes = (Change("/remarks", f"訂正{mail.number}"),)
        return ReportBody(
            id=uuid5(NAMESPACE_OID, f"{mail.life} {mail.number}"),
            type=mail.type,
            receipt_no=self.lives[mail.life].receipt_no,
            outcome=mail.outcome,
            legal_date=written - timedelta(days=mail.days_ago),
            movers=mail.movers,
            head_change={"done": "DONE", "waived": "WAIVED"}.get(mail.more, ""),  # type: ignore[arg-type]
            changes=changes,
            last_registered=C if mail.more == "unfiled" else "",
            differences=("/movers/0/fullName",) if mail.type == "differences.reported" else (),
            documents=(Document(procedure="F12", reference=f"{mail.number}-1"),)
            if mail.type == "moveout.transfer_docs"
            else (),
            contact_office="市民課" if mail.type == "protection.route" else "",
        )

    def find(self, life: int, key: Key) -> Delivery:
        """Return the delivery that is meant."""
        with acting(HUB):
            rows = Delivery.objects.filter(relocation_id=self.lives[life].pk, type=key.type, role=key.role)
            return rows.get(municipality=key.town, version=key.version, part=key.part)

    def receipt(self, life: int, key: Key, kind: str) -> str:
        """Answer a delivery; of one that nobody has tried to hand over no town can know."""
        row = self.find(life, key)
        if row.state == State.QUEUED and not row.attempts:
            return "not there yet"
        with acting(journeys.system(key.town)):
            locked = deliveries.locked(row.pk, key.town)
            new = deliveries.receive(locked, deliveries.ReceiptBody(kind=Answer(kind)))[1]
        return "new" if new else "known"

    def resend(self, life: int, key: Key, number: int) -> str:
        """Want a delivery again (message 73)."""
        row = self.find(life, key)
        body = ReportBody(id=uuid5(NAMESPACE_OID, f"{life} resend {number}"), type="resend.requested", delivery=row.pk)
        with acting(journeys.system(key.town)):
            return "new" if reports.receive(body, key.town)[1] else "known"

    def result(self, life: int, key: Key, outcome: str, number: int) -> str:
        """A department says what became of a procedure that it was handed (message 41)."""
        row = self.find(life, key)
        if row.sent_at is None:
            return "not there yet"
        name = uuid5(NAMESPACE_OID, f"{life} result {number}")
        body = ReportBody(id=name, type="task.result", outcome=outcome, delivery=row.pk)
        with acting(journeys.system(key.town)):
            return "new" if reports.receive(body, key.town)[1] else "known"

    def unanswered(self, life: int) -> list[Key]:
        """Return the procedures that departments were handed and have not finished."""
        with acting(HUB):
            open_ = Task.objects.filter(relocation_id=self.lives[life].pk, state="SENT").values("delivery_id")
            rows = Delivery.objects.filter(pk__in=open_, type="task.opened").order_by("pk")
            return [Key(*row) for row in rows.values_list("type", "role", "municipality_id", "version", "part")]

    def hold(self, life: int, key: Key) -> str:
        """A delivery cannot be written, and a clerk is to decide; it is the first of those that wait."""
        with acting(HUB):
            row = Delivery.objects.select_for_update().get(pk=self.find(life, key).pk)
            before = Delivery.objects.filter(relocation_id=row.relocation_id, municipality=row.municipality_id)
            waits = before.filter(sequence__lt=row.sequence, state__in=UNSENT).exists()
            if row.state not in (State.QUEUED, State.READY) or row.leased_until or waits:
                return "not possible"
            deliveries.hold(row, Cause.DATA, "E130")
        return "new"

    def decide(self, life: int, key: Key, on_paper: bool) -> str:
        """A clerk has decided: it is written after all, or was handed over on paper."""
        with acting(HUB):
            row = Delivery.objects.select_for_update().get(pk=self.find(life, key).pk)
            if row.state != State.HELD:
                return "not possible"
            if on_paper:
                deliveries.hand_over_on_paper(row)
            else:
                deliveries.send_again(row, "decided")
        return "new"

    # Everybody ------------------------------------------------------------------------------------------------

    def carry(self) -> str:
        """Carry what is due now."""
        return str(journeys.carry())

    def claim(self) -> str:
        """Lease what is due, and be slow."""
        found = claim(100)
        self.claimed += found
        return str(len(found))

    def write(self) -> str:
        """Hand over what was leased before, and write it down; meanwhile anything may have happened."""
        found, self.claimed = self.claimed, []
        return str(write(journeys.attempts(found))) if found else "0"

    def fetch(self, town: str) -> str:
        """Let a town fetch everything that is ready."""
        return str(journeys.fetch(town))

    def pause(self, town: str, paused: bool) -> str:
        """Stop a lane, or let it go on."""
        with acting(HUB):
            lanes.pause([town], paused=paused)
        return "new"

    def wait(self, days: int) -> str:
        """Let days pass; the beat does what is due."""
        self.days += days
        self.clock.shift(timedelta(days=days))
        while firing.fire().more:
            pass
        procedures.open_by_day()
        return "new"

    # What there is --------------------------------------------------------------------------------------------

    def keys(self, life: int) -> list[Key]:
        """Return the deliveries of a relocation."""
        with acting(HUB):
            rows = Delivery.objects.filter(relocation_id=self.lives[life].pk).order_by("pk")
            return [Key(*row) for row in rows.values_list("type", "role", "municipality_id", "version", "part")]

    def picture(self, life: int) -> dict[str, Any]:
        """Return everything that the tables say of a relocation, whatever its ids and in whatever order."""
        relocation = self.lives[life]
        found = journeys.picture(relocation)
        with acting(HUB):
            whole = services.filing_of(relocation)
            found["filing"] = msgspec.json.encode(msgspec.structs.replace(whole, follows=""))
            found["rows"] = (relocation.version, relocation.version_by, relocation.flow, relocation.agreement)
            found["alerts"] = Counter(self.alerts(relocation))
            ways = Mover.objects.filter(relocation=relocation)
            found["ways"] = Counter(ways.values_list("role", "municipality_id", "ordinal", "flow"))
            clocks = Deadline.objects.filter(relocation=relocation)
            found["deadlines"] = Counter(
                (row.clock, row.municipality_id, tuple(sorted(row.ordinals)), row.starts_on, row.due_on, row.state)
                for row in clocks
            )
            tasks = Task.objects.filter(relocation_id=relocation.pk)
            found["tasks"] = Counter(tasks.values_list("rule", "ordinal", "generation", "state", "municipality"))
            found["asked"] = Counter(Request.objects.filter(relocation=relocation).values_list("ordinal", "answer"))
        return found

    @staticmethod
    def alerts(relocation: Relocation) -> Iterator[tuple[Any, ...]]:
        """The alerts of a relocation."""
        for row in Alert.objects.filter(relocation=relocation):
            yield row.code, row.municipality_id, row.about, tuple(sorted(row.ordinals)), row.settled_at is None

    # Afterwards -----------------------------------------------------------------------------------------------

    def exchanged(self) -> list[Command]:
        """Return the log with what is independent in another order.

        Between two barriers, the relocations come one after another, the last first; within one, reports about
        different movers that follow each other change places.
        """
        found: list[Command] = []
        segment: list[Command] = []
        for command, _result in [*self.log, (("end",), "")]:
            if command[0] in (*BARRIERS, "end"):
                for group in sorted({self.group[self.touched(one)[0]] for one in segment}, reverse=True):
                    found += _swapped([one for one in segment if self.group[self.touched(one)[0]] == group])
                segment = []
                found += [command] if command[0] != "end" else []
            else:
                segment.append(command)
        return found


def _swapped(commands: list[Command]) -> list[Command]:
    """Exchange neighbours that speak of different movers of one relocation."""
    found = list(commands)
    for index in range(len(found) - 1):
        one, other = found[index][1], found[index + 1][1]
        both = isinstance(one, Mail) and isinstance(other, Mail) and one.life == other.life
        if both and one.is_alone and other.is_alone and not {*one.movers} & {*other.movers}:
            found[index], found[index + 1] = found[index + 1], found[index]
    return found
