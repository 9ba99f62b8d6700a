"""A town changes to another connection on a date: planned in one step, and nothing under way changes layout."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.audit.models import Entry
from hub.deliveries import callbacks, keys, lanes
from hub.deliveries import services as deliveries
from hub.deliveries.models import Callback, Delivery
from hub.deliveries.states import Cause
from hub.relocations.models import Relocation
from hub.vault import services as vault
from municipalities import standard
from municipalities.models import Connection, Municipality
from municipalities.transports import memory
from tests.conftest import CHIYODA, HAKODATE, clerk, connect, filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db

TOKYO = ZoneInfo("Asia/Tokyo")
FIRST_DAY = date(2027, 4, 1)
EVENING = datetime(2027, 3, 31, 23, 59, 30, tzinfo=TOKYO)
MORNING = datetime(2027, 4, 1, 0, 0, 30, tzinfo=TOKYO)
ADD = "/admin/shadow/change/add/"


def desk(user: User) -> Client:
    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies["django_language"] = "en"
    client.force_login(user)
    return client


def operator() -> User:
    return User.objects.create(username="operator", is_staff=True, is_operator=True)


def planner(code: str) -> User:
    """A clerk who may plan for the own town."""
    user = clerk(code)
    user.plans_connections = True
    user.save()
    return user


def fields(**changes: Any) -> dict[str, Any]:
    """The form, filled in."""
    first = {"municipality": HAKODATE, "valid_from": FIRST_DAY, "standard": "regional_xml", "address": "memory:next"}
    return first | {"gaiji": "", "concurrency": 4, "tried_from": ""} | changes


def plan(client: Client, **changes: Any) -> Any:
    return client.post(ADD, fields(confirm="1", **changes))


def told(relocation: Relocation, type_: str = "moveout.submitted") -> Delivery:
    with acting(HUB):
        return Delivery.objects.select_related("connection").get(relocation_id=relocation.pk, type=type_)


def connections() -> list[tuple[str, str, date, date | None]]:
    """Hakodate's connections, in order."""
    rows = Connection.objects.filter(municipality=HAKODATE).order_by("valid_from")
    return list(rows.values_list("standard", "address", "valid_from", "valid_to"))


@pytest.fixture(autouse=True)
def pushed() -> None:
    """Hakodate is told at once, in JSON."""
    connect(HAKODATE, "gif_json", "memory:now")


# --- Under way -----------------------------------------------------------------------------------------


def test_what_is_under_way_keeps_its_layout_and_what_comes_later_has_the_new_one() -> None:
    """One minute around midnight: queued before is sent after, by the old connection; queued after by the new."""
    with time_machine.travel(EVENING, tick=False):
        client = desk(operator())
        assert plan(client).status_code == 302
        sent, waiting = journeys.file(filing(1)), journeys.file(filing(2))
        with acting(HUB):
            Delivery.objects.filter(relocation_id=waiting.pk).update(due_at=MORNING)
        journeys.carry()
        assert (told(sent).state, told(waiting).state) == ("sent", "queued")
    with time_machine.travel(MORNING, tick=False):
        later = journeys.file(filing(3))
        while journeys.carry():
            pass
        old, new = (standard.load(name) for name in ("gif_json", "regional_xml"))
        assert [old.read(parcel.content).receipt_no for parcel in memory.outbox("now")] == [
            sent.receipt_no,
            waiting.receipt_no,
        ]
        assert [new.read(parcel.content).receipt_no for parcel in memory.outbox("next")] == [later.receipt_no]
        first = memory.outbox("now")[0].content
        memory.clear()
        with acting(HUB):  # asked for again after the change: the same bytes
            deliveries.send_again(told(sent), "test")
        journeys.carry()
        assert [parcel.content for parcel in memory.outbox("now")] == [first]
        assert (told(sent).state, told(sent).attempts) == ("sent", 2)


def test_the_whole_journey_crosses_the_change(client: Client) -> None:
    with time_machine.travel(EVENING - timedelta(days=1)):
        plan(desk(operator()))
        document = filing(4)
        relocation = journeys.file(document)
        course = journeys.course(relocation, document)
        journeys.settle(relocation, course[:6])
    with time_machine.travel(MORNING + timedelta(days=7)):  # before the card flow lapses
        journeys.settle(relocation, course)
        with acting(HUB):
            relocation.refresh_from_db()
        assert relocation.state == "COMPLETE"
        assert told(relocation).connection.standard == "gif_json"
        assert told(relocation, "movein.notice").connection.standard == "regional_xml"


# --- Planning ------------------------------------------------------------------------------------------


@time_machine.travel(EVENING, tick=False)
def test_planning_shows_what_will_happen_and_does_it_in_one_step() -> None:
    journeys.file(filing(1))
    journeys.carry()
    held, waiting = journeys.file(filing(2)), journeys.file(filing(3))
    with acting(HUB):
        deliveries.hold(told(held), Cause.DATA, "E130")
        Delivery.objects.filter(relocation_id=waiting.pk).update(due_at=MORNING)
    client = desk(operator())
    before = connections()
    shown = client.post(ADD, fields(tried_from="2027-03-01")).content.decode()
    for sentence in ("1 delivery waits to be sent", "1 delivery is held", "1 delivery is not answered yet",
                     "until March 31, 2027 goes in gif_json", "from April 1, 2027 in regional_xml",
                     "From March 1, 2027 on", "present address has to be served"):  # fmt: skip
        assert sentence in shown
    assert connections() == before
    assert 'name="standard"' in client.post(ADD, fields(back="1")).content.decode()
    assert connections() == before
    plan(client, tried_from="2027-03-01")
    assert connections() == [
        ("gif_json", "memory:now", before[0][2], date(2027, 3, 31)),
        ("regional_xml", "memory:next", FIRST_DAY, None),
    ]
    with acting(HUB):
        entry = Entry.objects.get(action="connection.planned")
    assert (entry.actor_kind, entry.subject) == ("operator", f"municipality:{HAKODATE}")
    assert entry.detail["from"], entry.detail["to"] == ("gif_json", "regional_xml")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"valid_from": "2027-03-31"}, "Tomorrow is the earliest"),
    ({"valid_from": "2026-01-01"}, "Tomorrow is the earliest"),
    ({"valid_from": ""}, "required"),
    ({"standard": "no_such"}, "no_such is not one of"),
    ({"address": "ftp://x/"}, "No transport can use this address"),
    ({"address": "https://user:pass@example.jp/"}, "No transport can use this address"),
    ({"standard": "gif_json", "address": "memory:now"}, "Nothing would change"),
    ({"tried_from": "2027-04-01"}, "choose an earlier day"),
    ({"concurrency": 0}, "1"),
    ({"municipality": "999997"}, "valid choice"),
]


@pytest.mark.parametrize(("wrong", "why"), WRONG)
@time_machine.travel(EVENING, tick=False)
def test_what_cannot_be_is_refused_in_plain_words(wrong: dict[str, Any], why: str) -> None:
    before = connections()
    client = desk(operator())
    for sent in (fields() | wrong, fields(confirm="1") | wrong):
        shown = client.post(ADD, sent)
        assert shown.status_code == 200
        assert why in shown.content.decode()
    assert connections() == before


@time_machine.travel(EVENING, tick=False)
def test_a_second_plan_a_gap_and_the_end_of_the_town_are_refused() -> None:
    client = desk(operator())
    Connection.objects.filter(municipality=HAKODATE).update(valid_to=date(2027, 4, 5))
    shown = plan(client, valid_from="2027-05-01").content.decode()
    assert "ends on April 5, 2027: from then on there would be none" in shown
    plan(client)
    shown = plan(client, valid_from="2027-06-01", standard="gif_json").content.decode()
    assert "A change to regional_xml on April 1, 2027 is planned already" in shown
    Municipality.objects.filter(pk=CHIYODA).update(valid_to=date(2027, 3, 31))
    assert "ends on March 31, 2027" in plan(client, municipality=CHIYODA).content.decode()
    Connection.objects.filter(municipality=CHIYODA).delete()
    Municipality.objects.filter(pk=CHIYODA).update(valid_to=None)
    assert len(connections()) == 2


@time_machine.travel(EVENING, tick=False)
def test_a_town_that_was_never_told_anything_begins_on_a_date() -> None:
    client = desk(operator())
    Connection.objects.filter(municipality=HAKODATE).delete()
    assert "Nothing goes there yet" in client.post(ADD, fields(tried_from="2027-03-01")).content.decode()
    assert "regional_xml on" in client.post(ADD, fields(confirm="1"), follow=True).content.decode()
    assert connections() == [("regional_xml", "memory:next", FIRST_DAY, None)]
    row = Connection.objects.get(municipality=HAKODATE)
    client.post("/admin/shadow/change/", {"action": "take_back", "_selected_action": [str(row.pk)]})
    assert connections() == []


@time_machine.travel(EVENING, tick=False)
def test_a_plan_is_taken_back_until_it_begins() -> None:
    client = desk(operator())
    plan(client)
    row = Connection.objects.get(municipality=HAKODATE, valid_from=FIRST_DAY)
    chosen = {"action": "take_back", "_selected_action": [str(row.pk)]}
    with time_machine.travel(MORNING, tick=False):
        assert "It has begun" in client.post("/admin/shadow/change/", chosen, follow=True).content.decode()
    assert len(connections()) == 2
    assert "stays with gif_json" in client.post("/admin/shadow/change/", chosen, follow=True).content.decode()
    ((name, _, _, ends),) = connections()
    assert (name, ends) == ("gif_json", None)
    with acting(HUB):
        assert Entry.objects.filter(action="connection.taken_back").count() == 1


# --- Who may -------------------------------------------------------------------------------------------


@time_machine.travel(EVENING, tick=False)
def test_a_clerk_plans_for_the_own_town_only_and_only_with_the_right() -> None:
    journeys.file(filing(1))
    assert plan(desk(clerk(HAKODATE, "reader"))).status_code == 403
    assert plan(desk(planner(CHIYODA))).context["form"].errors  # Hakodate is no choice there
    assert len(connections()) == 1
    client = desk(planner(HAKODATE))
    assert "1 delivery waits to be sent" in client.post(ADD, fields()).content.decode()
    assert "Plan a change" in client.get(f"/admin/municipalities/municipality/{HAKODATE}/change/").content.decode()
    plan(client)
    assert len(connections()) == 2
    row = Connection.objects.get(municipality=HAKODATE, valid_from=FIRST_DAY)
    chosen = {"action": "take_back", "_selected_action": [str(row.pk)]}
    desk(User.objects.get(username=f"clerk-{CHIYODA}")).post("/admin/shadow/change/", chosen)
    assert len(connections()) == 2
    client.post("/admin/shadow/change/", chosen)
    assert len(connections()) == 1


def test_the_standard_of_a_connection_in_use_is_not_edited_in_place() -> None:
    row = Connection.objects.get(municipality=HAKODATE)
    client = desk(operator())
    data = {
        "opens_at": "08:30", "closes_at": "17:15", "connections-TOTAL_FORMS": "1", "connections-INITIAL_FORMS": "1",
        "connections-0-id": row.pk, "connections-0-municipality": HAKODATE, "connections-0-standard": "regional_xml",
        "connections-0-address": row.address, "connections-0-valid_from": row.valid_from.isoformat(),
        "connections-0-valid_to": "", "connections-0-concurrency": "4", "connections-0-tried_from": "",
    }  # fmt: skip
    for inline in ("exceptions", "succeeded_by", "succeeds"):
        data |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    shown = client.post(f"/admin/municipalities/municipality/{HAKODATE}/change/", data)
    assert "plan a change for a date" in shown.content.decode()
    row.refresh_from_db()
    assert row.standard == "gif_json"


@pytest.mark.parametrize("had", [True, False])
@time_machine.travel(EVENING, tick=False)
def test_the_right_to_set_measures_goes_along_and_is_given_by_no_plan(had: bool) -> None:
    Connection.objects.filter(municipality=HAKODATE).update(sets_protection=had)
    assert plan(desk(planner(HAKODATE)), sets_protection="on").status_code == 302
    rows = Connection.objects.filter(municipality=HAKODATE).order_by("valid_from")
    assert [row.sets_protection for row in rows] == [had, had]


# --- Signing keys --------------------------------------------------------------------------------------


@time_machine.travel(EVENING, tick=False)
def test_an_address_that_did_not_prove_itself_is_not_planned_and_the_key_it_was_asked_with_goes_along() -> None:
    key, new, why = bytes(range(32)), "https://new.example.jp/", "見本"  # no kit was run against these
    row = Connection.objects.get(municipality=HAKODATE)
    row.address, row.signing_key = "https://old.example.jp/", vault.masters().wrap(key, keys.identity(row.pk))
    row.save()
    client = desk(operator())
    shown = fields(address=new, reason=why)
    assert "being asked to prove itself" in client.post(ADD, shown).content.decode()
    with acting(HUB):
        asked = Callback.objects.get(municipality=HAKODATE)
        assert callbacks.key_of(asked) == key  # the town's own
        assert asked.wanted_at is not None
        Callback.objects.update(wanted_at=None, code="E117")
    assert "E117" in client.post(ADD, shown).content.decode()
    assert len(connections()) == 1
    with acting(HUB):
        Callback.objects.update(wanted_at=None, code="", proven_at=timezone.now() - timedelta(days=31))
    assert "being asked" in client.post(ADD, shown).content.decode()  # long ago
    with acting(HUB):
        Callback.objects.update(proven_at=timezone.now())
    plan(client, address=new, reason=why)
    assert key_of(HAKODATE) == key
    Connection.objects.filter(municipality=CHIYODA).update(standard="gif_json", address="pull:", signing_key=None)
    pushed = {"municipality": CHIYODA, "address": new, "reason": why}
    assert "has no signing key yet" in plan(client, **pushed).content.decode()
    with acting(HUB):
        registered, made = callbacks.register(CHIYODA, new)
        Callback.objects.filter(pk=registered.pk).update(proven_at=timezone.now())
    plan(client, **pushed)
    assert key_of(CHIYODA) == made


def key_of(code: str) -> bytes:
    row = Connection.objects.get(municipality=code, valid_from=FIRST_DAY)
    assert row.signing_key is not None
    return vault.masters().unwrap(bytes(row.signing_key), keys.identity(row.pk))


def test_nothing_of_a_plan_touches_the_lane() -> None:
    """A plan locks no lane: a courier that works on the town right now is not held up."""
    with acting(HUB):
        lanes.ensure([HAKODATE])
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM deliveries_lane WHERE municipality_id = %s", [HAKODATE])
        before = cursor.fetchall()
    plan(desk(operator()), valid_from=(timezone.localdate() + timedelta(days=9)).isoformat())
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM deliveries_lane WHERE municipality_id = %s", [HAKODATE])
        assert cursor.fetchall() == before
    assert len(connections()) == 2
