"""Message 75 from a town's system: it protects as the desk does, and nobody learns why, whether, or that it was said."""

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, Actor, ActorKind, acting
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.protection import routed
from hub.protection.models import Guarded, Measure
from hub.relocations import status
from hub.relocations.models import Event, Leg, Relocation, Report
from tests.conftest import CHIYODA, HAKODATE, NAHA, TENRYU, Caller, clerk, filing
from tests.hub import journeys
from tests.hub.family import citizen
from tests.hub.test_frozen import at, filed_by, go_on, shown
from tests.hub.test_protection import entrusted, file

pytestmark = pytest.mark.django_db

OFFICE = "市民課　見本係"


def system(code: str) -> Caller:
    """A town's system that was given the scope."""
    return Caller(f"protects-{code}", "deliveries reports protection", code)


def said(relocation: Relocation, **more: Any) -> dict[str, Any]:
    """The report."""
    body = {"id": str(uuid4()), "type": "protection.route", "receipt_no": relocation.receipt_no}
    return body | {"contact_office": OFFICE, "movers": [1]} | more


def told(relocation: Relocation, town: str) -> list[str]:
    """What this town was told, in order."""
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=relocation.pk, municipality=town).order_by("sequence")
        return list(rows.values_list("type", flat=True))


def guards(relocation: Relocation) -> dict[str, str]:
    """How each town handles it."""
    with acting(HUB):
        return dict(Leg.objects.filter(relocation=relocation).values_list("municipality", "guard"))


@pytest.mark.parametrize("code", [HAKODATE, CHIYODA, TENRYU])
def test_a_town_of_the_move_protects_and_the_others_are_told(code: str) -> None:
    relocation, before = file(), journeys.file(filing(1))  # two filings of one person
    journeys.carry()
    answer = system(code).post("reports", said(relocation))
    assert answer.status_code == 201, answer.content
    assert {town for town, guard in guards(relocation).items() if guard == "own"} == {code}
    assert set(guards(relocation).values()) == {"own", "told"}
    for other in {HAKODATE, CHIYODA} - {code}:
        assert told(relocation, other)[-1] == "protection.route"
        with acting(HUB):
            row = Delivery.objects.get(relocation_id=relocation.pk, municipality=other, type="protection.route")
            notice = deliveries.notice_of(row)
        assert (notice.protected, notice.contact_office, notice.new_address) == (True, OFFICE, None)
    assert "protection.route" not in told(relocation, code)
    with acting(HUB):
        measure = Measure.objects.get()
        assert (measure.municipality_id, measure.state, measure.contact_office) == (code, "ACTIVE", OFFICE)
        assert measure.expires_on == timezone.localdate() + routed.TERM
        # The same person's other filing too, where the town knows the person by a mark.
        found = set(Guarded.objects.values_list("relocation", flat=True))
    assert found == {relocation.pk} | ({before.pk} if code != TENRYU else set())
    clerk_of_town = at(clerk(code))
    listed = clerk_of_town.get(reverse("admin:relocations_relocation_changelist")).content.decode()
    assert relocation.receipt_no not in listed.partition('id="result_list"')[2]
    assert at(entrusted(code, "a")).get(reverse("admin:protection_measure_changelist")).content.decode().count(OFFICE)


def test_the_answer_is_the_same_whatever_was_in_force_and_nothing_ends_by_it() -> None:
    relocation, other = file(), file()
    first = said(relocation, outcome="PROVISIONAL")
    answers = [system(HAKODATE).post("reports", body) for body in (first, said(other), said(other))]
    assert [(answer.status_code, answer.json()["duplicate"]) for answer in answers] == [(201, False)] * 3
    assert system(HAKODATE).post("reports", first).json()["duplicate"]
    with acting(HUB):
        assert Measure.objects.get().state == "ACTIVE"  # confirmed by the second
    system(HAKODATE).post("reports", said(other, outcome="PROVISIONAL"))
    with acting(HUB):
        assert Measure.objects.get().state == "ACTIVE"
    ended = system(HAKODATE).post("reports", said(other, outcome="ENDED"))
    assert (ended.status_code, ended.json()["code"]) == (422, "E102")


def test_who_may_not_say_it_changes_nothing() -> None:
    relocation = file()
    journeys.carry()
    ordinary = Caller(f"town-{HAKODATE}", "deliveries reports", HAKODATE).post("reports", said(relocation))
    assert (ordinary.status_code, ordinary.json()["code"]) == (403, "E107")
    assert system(NAHA).post("reports", said(relocation)).json()["code"] == "E108"
    for wrong, code, pointer in (
        ({"contact_office": " "}, "E310", "/contact_office"),
        ({"contact_office": "x" * 101}, "E104", "/contact_office"),
        ({"contact_office": "123456789018"}, "E140", "/contact_office"),
        ({"reference": "because"}, "E104", "/reference"),
        ({"movers": [9]}, "E104", "/movers"),
        ({"type": "moveout.reviewing"}, "E104", "/contact_office"),
    ):
        problem = system(HAKODATE).post("reports", said(relocation, **wrong)).json()
        assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer), wrong
    with acting(HUB):
        assert not Measure.objects.exists()
    assert set(guards(relocation).values()) == {""}


def test_the_filer_is_shown_nothing_new_and_never_that_it_was_said() -> None:
    user = citizen()
    relocation = filed_by(user.actor, 2)
    path = f"/relocations/{relocation.receipt_no}/"
    go_on(relocation, "moveout.decided")
    before = shown(at(user), path)
    assert system(HAKODATE).post("reports", said(relocation)).status_code == 201
    go_on(relocation, "movein.decided")
    page = shown(at(user), path)
    assert page.removesuffix("</div>").strip() == before
    assert "取扱い" not in page
    with acting(user.actor):
        relocation.refresh_from_db()
        document = status.document(relocation.pk)
        assert "protection" not in str(document)
        assert not Report.objects.filter(type="protection.route").exists()
        assert not Event.objects.filter(type__startswith="protection").exists()


def test_a_protected_person_who_filed_sees_the_move_and_not_the_instruction() -> None:
    user = citizen()
    relocation = filed_by(user.actor, 1)
    assert system(HAKODATE).post("reports", said(relocation)).status_code == 201
    go_on(relocation, "movein.decided")
    assert "転入を登録しました" in at(user).get(f"/relocations/{relocation.receipt_no}/").content.decode()
    with acting(user.actor):
        assert "protection" not in str(status.document(relocation.pk))
    operator = User.objects.create_user("operator-x", is_operator=True, is_staff=True)
    with acting(Actor(ActorKind.OPERATOR, name=str(operator.pk))):
        assert not Report.objects.filter(type="protection.route").exists()
