"""S36 and S37: protection measures (domain reference 7)."""

import re
from typing import Any

import msgspec
import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from hub.actors import HUB, acting
from hub.audit.models import Entry
from hub.protection.models import Measure
from hub.relocations.models import Leg
from municipalities.notice import Contact, HouseholdLeft, Mover, Scope
from tests.scenarios.stage import HANAKO, ICHIRO, TARO, A, B, C, R, Stage, Story, move

pytestmark = pytest.mark.django_db

OFFICE = "市民課　見本係"
VICTIM = msgspec.structs.replace(HANAKO, presents_card=True)


def protect(stage: Stage, person: Mover, expires_on: str, name: str = "entrusted") -> Client:
    """A clerk of A sets a measure for a resident after the consultation; returns the clerk."""
    client = stage.clerk(A, name, handles_protection=True)
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
    # The move goes on under the guard; R is told to protect with the appendix notice.
    story.moved_out()
    assert guards(story) == {"own", "told"}
    story.moved_in()
    assert story.told(R) == ["protection.route", "appendix.notice"]
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    # At A the protection goes on for the address that is left now, without a gap.
    assert guards(story) == {"own", "told"}
    with acting(HUB):
        assert Measure.objects.get().state == "ACTIVE"
        assert not Entry.objects.filter(chain_id=story.relocation.pk, action__startswith="protection.set").exists()
    assert OFFICE not in caplog.text
    assert "protection" not in caplog.text


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
