"""S36 and S37: protection measures."""

import re
from typing import Any

import msgspec
import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from hub.actors import HUB, acting
from hub.audit.models import Entry
from hub.deliveries.models import Delivery
from hub.protection.models import Expiry, Measure
from hub.relocations import changing
from hub.relocations.filing import Filer
from hub.relocations.models import Leg
from municipalities.notice import Contact, HouseholdLeft, Mover, Scope
from tests.scenarios.stage import HANAKO, ICHIRO, TARO, A, B, C, R, Stage, Story, move, place

pytestmark = pytest.mark.django_db

OFFICE = "市民課　見本係"
VICTIM = msgspec.structs.replace(HANAKO, presents_card=True)


def protect(stage: Stage, person: Mover, expires_on: str, name: str = "entrusted", code: str = A) -> Client:
    """A clerk of A, or of another town, sets a measure after the consultation; returns the clerk."""
    client = stage.clerk(code, name, handles_protection=True)
    birth = person.date_of_birth
    assert birth is not None
    sent = {
        "contact_office": OFFICE,
        "expires_on": expires_on,
        "full_name": person.full_name,
        "born": f"{birth.year}-{birth.month:02}-{birth.day:02}",
        "sex": person.sex.value,
    }
    assert client.post(reverse("admin:protection_measure_add"), sent).status_code == 302
    return client


def act(client: Client, model: str, action: str, **which: Any) -> None:
    """Choose a row in its list at the desk and run an action."""
    with acting(HUB):
        key = apps.get_model(model).objects.get(**which).pk
    path = reverse(f"admin:{model.replace('.', '_')}_changelist")
    client.post(path, {"action": action, "_selected_action": [str(key)]})


def guards(story: Story) -> set[str]:
    """How the legs are guarded."""
    with acting(HUB):
        return set(Leg.objects.filter(relocation=story.relocation).values_list("guard", flat=True))


def same(answer: Any, other: Any) -> bool:
    """Tell whether two answers cannot be told apart."""
    differs = r'csrfmiddlewaretoken" value="[^"]*"|[0-9A-Z]{2}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]'
    plain = [re.sub(differs, "", one.content.decode()) for one in (answer, other)]
    return (answer.status_code, plain[0]) == (other.status_code, plain[1])


def test_s36_the_victim_moves_out_with_the_child_and_the_offender_stays_as_head(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    protect(stage, VICTIM, "2027-03-09")
    left = HouseholdLeft(head_name=TARO.full_name, head_moves=False, remaining_count=1)
    contact = Contact(email="victim@example.invalid", phone="000-0000-0009", safe=False)
    document = move(VICTIM, ICHIRO, scope=Scope.PART, household_left=left, contact=contact)
    story = stage.file(document, "victim")
    # B is told to protect before it is told anything; A, which set the measure, knows the municipality alone.
    assert story.told(B) == ["protection.route", "arrival.planned"]
    assert story.told(A) == ["moveout.submitted"]
    route = story.notice(B, "protection.route")
    assert (route.protected, route.contact_office) == (True, OFFICE)
    assert (route.old_address, route.new_address, route.remarks, route.contact) == (None, None, "", None)
    place = story.notice(A, "moveout.submitted").new_address
    assert place is not None
    assert (place.full_address, place.city_block) == ("東京都千代田区", "")
    for code in (A, B):
        told = b"".join(msgspec.json.encode(notice) for notice in story.inbox(code))
        assert b"victim@example.invalid" not in told
        assert b"000-0000-0009" not in told
    # The head's account shows nothing, and what he files is received like any other: E306 is not told him.
    offender = stage.file(move(TARO, ICHIRO, destination=C), "offender")
    client = stage.client(offender.citizen)
    for page in ("", "withdraw/"):
        pages = [client.get(f"/relocations/{number}/{page}") for number in (story.receipt_no, "00-TEST-0000-0")]
        assert same(*pages)
    text = offender.page() + client.get("/").content.decode()
    assert not [word for word in (story.receipt_no, "千代田区", "E306", "支援措置", VICTIM.full_name) if word in text]
    assert offender.states(A) == ["DELIVERED"] * 2
    # To clerks without the duty the filing is not there, in either town.
    for code in (A, B):
        for name in ("relocations_relocation", "deliveries_delivery"):
            answer = stage.clerk(code).get(reverse(f"admin:{name}_changelist"), {"q": story.receipt_no})
            assert story.receipt_no not in answer.content.decode().partition('id="result_list"')[2]
    # To those with the duty it is; what it says, where they go too, no one of them reads alone.
    first, second = (stage.clerk(A, name, handles_protection=True) for name in ("entrusted", "second"))
    guarded = reverse("admin:protection_guarded_changelist")
    assert [story.receipt_no in client.get(guarded).content.decode() for client in (first, second)] == [True] * 2
    with acting(HUB):
        row = Delivery.objects.get(relocation_id=story.relocation.pk, type="moveout.submitted")
    notice = reverse("admin:deliveries_delivery_notice", args=[row.pk])
    assert [client.get(notice).status_code for client in (first, second, stage.clerk(A))] == [404] * 3
    # The move goes on under the guard; R is told to protect with the appendix notice.
    story.moved_out()
    assert guards(story) == {"own", "told"}
    story.moved_in()
    assert story.told(R) == ["protection.route", "appendix.notice"]
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    # Each town was told to protect once, and A, which had said so, never; nothing else than the move besides.
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    assert story.told(B) == ["protection.route", "arrival.planned", "arrival.prefill"]
    # At A the protection goes on for the address that is left now, without a gap.
    assert guards(story) == {"own", "told"}
    with acting(HUB):
        assert Measure.objects.get().state == "ACTIVE"
        assert not Entry.objects.filter(chain_id=story.relocation.pk, action__startswith="protection.set").exists()
    assert OFFICE not in caplog.text
    assert "protection" not in caplog.text


def test_s36_a_measure_holds_for_the_name_as_a_card_or_another_system_writes_it(stage: Stage) -> None:
    """Set for 髙橋, filed as 高橋, which is all that the certificate of a card can hold (S39)."""
    protect(stage, msgspec.structs.replace(VICTIM, full_name="髙橋　花子"), "2027-03-09")
    other = msgspec.structs.replace(VICTIM, full_name="高橋　次子")
    story, apart = (
        stage.file(move(who), who.full_name) for who in (msgspec.structs.replace(VICTIM, full_name="高橋　花子"), other)
    )
    assert (guards(story), story.told(B)) == ({"own", "told"}, ["protection.route", "arrival.planned"])
    assert guards(apart) == {""}


def test_a_correction_before_the_move_in_tells_the_town_that_is_left_no_address(stage: Stage) -> None:
    """Of a protected person the origin knows the planned municipality alone until the move-in notice."""
    protect(stage, VICTIM, "2027-03-09")
    story = stage.file(move(VICTIM), "victim")
    story.moved_out()
    for number, room in enumerate(("秘密荘１０１", "秘密荘２０２")):
        if number:
            story.moved_in()
        place = story.notice(B, "arrival.prefill").new_address
        assert place is not None
        there = place.full_address + room
        story.report(B, "correction.notified", changes=[{"pointer": "/newAddress/fullAddress", "value": there}])
        told = story.notice(A, "correction.notified").new_address
        assert told is not None
        assert told.full_address == (there if number else "東京都千代田区")
        assert ("秘密荘" in msgspec.json.encode(story.inbox(A)).decode()) == bool(number)


def test_s37_a_measure_whose_last_day_comes_during_the_move_goes_on(stage: Stage) -> None:
    first = protect(stage, VICTIM, "2026-03-31")
    story = stage.file(move(VICTIM), "victim")
    # Within the last month the clerk of the duty is asked; nobody else is told.
    assert "期限まで1か月以内" in first.get(reverse("admin:index")).content.decode()
    assert "期限まで1か月以内" not in stage.clerk(A).get(reverse("admin:index")).content.decode()
    stage.at("2026-04-05")
    story.moved_out()
    # The last day is over and the block is not: it is for two clerks to end it.
    assert guards(story) == {"own", "told"}
    first, second = (stage.clerk(A, name, handles_protection=True) for name in ("entrusted", "second"))
    listed = reverse("admin:protection_measure_changelist")
    assert OFFICE in first.get(listed, {"expires": "passed"}).content.decode()
    with acting(HUB):
        measure = Measure.objects.get()
    act(first, "protection.measure", "ask_for_end", pk=measure.pk)
    act(first, "protection.release", "release", act="END")
    assert guards(story) == {"own", "told"}
    act(second, "protection.release", "release", act="END")
    assert guards(story) == {""}
    with acting(HUB):
        measure.refresh_from_db()
        actions = set(Entry.objects.filter(subject=f"protection:{measure.pk}").values_list("action", flat=True))
    assert measure.state == "ENDED"
    assert actions == {"protection.set", "protection.end_asked", "protection.end_released"}


def asked(stage: Stage, code: str, **duties: bool) -> str:
    """What a clerk of a town is asked about measures that end; what the desk answers where that is for nobody."""
    clerk = stage.clerk(code, f"of-{code}-{len(duties)}", **duties)
    answer = clerk.get(reverse("admin:protection_expiry_changelist"), {"settled_at__isempty": "1"})
    return answer.content.decode().partition('id="result_list"')[2] if answer.status_code == 200 else "403"


@pytest.mark.parametrize("end", ["extended", "ended"])
def test_s37_both_towns_of_the_move_are_asked_a_month_before(stage: Stage, end: str) -> None:
    protect(stage, VICTIM, "2026-04-30")
    story = stage.file(move(VICTIM), "victim")
    story.moved_out()
    stage.at("2026-03-29")
    duty = {"handles_protection": True}
    assert [asked(stage, code, **duty) for code in (A, B)] == ["", ""]
    stage.at("2026-03-30")
    stage.at("2026-03-31")  # asked again by nobody
    for code in (A, B):
        assert asked(stage, code, **duty).count("A407") == 1
        assert (asked(stage, code), OFFICE in asked(stage, code, **duty)) == ("403", True)
    # The town moved to reads of which filing it is, and what to do; the measure itself is the other town's.
    with acting(HUB):
        measure = Measure.objects.get()
        row = Expiry.objects.get(municipality=B)
    page = stage.clerk(B, f"of-{B}-1").get(reverse("admin:protection_expiry_change", args=[row.pk])).content.decode()
    assert all(word in page for word in (story.receipt_no, OFFICE, "その連絡先に確認", "自動では終わりません"))
    assert "他の市区町村の措置" in asked(stage, B, **duty)
    link = reverse("admin:protection_measure_change", args=[measure.pk])
    assert link in asked(stage, A, **duty)
    assert link not in asked(stage, B, **duty)
    # Nobody else is: not the town of the register, not one that has nothing to do with it.
    assert [asked(stage, code, **duty) for code in (R, C)] == ["", ""]
    first, second = (stage.clerk(A, name, handles_protection=True) for name in ("entrusted", "second"))
    if end == "extended":
        act(first, "protection.measure", "extend", pk=measure.pk)
    else:
        act(first, "protection.measure", "ask_for_end", pk=measure.pk)
        assert "A407" in asked(stage, B, **duty)
        act(second, "protection.release", "release", act="END")
    assert [asked(stage, code, **duty) for code in (A, B)] == ["", ""]
    assert guards(story) == ({"own", "told"} if end == "extended" else {""})


def test_s37_only_a_town_that_was_told_and_still_has_the_person_is_asked(stage: Stage) -> None:
    protect(stage, VICTIM, "2026-04-30")
    waits = stage.file(move(VICTIM, TARO, filer=Filer()), "victim")  # for the other's consent: B knows nothing yet
    stage.at("2026-03-30")
    duty = {"handles_protection": True}
    assert ("A407" in asked(stage, A, **duty), asked(stage, B, **duty)) == (True, "")
    with acting(HUB):
        changing.withdraw(waits.relocation.pk, waits.citizen.actor)
    other = stage.file(move(VICTIM, destination=C), "victim")
    stage.at("2026-04-01")
    assert other.receipt_no in asked(stage, C, **duty)
    assert asked(stage, B, **duty) == ""


@pytest.mark.parametrize("first", [True, False])
def test_a_measure_of_the_town_where_somebody_appears_protects_from_then_on(stage: Stage, first: bool) -> None:
    if first:
        protect(stage, VICTIM, "2027-03-09", "of-c", C)
    story = stage.file(move(TARO, VICTIM), "offender")
    story.moved_out()
    assert guards(story) == {""}
    address = msgspec.to_builtins(place(C, "見本町９番９号"))
    stage.town(C)
    story.report(C, "arrival.diverted", movers=[2], changes=[{"pointer": "/newAddress", "value": address}])
    if not first:
        protect(stage, VICTIM, "2027-03-09", "of-c", C)
    stage.post()
    assert guards(story) == {"own", "told"}
    assert story.row.frozen_at is not None
    assert [story.told(code).count("protection.route") for code in (A, B, C)] == [1, 1, 0]
    # A, which both leave, knows the planned town alone, from the measure's notice too.
    assert story.notice(A, "protection.route").destination == B
    # Who filed for both is not shown where the other one appeared, as far as that can still be helped.
    assert ("那覇" in story.page()) != first
