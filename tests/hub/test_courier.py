"""The courier on committed rows, with towns on real HTTP: transports, order, caps, retries, breakers, what is held."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from hub.actors import HUB, acting
from hub.deliveries import claims, courier, keys, lanes
from hub.deliveries import services as deliveries
from hub.deliveries.courier import SLOW
from hub.deliveries.models import Delivery, Lane
from hub.fidelity import ledger
from hub.fidelity.models import Substitution
from hub.vault import services as vault
from municipalities import standard
from municipalities.models import Connection
from municipalities.transports import memory
from tests.conftest import CHIYODA, HAKODATE, NAHA, TENRYU, connect, filing
from tests.hub import journeys
from tests.hub.committed import db, make_due  # noqa: F401 - a fixture
from tests.hub.pushing import file, lane, pushed, run, steps, told, unfit  # noqa: F401 - a fixture among them
from tests.hub.receivers import Towns

pytestmark = pytest.mark.usefixtures("db")


# --- Handing over ----------------------------------------------------------------------------------------


def test_a_push_is_signed_written_in_the_towns_layout_and_written_down(pushed: Towns) -> None:
    relocation = file()
    assert run() == 2
    (got,) = pushed.got
    row = told(relocation)
    assert (got.id, got.type, row.state, row.attempts) == (str(row.pk), "moveout.submitted", "sent", 1)
    assert standard.load("gif_json").read(got.body).receipt_no == relocation.receipt_no
    assert row.content_sha256 is not None
    assert hashlib.sha256(got.body).digest() == bytes(row.content_sha256)
    assert steps(row) == [("queued", 0, ""), ("sent", 1, "")]
    assert told(relocation, "arrival.planned").state == "ready"
    with acting(HUB):
        assert {mover.state for mover in relocation.movers.filter(role="origin")} == {"DELIVERED"}
        assert {mover.state for mover in relocation.movers.filter(role="destination")} == {"NONE"}
    assert run() == 0


def test_pushes_are_signed_by_both_keys_while_one_follows_the_other(pushed: Towns) -> None:
    """The town knows the old key alone: it is served until the overlap is over."""
    link = Connection.objects.get(municipality=HAKODATE)
    with acting(HUB):
        keys.rotate(link)
    first = told(file())
    run()
    assert pushed.ids(HAKODATE) == [str(first.pk)]
    Connection.objects.filter(pk=link.pk).update(previous_key_until=timezone.now())
    second = told(file(number=1))
    run()
    with acting(HUB):
        second.refresh_from_db()
    assert (pushed.ids(HAKODATE), second.state) == ([str(first.pk)], "queued")
    Connection.objects.filter(pk=link.pk).update(previous_signing_key=None, previous_key_until=None)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "rebound.example"])
def test_nothing_is_pushed_into_an_internal_network_that_was_not_named(
    name: str, pushed: Towns, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A literal address, a name of this machine, and a name that was public when it was checked."""
    settings.HUB_CALLBACK_NETWORKS = ["10.0.0.0/8"]
    port = pushed.address.rpartition(":")[2]
    monkeypatch.setattr("municipalities.transports.https.is_loopback", lambda _host: True)

    async def rebound(self: object, host: str, number: int = 0, family: int = 0) -> list[dict[str, Any]]:
        found = {"hostname": host, "host": "127.0.0.1", "port": number, "family": 2, "proto": 0, "flags": 0}
        return [found]

    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", rebound)
    Connection.objects.filter(municipality=HAKODATE).update(address=f"http://{name}:{port}/towns/{HAKODATE}/inbox")
    relocation = file()
    run()
    row = told(relocation)
    assert (row.state, row.cause, row.code, pushed.got) == ("held", "refused", "E116", [])


def test_every_transport_carries(pushed: Towns, tmp_path: Path, settings: Settings) -> None:
    settings.HUB_FOLDER_ROOT = tmp_path
    (tmp_path / "towns").mkdir()
    connect(NAHA, "regional_xml", "folder:towns")
    connect(TENRYU, "juki_list_csv", "memory:tenryu")
    rows = [told(file(origin)) for origin in (HAKODATE, NAHA, TENRYU)]
    assert run() == 6
    assert pushed.ids(HAKODATE) == [str(rows[0].pk)]
    assert {path.name for path in (tmp_path / "towns").iterdir()} == {
        f"{rows[1].pk}.xml",
        f"{rows[1].pk}.manifest.json",
    }
    assert [parcel.name for parcel in memory.outbox("tenryu")] == [str(rows[2].pk)]


def test_what_was_replaced_is_recorded_for_clerk_and_citizen(pushed: Towns) -> None:
    pushed.connect(HAKODATE, "mainframe_cp932")
    relocation = file(number=5)  # 𠮷 is not in CP932
    run()
    row = told(relocation)
    with acting(HUB):
        name = Substitution.objects.get(delivery_id=row.pk, path="/movers/0/fullName")
        original, written = ledger.texts(name, vault.open_one(relocation.pk))
    assert (original, written[:3]) == ("𠮷試験　太郎", "吉試験")
    assert (name.points, name.municipality_id, name.standard) == ("U+20BB7 → U+5409", HAKODATE, "mainframe_cp932")
    assert "吉試験".encode("cp932") in pushed.got[0].body


# --- Order -----------------------------------------------------------------------------------------------


def test_a_later_notice_never_overtakes_an_earlier_one(pushed: Towns) -> None:
    pushed.connect(CHIYODA)
    pushed.says[CHIYODA] = [503]
    relocation = file()
    run()
    for said in journeys.course(relocation, filing(1))[:6]:
        assert journeys.say(relocation, said) == "new"
    assert told(relocation, "arrival.prefill").state == "queued"
    run()
    assert [got.type for got in pushed.got if got.town == CHIYODA] == ["arrival.planned"]
    make_due()
    run()
    assert [got.type for got in pushed.got if got.town == CHIYODA] == ["arrival.planned"] * 2 + ["arrival.prefill"]


@pytest.mark.parametrize("state", ["ready", "held"])
def test_what_waits_for_the_town_or_a_person_parks_what_is_behind_it(state: str, pushed: Towns) -> None:
    if state == "held":
        pushed.connect(CHIYODA)
        pushed.says[CHIYODA] = [422]
    relocation = file()
    run()
    for said in journeys.course(relocation, filing(1))[:6]:
        journeys.say(relocation, said)
    assert (told(relocation, "arrival.planned").state, run()) == (state, 0)
    assert told(relocation, "arrival.prefill").attempts == 0
    other = file(number=2)
    run()
    assert told(other, "arrival.planned").state != "queued"  # the lane itself goes on


# --- Lanes -----------------------------------------------------------------------------------------------


def test_a_lane_keeps_to_its_cap(pushed: Towns) -> None:
    pushed.connect(HAKODATE, concurrency=2)
    for _ in range(7):
        file()
    run()
    assert len(pushed.ids(HAKODATE)) == 7
    assert pushed.most[HAKODATE] == 2


def test_a_hanging_town_keeps_nobody_else_waiting(pushed: Towns) -> None:
    pushed.hanging[HAKODATE] = threading.Event()
    for _ in range(5):
        file(HAKODATE)
        file(TENRYU)

    def release() -> None:
        while len([got for got in pushed.done if got.town == TENRYU]) < 5 or pushed.now[HAKODATE] < 4:
            pushed.arrived.wait(0.01)
        pushed.hanging[HAKODATE].set()

    helper = threading.Thread(target=release)
    helper.start()
    run()
    helper.join()
    assert [got.town for got in pushed.done] == [TENRYU] * 5 + [HAKODATE] * 5
    assert pushed.most[HAKODATE] == 4


def test_a_town_that_hangs_when_the_time_is_over_keeps_nobody_else_waiting(pushed: Towns) -> None:
    pushed.hanging[HAKODATE] = threading.Event()
    file(HAKODATE)

    def late() -> None:
        while not pushed.now[HAKODATE]:
            pushed.arrived.wait(0.01)
        time.sleep(2 * SLOW)  # the courier's slice of time is over, and it only waits for Hakodate
        try:
            file(TENRYU)
            deadline = time.monotonic() + 5
            while not pushed.done and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            connection.close()
            pushed.hanging[HAKODATE].set()

    helper = threading.Thread(target=late)
    helper.start()
    courier.run(idle=0, slice_=SLOW)
    helper.join()
    assert [got.town for got in pushed.done] == [TENRYU, HAKODATE]


def test_couriers_that_follow_each_other_keep_their_connection_until_it_breaks(
    pushed: Towns, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(1) as kept:
        monkeypatch.setattr(courier, "_database", kept)

        def backend() -> int:
            return int(kept.submit(lambda: connection.connection.info.backend_pid).result())

        found = []
        for number in (1, 2, 3):
            relocation = file(number=number)
            assert courier.run_in_turn(idle=0, slice_=10) == 2
            assert told(relocation).state == "sent"
            found.append(backend())
            if number == 2:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(%s)", [found[-1]])
        assert found[0] == found[1] != found[2]
        kept.submit(connections.close_all).result()


def test_a_paused_lane_holds_and_then_delivers(pushed: Towns) -> None:
    with acting(HUB):
        Lane.objects.filter(pk=HAKODATE).update(paused=True)
    relocation = file()
    run()
    assert (pushed.got, told(relocation).attempts) == ([], 0)
    with acting(HUB):
        Lane.objects.filter(pk=HAKODATE).update(paused=False)
    run()
    assert told(relocation).state == "sent"


# --- Failures --------------------------------------------------------------------------------------------


def test_a_5xx_is_tried_again_and_the_next_attempt_is_visible(pushed: Towns) -> None:
    pushed.says[HAKODATE] = [500, 503]
    relocation = file()
    before = timezone.now()
    run()
    row = told(relocation)
    assert (row.state, row.attempts, row.code, row.cause) == ("queued", 1, "E900", "theirs")
    assert before < row.due_at < before + 2 * claims.WAITS[0] + timedelta(seconds=5)
    assert row.leased_until is None
    assert run() == 0
    for _ in range(2):
        make_due()
        run()
    assert steps(row) == [("queued", 0, ""), ("queued", 1, "E900"), ("queued", 2, "E900"), ("sent", 3, "")]
    assert len(set(pushed.ids(HAKODATE))) == 1
    assert len({got.body for got in pushed.got}) == 1


def test_retry_after_is_kept(pushed: Towns) -> None:
    pushed.says[HAKODATE], pushed.headers = [503], {"Retry-After": "3600"}
    relocation = file()
    run()
    assert told(relocation).due_at > timezone.now() + timedelta(minutes=50)


NOW = timezone.now()


def attempt(number: int) -> Any:
    """A claim at its so manieth attempt."""
    return SimpleNamespace(attempt=number, tries=number, retry_hours=72)


def test_the_waits_add_up_to_three_days_and_then_a_person_looks(pushed: Towns) -> None:
    most = len(claims.waits(72))
    ended = [claims._ended(claims.Outcome(attempt(n), claims.Fate.AGAIN), NOW) for n in range(1, most + 1)]
    assert sum((due - NOW for _, _, due in ended), timedelta()) >= timedelta(hours=72)
    assert {state for state, _, _ in ended} == {"queued"}
    relocation = file()
    with acting(HUB):
        Delivery.objects.filter(pk=told(relocation).pk).update(attempts=most)
    pushed.says[HAKODATE] = [500]
    run()
    row = told(relocation)
    assert (row.state, row.cause, row.code) == ("held", "theirs", "E900")
    pushed.says[HAKODATE] = [500]
    with acting(HUB):
        deliveries.send_again(row, "a person decided")
    run()
    assert told(relocation).state == "queued"  # the waits began anew


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_signature_refused_for_a_wrong_clock_is_made_anew_until_the_clock_is_set(ahead: int, pushed: Towns) -> None:
    pushed.ahead = ahead
    relocation = file()
    for _ in range(2):
        run()
        make_due()
    row = told(relocation)
    assert (row.state, row.code, row.cause, pushed.got) == ("queued", "E114", "refused", [])
    pushed.ahead = 0
    run()
    assert steps(row) == [("queued", 0, ""), ("queued", 1, "E114"), ("queued", 2, "E114"), ("sent", 3, "")]
    assert pushed.ids(HAKODATE) == [str(row.pk)]


def test_a_signature_that_is_never_believed_is_a_refusal_in_the_end(pushed: Towns) -> None:
    relocation, pushed.ahead = file(), 3600
    with acting(HUB):
        Delivery.objects.filter(pk=told(relocation).pk).update(attempts=len(claims.waits(72)))
    run()
    row = told(relocation)
    assert (row.state, row.cause, row.code) == ("held", "refused", "E114")


def test_the_breaker_opens_probes_and_closes(pushed: Towns) -> None:
    pushed.says[HAKODATE] = [500] * 7
    for _ in range(6):
        file()
    run()
    first = lane(HAKODATE)
    assert first.failures >= lanes.THRESHOLD
    assert first.blocked_until is not None
    assert first.blocked_until > timezone.now()
    seen = len(pushed.got)
    file()
    assert (run(), len(pushed.got)) == (1, seen)  # the destination's; the lane is closed also for the new one
    make_due()
    while pushed.says[HAKODATE]:
        run()
        assert len(pushed.got) == seen + 1  # one probe
        assert lane(HAKODATE).failures > first.failures
        seen += 1
        make_due()
    run()
    assert (lane(HAKODATE).failures, lane(HAKODATE).blocked_until) == (0, None)
    assert len(set(pushed.ids(HAKODATE))) == 7
    assert lane(TENRYU).failures == 0


def test_what_never_reached_the_town_does_not_close_its_breaker(pushed: Towns) -> None:
    with acting(HUB):
        Lane.objects.filter(pk=HAKODATE).update(failures=lanes.THRESHOLD + 2, blocked_until=timezone.now())
    pushed.connect(HAKODATE, "mainframe_cp932")
    relocation = unfit()
    run()
    assert (told(relocation).state, pushed.got) == ("held", [])
    assert lane(HAKODATE).failures == lanes.THRESHOLD + 2


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413, 422, 302])
def test_a_refusal_is_final_and_somebody_must_look(status: int, pushed: Towns) -> None:
    pushed.says[HAKODATE] = [status]
    relocation = file()
    run()
    row = told(relocation)
    assert (row.state, row.cause, row.code, row.attempts) == ("held", "refused", "E100", 1)
    make_due()
    assert run() == 0


def test_a_duplicate_is_a_success(pushed: Towns) -> None:
    pushed.says[HAKODATE] = [409]
    relocation = file()
    run()
    assert told(relocation).state == "sent"


def test_nobody_listening_is_a_failure_of_the_lane(pushed: Towns) -> None:
    connect(HAKODATE, "gif_json", "http://127.0.0.1:9/towns/012025/inbox")
    relocation = file()
    run()
    assert (told(relocation).state, told(relocation).code, lane(HAKODATE).failures) == ("queued", "E900", 1)


@pytest.mark.parametrize("address", ["pull:", "memory:x", "push"])
def test_a_character_that_does_not_fit_waits_for_a_decision(address: str, pushed: Towns) -> None:
    pushed.connect(HAKODATE, "mainframe_cp932")
    if address != "push":
        connect(HAKODATE, "mainframe_cp932", address)
    relocation = unfit()
    run()
    row = told(relocation)
    assert (row.state, row.cause, row.code) == ("held", "data", "E130")
    assert pushed.got == []


def test_other_bytes_than_at_the_first_time_never_leave_silently(pushed: Towns) -> None:
    relocation = file()
    run()
    connect(HAKODATE, "regional_xml", Connection.objects.get(municipality=HAKODATE).address)
    with acting(HUB):
        deliveries.send_again(told(relocation), "test")
    run()
    row = told(relocation)
    assert (row.state, row.cause, row.code) == ("held", "ours", "E133")
    assert len(pushed.got) == 1


def test_what_was_shredded_expires(pushed: Towns) -> None:
    relocation = file()
    with acting(HUB):
        vault.shred(relocation.pk)
    run()
    assert (told(relocation).state, told(relocation, "arrival.planned").state, pushed.got) == ("expired", "expired", [])


@pytest.mark.parametrize("broken", ["standard", "signing key", "data key", "notice"])
def test_what_the_hub_cannot_open_or_write_stops_nobody_else(broken: str, pushed: Towns) -> None:
    """A fault of ours in one row: the others go, this one is tried again, with its owner named."""
    relocation, other = file(TENRYU), file(HAKODATE)
    row = told(relocation)
    with acting(HUB), connection.cursor() as cursor:
        if broken == "standard":
            Connection.objects.filter(municipality=TENRYU).update(standard="no_such_layout")
        elif broken == "signing key":
            Connection.objects.filter(municipality=TENRYU).update(signing_key=b"old:xxx")
        elif broken == "data key":
            cursor.execute("UPDATE vault_datakey SET wrapped = 'x' WHERE relocation_id = %s", [relocation.pk])
        else:
            cursor.execute("ALTER TABLE deliveries_delivery DISABLE TRIGGER USER")
            cursor.execute("UPDATE deliveries_delivery SET notice = 'x' WHERE id = %s", [row.pk])
            cursor.execute("ALTER TABLE deliveries_delivery ENABLE TRIGGER USER")
    run()
    assert told(other).state == "sent"
    row = told(relocation)
    code = "E134" if broken == "standard" else "E901"
    assert (row.state, row.attempts, row.cause, row.code) == ("queued", 1, "ours", code)
    assert row.due_at > timezone.now()
    assert lane(TENRYU).failures == 0
