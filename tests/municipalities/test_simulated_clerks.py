"""What a simulated clerk says, who misbehaves and when things are done: the parts without a network."""

import asyncio
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from municipalities import standard
from municipalities.notice import Flow, Mover, Notice, Role
from municipalities.simulator import clerk
from municipalities.simulator.agenda import Agenda
from municipalities.simulator.api import Api
from municipalities.simulator.desk import Desk
from municipalities.simulator.faults import PROFILES, Act, Faults, mixed
from municipalities.simulator.intake import Envelope, Intake
from municipalities.simulator.ledger import Ledger
from municipalities.simulator.office import Office
from municipalities.simulator.town import Settings, Town
from municipalities.transports import open_session

dates = st.none() | st.dates(date(2020, 1, 1), date(2030, 12, 31))


@given(
    kind=st.sampled_from(sorted(clerk.PLANS)),
    flow=st.sampled_from([Flow.CARD_SPECIAL, Flow.PAPER_CERT]),
    ordinals=st.sets(st.integers(1, 9), max_size=4),
    day=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    when=st.tuples(dates, dates, dates),
)
def test_whatever_the_record_says_the_clerk_reports_what_is_legal_and_the_same_again(
    kind: str, flow: Flow, ordinals: set[int], day: date, when: tuple[date | None, ...]
) -> None:
    notice = Notice(
        notice_id="n", type=kind, receipt_no="r", version=1, recipient="011011", role=Role.ORIGIN, flow=flow,
        planned_out_on=when[0], living_from=when[1], actual_in_on=when[2],
        movers=tuple(Mover(ordinal=ordinal) for ordinal in sorted(ordinals)),
    )  # fmt: skip
    steps = clerk.plan(notice, day)
    assert steps == clerk.plan(notice, day)
    assert len({step.key for step in steps}) == len(steps)
    assert sum(step.effect for step in steps) == 1
    told = {step.name: json.loads(step.body) for step in steps}
    for name, body in told.items():
        if name in {"arrival.visited", "movein.decided"}:
            assert body["legal_date"] <= day.isoformat()  # nobody moves in tomorrow
        assert body.get("movers", sorted(ordinals)) == sorted(ordinals)
        assert not re.search("[0-9]{12}", body.get("reference", ""))
    if kind == "arrival.prefill":
        assert told["arrival.visited"]["legal_date"] == told["movein.decided"]["legal_date"]
    if kind == "moveout.submitted":
        card = "certificate.available" if flow is Flow.CARD_SPECIAL else "certificate.paper_issued"
        assert list(told)[-1] == card


def test_what_is_answered_again_after_a_lost_disk_on_a_later_day_is_the_same_message(tmp_path: Path) -> None:
    notice = Notice(
        notice_id="n", type="arrival.prefill", receipt_no="r", version=1, recipient="011011", role=Role.DESTINATION,
        flow=Flow.CARD_SPECIAL, living_from=date(2030, 1, 1), movers=(Mover(ordinal=1),),
    )  # fmt: skip
    town = Town(code="011011", standard="gif_json", address="pull:", client_id="", client_secret="")
    settings = Settings(hub="", data=tmp_path, folder_root=tmp_path)

    async def scenario(clock: time_machine.Traveller) -> None:
        async with open_session() as session:
            ledger = Ledger(tmp_path)
            office = Office({town.code: town}, settings, ledger, Api(session, ""), Faults([]))
            intake = Intake(office, Desk(office))
            envelope, content = Envelope("n", notice.type), standard.load(town.standard).write(notice).content
            assert await intake.take(town, envelope, content) == "new"
            first = ledger.open_steps("011011/n", 9)
            await ledger.lose(town.code)
            assert ledger.open_steps("011011/n", 9) == []
            clock.shift(timedelta(days=3))
            assert await intake.take(town, envelope, content) == "new"
            assert ledger.open_steps("011011/n", 9) == first
            assert b"2026-04-01" in first[3].step.body
            await ledger.close()

    with time_machine.travel("2026-04-01T10:00:00+09:00", tick=False) as clock:
        asyncio.run(scenario(clock))


def test_faults_fall_on_the_same_towns_every_time_and_on_as_many_as_asked() -> None:
    codes = [f"{number:06}" for number in range(1000)]
    shares = [
        Act(profile=PROFILES[name], percent=percent) for name, percent in (("slow", 10), ("down", 2.5), ("flaky", 30))
    ]
    one, two = Faults(codes, shares), Faults(reversed(codes), shares)
    other = Faults(codes, shares, seed=1)
    assert one.counts() == other.counts() == {"slow": 100, "down": 25, "flaky": 300}
    assert [one.of(code) for code in codes] == [two.of(code) for code in codes]
    assert [one.of(code) for code in codes] != [other.of(code) for code in codes]
    one.give(PROFILES["down"], codes, seconds=0)
    assert [one.of(code) for code in codes] == [two.of(code) for code in codes]  # as before


@pytest.mark.parametrize(
    ("profile", "at", "away", "rests"),
    [
        ("careful", "2026-04-01T03:00", False, False),
        ("batch", "2026-04-01T17:59", False, True),
        ("batch", "2026-04-05T18:00", False, False),  # a Sunday: machines work
        ("batch", "2026-04-01T18:30", False, True),
        ("office_hours", "2026-04-01T08:29", True, True),
        ("office_hours", "2026-04-01T17:14", False, False),
        ("office_hours", "2026-04-01T17:15", True, True),
        ("office_hours", "2026-04-29T10:00", True, True),  # a national holiday
        ("down", "2026-04-01T10:00", True, True),
    ],
)
def test_who_is_away_and_who_only_rests(profile: str, at: str, away: bool, rests: bool) -> None:
    with time_machine.travel(f"{at}:00+09:00"):
        faults = Faults(["011011"], [Act(profile=PROFILES[profile])])
        assert (faults.is_away("011011"), faults.rests("011011")) == (away, rests)
        assert (faults.opens_in("011011") > 0) == (away and profile == "office_hours")


def test_a_flapping_town_is_up_and_down_by_turns_and_not_all_of_them_at_once() -> None:
    codes = [f"{number:06}" for number in range(30)]
    faults = Faults(codes, [Act(profile=mixed(["flapping"], {"turns": [4.0, 2.0]}))], speed=2.0)
    seen = []
    with time_machine.travel("2026-04-01T10:00:00+09:00", tick=False) as clock:
        for _ in range(60):
            seen.append([faults.is_away(code) for code in codes])
            clock.shift(0.1)
    assert {sum(town) for town in zip(*seen, strict=True)} == {20}  # a third of two turns of three seconds
    assert all(0 < sum(moment) < 30 for moment in seen)


def test_an_agenda_does_nothing_twice_at_a_time_and_forgets_nothing_asked_meanwhile() -> None:
    begun: list[str] = []
    at_work: set[str] = set()

    async def work(key: str) -> float | None:
        assert key not in at_work
        at_work.add(key)
        begun.append(key)
        assert len(at_work) <= 2
        await asyncio.sleep(0.02)
        at_work.discard(key)
        return 0.01 if key == "again" and begun.count(key) < 3 else None

    async def scenario() -> None:
        agenda = Agenda(work, 2)
        running = asyncio.create_task(agenda.run())
        for key in ("a", "b", "again", "a", "late"):
            agenda.put(key, 5 if key == "late" else 0)
        await asyncio.sleep(0.01)
        agenda.put("a")  # asked while it is being done: once more afterwards
        agenda.put("late", 0.01)  # earlier than it was due
        await asyncio.sleep(0.4)
        running.cancel()

    asyncio.run(scenario())
    assert {key: begun.count(key) for key in begun} == {"a": 2, "b": 1, "again": 3, "late": 1}
