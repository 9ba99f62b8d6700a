"""What a municipality's system meets at the API: lists and cursors, records and digests, errors, languages, tokens."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

import base64
import hashlib
from uuid import UUID

import msgspec
import pytest
from django.test import Client

from hub.actors import HUB, acting
from hub.catalogue import entries
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from municipalities import standard
from municipalities.notice import Notice
from tests.conftest import CHIYODA, HAKODATE, NAHA, Caller, connect, filing, front, town
from tests.hub import journeys
from tests.hub.pulling import delivery, filed, origin, report, state_of, waiting  # noqa: F401 - fixtures among them

pytestmark = pytest.mark.django_db


# --- The list --------------------------------------------------------------------------------------------


def test_the_list_names_what_waits_and_nobody(origin: Caller) -> None:
    relocation = filed(5)
    answer = origin.get("deliveries?state=ready")
    (line,) = answer.json()["deliveries"]
    assert set(line) == {"id", "type", "state", "sequence", "created_at", "standard", "content_type", "records"}
    assert (line["type"], line["state"], line["sequence"], line["standard"]) == (
        "moveout.submitted",
        "ready",
        1,
        "gif_json",
    )
    assert line["content_type"] == "application/json; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert relocation.receipt_no not in answer.content.decode()


@pytest.mark.parametrize("layout", standard.names())
def test_records_are_counted_as_the_layout_writes_them(layout: str, origin: Caller) -> None:
    connect(HAKODATE, layout, "pull:")
    filed(2)
    (line,) = waiting(origin)
    with acting(HUB):
        row = Delivery.objects.get(pk=line["id"])
        assert line["records"] == standard.load(layout).write(deliveries.notice_of(row)).records


def test_pages_follow_each_other_without_gap_or_repetition(origin: Caller) -> None:
    for number in (0, 2, 3, 5, 7):
        filed(number)
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = origin.get(f"deliveries?state=ready&limit=2&after={cursor}").json()
        assert len(page["deliveries"]) <= 2
        found += [line["id"] for line in page["deliveries"]]
        cursor = page["next"]
    assert len(found) == len(set(found)) == 5
    assert found == sorted(found)


def test_the_cursor_survives_that_its_delivery_is_gone(origin: Caller) -> None:
    for number in (0, 2, 3):
        filed(number)
    first = origin.get("deliveries?limit=1").json()
    origin.get(f"deliveries/{first['deliveries'][0]['id']}/content")
    rest = origin.get(f"deliveries?limit=5&after={first['next']}").json()
    assert len(rest["deliveries"]) == 2
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=501", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=1e2", "/limit"),
        ("limit=９", "/limit"),
        ("limit=", "/limit"),
        ("after=x", "/after"),
        ("after='; DROP TABLE deliveries_delivery; --", "/after"),
        ("state=sent", "/state"),
        ("after=%zz", "/after"),
    ],
)
def test_a_wrong_parameter_is_named(query: str, pointer: str, origin: Caller) -> None:
    answer = origin.get(f"deliveries?{query}")
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (400, "E110", pointer)


# --- The record ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", standard.names())
def test_the_record_is_in_the_towns_own_layout(layout: str, origin: Caller) -> None:
    connect(HAKODATE, layout, "pull:")
    relocation = filed(1)
    (line,) = waiting(origin)
    answer = origin.get(f"deliveries/{line['id']}/content")
    shape = standard.load(layout)
    notice = shape.read(answer.content)
    assert (notice.notice_id, notice.receipt_no) == (line["id"], relocation.receipt_no)
    assert answer["Content-Type"] == line["content_type"] == shape.content_type
    assert answer["Hikkoshi-Notice-Type"] == "moveout.submitted"
    assert answer["Content-Disposition"] == f'attachment; filename="{line["id"]}.{shape.extension}"'
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(answer.content).digest()).decode()}:"
    assert answer["Cache-Control"] == "no-store"
    assert origin.get(f"deliveries/{line['id']}/content").content == answer.content


@pytest.mark.parametrize("accept", ["application/json", "application/json; charset=utf-8", "application/json;q=0.9"])
def test_the_canonical_record_for_who_asks_for_it(accept: str, origin: Caller) -> None:
    connect(HAKODATE, "mainframe_cp932", "pull:")
    document = filing(1)
    relocation = journeys.file(document)
    journeys.carry()
    (line,) = waiting(origin)
    answer = origin.get(f"deliveries/{line['id']}/content", Accept=accept)
    assert answer["Content-Type"] == "application/json"
    notice = msgspec.json.decode(answer.content, type=Notice)
    assert (notice.receipt_no, notice.recipient) == (relocation.receipt_no, HAKODATE)
    assert [mover.full_name for mover in notice.movers] == [mover.full_name for mover in document.movers]
    assert "plannedOutOn" in answer.content.decode()


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "text/csv, */*;q=0.1", ""])
def test_whatever_else_is_accepted_gets_the_layout(accept: str, origin: Caller) -> None:
    connect(HAKODATE, "mainframe_cp932", "pull:")
    filed(1)
    (line,) = waiting(origin)
    assert (
        origin.get(f"deliveries/{line['id']}/content", Accept=accept)["Content-Type"]
        == "text/plain; charset=Windows-31J"
    )


def test_the_fetch_is_the_event_that_makes_it_sent(origin: Caller) -> None:
    relocation = filed(1)
    (line,) = waiting(origin)
    assert state_of(line["id"]) == "ready"
    for _ in range(2):
        assert origin.get(f"deliveries/{line['id']}/content").status_code == 200
        assert state_of(line["id"]) == "sent"
        assert waiting(origin) == []
    with acting(HUB):
        assert {mover.state for mover in relocation.movers.filter(role="origin")} == {"DELIVERED"}
        row = Delivery.objects.get(pk=line["id"])
        assert [event.state for event in row.events.order_by("pk")] == ["queued", "ready", "sent"]


def test_a_pushed_delivery_can_be_read_again_but_not_before_it_was_sent(origin: Caller) -> None:
    connect(HAKODATE, "gif_json", "memory:x")
    relocation = journeys.file(filing(1))
    with acting(HUB):
        row = Delivery.objects.get(relocation_id=relocation.pk, municipality=HAKODATE)
    assert origin.get(f"deliveries/{row.pk}/content").json()["code"] == "E108"
    journeys.carry()
    assert origin.get(f"deliveries/{row.pk}/content").status_code == 200


def test_other_bytes_than_at_the_first_time_are_not_given(origin: Caller) -> None:
    filed(1)
    (line,) = waiting(origin)
    connect(HAKODATE, "regional_xml", "pull:")
    answer = origin.get(f"deliveries/{line['id']}/content")
    assert (answer.status_code, answer.json()["code"]) == (500, "E133")
    assert state_of(line["id"]) == "ready"


# --- Errors, languages, forms ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "x", "deliveries/1/content", f"deliveries/{UUID(int=7)}", "relocations/1", "../admin/"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_path_is_a_problem(path: str, method: str) -> None:
    answer = getattr(Client(HTTP_HOST="127.0.0.1"), method)(f"/api/v1/{path}")
    if path != "../admin/":
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("delete", "deliveries", "GET, HEAD, OPTIONS"),
        ("post", "deliveries", "GET, HEAD, OPTIONS"),
        ("get", "reports", "POST, OPTIONS"),
        ("put", "reports", "POST, OPTIONS"),
        ("head", f"deliveries/{UUID(int=1)}/content", "GET, OPTIONS"),  # HEAD would count as the fetch
    ],
)
def test_a_wrong_method_is_a_problem_that_names_the_right_ones(
    method: str, path: str, allowed: str, origin: Caller
) -> None:
    answer = getattr(origin.client, method)(
        f"/api/v1/{path}", content_type="application/json", headers={"Authorization": f"Bearer {origin.token}"}
    )
    assert answer.status_code == 405
    assert method == "head" or answer.json()["code"] == "E109"
    assert set(answer["Allow"].split(", ")) == set(allowed.split(", "))


def test_every_error_has_the_same_shape_in_the_readers_language(origin: Caller) -> None:
    entry = entries()["E110"]
    for language, title, remedy in (
        ("ja", entry.title_ja, entry.remedy_ja),
        ("en-GB,en;q=0.9", entry.title_en, entry.remedy_en),
        ("de", entry.title_ja, entry.remedy_ja),
        ("", entry.title_ja, entry.remedy_ja),
    ):
        problem = origin.get("deliveries?limit=0", Accept_Language=language).json()
        assert set(problem) == {"type", "title", "status", "detail", "code", "pointer", "remedy", "errors"}
        assert problem["type"] == "urn:hikkoshi-hub:error:E110"
        assert (problem["title"], problem["remedy"]) == (title, remedy)
        assert [set(error) for error in problem["errors"]] == [{"code", "pointer", "detail", "remedy"}]


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("text/plain", "E103"),
        ("application/xml", "E103"),
        ("multipart/form-data; boundary=x", "E103"),
        ("application/x-www-form-urlencoded", "E103"),
        ("application/json; charset=Shift_JIS", "E103"),
        ("application/json; charset=UTF-8", "E104"),
        ('application/json; charset="utf-8"', "E104"),
    ],
)
def test_other_content_types_are_refused(content_type: str, code: str, origin: Caller, delivery: str) -> None:
    for path in ("reports", f"deliveries/{delivery}/receipts"):
        assert origin.post(path, b"{}", content_type).json()["code"] == code


def test_another_form_than_json_is_not_offered(origin: Caller) -> None:
    answer = origin.get("deliveries", Accept="text/html")
    assert (answer.status_code, answer.json()["code"]) == (406, "E111")


def test_the_municipalities_are_for_everybody() -> None:
    client = Client(HTTP_HOST="127.0.0.1")
    rows = client.get("/api/v1/municipalities").json()["municipalities"]
    assert len(rows) > 1_800
    assert {row["code"] for row in rows} >= {HAKODATE, CHIYODA, NAHA}
    old = client.get("/api/v1/municipalities?on=2023-12-31").json()["municipalities"]
    assert "221317" in {row["code"] for row in old} - {row["code"] for row in rows}
    for wrong in ("on=2026-02-30", "on=x"):
        assert client.get(f"/api/v1/municipalities?{wrong}").json()["pointer"] == "/on"


# --- Tokens ----------------------------------------------------------------------------------------------


def test_a_client_gets_no_scope_that_is_not_its_own() -> None:
    town(NAHA)
    client = Client(HTTP_HOST="127.0.0.1")
    body = {"grant_type": "client_credentials", "client_id": f"town-{NAHA}", "client_secret": "s3cret"}
    assert client.post("/oauth/token", body | {"scope": "relocations:file"}).json()["error"] == "invalid_scope"
    assert client.post("/oauth/token", body | {"client_secret": "x"}).status_code == 401
    assert client.post("/oauth/token", body | {"client_id": "a\0"}).json()["error"] == "invalid_request"
    stranger = Client(HTTP_HOST="127.0.0.1", enforce_csrf_checks=True)  # a machine has no cookie
    assert stranger.post("/oauth/token", body).status_code == 200
    basic = {"Authorization": "Basic " + base64.b64encode(b"a\0:b").decode()}
    assert client.post("/oauth/token", {"grant_type": "client_credentials"}, headers=basic).status_code == 400
    granted = client.post("/oauth/token", body | {"scope": "reports"}).json()
    assert (granted["scope"], granted["expires_in"], granted["token_type"]) == ("reports", 3600, "Bearer")


def test_a_front_files_asks_and_takes_back() -> None:
    caller = front()
    made = caller.post("relocations", filing(1))
    assert made.status_code == 201
    assert made["Location"] == f"/api/v1/relocations/{made.json()['id']}"
    status = caller.get(f"relocations/{made.json()['id']}").json()
    assert [leg["role"] for leg in status["legs"]][:2] == ["origin", "destination"]
    for _ in range(2):
        back = caller.post(f"relocations/{made.json()['id']}/withdrawal", {})
        assert (back.status_code, back.json()["state"]) == (200, "WITHDRAWN")
    with acting(HUB):
        assert {row.state for row in Delivery.objects.all()} == {"withdrawn"}
