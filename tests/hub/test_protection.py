"""Protection measures (S36, S37): set by a clerk of the role alone, seen by two, hidden from everybody else alike."""

import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from django.apps import apps
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.audit.models import Entry
from hub.catalogue import Refusal
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.protection import services as protection
from hub.protection.models import ContactWish, Measure, Release
from hub.relocations import alerts, services
from hub.relocations.filing import Filing
from hub.relocations.models import Alert, Deadline, Event, Leg, Relocation
from hub.vault import services as vault
from municipalities.notice import Contact, Notice, Registry
from tests.conftest import CHIYODA, HAKODATE, TENRYU, clerk, filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db


def victim() -> Filing:
    """Two persons who move from Hakodate to Chiyoda."""
    return filing(1)


OFFICE = "市民課　見本係"


def entrusted(code: str, name: str) -> User:
    """A clerk of the protection role."""
    user = clerk(code, name)
    user.handles_protection = True
    user.save()
    return user


def at(user: User) -> Client:
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user)
    return client


def file() -> Relocation:
    """A filing whose domicile is a third town."""
    registry = Registry(local_government_code=TENRYU, domicile="見本町1", head_of_register="見本　太郎")
    document = victim()
    movers = tuple(msgspec.structs.replace(mover, registry=registry) for mover in document.movers)
    contact = Contact(email="victim@example.invalid", phone="000-0000-0009", safe=False)
    return journeys.file(msgspec.structs.replace(document, movers=movers, contact=contact))


def terms(**more: str) -> dict[str, str]:
    """What the form of a measure is sent."""
    last = timezone.localdate() + timedelta(days=364)
    return {"contact_office": OFFICE, "expires_on": last.isoformat()} | more


def resident(**more: str) -> dict[str, str]:
    """The same, for the victim as a resident."""
    mover = victim().movers[0]
    birth = mover.date_of_birth
    assert birth is not None
    born = f"{birth.year}-{birth.month:02}-{birth.day:02}"
    return terms(full_name=mover.full_name, born=born, sex=mover.sex.value, **more)


def told(relocation: Relocation, town: str) -> dict[str, Notice]:
    """What this town was told."""
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=relocation.pk, municipality=town).order_by("sequence")
        return {row.type: deliveries.notice_of(row) for row in rows}


def set_by_hand(client: Client, sent: dict[str, str]) -> Any:
    return client.post(reverse("admin:protection_measure_add"), sent)


# --- Setting -------------------------------------------------------------------------------------------


def test_only_the_role_sets_a_measure() -> None:
    relocation = file()
    sent = terms(receipt_no=relocation.receipt_no, ordinal="1")
    operator = User.objects.create(username="operator", is_staff=True, is_operator=True)
    for user in (clerk(HAKODATE), operator):
        assert set_by_hand(at(user), sent).status_code == 403
    assert set_by_hand(at(User.objects.create(username="x")), sent)["Location"].startswith("/admin/login/")
    stranger = at(entrusted("472018", "naha"))
    wrong, unknown = (set_by_hand(stranger, sent | {"receipt_no": no}) for no in (sent["receipt_no"], "00-TEST-0001-T"))
    assert plain(wrong).replace(relocation.receipt_no, "") == plain(unknown).replace("00-TEST-0001-T", "")
    with acting(HUB):
        assert not Measure.objects.exists()
    assert set_by_hand(at(entrusted(HAKODATE, "a")), sent).status_code == 302


def plain(answer: Any) -> str:
    return re.sub(r'csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())


def test_a_filing_of_a_protected_person_is_guarded_before_anybody_is_told() -> None:
    assert set_by_hand(at(entrusted(HAKODATE, "a")), resident()).status_code == 302
    relocation = file()
    journeys.carry()
    origin, destination = told(relocation, HAKODATE), told(relocation, CHIYODA)
    # The town entered is told to protect before it is told anything else; the town left knows it already.
    assert list(destination) == ["protection.route", "arrival.planned"]
    assert list(origin) == ["moveout.submitted"]
    route = destination["protection.route"]
    assert (route.protected, route.contact_office) == (True, OFFICE)
    assert (route.new_address, route.old_address, route.remarks) == (None, None, "")
    # The origin knows the municipality, not the address; a contact that is not safe is told to nobody.
    place = origin["moveout.submitted"].new_address
    assert place is not None
    assert place.full_address == "東京都千代田区"
    assert not place.street_address + place.city_block + place.building_name_etc + place.postal_code
    for notice in (origin["moveout.submitted"], destination["arrival.planned"]):
        assert notice.contact == Contact(safe=False)
        assert not notice.protected
    # The domicile is told with the appendix notice, and the measure does not keep the move from being settled.
    with acting(HUB):
        said = journeys.course(relocation, services.filing_of(relocation))
    journeys.settle(relocation, said)
    assert list(told(relocation, TENRYU)) == ["protection.route", "appendix.notice"]
    with acting(HUB):
        relocation.refresh_from_db()
        assert set(Leg.objects.filter(relocation=relocation).values_list("guard", flat=True)) == {"own", "told"}
    assert relocation.state == "COMPLETE"


def test_a_measure_set_later_reaches_the_towns_that_know_of_the_move() -> None:
    relocation = file()
    journeys.carry()
    assert "protection.route" not in told(relocation, CHIYODA)
    set_by_hand(at(entrusted(HAKODATE, "a")), resident())
    assert list(told(relocation, CHIYODA))[-1] == "protection.route"
    assert "protection.route" not in told(relocation, TENRYU)


# --- Who sees it ---------------------------------------------------------------------------------------


def test_to_everybody_else_a_guarded_filing_is_not_there() -> None:
    relocation, other = file(), journeys.file(filing(8))
    journeys.carry()
    ordinary = at(clerk(HAKODATE))
    listed = reverse("admin:relocations_relocation_changelist")
    assert relocation.receipt_no in ordinary.get(listed).content.decode()
    set_by_hand(at(entrusted(HAKODATE, "a")), resident())
    with acting(HUB):
        keys = list(Delivery.objects.filter(relocation_id=relocation.pk).values_list("pk", flat=True))
    unknown = "0197f000-0000-7000-8000-000000000000"
    for client in (ordinary, at(clerk(CHIYODA))):
        for path in (listed, reverse("admin:deliveries_delivery_changelist"), reverse("admin:index")):
            page = (
                client.get(path, {"q": relocation.receipt_no}) if path != reverse("admin:index") else client.get(path)
            )
            rows = page.content.decode().partition('id="result_list"')[2]
            assert relocation.receipt_no not in rows
        for name, key in [
            ("relocations_relocation_change", relocation.pk),
            *(("deliveries_delivery_notice", k) for k in keys),
        ]:
            hidden, none = (client.get(reverse(f"admin:{name}", args=[one])) for one in (key, unknown))
            assert (hidden.status_code, hidden.get("Location")) == (none.status_code, none.get("Location"))
        for path in ("protection_measure_changelist", "protection_guarded_changelist", "protection_release_changelist"):
            assert client.get(reverse(f"admin:{path}")).status_code == 403
    assert other.receipt_no in ordinary.get(listed).content.decode()


@pytest.mark.parametrize(
    "actor",
    [
        Actor(ActorKind.CLERK, HAKODATE, "99"),
        Actor(ActorKind.CLERK, CHIYODA, "98"),
        Actor(ActorKind.CLERK, CHIYODA, "97", PROTECTS),
        Actor(ActorKind.OPERATOR, name="96"),
        Actor(ActorKind.CITIZEN, name="95"),
        journeys.CITIZEN,
        Actor(ActorKind.SYSTEM, HAKODATE, "town"),
    ],
    ids=str,
)
def test_the_flag_is_in_sight_of_the_own_towns_role_alone(actor: Actor) -> None:
    set_by_hand(at(entrusted(HAKODATE, "a")), resident())
    relocation = file()
    journeys.carry()
    with acting(HUB):
        alerts.tell(relocation, [HAKODATE, CHIYODA], "A401", [1])
        assert Deadline.objects.filter(relocation=relocation).exists()
    with acting(actor):
        assert not Measure.objects.exists()
        if actor.kind is ActorKind.CLERK and not actor.duty:
            assert not Relocation.objects.exists()
            assert not Leg.objects.exists()
            assert not Delivery.objects.exists()
            assert not Alert.objects.exists()
            assert not Deadline.objects.exists()
        if actor.kind is not ActorKind.SYSTEM and not actor.duty:
            assert not Delivery.objects.filter(type="protection.route").exists()
            assert not Event.objects.filter(type__startswith="protection").exists()
        if actor.kind is ActorKind.OPERATOR:
            entries = Entry.objects.filter(subject=f"relocation:{relocation.pk}").values_list("action", flat=True)
            assert not [action for action in entries if "protection" in action]
            assert not Leg.objects.exists()


def test_two_clerks_open_a_guarded_filing_for_half_an_hour() -> None:
    set_by_hand(at(entrusted(HAKODATE, "a")), resident())
    relocation = file()
    journeys.carry()
    first, second = at(User.objects.get(username="a")), at(entrusted(HAKODATE, "b"))
    with acting(HUB):
        row = Delivery.objects.get(relocation_id=relocation.pk, type="moveout.submitted")
    notice = reverse("admin:deliveries_delivery_notice", args=[row.pk])
    guarded = first.get(reverse("admin:protection_guarded_changelist")).content.decode()
    assert relocation.receipt_no in guarded
    assert first.get(notice).status_code == 404
    act(first, "protection_guarded", "ask_to_see", relocation_id=relocation.pk)
    with acting(HUB):
        (asked,) = Release.objects.all()
    act(first, "protection_release", "release", pk=asked.pk)  # who asks does not release
    assert first.get(notice).status_code == 404
    act(second, "protection_release", "release", pk=asked.pk)
    assert victim().movers[0].full_name in first.get(notice).content.decode()
    assert second.get(notice).status_code == 404
    with acting(HUB):
        read = Entry.objects.filter(action="delivery.read").values_list("actor", flat=True)
        assert list(read) == [str(User.objects.get(username="a").pk)]
    with time_machine.travel(timezone.now() + timedelta(minutes=31), tick=True):
        act(first, "protection_guarded", "ask_to_see", relocation_id=relocation.pk)
    with acting(HUB):
        assert Release.objects.count() == 2


def act(client: Client, model: str, action: str, **which: Any) -> None:
    """Choose the row in its list and run the action."""
    with acting(HUB):
        key = apps.get_model(model.replace("_", ".")).objects.get(**which).pk
    client.post(reverse(f"admin:{model}_changelist"), {"action": action, "_selected_action": [str(key)]})


def test_the_key_itself_stays_shut_to_one_clerk() -> None:
    user = entrusted(HAKODATE, "a")
    set_by_hand(at(user), resident())
    relocation = file()
    journeys.carry()
    with acting(user.actor):
        assert Relocation.objects.filter(pk=relocation.pk).exists()
        with pytest.raises(vault.ShreddedError):
            vault.open_one(relocation.pk)
        measure = Measure.objects.get()
    now, name = timezone.now(), user.actor.name
    alone = Release(municipality_id=HAKODATE, act="SEE", measure=measure, relocation=relocation, asked_by=name)
    alone.released_by, alone.released_at, alone.until = name, now, now + timedelta(days=1)
    with pytest.raises(DatabaseError, match="release_takes_two"), transaction.atomic(), acting(user.actor):
        alone.save()


# --- The end -------------------------------------------------------------------------------------------


def test_a_measure_outlives_its_last_day_until_two_clerks_end_it() -> None:
    first, second = at(entrusted(HAKODATE, "a")), at(entrusted(HAKODATE, "b"))
    today = timezone.localdate()
    soon = (today + timedelta(days=20)).isoformat()
    set_by_hand(first, resident() | {"expires_on": soon})
    relocation = file()
    assert "期限まで1か月以内" in first.get(reverse("admin:index")).content.decode()
    listed = reverse("admin:protection_measure_changelist")
    assert OFFICE in first.get(listed, {"expires": "soon"}).content.decode()
    with time_machine.travel(timezone.now() + timedelta(days=40), tick=True):
        later = at(User.objects.get(username="a"))
        assert OFFICE in later.get(listed, {"expires": "passed"}).content.decode()
    with acting(HUB):
        assert set(Leg.objects.filter(relocation=relocation).values_list("guard", flat=True)) == {"own", "told"}
        measure = Measure.objects.get()
    act(first, "protection_measure", "ask_for_end", pk=measure.pk)
    act(first, "protection_release", "release", act="END")
    with acting(HUB):
        measure.refresh_from_db()
        assert measure.state == "ACTIVE"
    act(second, "protection_release", "release", act="END")
    with acting(HUB):
        measure.refresh_from_db()
        assert measure.state == "ENDED"
        assert set(Leg.objects.filter(relocation=relocation).values_list("guard", flat=True)) == {""}


def test_a_citizen_can_only_ask_to_be_contacted() -> None:
    relocation = journeys.file(msgspec.structs.replace(victim(), counsel_wanted=True))
    with acting(HUB):
        assert (ContactWish.objects.get().municipality_id, Measure.objects.exists()) == (HAKODATE, False)
    client = at(entrusted(HAKODATE, "a"))
    assert relocation.receipt_no in client.get(reverse("admin:protection_contactwish_changelist")).content.decode()
    act(client, "protection_contactwish", "settle", relocation=relocation)
    with acting(HUB):
        assert ContactWish.objects.get().settled_at is not None
    for notice in told(relocation, HAKODATE).values():
        assert "counsel" not in msgspec.json.encode(notice).decode().lower()


def test_services_refuse_whoever_lacks_the_duty() -> None:
    plain_clerk = Actor(ActorKind.CLERK, HAKODATE, "1")
    for actor in (plain_clerk, Actor(ActorKind.CITIZEN, name="1", duty=PROTECTS), Actor(ActorKind.OPERATOR)):
        with pytest.raises(Refusal, match="E108"):
            protection.set_for_resident(
                actor, victim().movers[0], contact_office=OFFICE, expires_on=timezone.localdate(), provisional=False
            )
