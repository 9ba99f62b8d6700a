"""How much is asked of the database tells nothing: of none, of one that is hidden, and of one that is somebody else's.

Statements are counted, not time: they are what an answer waits for, and the same on every machine.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hub.actors import HUB, acting
from hub.api.openapi import operations
from hub.citizens import urls
from hub.consents.models import Request
from hub.consents.services import digest
from hub.deliveries.models import Delivery
from hub.ids import uuid7
from hub.protection import services as protection
from hub.protection.models import Guarded, Measure
from hub.relocations import services
from hub.relocations.filing import Filer
from hub.relocations.models import Alert, Relocation
from tests.conftest import CHIYODA, HAKODATE, NAHA, Caller, clerk, front, front_document, town
from tests.hub.family import citizen
from tests.hub.test_frozen import at, go_on
from tests.hub.test_frozen_doors import APART, document
from tests.hub.test_protection import entrusted

pytestmark = pytest.mark.django_db

Ask = Callable[["Case"], Any]


class Case:
    """One that is asked about: its numbers, whether there is such a filing or not."""

    def __init__(self, relocation: Relocation | None, link: str) -> None:
        self.pk = str(relocation.pk if relocation else uuid7())
        self.no = relocation.receipt_no if relocation else "4F-P5P3-HDAY-G"
        self.link, self.delivery, self.request, self.alert = link, str(uuid7()), str(uuid7()), "0"
        if relocation is not None:
            with acting(HUB):
                self.delivery = str(Delivery.objects.filter(relocation_id=relocation.pk).earliest("pk").pk)
                self.request = str(Request.objects.get(relocation=relocation).pk)
                self.alert = str(Alert.objects.get(relocation=relocation).pk)


def somebody(name: str) -> Relocation:
    """Somebody else's filing, of which the towns know; one is asked for consent and a clerk alerted."""
    filed = msgspec.structs.replace(document("filed"), filer=Filer(ordinal=1, consents_held=(1, 2)))
    relocation = services.file(filed, citizen(name).actor)[0]
    go_on(relocation, "moveout.reviewing")
    with acting(HUB):
        Request.objects.create(relocation=relocation, ordinal=2, subject=b"2", token=digest(name))
        Alert.objects.create(relocation=relocation, municipality_id=HAKODATE, code="A401", ordinals=[1])
    return relocation


def cases(*names: str) -> dict[str, Case]:
    """None, one under protection measures, and one that is not."""
    ordinary, hidden = somebody("neighbour"), somebody("victim")
    with acting(HUB):
        Request.objects.filter(relocation=ordinary).update(answer="VOID")  # a link that leads nowhere any more
        measure = Measure.objects.create(
            municipality_id=HAKODATE, mark=b"x", state="ACTIVE", expires_on=timezone.localdate(), set_by="7"
        )
        protection.guard_filing(measure, hidden, 1, hidden.legs.all())
        assert Guarded.objects.filter(relocation=hidden).exists()
    found = {"none": Case(None, "nothing"), "hidden": Case(hidden, "victim"), "not mine": Case(ordinary, "neighbour")}
    return {name: case for name, case in found.items() if name in names}


def asked(ask: Ask, case: Case) -> tuple[int, str, list[str]]:
    """Status, page and the statements that it took, without what names the one that was asked for."""
    with CaptureQueriesContext(connection) as queries:
        answer = ask(case)
    page = re.sub(r'csrfmiddlewaretoken" value="[^"]*"|"request_id":"[^"]*"', "", answer.content.decode())
    for name in (case.pk, case.no, case.link, case.delivery, case.request):
        page = page.replace(name, "…")
    return answer.status_code, page, [statement(one["sql"]) for one in queries.captured_queries]


def statement(sql: str) -> str:
    """What is asked, whatever for; savepoints have a name of their own each."""
    sql = re.sub(r"'(?:[^']|'')*'(?:::[\w\[\]]+)?|\b\d+\b|\"s\d+_x\d+\"|NULL\b", "?", sql)
    return re.sub(r"(\?, )+\?", "?", sql)


def alike(ask: Ask, *names: str) -> None:
    """All are answered alike, by the same statements."""
    known = cases(*names)
    for case in known.values():
        ask(case)  # what a process or a session remembers is remembered
    answers = {name: asked(ask, case) for name, case in known.items()}
    first = answers.pop("none")
    for name, answer in answers.items():
        assert answer[:2] == first[:2], name
        assert answer[2] == first[2], name
    assert first[0] in (302, 400, 403, 404, 422) or first[2]


# --- Citizens --------------------------------------------------------------------------------------------

#: By the names of the addresses.
CITIZENS: dict[str, Callable[[Client, Case], Any]] = {
    "status": lambda client, case: client.get(f"/relocations/{case.no}/"),
    "answer": lambda client, case: client.post(f"/relocations/{case.no}/answers/", {"answer-0-renting": "yes"}),
    "calendar": lambda client, case: client.get(f"/relocations/{case.no}/calendar.ics"),
    "amend": lambda client, case: client.post(f"/relocations/{case.no}/amend/", {"go": "submit"}),
    "withdraw": lambda client, case: client.post(f"/relocations/{case.no}/withdraw/"),
    "consent_link": lambda client, case: client.post(f"/relocations/{case.no}/consents/{case.request}/"),
    "take_out": lambda client, case: client.post(f"/relocations/{case.no}/consents/{case.request}/take-out/"),
    "consent": lambda client, case: client.get(f"/consents/{case.link}/"),
    "consent, answered": lambda client, case: client.post(f"/consents/{case.link}/", {"go": "agree"}),
}


def test_every_page_about_a_filing_is_asked_for() -> None:
    named = {pattern.name for pattern in urls.urlpatterns} - APART - {"home", "file"}
    assert {name.partition(",")[0] for name in CITIZENS} == named


@pytest.mark.parametrize("name", CITIZENS)
def test_a_citizen_cannot_tell_none_from_hidden_from_anothers(name: str) -> None:
    client = at(citizen("stranger"))
    alike(lambda case: CITIZENS[name](client, case), "none", "hidden", "not mine")


# --- Clerks ----------------------------------------------------------------------------------------------


def admin(path: str) -> Callable[[Client, Case], Any]:
    """A page of the desk."""
    return lambda client, case: client.get(f"/admin/{path.format(case=case)}")


#: Of these towns' clerks a hidden filing is not there; of an ordinary one they see what is theirs.
CLERKS: dict[str, Callable[[Client, Case], Any]] = {
    "list": admin("relocations/relocation/?q={case.no}"),
    "page": admin("relocations/relocation/{case.pk}/change/"),
    "history": admin("relocations/relocation/{case.pk}/history/"),
    "deliveries": admin("deliveries/delivery/?q={case.no}"),
    "delivery": admin("deliveries/delivery/{case.delivery}/change/"),
    "notice": admin("deliveries/delivery/{case.delivery}/notice/"),
    "questions": admin("deliveries/delivery/{case.delivery}/questions/"),
    "tasks": admin("procedures/task/?q={case.no}"),
    "alert": admin("relocations/alert/{case.alert}/change/"),
    "cases": admin("duplicates/case/?q={case.no}"),
    "counter": lambda client, case: client.post("/admin/consents/request/add/", {"receipt_no": case.no}),
    "measure": lambda client, case: client.post(
        "/admin/protection/measure/add/",
        {"receipt_no": case.no, "ordinal": "1", "contact_office": "市民課", "expires_on": "2999-01-01"},
    ),
    "guarded": admin("protection/guarded/?q={case.no}"),
}


@pytest.mark.parametrize("name", CLERKS)
@pytest.mark.parametrize("code", [HAKODATE, CHIYODA])
def test_a_clerk_without_the_duty_cannot_tell_none_from_hidden(name: str, code: str) -> None:
    client = at(clerk(code))
    alike(lambda case: CLERKS[name](client, case), "none", "hidden")


@pytest.mark.parametrize("name", CLERKS)
def test_a_clerk_of_another_town_cannot_tell_none_from_hidden_from_anothers(name: str) -> None:
    client = at(entrusted(NAHA, "naha"))
    alike(lambda case: CLERKS[name](client, case), "none", "hidden", "not mine")


# --- Machines --------------------------------------------------------------------------------------------


def of_relocation() -> Iterator[tuple[str, str, str]]:
    """The operations of fronts about one filing: name, method, address."""
    for path, method, view, one in operations():
        if getattr(view, "required_scope", "") == "relocations:file" and "relocation_id" in str(path):
            yield one.id, method, str(path)


FRONTS: dict[str, Callable[[Caller, Case], Any]] = {
    "getRelocation": lambda caller, case: caller.get(f"relocations/{case.pk}"),
    "amendRelocation": lambda caller, case: caller.post(
        f"relocations/{case.pk}/amendments", front_document(document("filed"))
    ),
    "answerQuestions": lambda caller, case: caller.post(
        f"relocations/{case.pk}/answers", {"answers": [{"question": "renting", "answer": "yes"}]}
    ),
    "withdrawRelocation": lambda caller, case: caller.post(f"relocations/{case.pk}/withdrawal", {}),
    "fileRelocation": lambda caller, case: caller.post(
        "relocations", msgspec.structs.replace(document("filed"), follows=case.no)
    ),
}
REPORT = {"type": "moveout.reviewing", "movers": [1], "legal_date": "2026-04-01"}
TOWNS: dict[str, Callable[[Caller, Case], Any]] = {
    "postReport": lambda caller, case: caller.post("reports", REPORT | {"id": str(uuid4()), "receipt_no": case.no}),
    "getContent": lambda caller, case: caller.get(f"deliveries/{case.delivery}/content"),
    "postReceipt": lambda caller, case: caller.post(f"deliveries/{case.delivery}/receipts", {"kind": "received"}),
    "getContents": lambda caller, case: caller.post("deliveries/contents", {"ids": [case.delivery]}),
    "postReceipts": lambda caller, case: caller.post(
        "deliveries/receipts", {"receipts": [{"delivery": case.delivery, "kind": "received"}]}
    ),
}


def test_every_operation_about_a_filing_is_asked_for() -> None:
    assert {name for name, _, _ in of_relocation()} <= set(FRONTS)


@pytest.mark.parametrize("name", FRONTS)
def test_a_front_cannot_tell_none_from_hidden_from_anothers(name: str) -> None:
    caller = front("stranger")
    alike(lambda case: FRONTS[name](caller, case), "none", "hidden", "not mine")


@pytest.mark.parametrize("name", TOWNS)
def test_the_system_of_another_town_cannot_tell_none_from_hidden_from_anothers(name: str) -> None:
    caller = town(NAHA)
    alike(lambda case: TOWNS[name](caller, case), "none", "hidden", "not mine")
