"""Filing over HTTP: every field wrong in turn is refused with code, pointer and remedy, and stores nothing."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from hub.actors import HUB, acting
from hub.numbers import individual_number_check
from hub.relocations.models import Relocation
from tests.conftest import CHIYODA, HAKODATE, filing, front, front_document

pytestmark = pytest.mark.django_db

#: 浜松市 of seven wards became one of three on 2024-01-01; 北区 was divided between two of them.
OLD_CHUO_WARD_OF_HAMAMATSU, OLD_KITA_WARD_OF_HAMAMATSU = "221317", "221350"
BODY = "8" * 11


def document() -> dict[str, Any]:
    """Return a valid filing as plain JSON values."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(filing(0)))
    return plain


def day(offset: int) -> str:
    """Return a day relative to today."""
    return (timezone.localdate() + timedelta(days=offset)).isoformat()


def put(pointer: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change that sets one member."""

    def change(body: Any) -> None:
        *path, last = pointer.strip("/").split("/")
        for step in path:
            body = body[int(step)] if isinstance(body, list) else body[step]
        body[int(last) if isinstance(body, list) else last] = value

    return change


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    """Return a change that removes a member."""
    return lambda body: body.pop(name)


WRONG: list[tuple[str, Callable[[dict[str, Any]], None], str, str]] = [
    ("kind unknown", put("/kind", "MOVING"), "E104", "/kind"),
    ("kind of another flow", put("/kind", "OVERSEAS_OUT"), "E101", "/flow"),
    ("flow of towns only", put("/flow", "EX_OFFICIO"), "E101", "/flow"),
    ("no planned day", put("/plannedOutOn", None), "E310", "/plannedOutOn"),
    ("no day of moving in", put("/livingFrom", None), "E310", "/livingFrom"),
    ("registered where they leave", put("/lastRegistered", HAKODATE), "E307", "/lastRegistered"),
    ("follows nothing", put("/follows", "00-TEST-0001-T"), "E108", "/follows"),
    ("kind missing", drop("kind"), "E104", ""),
    ("member unknown", put("/individualNumber", "x"), "E104", ""),
    ("date is text", put("/plannedOutOn", "tomorrow"), "E104", "/plannedOutOn"),
    ("date does not exist", put("/plannedOutOn", "2026-02-30"), "E104", "/plannedOutOn"),
    ("planned out too far back", put("/plannedOutOn", day(-3651)), "E308", "/plannedOutOn"),
    ("planned out too far ahead", put("/plannedOutOn", day(3651)), "E308", "/plannedOutOn"),
    ("window not open yet", put("/livingFrom", day(31)), "E304", "/livingFrom"),
    ("window over", put("/livingFrom", day(-11)), "E304", "/livingFrom"),
    ("visit in the past", put("/visitOn", day(-1)), "E308", "/visitOn"),
    ("municipality unknown", put("/newAddress/localGovernmentCode", "999999"), "E120", "/newAddress/localGovernmentCode"),
    ("check digit wrong", put("/newAddress/localGovernmentCode", "131017"), "E120", "/newAddress/localGovernmentCode"),
    ("five digits", put("/oldAddress/localGovernmentCode", "01202"), "E120", "/oldAddress/localGovernmentCode"),
    ("code is a number", put("/oldAddress/localGovernmentCode", 12025), "E104", "/oldAddress/localGovernmentCode"),
    ("code expired", put("/newAddress/localGovernmentCode", OLD_CHUO_WARD_OF_HAMAMATSU), "E120", "/newAddress/localGovernmentCode"),
    ("area divided", put("/oldAddress/localGovernmentCode", OLD_KITA_WARD_OF_HAMAMATSU), "E120", "/oldAddress/localGovernmentCode"),
    ("designated city instead of ward", put("/newAddress/localGovernmentCode", "011002"), "E120", "/newAddress/localGovernmentCode"),
    ("same municipality", put("/newAddress/localGovernmentCode", HAKODATE), "E307", "/newAddress/localGovernmentCode"),
    ("postal code", put("/newAddress/postalCode", "100-0001"), "E121", "/newAddress/postalCode"),
    ("address empty", put("/newAddress/fullAddress", ""), "E310", "/newAddress/fullAddress"),
    ("no movers", put("/movers", []), "E104", "/movers"),
    ("mover numbered wrong", put("/movers/0/ordinal", 2), "E104", "/movers/0/ordinal"),
    ("name missing", put("/movers/0/fullName", " "), "E310", "/movers/0/fullName"),
    ("name too long", put("/movers/0/fullName", "見" * 301), "E104", "/movers/0/fullName"),
    ("control character", put("/movers/0/fullName", "見本\u0000太郎"), "E104", "/movers/0/fullName"),
    ("sex unknown", put("/movers/0/sex", "3"), "E104", "/movers/0/sex"),
    ("relation not allowed", put("/movers/0/relationTo", ["孫"]), "E303", "/movers/0/relationTo"),
    ("relation of five", put("/movers/0/relationFrom", ["子"] * 5), "E303", "/movers/0/relationFrom"),
    ("birth missing", put("/movers/0/dateOfBirth", None), "E310", "/movers/0/dateOfBirth"),
    ("born in the future", put("/movers/0/dateOfBirth/year", 2999), "E308", "/movers/0/dateOfBirth/year"),
    ("month 13", put("/movers/0/dateOfBirth/month", 13), "E308", "/movers/0/dateOfBirth/month"),
    ("nationality", put("/movers/0/nationality", "Japan"), "E104", "/movers/0/nationality"),
    ("domicile unknown", put("/movers/0/registry/localGovernmentCode", "000000"), "E120", "/movers/0/registry/localGovernmentCode"),
    ("domicile missing", put("/movers/0/registry", None), "E310", "/movers/0/registry"),
    ("no card in the card flow", put("/movers/0/presentsCard", False), "E310", "/movers/0/presentsCard"),
    ("somebody remains, but WHOLE", put("/householdLeft/remainingCount", 1), "E104", "/scope"),
    ("agent without authority", put("/filer", {"capacity": "VOLUNTARY_AGENT", "sameHousehold": False}), "E305", "/filer/authorityDocuments"),
    ("joins a household without a head", put("/householdJoined", {"existing": True}), "E310", "/householdJoined/headName"),
    ("individual number", put("/remarks", f"番号 {BODY}{individual_number_check(BODY)}"), "E140", "/remarks"),
    ("resident record code", put("/remarks", "コード１２３４５６７８９０１"), "E140", "/remarks"),
    ("basic pension number", put("/movers/0/registry/domicile", "1234-567890"), "E140", "/movers/0/registry/domicile"),
    ("text is a number", put("/remarks", 5), "E104", "/remarks"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "pointer"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_field_is_refused_by_name_and_nothing_is_stored(
    change: Callable[[dict[str, Any]], None], code: str, pointer: str
) -> None:
    body = document()
    change(body)
    answer = front().post("relocations", body)
    problem = msgspec.json.decode(answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    assert (problem["code"], problem["pointer"]) == (code, pointer), problem
    assert answer.status_code == problem["status"] >= 400
    assert problem["remedy"]
    assert problem["title"]
    with acting(HUB):
        assert not Relocation.objects.exists()


@pytest.mark.parametrize(
    ("code", "language", "says"),
    [
        (OLD_CHUO_WARD_OF_HAMAMATSU, "en", ("Use 221384 (静岡県浜松市中央区), valid since Jan. 1, 2024.",)),
        (OLD_CHUO_WARD_OF_HAMAMATSU, "ja", ("2024年1月1日から有効な 221384 (静岡県浜松市中央区) を使ってください。",)),
        (
            OLD_KITA_WARD_OF_HAMAMATSU,
            "ja",
            ("2024年1月1日に区域が分かれました", "221384", "初生町", "221392", "ほかの区域"),
        ),
        ("999999", "ja", ("現在有効な6桁",)),
    ],
)
def test_a_code_of_the_past_is_answered_with_those_in_its_place(
    code: str, language: str, says: tuple[str, ...]
) -> None:
    body = document()
    put("/newAddress/localGovernmentCode", code)(body)
    problem = front().post("relocations", body, Accept_Language=language).json()
    [wrong] = [one for one in problem["errors"] if one["code"] == "E120"]
    assert wrong["pointer"] == "/newAddress/localGovernmentCode"
    assert all(word in wrong["remedy"] for word in says), wrong["remedy"]
    assert problem["remedy"] == wrong["remedy"]


def test_two_or_more_remain_and_nobody_becomes_head() -> None:
    body = document() | {"scope": "PART"}
    body["householdLeft"] |= {"remainingCount": 2, "newHeadName": ""}
    problem = front().post("relocations", body).json()
    assert (problem["code"], problem["pointer"]) == ("E302", "/householdLeft/newHeadName")


def test_all_problems_are_named_at_once() -> None:
    body = document()
    for change in (put("/visitOn", day(-1)), put("/movers/0/fullName", ""), put("/remarks", "1234-567890")):
        change(body)
    problem = front().post("relocations", body).json()
    assert [error["code"] for error in problem["errors"]] == ["E140", "E308", "E310"]


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", "application/json", "E100"),
        (b"", "application/json", "E100"),
        (b"[" * 100_000, "application/json", "E104"),
        ("{}".encode("utf-16"), "application/json", "E100"),
        (b'{"kind": "\xff"}', "application/json", "E100"),
        (b"{}", "application/json; charset=shift_jis", "E103"),
        (b"{}", "text/plain", "E103"),
        (b"a=b", "application/x-www-form-urlencoded", "E103"),
        (b'{"remarks": "' + b"x" * 10_000_000 + b'"}', "application/json", "E105"),
    ],
)
def test_a_body_that_is_not_a_document_is_refused(body: bytes, content_type: str, code: str) -> None:
    answer = front().post("relocations", body, content_type)
    assert answer.json()["code"] == code
    assert answer.status_code < 500
    with acting(HUB):
        assert not Relocation.objects.exists()


def test_the_same_key_gives_the_same_relocation_and_another_body_a_conflict() -> None:
    caller, body = front(), document()
    first = caller.post("relocations", body, Idempotency_Key="k1")
    again = caller.post("relocations", body, Idempotency_Key="k1")
    other = caller.post("relocations", body | {"remarks": "別の内容"}, Idempotency_Key="k1")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json()["id"] == again.json()["id"]
    assert other.json()["code"] == "E202"
    with acting(HUB):
        assert Relocation.objects.count() == 1


def test_fifty_posts_at_once_under_one_key_are_one_filing(towns: None, settings: Settings) -> None:
    settings.HUB_SLOW_DATABASE = 60.0  # on a machine that does much else besides, nobody is asked to come later
    body = msgspec.json.encode(front_document(filing(0)))
    caller = front()
    answers: list[int] = []

    def post() -> None:
        try:
            answers.append(caller.post("relocations", body, Idempotency_Key="k").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(50)]
    for start in (0, 25):
        for thread in threads[start : start + 25]:
            thread.start()
        for thread in threads[start : start + 25]:
            thread.join()
    assert sorted(answers) == [200] * 49 + [201]
    with acting(HUB):
        assert Relocation.objects.count() == 1


def test_another_front_does_not_see_it() -> None:
    made = front("one").post("relocations", document()).json()
    assert front("one").get(f"relocations/{made['id']}").status_code == 200
    assert front("two").get(f"relocations/{made['id']}").status_code == 404
    assert made["receipt_no"] not in front("two").get(f"relocations/{made['id']}").content.decode()
    assert CHIYODA in front("one").get(f"relocations/{made['id']}").content.decode()
