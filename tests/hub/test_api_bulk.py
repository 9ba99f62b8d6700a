"""Many at a time, places that can be kept, what a town says of itself, and the forms of answers."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

import base64
import gzip
import threading
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from hub.actors import HUB, Actor, ActorKind, acting
from hub.api.models import Consent
from hub.catalogue import refuse
from hub.deliveries import feed, lanes
from hub.deliveries.models import Delivery, Lane
from hub.vault import cipher
from hub.vault import services as vault
from tests.conftest import HAKODATE, NAHA, Caller, connect, filing, front, front_document, town
from tests.hub import journeys
from tests.hub.pulling import delivery, filed, origin, report, state_of, waiting  # noqa: F401 - fixtures among them

pytestmark = pytest.mark.django_db


# --- Many at a time ----------------------------------------------------------------------------------------


def test_many_contents_are_the_single_ones_and_one_that_fails_takes_nothing_from_the_others(origin: Caller) -> None:
    for number in range(3):
        filed(number)
    ids = [line["id"] for line in waiting(origin)]
    asked = [ids[2], str(uuid4()), ids[0], ids[1], ids[0]]
    results = origin.post("deliveries/contents", {"ids": asked}).json()["results"]
    assert [result["id"] for result in results] == asked
    assert [result["status"] for result in results] == [200, 404, 200, 200, 200]
    assert results[1]["problem"]["code"] == "E108"
    assert {state_of(pk) for pk in ids} == {"sent"}
    for result in (results[0], results[2], results[3]):
        single = origin.get(f"deliveries/{result['id']}/content")
        assert base64.b64decode(result["content"]) == single.content
        assert (result["content_type"], result["digest"]) == (single["Content-Type"], single["Repr-Digest"])
    (canonical,) = origin.post("deliveries/contents", {"ids": ids[:1], "canonical": True}).json()["results"]
    assert canonical["notice"]["noticeId"] == ids[0]
    assert canonical["content"] is None


def test_many_receipts_each_as_if_it_came_alone(origin: Caller) -> None:
    for number in range(3):
        filed(number)
    first, second, third = (line["id"] for line in waiting(origin))
    items = [
        {"delivery": first, "kind": "received"},
        {"delivery": second, "kind": "nonsense"},
        {"delivery": str(uuid4()), "kind": "received"},
        {"delivery": third, "kind": "accepted_for_review"},
        {"delivery": first, "kind": "received"},
        {"delivery": second, "kind": "received", "errors": [{"text": "1234-567890"}]},
    ]
    results = origin.post("deliveries/receipts", {"receipts": items}).json()["results"]
    assert [result["status"] for result in results] == [201, 422, 404, 201, 200, 422]
    assert [result["problem"]["code"] for result in results if result["problem"]] == ["E104", "E108", "E140"]
    assert results[1]["problem"]["pointer"] == "/receipts/1/kind"
    assert (state_of(first), state_of(second), state_of(third)) == ("sent", "ready", "answered")


@pytest.mark.parametrize("path", ["deliveries/contents", "deliveries/receipts"])
def test_five_hundred_are_the_most(path: str, origin: Caller) -> None:
    name, item = ("ids", str(UUID(int=1))) if "contents" in path else ("receipts", {"delivery": str(UUID(int=1))})
    for number, status in ((0, 422), (500, 200), (501, 422)):
        assert origin.post(path, {name: [item] * number}).status_code == status


# --- Places that can be kept -------------------------------------------------------------------------------


def test_a_kept_cursor_shows_what_is_sent_again(origin: Caller) -> None:
    relocations = [filed(number) for number in range(3)]
    page = origin.get("deliveries").json()
    for line in page["deliveries"]:
        origin.get(f"deliveries/{line['id']}/content")
    kept = page["cursor"]
    assert origin.get(f"deliveries?after={kept}").json()["deliveries"] == []
    oldest = page["deliveries"][0]["id"]
    again = report(relocations[0], "resend.requested", delivery=oldest)
    assert origin.post("reports", again).status_code == 201
    journeys.carry()
    assert [line["id"] for line in origin.get(f"deliveries?after={kept}").json()["deliveries"]] == [oldest]


def test_changes_are_shown_once_each_as_they_are_now(origin: Caller) -> None:
    partner = front()
    ids = [partner.post("relocations", filing(number)).json()["id"] for number in range(2)]
    journeys.carry()
    seen, cursor, more = [], "", True
    while more:
        page = origin.get(f"changes?limit=1&since={cursor}").json()
        seen += [(change["kind"], change["state"]) for change in page["changes"]]
        cursor, more = page["cursor"], page["more"]
    assert seen == [("delivery", "ready")] * 2
    (line, _) = waiting(origin)
    origin.get(f"deliveries/{line['id']}/content")
    (change,) = origin.get(f"changes?since={cursor}").json()["changes"]
    assert (change["id"], change["state"]) == (line["id"], "sent")
    first = partner.get("changes").json()
    assert {row["id"] for row in first["changes"]} == set(ids)
    partner.post(f"relocations/{ids[1]}/withdrawal", {})
    (change,) = partner.get(f"changes?since={first['cursor']}").json()["changes"]
    assert (change["kind"], change["id"], change["state"]) == ("relocation", ids[1], "WITHDRAWN")
    assert front("other").get("changes").json()["changes"] == town(NAHA).get("changes").json()["changes"] == []


def test_no_place_is_kept_beyond_what_another_has_written_and_not_committed(towns: None) -> None:
    """Two transactions: the one that began first commits last; a reader in between must not pass it by."""
    connect(HAKODATE, "gif_json", "pull:")
    caller = town(HAKODATE)
    slow, fast = (journeys.file(filing(number)) for number in (0, 1))
    wrote, read = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic(), acting(HUB):
                Delivery.objects.filter(relocation_id=slow.pk, municipality=HAKODATE).update(state="ready")
                wrote.set()
                assert read.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert wrote.wait(30)
    with acting(HUB):
        Delivery.objects.filter(relocation_id=fast.pk, municipality=HAKODATE).update(state="ready")
    page = caller.get("deliveries").json()
    read.set()
    thread.join()
    assert len(page["deliveries"]) == 1
    shown = {line["id"] for line in caller.get(f"deliveries?after={page['cursor']}").json()["deliveries"]}
    with acting(HUB):
        late = Delivery.objects.get(relocation_id=slow.pk, municipality=HAKODATE)
        assert late.changed_at < Delivery.objects.get(relocation_id=fast.pk, municipality=HAKODATE).changed_at
    assert str(late.pk) in shown


@pytest.mark.parametrize(
    "cursor", ["x", "1.2", f"{'f' * 14}.{'0' * 32}", f"g.{'0' * 32}", f"1.{'0' * 31}", str(UUID(int=7))]
)
def test_a_cursor_that_no_answer_gave_is_refused(cursor: str, origin: Caller) -> None:
    for path, name in (("deliveries", "after"), ("changes", "since")):
        answer = origin.get(f"{path}?{name}={cursor}")
        assert (answer.status_code, answer.json()["pointer"]) == (400, f"/{name}")


def test_a_horizon_is_never_in_the_future() -> None:
    before = feed.horizon()
    assert before <= feed.horizon()
    assert feed.kept(None, before) == feed.START


# --- The town itself ---------------------------------------------------------------------------------------


def test_a_town_pauses_and_resumes_itself_but_not_what_an_operator_holds(origin: Caller) -> None:
    filed(0)
    assert origin.post("lane/pause", {}).json()["paused"] is True
    assert origin.post("lane/pause", {}).json() == origin.get("lane").json()
    assert waiting(origin) == []
    resumed = origin.post("lane/resume", {}).json()
    assert (resumed["paused"], resumed["waiting"]) == (False, 1)
    assert len(waiting(origin)) == 1
    with acting(Actor(ActorKind.OPERATOR, name="1")):
        lanes.pause([HAKODATE], paused=True)
    answer = origin.post("lane/resume", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "E200")
    with acting(HUB):
        assert list(Lane.objects.filter(paused=True).values_list("pk", flat=True)) == [HAKODATE]


def test_a_heartbeat_is_kept_and_answered(origin: Caller) -> None:
    for backlog in (3, 5):
        answer = origin.post("heartbeat", {"open": True, "backlog": backlog, "software": "見本 1.0"})
        assert answer.json()["lane"]["waiting"] == 0
    assert origin.post("heartbeat", {"open": True, "backlog": -1}).json()["pointer"] == "/backlog"
    with acting(journeys.system(HAKODATE)), connection.cursor() as cursor:
        cursor.execute("SELECT municipality_id, backlog, software FROM api_heartbeat")
        assert cursor.fetchall() == [(HAKODATE, 5, "見本 1.0")]


def test_the_calendar_knows_closed_days(origin: Caller) -> None:
    days = origin.get("calendar?from=2026-05-01&to=2026-05-07").json()["days"]
    opened = {row["day"]: row["opens_at"] for row in days}
    assert (opened["2026-05-01"], opened["2026-05-06"], opened["2026-05-07"]) == ("08:30:00", None, "08:30:00")
    assert len(origin.get("calendar").json()["days"]) == 31
    for query in ("from=2026-05-02&to=2026-05-01", "from=2026-01-01&to=2027-06-01", "from=9999-12-31&to=x"):
        assert origin.get(f"calendar?{query}").json()["pointer"] == "/to"


def test_a_client_is_told_who_it_is(origin: Caller) -> None:
    me = origin.get("me").json()
    assert (me["client_id"], me["municipality"], me["scopes"]) == (
        f"town-{HAKODATE}",
        HAKODATE,
        ["deliveries", "reports"],
    )
    assert (me["standard"], me["transport"]) == ("gif_json", "pull")
    assert front().get("me").json()["municipality"] is None


# --- Consent -----------------------------------------------------------------------------------------------


def test_a_front_files_with_the_citizens_consent_or_not_at_all() -> None:
    caller, document = front(), front_document(filing(0))
    for wrong in (
        {"consent": None},
        {"consent": document["consent"] | {"method": "guessed"}},
        {"consent": document["consent"] | {"givenAt": "2999-01-01T00:00:00+09:00"}},
        {"consent": document["consent"] | {"reference": "1234-567890"}},
    ):
        answer = caller.post("relocations", msgspec.json.encode(document | wrong))
        assert answer.status_code == 422
        assert answer.json()["pointer"].startswith("/consent")
    made = caller.post("relocations", msgspec.json.encode(document)).json()
    with acting(HUB):
        row = Consent.objects.get()
        assert str(row.relocation_id) == made["id"]
        kept = msgspec.json.decode(cipher.unseal(vault.open_one(row.relocation_id), bytes(row.body), row.identity))
    assert kept["method"] == "online"
    assert b"online" not in bytes(row.body)


# --- Forms of answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "canonical"),
    [
        ("application/json, */*", True),
        ("text/plain;q=0.5, application/json", True),
        ("application/json;q=0.5, text/plain", False),
        ("text/csv, */*;q=0.1", False),
        ("application/json;q=0", False),
        ("application/json;q=x, */*", False),
    ],
)
def test_the_canonical_form_is_a_matter_of_weights(accept: str, canonical: bool, origin: Caller) -> None:
    connect(HAKODATE, "mainframe_cp932", "pull:")
    filed(1)
    (line,) = waiting(origin)
    answer = origin.get(f"deliveries/{line['id']}/content", Accept=accept)
    assert (answer["Content-Type"] == "application/json") is canonical


def test_who_has_the_same_bytes_is_not_sent_them_again(origin: Caller, delivery: str) -> None:
    relocation = front().post("relocations", filing(2)).json()["id"]
    for caller, path in (
        (origin, f"deliveries/{delivery}/content"),
        (front(), f"relocations/{relocation}"),
        (origin, "municipalities"),
        (origin, "errors"),
        (origin, "openapi.json"),
    ):
        first = caller.get(path)
        again = caller.get(path, If_None_Match=first["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        assert caller.get(path, If_None_Match='"other"').content == first.content


def test_answers_are_compressed_but_not_a_record_with_its_digest(origin: Caller) -> None:
    filed(0)
    (line,) = waiting(origin)
    plain = origin.get("municipalities")
    packed = origin.get("municipalities", Accept_Encoding="gzip")
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 4
    record = origin.get(f"deliveries/{line['id']}/content", Accept_Encoding="gzip")
    assert "Content-Encoding" not in record
    assert len(record.content) > 500


def test_a_parameter_that_nobody_reads_is_refused(origin: Caller) -> None:
    for path in ("deliveries?stat=ready", "lane?x=1", "municipalities?at=2026-01-01", "errors?code=E100"):
        answer = origin.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "E110")


def test_machines_get_a_problem_whatever_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(HTTP_HOST="127.0.0.1", raise_request_exception=False)
    monkeypatch.setattr("hub.api.tables.tables.messages", lambda: 1 / 0)
    broken = client.get("/api/v1/messages")
    assert broken.status_code == 500
    assert broken["Content-Type"] == "application/problem+json"
    assert "ZeroDivisionError" not in broken.content.decode()
    for path in ("/api/v2/deliveries", "/api/", "/oauth/authorize"):
        answer = client.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert client.get("/nowhere")["Content-Type"].startswith("text/html")
    stranger = Client(HTTP_HOST="elsewhere.example").get("/api/v1/errors")
    assert (stranger.status_code, stranger["Content-Type"]) == (400, "application/problem+json")


def test_the_token_endpoint_speaks_oauth_whatever_it_is_asked() -> None:
    client = Client(HTTP_HOST="127.0.0.1")
    for method in ("get", "put", "delete"):
        answer = getattr(client, method)("/oauth/token")
        assert (answer.status_code, answer["Allow"], answer.json()["error"]) == (405, "POST", "invalid_request")
    for body, error in (({}, "unsupported_grant_type"), ({"grant_type": "client_credentials"}, "invalid_client")):
        answer = client.post("/oauth/token", body)
        assert answer.json()["error"] == error
        assert answer["Cache-Control"] == "no-store"
    assert refuse("E106").lead.entry.status == 401


# --- Leases, closures, books -------------------------------------------------------------------------------


def test_two_workers_of_a_town_do_not_get_the_same_and_one_that_dies_loses_nothing(origin: Caller) -> None:
    for number in range(3):
        filed(number)
    first = origin.post("deliveries/leases", {"worker": "a", "limit": 2, "seconds": 60}).json()
    second = origin.post("deliveries/leases", {"worker": "b", "seconds": 60}).json()
    held = [{line["id"] for line in lease["deliveries"]} for lease in (first, second)]
    assert [len(ids) for ids in held] == [2, 1]
    assert not held[0] & held[1]
    answered = first["deliveries"][0]["id"]
    assert origin.get(f"deliveries/{answered}/content").status_code == 200
    assert state_of(answered) == "ready"  # the worker may die with it
    assert origin.post(f"deliveries/{answered}/receipts", {"kind": "received"}).status_code == 201
    assert state_of(answered) == "sent"
    assert origin.delete("deliveries/leases/a").json() == {"returned": 1}
    again = origin.post("deliveries/leases", {"worker": "b", "seconds": 60}).json()
    assert {line["id"] for line in again["deliveries"]} == held[0] - {answered} | held[1]
    assert origin.post("deliveries/leases", {"worker": "a b"}).status_code == 422
    assert origin.delete("deliveries/leases/a b").status_code == 404


def test_a_town_announces_a_closure_and_takes_it_back(origin: Caller) -> None:
    begins = timezone.now() + timedelta(days=2)
    body = {"starts": begins, "ends": begins + timedelta(hours=3), "note_code": "migration"}
    made = origin.post("maintenance", body).json()
    assert origin.post("maintenance", body).json() == made
    assert origin.get("maintenance").json()["maintenance"] == [made]
    assert town(NAHA).delete(f"maintenance/{made['id']}").status_code == 404
    for _ in range(2):
        assert origin.delete(f"maintenance/{made['id']}").status_code == 200
    assert origin.get("maintenance").json()["maintenance"] == []
    assert origin.post("maintenance", body | {"ends": begins}).json()["pointer"] == "/ends"


def test_books_are_compared_day_by_day(origin: Caller) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    nothing = origin.get(f"reconciliation/{yesterday}").json()
    assert nothing["count"] == 0
    same = {"count": 0, "sha256": nothing["sha256"]}
    assert origin.post(f"reconciliation/{yesterday}", same).json()["agrees"] is True
    stray = str(UUID(int=9))
    other = origin.post(f"reconciliation/{yesterday}", {"count": 1, "sha256": "0" * 64, "ids": [stray]}).json()
    assert other["differences"] == [{"kind": "unknown", "delivery_id": stray}]
    assert origin.post(f"reconciliation/{yesterday}", same).json()["agrees"] is True
    for day in ("2026-13-01", "x", str(timezone.localdate())):
        assert origin.post(f"reconciliation/{day}", same).json()["code"] == "E110"


def test_an_amendment_is_a_new_version_with_a_consent_of_its_own() -> None:
    caller, document = front(), filing(0)
    made = caller.post("relocations", document).json()
    changed = front_document(document) | {"remarks": "部屋番号を直しました"}
    path = f"relocations/{made['id']}/amendments"
    assert caller.post(path, msgspec.json.encode(msgspec.to_builtins(document))).json()["pointer"] == "/consent"
    answer = caller.post(path, msgspec.json.encode(changed))
    assert (answer.status_code, answer.json()["version"]) == (200, 2), answer.content
    assert front("other").post(path, msgspec.json.encode(changed)).status_code == 404
    with acting(HUB):
        assert sorted(Consent.objects.values_list("version", flat=True)) == [1, 2]


def test_a_front_hands_over_what_the_citizen_answered() -> None:
    caller = front()
    made = caller.post("relocations", filing(0)).json()
    path = f"relocations/{made['id']}/answers"
    asked = [one for one in caller.get(f"relocations/{made['id']}").json()["procedures"] if one["state"] == "ask"]
    question = next(question for one in asked for question in one["questions"] if question["mover"] is None)
    given = {"answers": [{"mover": None, "question": question["question"], "answer": "yes"}]}
    answer = caller.post(path, given)
    assert (answer.status_code, answer.json()["changed"]) == (200, True), answer.content
    left = {(one["rule"], one["state"]) for one in answer.json()["procedures"]}
    assert left != {(one["rule"], one["state"]) for one in asked}
    assert question not in [one for row in answer.json()["procedures"] for one in row["questions"]]
    assert caller.post(path, given).json()["changed"] is False
    for wrong in ({"question": "horse", "answer": "yes"}, {"mover": 9, "question": "student", "answer": "no"}):
        problem = caller.post(path, {"answers": [given["answers"][0], wrong]}).json()
        assert (problem["code"], problem["pointer"]) == ("E104", "/answers/1")
    assert front("other").post(path, given).status_code == 404
