"""What a municipality's system says at the API: receipts and reports, once each, and refused by name when wrong."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from hub.relocations.models import Relocation
from hub.vault import services as vault
from tests.conftest import CHIYODA, Caller, town
from tests.hub import journeys
from tests.hub.pulling import delivery, filed, origin, report, state_of, waiting  # noqa: F401 - fixtures among them

pytestmark = pytest.mark.django_db


# --- Receipts --------------------------------------------------------------------------------------------


def test_receipts_of_one_kind_are_one(origin: Caller, delivery: str) -> None:
    for kind, state in (("received", "sent"), ("accepted_for_review", "answered"), ("registered", "answered")):
        first = origin.post(f"deliveries/{delivery}/receipts", {"kind": kind})
        again = origin.post(f"deliveries/{delivery}/receipts", {"kind": kind})
        expected = {"delivery": delivery, "kind": kind, "state": state, "duplicate": False}
        assert (first.status_code, first.json()) == (201, expected)
        assert (again.status_code, again.json()) == (200, expected | {"duplicate": True})
    with acting(HUB):
        row = Delivery.objects.get(pk=delivery)
        assert row.receipts.count() == 3
        assert row.answer == "registered"


def test_a_late_lower_receipt_does_not_take_the_answer_back(origin: Caller, delivery: str) -> None:
    for kind in ("registered", "accepted_for_review", "received"):
        assert origin.post(f"deliveries/{delivery}/receipts", {"kind": kind}).status_code == 201
    with acting(HUB):
        assert Delivery.objects.get(pk=delivery).answer == "registered"


def test_a_rejection_with_errors_and_differences(origin: Caller, delivery: str) -> None:
    body = {
        "kind": "rejected",
        "errors": [{"code": "E300", "pointer": "/movers/0", "detail": "見本　太郎 was not found"}],
        "legal_date": timezone.localdate(),
        "differences": [{"pointer": "/movers/0/fullName", "ours": "見本　次郎"}],
    }
    answer = origin.post(f"deliveries/{delivery}/receipts", body)
    assert (answer.status_code, answer.json()["state"]) == (201, "answered")
    with acting(HUB):
        row = Delivery.objects.get(pk=delivery)
        receipt = row.receipts.get()
        assert (row.answer, receipt.codes) == ("rejected", ["E300"])
        assert "見本".encode() not in bytes(receipt.body)


def test_what_is_no_code_is_not_kept_in_the_clear(origin: Caller, delivery: str) -> None:
    errors = [{"code": "見本　太郎"}, {"code": "E300x"}, {"detail": "x"}, {"code": "A410"}]
    origin.post(f"deliveries/{delivery}/receipts", {"kind": "implausible", "errors": errors})
    with acting(HUB):
        assert Delivery.objects.get(pk=delivery).receipts.get().codes == ["A410"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"kind": "sold"}, "E104", "/kind"),
        ({}, "E104", ""),
        ({"kind": "received", "name": "x"}, "E104", ""),
        ({"kind": "received", "errors": [{"code": 5}]}, "E104", "/errors/0"),
        ({"kind": "received", "legal_date": "2026-02-30"}, "E104", "/legal_date"),
        (b"", "E100", ""),
        (b"[]", "E104", ""),
        (b'{"kind": "received"', "E100", ""),
        (b'{"kind": "\xff"}', "E100", ""),
    ],
)
def test_a_wrong_receipt_is_refused_by_name(body: Any, code: str, pointer: str, origin: Caller, delivery: str) -> None:
    answer = origin.post(f"deliveries/{delivery}/receipts", body)
    assert (answer.json()["code"], answer.json()["pointer"]) == (code, pointer)
    with acting(HUB):
        assert not Delivery.objects.get(pk=delivery).receipts.exists()


# --- Reports ---------------------------------------------------------------------------------------------


def test_a_report_is_taken_once(origin: Caller) -> None:
    relocation = filed(1)
    body = report(relocation)
    first, again = origin.post("reports", body), origin.post("reports", body)
    other = origin.post("reports", body | {"reference": "R-1"})
    assert (first.status_code, first.json()) == (201, {"id": body["id"], "accepted": True, "duplicate": False})
    assert (again.status_code, again.json()) == (200, {"id": body["id"], "accepted": True, "duplicate": True})
    assert (other.status_code, other.json()["code"]) == (409, "E202")
    with acting(HUB):
        assert relocation.reports.count() == 1
        relocation.refresh_from_db()
        assert relocation.state == "IN_REVIEW"


def test_a_report_before_its_gate_is_refused_and_taken_later(origin: Caller) -> None:
    relocation = filed(1)
    decided = report(relocation, "moveout.decided", outcome="REGISTERED")
    early = origin.post("reports", decided)
    assert (early.status_code, early.json()["code"]) == (409, "E200")
    assert "moveout.reviewing" in early.json()["detail"]
    assert origin.post("reports", report(relocation)).status_code == 201
    assert origin.post("reports", decided).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"type": "moveout.sold"}, 422, "E102", "/type"),
        ({"type": "filing.submitted"}, 422, "E102", "/type"),
        ({"type": "moveout.submitted"}, 422, "E102", "/type"),
        ({"type": "moveout.decided", "outcome": "SOLD"}, 422, "E102", "/outcome"),
        ({"outcome": "REGISTERED"}, 422, "E102", "/outcome"),
        ({"receipt_no": "00-TEST-0001-T"}, 404, "E108", "/receipt_no"),
        ({"receipt_no": "\0"}, 422, "E104", "/receipt_no"),
        ({"movers": [7]}, 422, "E104", "/movers"),
        ({"movers": []}, 422, "E104", "/movers"),
        ({"movers": ["1"]}, 422, "E104", "/movers/0"),
        ({"id": "1"}, 422, "E104", "/id"),
        ({"type": "resend.requested"}, 422, "E104", "/delivery"),
        ({"type": "resend.requested", "delivery": str(UUID(int=1))}, 404, "E108", "/delivery"),
        ({"delivery": str(UUID(int=1))}, 422, "E104", "/delivery"),
        ({"reference": "1234-567890"}, 422, "E140", "/reference"),
    ],
)
def test_a_wrong_report_is_refused_by_name(
    change: dict[str, Any], status: int, code: str, pointer: str, origin: Caller
) -> None:
    relocation = filed(1)
    answer = origin.post("reports", report(relocation) | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content.decode()
    assert answer.json()["pointer"].startswith(pointer)
    with acting(HUB):
        assert not relocation.reports.exists()


def test_an_arrival_needs_its_day_and_no_day_of_the_future() -> None:
    relocation = filed(1)
    destination = town(CHIYODA)
    tomorrow = timezone.localdate() + timedelta(days=1)
    for day in (None, tomorrow):
        answer = destination.post("reports", report(relocation, "arrival.visited", legal_date=day))
        assert (answer.json()["code"], answer.json()["pointer"]) == ("E308", "/legal_date")


def test_a_resend_is_asked_for_once_and_goes_under_the_same_id(origin: Caller, delivery: str) -> None:
    with acting(HUB):
        relocation = Relocation.objects.get()
    body = report(relocation, "resend.requested", delivery=delivery)
    assert origin.post("reports", body).status_code == 201
    journeys.carry()
    assert [line["id"] for line in waiting(origin)] == [delivery]
    origin.get(f"deliveries/{delivery}/content")
    again = origin.post("reports", body)
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert state_of(delivery) == "sent"


# --- What was shredded -----------------------------------------------------------------------------------


def test_what_was_shredded_is_not_there_any_more(origin: Caller, delivery: str) -> None:
    with acting(HUB):
        relocation = Relocation.objects.get()
        vault.shred(relocation.pk)
    for answer in (
        origin.get(f"deliveries/{delivery}/content"),
        origin.post(f"deliveries/{delivery}/receipts", {"kind": "registered"}),
        origin.post("reports", report(relocation)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "E108")
