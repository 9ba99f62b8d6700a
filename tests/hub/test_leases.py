"""Several at work on the same rows: couriers that die or lose their lease, towns that are quick, citizens who withdraw."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries import claims, courier, signals
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.fidelity.models import Substitution
from hub.relocations import changing, journey
from hub.relocations.models import Relocation
from municipalities import transports
from tests.conftest import HAKODATE, TENRYU, filing, town
from tests.hub import journeys
from tests.hub.committed import db, make_due  # noqa: F401 - a fixture
from tests.hub.pushing import file, lane, pushed, run, steps, told, unfit  # noqa: F401 - a fixture among them
from tests.hub.receivers import Towns

pytestmark = pytest.mark.usefixtures("db")


# --- Leases ----------------------------------------------------------------------------------------------


def test_a_courier_that_lost_its_lease_changes_nothing(pushed: Towns) -> None:
    relocation = file()
    (slow, _) = sorted(claims.claim(10), key=lambda claimed: claimed.municipality != HAKODATE)
    assert claims.claim(10) == []
    make_due()
    (quick, _) = sorted(claims.claim(10), key=lambda claimed: claimed.municipality != HAKODATE)
    assert (slow.id, slow.attempt, quick.attempt) == (quick.id, 1, 2)
    assert claims.write([claims.Outcome(slow, claims.Fate.HELD, "E100", "refused")]) == 0
    assert told(relocation).state == "queued"
    assert claims.write([claims.Outcome(quick, claims.Fate.SENT)]) == 1
    assert claims.write([claims.Outcome(quick, claims.Fate.AGAIN, "E900", "theirs")]) == 0
    assert told(relocation).state == "sent"


def test_an_answer_that_overtakes_the_couriers_note_is_kept(pushed: Towns) -> None:
    pushed.connect(HAKODATE, "mainframe_cp932")
    relocation = file(number=5)
    claimed = next(one for one in claims.claim(10) if one.municipality == HAKODATE)
    outcome = asyncio.run(attempted(claimed))
    answer = town(HAKODATE).post(f"deliveries/{claimed.id}/receipts", {"kind": "registered"})
    assert answer.json()["state"] == "answered"
    claims.write([outcome])
    row = told(relocation)
    assert (row.state, row.answer, row.leased_until) == ("answered", "registered", None)
    assert row.content_sha256 is not None
    with acting(HUB):
        assert Substitution.objects.filter(delivery_id=row.pk).exists()


def test_a_resend_asked_for_while_the_courier_still_holds_it_is_not_lost(pushed: Towns) -> None:
    relocation = file()
    claimed = next(one for one in claims.claim(10) if one.municipality == HAKODATE)
    outcome = asyncio.run(attempted(claimed))
    system = town(HAKODATE)
    system.post(f"deliveries/{claimed.id}/receipts", {"kind": "received"})
    report = {"id": str(relocation.pk), "type": "resend.requested", "receipt_no": relocation.receipt_no}
    assert system.post("reports", report | {"delivery": str(claimed.id)}).status_code == 201
    claims.write([outcome])
    assert told(relocation).state == "queued"
    run()
    assert pushed.ids(HAKODATE) == [str(claimed.id)] * 2


async def attempted(claimed: claims.Claimed) -> claims.Outcome:
    """Hand one delivery over, without writing it down."""
    async with transports.open_session() as session:
        return await courier.attempt(claimed, session, asyncio.to_thread)


def written(outcomes: list[claims.Outcome]) -> None:
    """Write down in a thread of its own what became of deliveries."""
    try:
        claims.write(outcomes)
    finally:
        connection.close()


def posted(answers: list[int], relocation: Relocation) -> None:
    """Report in a thread of its own that the origin is reviewing."""
    body = {"id": str(relocation.pk), "type": "moveout.reviewing", "receipt_no": relocation.receipt_no}
    try:
        answers.append(town(HAKODATE).post("reports", body).status_code)
    finally:
        connection.close()


def test_a_report_that_meets_the_couriers_note_waits_and_is_taken(
    pushed: Towns, monkeypatch: pytest.MonkeyPatch
) -> None:
    relocation, answers, tell = file(), list[int](), signals.sent.send
    claimed = next(one for one in claims.claim(10) if one.municipality == HAKODATE)
    report = threading.Thread(target=posted, args=(answers, relocation))

    def slowly(**told: Any) -> None:
        """The delivery and its audit are written; the leg follows when the report has come as far as it can."""
        report.start()
        report.join(1.5)  # longer than PostgreSQL waits before it looks for a deadlock
        tell(**told)

    monkeypatch.setattr(signals.sent, "send", slowly)
    assert claims.write([claims.Outcome(claimed, claims.Fate.SENT)]) == 1
    report.join()
    assert answers == [201]
    with acting(HUB):
        assert {mover.state for mover in relocation.movers.filter(role="origin")} == {"PROVISIONAL"}


def test_a_note_of_the_courier_between_reading_and_writing_is_not_undone(
    pushed: Towns, monkeypatch: pytest.MonkeyPatch
) -> None:
    relocation, answers, travel = file(), list[int](), journey.travel
    outcomes = [claims.Outcome(claimed, claims.Fate.SENT) for claimed in claims.claim(10)]

    def meanwhile(situation: journey.Situation) -> journey.Journey:
        note = threading.Thread(target=written, args=(outcomes,))
        note.start()
        note.join()
        return travel(situation)

    monkeypatch.setattr(journey, "travel", meanwhile)
    posted(answers, relocation)
    assert answers == [201]
    with acting(HUB):
        states = {(mover.role, mover.state) for mover in relocation.movers.exclude(role="domicile")}
    assert states == {("origin", "PROVISIONAL"), ("destination", "ANNOUNCED")}


def test_two_couriers_send_everything_once(pushed: Towns) -> None:
    for _ in range(8):
        file(HAKODATE)
        file(TENRYU)
    carried: list[int] = []
    threads = [threading.Thread(target=lambda: carried.append(run())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(carried) == 32
    for code in (HAKODATE, TENRYU):
        assert len(pushed.ids(code)) == len(set(pushed.ids(code))) == 8
        assert pushed.most[code] <= 4


@pytest.mark.parametrize("how", ["cancelled", "database gone"])
def test_a_courier_that_dies_after_sending_sends_again_under_the_same_id(
    how: str, pushed: Towns, monkeypatch: pytest.MonkeyPatch
) -> None:
    relocation = file()

    def never(outcomes: list[claims.Outcome]) -> int:
        raise ConnectionError

    async def wait(_courier: courier.Courier) -> None:
        await asyncio.sleep(60)

    async def die(database: ThreadPoolExecutor) -> None:
        task = asyncio.create_task(courier.Courier(0, 10, database).run())
        while not pushed.done:
            await asyncio.sleep(0.005)
        task.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await task

    with monkeypatch.context() as patch:
        if how == "cancelled":
            patch.setattr(courier.Courier, "write_down", wait)
        else:
            patch.setattr(courier, "write", never)
        with ThreadPoolExecutor(1) as database:
            asyncio.run(die(database))
            database.submit(connections.close_all).result()
    row = told(relocation)
    assert (row.state, row.attempts) == ("queued", 1)
    assert row.leased_until is not None
    assert row.leased_until > timezone.now()
    assert run() == 0  # the lease still runs
    make_due()
    run()
    assert pushed.ids(HAKODATE) == [str(row.pk)] * 2
    assert len({got.body for got in pushed.got}) == 1
    assert told(relocation).state == "sent"


def test_everything_at_once_settles(pushed: Towns) -> None:
    """Couriers and impatient towns in threads of their own, all on the same relocations."""
    documents = [filing(number, origin=HAKODATE) for number in (0, 5, 6, 9)]
    moves = [(journeys.file(document), document) for document in documents]
    odd: list[str] = []
    over = threading.Event()

    def speak(turn: int) -> None:
        """Say everything in an order of one's own until all of it was taken."""
        try:
            waiting = [(move, said) for move, document in moves for said in journeys.course(move, document)]
            Random(turn).shuffle(waiting)
            while waiting and not over.is_set():
                journeys.fetch()
                words = [(journeys.say(move, said), move, said) for move, said in waiting]
                odd.extend(word for word, _, _ in words if word not in ("new", "known", "E200", "E108"))
                waiting = [(move, said) for word, move, said in words if word not in ("new", "known")]
        finally:
            connection.close()

    def carry() -> None:
        while not over.is_set():
            run()

    couriers = [threading.Thread(target=carry) for _ in range(2)]
    speakers = [threading.Thread(target=speak, args=(turn,)) for turn in range(3)]
    for thread in couriers + speakers:
        thread.start()
    for thread in speakers:
        thread.join(60)
    over.set()
    for thread in couriers:
        thread.join()
    assert odd == []
    for move, document in moves:
        found = journeys.picture(move)
        assert found["state"] == "SETTLED"
        assert set(found["reports"].values()) | set(found["receipts"].values()) == {1}
        assert sum(found["reports"].values()) + sum(found["receipts"].values()) == len(journeys.course(move, document))
    assert len(pushed.got) == len({got.id for got in pushed.got})


# --- Asked for again, taken back -------------------------------------------------------------------------


def test_a_delivery_asked_for_again_goes_under_the_same_id(pushed: Towns) -> None:
    relocation = file()
    run()
    row = told(relocation)
    report = {
        "id": str(relocation.pk),
        "type": "resend.requested",
        "receipt_no": relocation.receipt_no,
        "delivery": str(row.pk),
    }
    assert town(HAKODATE).post("reports", report).status_code == 201
    run()
    assert pushed.ids(HAKODATE) == [str(row.pk)] * 2
    assert told(relocation).state == "sent"


def test_what_was_answered_and_sent_again_is_answered_by_the_same_answer(pushed: Towns) -> None:
    relocation = file()
    run()
    path = f"deliveries/{told(relocation).pk}/receipts"
    for kind in ("received", "registered"):
        assert town(HAKODATE).post(path, {"kind": kind}).status_code == 201
    with acting(HUB):
        deliveries.send_again(told(relocation), "test")
    run()
    for kind, state in (("received", "sent"), ("registered", "answered")):
        answer = town(HAKODATE).post(path, {"kind": kind})
        assert (answer.status_code, answer.json()["state"], answer.json()["duplicate"]) == (200, state, True)
    assert told(relocation).answer == "registered"


def test_what_a_pulling_town_has_not_fetched_is_taken_back(pushed: Towns) -> None:
    relocation = file()
    pushed.says[HAKODATE] = [422]
    run()
    assert told(relocation, "arrival.planned").state == "ready"
    changing.withdraw(relocation.pk, journeys.CITIZEN)
    assert told(relocation, "arrival.planned").state == "withdrawn"
    with acting(HUB):
        told_of_it = Delivery.objects.filter(relocation_id=relocation.pk, type="withdraw.requested")
        assert [row.municipality_id for row in told_of_it] == [HAKODATE]


def test_what_could_not_be_written_is_taken_back(pushed: Towns) -> None:
    pushed.connect(HAKODATE, "mainframe_cp932")
    relocation = unfit()
    run()
    changing.withdraw(relocation.pk, journeys.CITIZEN)
    assert told(relocation).state == "withdrawn"
    with acting(HUB):
        assert not Delivery.objects.filter(relocation_id=relocation.pk, type="withdraw.requested").exists()


def test_what_is_under_way_when_it_is_taken_back_counts_as_told(pushed: Towns) -> None:
    relocation = file()
    claimed = claims.claim(10)
    changing.withdraw(relocation.pk, journeys.CITIZEN)
    claims.write([claims.Outcome(one, claims.Fate.SENT) for one in claimed])
    run()
    assert [got.type for got in pushed.got] == ["withdraw.requested"]
    assert told(relocation).state == "sent"
