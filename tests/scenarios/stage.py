"""The stage of the scenarios: people, towns that speak through the API, and what can be seen afterwards.

Towns fetch, answer and report at their doors with their own tokens; the citizen reads and writes the pages; clerks
sit at the desk. Days are those of the scenarios themselves: a story tells where the clock stands.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
from django.test import Client
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.audit.models import Entry
from hub.protection import expiring
from hub.relocations import facts, firing, journey, outages, people, services, successions
from hub.relocations.filing import Filer, Filing
from hub.relocations.models import Alert, Deadline, Event, Relocation
from hub.relocations.models import Mover as Row
from municipalities.models import Connection, Municipality
from municipalities.notice import (
    Address,
    Contact,
    Flow,
    HouseholdJoined,
    HouseholdLeft,
    Kind,
    Mover,
    Notice,
    Registry,
    Role,
    Sex,
    UncertainDate,
)
from tests.conftest import CHIYODA, HAKODATE, NAHA, TENRYU, Caller, clerk, town
from tests.hub import journeys
from tests.hub.visitor import Page

#: A, B and C of the scenarios, the town of the family register, and two wards of one designated city.
A, B, C, R = HAKODATE, CHIYODA, NAHA, TENRYU
TSURUMI, KANAGAWA = "141011", "141020"
JAPAN = ZoneInfo("Asia/Tokyo")

REGISTER = Registry(local_government_code=R, domicile="静岡県浜松市天竜区見本町1番地", head_of_register="見本　太郎")


def born(year: int, month: int = 4, day: int = 2) -> UncertainDate:
    """A day of birth."""
    return UncertainDate(year=year, month=month, day=day)


def person(ordinal: int, full_name: str, relation: str, **changes: Any) -> Mover:
    """A synthetic citizen of the register in R."""
    known: dict[str, Any] = {
        "date_of_birth": born(1980),
        "sex": Sex.MALE,
        "nationality": "JPN",
        "registry": REGISTER,
        "relation_from": (relation,),
        "relation_to": (relation,),
    }
    return Mover(ordinal=ordinal, full_name=full_name, **(known | changes))


TARO = person(1, "見本　太郎", "世帯主", presents_card=True)
HANAKO = person(2, "見本　花子", "妻", sex=Sex.FEMALE, date_of_birth=born(1982))
ICHIRO = person(3, "見本　一郎", "子", date_of_birth=born(2014))
FAMILY = (TARO, HANAKO, ICHIRO)


def place(code: str, rest: str = "見本町１番２号") -> Address:
    """An address in a town; without ``rest`` the municipality alone is known."""
    row = Municipality.objects.get(pk=code)
    city = f"{row.within}{row.name}"
    return Address(
        local_government_code=code,
        prefecture=row.prefecture,
        city_and_county=city,
        city_block=rest,
        full_address=f"{row.prefecture}{city}{rest}",
    )


def move(*movers: Mover, origin: str = A, destination: str = B, **changes: Any) -> Filing:
    """A move of these people between two towns, everybody agreed, from today on."""
    today = timezone.localdate()
    movers = tuple(
        msgspec.structs.replace(mover, ordinal=number) for number, mover in enumerate(movers or FAMILY, start=1)
    )
    document = Filing(
        kind=Kind.DOMESTIC,
        flow=Flow.CARD_SPECIAL,
        planned_out_on=today,
        living_from=today,
        old_address=place(origin),
        new_address=place(destination, "試験町３番４号"),
        household_left=HouseholdLeft(head_name=movers[0].full_name),
        household_joined=HouseholdJoined(head_name=movers[0].full_name),
        movers=movers,
        contact=Contact(email="mihon@example.invalid"),
    )
    document = msgspec.structs.replace(document, **changes)
    if "filer" in changes:
        return document
    return msgspec.structs.replace(document, filer=Filer(consents_held=people.asked(document, today)))


def sent(document: Filing) -> dict[str, Any]:
    """A filing as a front sends it, to whose wording the citizen agreed just now."""
    consent = {"givenAt": timezone.now().isoformat(), "method": "online", "textVersion": "test-1"}
    plain: dict[str, Any] = msgspec.to_builtins(document)
    return plain | {"consent": consent}


@dataclass
class Town:
    """A town's system at the API, with everything that it ever fetched."""

    code: str
    system: Caller
    inbox: list[Notice] = field(default_factory=list)

    def fetch(self) -> int:
        """Fetch what is ready and acknowledge it, as a system does every few minutes; returns how many."""
        listed = self.system.get("deliveries").json()["deliveries"]
        for line in listed:
            got = self.system.get(f"deliveries/{line['id']}/content", Accept="application/json")
            assert got.status_code == 200, got.content.decode()
            notice = msgspec.json.decode(got.content, type=Notice)
            known = any(before.notice_id == notice.notice_id for before in self.inbox)
            self.inbox.append(notice)
            assert self.answer(line["id"], "received") == (200 if known else 201)
        return len(listed)

    def answer(self, delivery: str, kind: str, **more: Any) -> int:
        """Answer a delivery with a receipt; returns the status."""
        status: int = self.system.post(f"deliveries/{delivery}/receipts", {"kind": kind} | more).status_code
        return status

    def post(self, told: "Story", type_: str, outcome: str = "", **more: Any) -> Any:
        """Post a report; a date stands for the legal date, which is today if it is not said."""
        body = {"id": str(uuid4()), "type": type_, "receipt_no": told.receipt_no, "outcome": outcome}
        body["legal_date"] = timezone.localdate().isoformat()
        return self.system.post("reports", body | more)


@dataclass
class Story:
    """One relocation on its way, and everything that can be seen of it."""

    stage: "Stage"
    relocation: Relocation
    citizen: User

    @property
    def receipt_no(self) -> str:
        """Its number."""
        return self.relocation.receipt_no

    @property
    def state(self) -> str:
        """The state of the filing."""
        return self.row.state

    @property
    def row(self) -> Relocation:
        """The row as it is now."""
        with acting(HUB):
            return Relocation.objects.get(pk=self.relocation.pk)

    def flows(self) -> list[str]:
        """How the movers' certificates travel, by their number."""
        with acting(HUB):
            found = dict(Row.objects.filter(relocation=self.relocation).values_list("ordinal", "flow"))
        return [found[ordinal] for ordinal in sorted(found)]

    def states(self, code: str, role: Role | None = None) -> list[str]:
        """The movers' states at a town, by their number."""
        with acting(HUB):
            rows = Row.objects.filter(relocation=self.relocation, municipality=code).order_by("ordinal")
            return list((rows.filter(role=role.value) if role else rows).values_list("state", flat=True))

    def told(self, code: str) -> list[str]:
        """The types of what a town was told, in order, as it fetched them."""
        return [notice.type for notice in self.inbox(code)]

    def inbox(self, code: str) -> list[Notice]:
        """What a town was told, in order; follow-on tasks apart."""
        mine = (notice for notice in self.stage.town(code).inbox if notice.receipt_no == self.receipt_no)
        return [notice for notice in mine if not notice.type.startswith("task.")]

    def notice(self, code: str, type_: str) -> Notice:
        """The last notice of this type to a town."""
        return [notice for notice in self.inbox(code) if notice.type == type_][-1]

    def written(self, code: str, type_: str) -> tuple[bytes, Notice]:
        """The bytes of a notice in the town's own layout, and the record as the town reads it from them."""
        delivery = self.notice(code, type_).notice_id
        got = self.stage.town(code).system.get(f"deliveries/{delivery}/content")
        assert got.status_code == 200, got.content.decode(errors="replace")
        layout = Connection.objects.get(municipality=code).layout()
        return got.content, layout.read(got.content)

    def tasks(self, code: str, type_: str = "task.opened") -> Counter[str]:
        """The follow-on procedures that a town was told of, with for how many persons."""
        mine = (notice for notice in self.stage.town(code).inbox if notice.receipt_no == self.receipt_no)
        return Counter(
            {
                notice.task.procedure: notice.person_count
                for notice in mine
                if notice.type == type_ and notice.task is not None
            }
        )

    def report(self, code: str, type_: str, outcome: str = "", **more: Any) -> str:
        """Let a town report, and the hub tell who must know; returns the report's id."""
        answer = self.stage.town(code).post(self, type_, outcome, **more)
        assert answer.status_code == 201, answer.content.decode()
        self.stage.post()
        return str(answer.json()["id"])

    def refused(self, code: str, type_: str, outcome: str = "", **more: Any) -> dict[str, Any]:
        """Let a town report what cannot be taken in; returns the problem."""
        answer = self.stage.town(code).post(self, type_, outcome, **more)
        assert 400 <= answer.status_code < 500, answer.content.decode()
        problem: dict[str, Any] = answer.json()
        return problem

    # What careful clerks do in one go ---------------------------------------------------------------------

    def moved_out(self, code: str = A, **more: Any) -> None:
        """The origin reviews and registers the move-out, and sends the certificate of the flow."""
        self.report(code, "moveout.reviewing", **more)
        self.report(code, "moveout.decided", "REGISTERED", **more)
        card = self.row.flow == Flow.CARD_SPECIAL  # as long as anybody goes the way with the card
        self.report(code, "certificate.available" if card else "certificate.paper_issued", **more)

    def moved_in(self, code: str = B, **more: Any) -> None:
        """The movers appear and the destination registers them."""
        self.report(code, "arrival.visited", **more)
        self.report(code, "movein.decided", "REGISTERED", **more)

    def confirmed(self, code: str = A, **more: Any) -> None:
        """The origin applies the move-in notice."""
        self.report(code, "movein.notice_applied", **more)

    def entered(self, code: str = R, **more: Any) -> None:
        """The town of the family register changes the appendix."""
        self.report(code, "appendix.applied", **more)

    # What can be seen -------------------------------------------------------------------------------------

    def page(self) -> str:
        """The text of the citizen's page."""
        client = self.stage.client(self.citizen)
        answer = client.get(f"/relocations/{self.receipt_no}/", follow=True)
        assert answer.status_code == 200
        return Page(answer.content.decode()).text

    def withdraw(self) -> str:
        """The citizen takes it back on the page; returns what the page says."""
        client = self.stage.client(self.citizen)
        answer = client.post(f"/relocations/{self.receipt_no}/withdraw/", follow=True)
        assert answer.status_code == 200
        self.stage.post()
        return Page(answer.content.decode()).text

    def answer(self, **given: str) -> str:
        """The citizen answers what may not be inferred; returns the page that follows."""
        client = self.stage.client(self.citizen)
        answer = client.post(f"/relocations/{self.receipt_no}/answers/", given, follow=True)
        assert answer.status_code == 200
        self.stage.post()
        return Page(answer.content.decode()).text

    def alerts(self, code: str) -> list[str]:
        """What the town's clerks are still to look at."""
        with acting(HUB):
            rows = Alert.objects.filter(relocation=self.relocation, municipality=code, settled_at=None)
            return list(rows.order_by("code").values_list("code", flat=True))

    def looked_at(self, code: str, alert: str) -> str:
        """What a clerk of the town reads when they open an alert."""
        with acting(HUB):
            key = Alert.objects.get(relocation=self.relocation, municipality=code, code=alert).pk
        answer = self.stage.clerk(code).get(f"/admin/relocations/alert/{key}/change/")
        assert answer.status_code == 200
        return Page(answer.content.decode()).text

    def deadline(self, clock: str) -> tuple[date, date | None, str]:
        """The last day as it falls, as the town is open, and the state of a deadline."""
        with acting(HUB):
            row = Deadline.objects.get(relocation=self.relocation, clock=clock)
            return row.due_on, row.rolled_due_on, row.state

    def audit(self) -> Counter[str]:
        """What the audit says was done to it."""
        with acting(HUB):
            return Counter(Entry.objects.filter(chain_id=self.relocation.pk).values_list("action", flat=True))

    def events(self, type_: str) -> list[dict[str, Any]]:
        """The details of what happened."""
        with acting(HUB):
            return [row.detail for row in Event.objects.filter(relocation=self.relocation, type=type_).order_by("pk")]


class Stage:
    """Everybody who plays."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.towns: dict[str, Town] = {}
        self.stories: list[Story] = []
        self.sessions: dict[Any, Client] = {}

    def at(self, day: str, time: str = "10:00") -> None:
        """Put the clock of Japan to this moment; it goes on from there, and the beat does what is due."""
        moment = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=JAPAN)
        self.clock.move_to(moment, tick=True)
        for played in self.towns.values():
            played.system = town(played.code)  # tokens last an hour
        self.sessions.clear()
        firing.fire()
        successions.follow()
        outages.watch()
        expiring.watch()
        self.post()

    def town(self, code: str) -> Town:
        """The system of a town."""
        if code not in self.towns:
            self.towns[code] = Town(code, town(code))
        return self.towns[code]

    def file(self, filing: Filing, citizen: str = "citizen") -> Story:
        """File as a citizen; the towns are told."""
        user = self.user(citizen)
        relocation, _ = services.file(filing, user.actor)
        return self.follow(relocation, user)

    def user(self, name: str) -> User:
        """A citizen's account."""
        user, _ = User.objects.get_or_create(username=name)
        return user

    def follow(self, relocation: Relocation, citizen: User) -> Story:
        """Follow what was filed; the towns are told."""
        story = Story(self, relocation, citizen)
        self.stories.append(story)
        with acting(HUB):
            towns = set(relocation.legs.values_list("municipality", flat=True))
        for code in towns:
            self.town(code)
        self.post()
        return story

    def post(self) -> None:
        """Carry and fetch until nothing moves any more."""
        while journeys.carry() + sum(played.fetch() for played in list(self.towns.values())):
            pass

    def client(self, user: User) -> Client:
        """Somebody signed in."""
        if user.pk not in self.sessions:
            client = Client(HTTP_HOST="127.0.0.1", headers={"Accept-Language": "ja"})
            client.force_login(user)
            self.sessions[user.pk] = client
        return self.sessions[user.pk]

    def clerk(self, code: str, name: str = "", **duties: Any) -> Client:
        """A clerk of a town at the desk."""
        name = name or f"clerk-{code}"
        user = User.objects.filter(username=name).first() or clerk(code, name)
        for duty, value in duties.items():
            setattr(user, duty, value)
        user.save()
        return self.client(user)

    def left_in_order(self) -> None:
        """Hold at the end of every story: nothing is left to tell, the tables are what the facts make of them."""
        with acting(HUB):
            for story in self.stories:
                services.advance(story.relocation.pk)
                rows = facts.read(story.row)
                found = journey.travel(facts.situation(story.row, rows))
                states = {(Role(row.role), row.municipality_id, row.ordinal): row.state for row in rows.movers}
                state = facts.whole(story.row, found.state)
                assert (found.due, state, found.states) == ((), story.row.state, states)
                ways = {
                    row.ordinal: {other.flow for other in rows.movers if other.ordinal == row.ordinal}
                    for row in rows.movers
                }
                assert {len(flows) for flows in ways.values()} == {1}
            assert [fault for fault in audit.verify() if not isinstance(fault, int)] == []

    def names(self) -> Iterator[str]:
        """Names and addresses that must not be found in a log."""
        with acting(HUB):
            for story in self.stories:
                filing = services.filing_of(story.row)
                yield from (mover.full_name for mover in filing.movers)
                yield filing.new_address.full_address
                yield filing.contact.email


def day(text: str) -> date:
    """A day as it stands in a scenario."""
    return date.fromisoformat(text)
