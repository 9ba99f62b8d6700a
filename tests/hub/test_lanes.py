"""Lanes on committed rows: hours and closures, pace, ramp, what is parked, leases of towns that fetch."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

import threading
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.deliveries import claims, lanes, parking, windows
from hub.deliveries import services as deliveries
from hub.deliveries.models import Closure, DatedHours, Delivery, Lane, WeeklyHours
from hub.deliveries.schedule import Hours, Schedule
from hub.deliveries.states import Answer, State
from hub.relocations import changing, status
from municipalities.models import Connection
from municipalities.opening import JST
from tests.conftest import CHIYODA, HAKODATE, TENRYU, filing
from tests.hub import journeys
from tests.hub.committed import db, make_due  # noqa: F401 - a fixture
from tests.hub.pushing import file, lane, pushed, run, told  # noqa: F401 - a fixture among them
from tests.hub.receivers import Towns

pytestmark = pytest.mark.usefixtures("db")


# --- The schedule ----------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    """A moment in Japan."""
    return datetime.fromisoformat(text).replace(tzinfo=JST)


WEEK = Schedule({day: [Hours(time(9), time(17), on_holidays=False)] for day in range(5)})


@pytest.mark.parametrize(
    ("schedule", "now", "opens", "closes"),
    [
        (WEEK, "2026-04-01T12:00", "2026-04-01T09:00", "2026-04-01T17:00"),
        (WEEK, "2026-04-01T17:00", "2026-04-02T09:00", "2026-04-02T17:00"),
        (WEEK, "2026-05-02T10:00", "2026-05-07T09:00", "2026-05-07T17:00"),  # Golden Week, the 6th in lieu
        (WEEK, "2026-12-28T18:00", "2027-01-04T09:00", "2027-01-04T17:00"),
        (Schedule(WEEK.weekly, {date(2026, 4, 2): []}), "2026-04-01T18:00", "2026-04-03T09:00", "2026-04-03T17:00"),
        (
            Schedule(WEEK.weekly, {date(2026, 4, 4): [Hours(time(10), time(12))]}),
            "2026-04-03T18:00",
            "2026-04-04T10:00",
            "2026-04-04T12:00",
        ),
        (
            Schedule(WEEK.weekly, closures=[(at("2026-04-01T11:00"), at("2026-04-01T13:00"))]),
            "2026-04-01T11:00",
            "2026-04-01T13:00",
            "2026-04-01T17:00",
        ),
        (
            Schedule(closures=[(at("2026-04-01T11:00"), at("2026-04-03T13:00"))]),
            "2026-04-01T10:59",
            "2026-03-31T00:00",
            "2026-04-01T11:00",
        ),
        # A night batch from 02:00 to 05:00: what touches at midnight is one period.
        (
            Schedule({day: [Hours(time(), time(2)), Hours(time(5), time())] for day in range(7)}),
            "2026-04-01T23:59",
            "2026-04-01T05:00",
            "2026-04-02T02:00",
        ),
    ],
)
def test_the_open_period_around_a_moment_or_the_next_one(schedule: Schedule, now: str, opens: str, closes: str) -> None:
    period = schedule.period(at(now))
    assert period is not None
    assert (period.opens, period.closes) == (at(opens), at(closes))


def test_a_system_that_never_opens_again_says_so() -> None:
    assert Schedule({0: []}).period(at("2026-04-01T10:00")) is None


# --- Hours and closures ----------------------------------------------------------------------------------


def test_an_announced_closure_holds_tells_the_citizen_and_delivers_afterwards(pushed: Towns) -> None:
    now = timezone.now()
    ends = now + timedelta(hours=3)
    with acting(journeys.system(HAKODATE)):
        first = windows.announce(HAKODATE, now - timedelta(minutes=1), ends, "maintenance")
        again = windows.announce(HAKODATE, now - timedelta(minutes=1), ends, "maintenance")
        assert windows.opens_at(HAKODATE, now) == ends
    assert first.pk == again.pk
    relocation, other = file(), file(TENRYU)
    run()
    assert (told(relocation).attempts, told(other).state) == (0, "sent")
    with acting(journeys.CITIZEN):
        shown = {leg["municipality"]: leg["receives_from"] for leg in status.document(relocation.pk)["legs"]}
        assert shown[HAKODATE] == ends
        assert {code for code, opens in shown.items() if opens} == {HAKODATE}
    with acting(HUB):
        windows.cancel(first)
    run()
    assert told(relocation).state == "sent"
    with acting(journeys.CITIZEN):
        assert {leg["receives_from"] for leg in status.document(relocation.pk)["legs"]} == {None}


def test_when_the_open_period_is_over_the_lane_gets_its_next_one(pushed: Towns) -> None:
    relocation, now = file(), timezone.now()
    with acting(HUB):
        DatedHours.objects.create(municipality_id=HAKODATE, day=timezone.localdate(), opens_at=None, closes_at=None)
        windows.refresh([HAKODATE])
        assert lane(HAKODATE).open_from == windows.opens_at(HAKODATE, now)
    assert run() == 1
    with acting(HUB):
        DatedHours.objects.all().delete()
        # As if the day had passed: the lane still carries a period that is over.
        Lane.objects.filter(pk=HAKODATE).update(open_from=now - timedelta(2), open_until=now - timedelta(1))
    run()
    assert told(relocation).state == "sent"
    assert lane(HAKODATE).open_until is None


@pytest.mark.parametrize(
    ("starts", "ends", "code"),
    [(1, 1, "maintenance"), (2, 1, "maintenance"), (-3, -2, "maintenance"), (1, 24 * 40, "outage"), (1, 2, "lunch")],
)
def test_a_closure_that_cannot_be_meant_is_refused(starts: int, ends: int, code: str) -> None:
    now = timezone.now()
    with acting(journeys.system(HAKODATE)), pytest.raises(Refusal, match="E110"):
        windows.announce(HAKODATE, now + timedelta(hours=starts), now + timedelta(hours=ends), code)
    with acting(HUB):
        assert not Closure.objects.exists()


def test_a_town_announces_for_itself_alone(django_user_model: Any) -> None:
    now = timezone.now()
    with pytest.raises(Exception, match="row-level security"), acting(journeys.system(HAKODATE)):
        windows.announce(CHIYODA, now, now + timedelta(hours=1), "maintenance")
    with pytest.raises(Exception, match="row-level security"), acting(journeys.system(HAKODATE)):
        WeeklyHours.objects.create(municipality_id=CHIYODA, day=0, opens_at=time(9), closes_at=time(17))


# --- Pace ------------------------------------------------------------------------------------------------


def test_a_lane_sends_no_more_per_second_than_its_system_takes(pushed: Towns) -> None:
    pushed.connect(HAKODATE, concurrency=16)
    Connection.objects.filter(municipality=HAKODATE).update(per_second=20)
    for _ in range(15):
        file()
    began = timezone.now()
    batch = claims.claim_batch(100)
    sizes = [len([one for one in batch.claimed if one.municipality == HAKODATE])]
    assert sizes == [5]  # a quarter of a second's worth
    assert len([one for one in claims.claim(100) if one.municipality == HAKODATE]) <= 1 + int(
        20 * (timezone.now() - began).total_seconds()
    )
    make_due()
    run()
    assert len(pushed.ids(HAKODATE)) == 15
    # 15 requests after 5 that were spent before: at 20 a second they cannot have gone in less than half a second.
    assert (timezone.now() - began).total_seconds() > 0.5


def test_after_a_pause_the_pace_is_taken_up_step_by_step(pushed: Towns) -> None:
    pushed.connect(HAKODATE, concurrency=10)
    for _ in range(12):
        file()
    with acting(journeys.system(HAKODATE)):
        lanes.pause([HAKODATE], paused=True)
    assert [one for one in claims.claim(100) if one.municipality == HAKODATE] == []
    with acting(journeys.system(HAKODATE)):
        lanes.pause([HAKODATE], paused=False)
    assert len([one for one in claims.claim(100) if one.municipality == HAKODATE]) == 1
    with acting(HUB):
        Lane.objects.filter(pk=HAKODATE).update(resumed_at=timezone.now() - lanes.RAMP / 2)
    assert len([one for one in claims.claim(100) if one.municipality == HAKODATE]) in (4, 5)
    with acting(HUB):
        Lane.objects.filter(pk=HAKODATE).update(resumed_at=timezone.now() - lanes.RAMP)
    assert len([one for one in claims.claim(100) if one.municipality == HAKODATE]) in (4, 5)


def test_attempts_go_on_as_long_as_the_connection_says(pushed: Towns) -> None:
    Connection.objects.filter(municipality=HAKODATE).update(retry_hours=1)
    relocation = file()
    with acting(HUB):
        Delivery.objects.filter(pk=told(relocation).pk).update(attempts=len(claims.waits(1)))
    pushed.says[HAKODATE] = [500]
    run()
    row = told(relocation)
    assert (row.state, row.cause) == ("held", "theirs")
    assert row.held_at is not None


# --- What waits behind something -------------------------------------------------------------------------


def test_what_waits_behind_an_unfetched_one_is_not_read_again_and_again(pushed: Towns) -> None:
    relocation = file()
    run()
    for said in journeys.course(relocation, filing(1))[:6]:
        journeys.say(relocation, said)
    behind = told(relocation, "arrival.prefill")
    assert (told(relocation, "arrival.planned").state, behind.state) == ("ready", "queued")
    assert parking.park() == 1
    assert told(relocation, "arrival.prefill").due_at > timezone.now() + timedelta(minutes=5)
    assert parking.park() == 0
    assert journeys.fetch(CHIYODA) == 1
    assert told(relocation, "arrival.prefill").due_at <= timezone.now()
    run()
    assert told(relocation, "arrival.prefill").state == "ready"


def test_what_was_parked_while_the_earlier_one_left_is_not_forgotten(pushed: Towns) -> None:
    """The fetch holds the earlier row when the courier would park what is behind: it must leave it alone."""
    relocation = file()
    run()
    for said in journeys.course(relocation, filing(1))[:6]:
        journeys.say(relocation, said)
    parked: list[int] = []

    def other() -> None:
        try:
            parked.append(parking.park())
        finally:
            connection.close()

    with acting(journeys.system(CHIYODA)):
        deliveries.fetch(deliveries.locked(told(relocation, "arrival.planned").pk, CHIYODA))
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert parked == [0]
    run()
    assert told(relocation, "arrival.prefill").state == "ready"


# --- Superseded versions ---------------------------------------------------------------------------------


def test_a_superseded_version_is_not_sent_and_a_late_receipt_for_it_changes_nothing(pushed: Towns) -> None:
    relocation = file()
    with acting(HUB):
        gone = deliveries.take_back(relocation.pk, State.SUPERSEDED, [HAKODATE])
    assert [row.type for row in gone] == ["moveout.submitted"]
    run()
    assert pushed.got == []
    with acting(journeys.system(HAKODATE)):
        row = deliveries.locked(gone[0].pk, HAKODATE)
        _, new = deliveries.receive(row, deliveries.ReceiptBody(kind=Answer.REGISTERED))
        assert (new, row.state, row.answer) == (True, "superseded", "")


# --- Towns that fetch ------------------------------------------------------------------------------------


def filed_for_chiyoda(count: int) -> list[str]:
    """File, and let the courier make ready what Chiyoda fetches; returns the ids in order."""
    for number in range(count):
        journeys.file(filing(number))
    run()
    with acting(HUB):
        rows = Delivery.objects.filter(municipality=CHIYODA, state="ready").order_by("pk")
        return [str(pk) for pk in rows.values_list("pk", flat=True)]


def leased(worker: str, limit: int = 100, seconds: int = 60) -> list[str]:
    """Lease as the system of Chiyoda."""
    with acting(journeys.system(CHIYODA)):
        return [str(row.pk) for row in deliveries.lease(CHIYODA, worker, limit, seconds)]


def test_two_workers_of_a_town_never_get_the_same_delivery(pushed: Towns) -> None:
    ids = filed_for_chiyoda(12)
    got: dict[str, list[str]] = {}

    def work(name: str) -> None:
        try:
            got[name] = leased(name, 7)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [one for name in got for one in got[name]]
    assert len(everything) == len(set(everything)) <= 12
    assert sorted(everything + leased("d")) == ids
    with acting(journeys.system(CHIYODA)):
        assert deliveries.ready(CHIYODA, None, 100) == []


def test_a_worker_that_dies_while_fetching_loses_nothing(pushed: Towns) -> None:
    (first, second) = filed_for_chiyoda(2)
    assert leased("a") == [first, second]
    with acting(journeys.system(CHIYODA)):
        for one in (first, second):  # both were read, and one was confirmed before the worker died
            deliveries.fetch(deliveries.locked(one, CHIYODA))  # type: ignore[arg-type]
        row = deliveries.locked(first, CHIYODA)  # type: ignore[arg-type]
        deliveries.receive(row, deliveries.ReceiptBody(kind=Answer.RECEIVED))
    with acting(HUB):
        states = {str(row.pk): row.state for row in Delivery.objects.filter(municipality=CHIYODA)}
    assert states == {first: "sent", second: "ready"}
    assert leased("b") == []
    assert leased("a") == [second]  # the same worker, started again
    with acting(journeys.system(CHIYODA)):
        assert deliveries.give_back(CHIYODA, "a") == 1
    assert leased("b") == [second]


def test_a_worker_that_reads_after_its_lease_ran_out_and_dies_loses_nothing(pushed: Towns) -> None:
    (only,) = filed_for_chiyoda(1)
    assert leased("a") == [only]
    with acting(HUB):
        Delivery.objects.filter(pk=only).update(leased_until=timezone.now())
    parking.end_expired()
    with acting(journeys.system(CHIYODA)):
        deliveries.fetch(deliveries.locked(only, CHIYODA))  # type: ignore[arg-type]
    assert leased("b") == [only]


def test_what_is_issued_anew_is_over_for_a_worker_once_it_has_answered_as_before(pushed: Towns) -> None:
    (only,) = filed_for_chiyoda(1)
    kinds = (Answer.RECEIVED, Answer.ACCEPTED_FOR_REVIEW)
    for round_ in range(2):
        assert leased("a") == [only]
        with acting(journeys.system(CHIYODA)):
            for kind in kinds:
                row = deliveries.locked(only, CHIYODA)  # type: ignore[arg-type]
                deliveries.fetch(row)
                _, new = deliveries.receive(row, deliveries.ReceiptBody(kind=kind))
                assert new == (round_ == 0)
            assert deliveries.locked(only, CHIYODA).state == "answered"  # type: ignore[arg-type]
        assert leased("a") == []
        if round_ == 0:
            with acting(HUB):
                deliveries.send_again(deliveries.locked(only, CHIYODA), "test")  # type: ignore[arg-type]
            run()


def test_what_was_leased_and_never_answered_is_listed_behind_every_kept_place(pushed: Towns) -> None:
    (first, _second) = filed_for_chiyoda(2)
    assert leased("a", limit=1) == [first]
    with acting(journeys.system(CHIYODA)):
        (row,) = deliveries.ready(CHIYODA, None, 100)
        place = (row.changed_at, row.pk)
    with acting(HUB):
        Delivery.objects.filter(pk=first).update(leased_until=timezone.now())  # as if its time had passed
    assert parking.end_expired() == 1
    with acting(journeys.system(CHIYODA)):
        assert [str(one.pk) for one in deliveries.ready(CHIYODA, place, 100)] == [first]


def test_what_a_worker_may_have_read_counts_as_told_when_it_is_taken_back(pushed: Towns) -> None:
    relocation = file()
    run()
    assert leased("a") == [str(told(relocation, "arrival.planned").pk)]
    changing.withdraw(relocation.pk, journeys.CITIZEN)
    assert told(relocation, "arrival.planned").state == "ready"
    with acting(HUB):
        told_of_it = Delivery.objects.filter(relocation_id=relocation.pk, type="withdraw.requested")
        assert CHIYODA in {row.municipality_id for row in told_of_it}


@pytest.mark.parametrize(("worker", "seconds"), [("", 60), ("x" * 65, 60), ("a b", 60), ("a", 1), ("a", 4_000)])
def test_a_lease_that_is_not_possible_is_refused(worker: str, seconds: int) -> None:
    with acting(journeys.system(CHIYODA)), pytest.raises(Refusal, match="E110"):
        deliveries.lease(CHIYODA, worker, 1, seconds)
