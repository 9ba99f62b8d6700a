"""What a simulated clerk says, who misbehaves and when things are done: the parts without a network."""

import asyncio
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from municipalities import standard
from municipalities.notice import Flow, Kind, Mover, Notice, Role
from municipalities.simulator import clerk, counter
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


def test_what_a_person_says_at_a_counter_the_clerks_do(tmp_path: Path) -> None:
    """Who asks to wait, or appears elsewhere, before the decision is heard; afterwards it is too late."""
    towns = [
        Town(code=code, standard="gif_json", address=address, client_id="", client_secret="")
        for code, address in (("011011", "pull:"), ("131016", "pull:"), ("012025", "folder:towns/012025"))
    ]
    settings = Settings(hub="", data=tmp_path, folder_root=tmp_path)

    async def scenario() -> None:
        async with open_session() as session:
            ledger = Ledger(tmp_path)
            office = Office({one.code: one for one in towns}, settings, ledger, Api(session, ""), Faults([]))
            intake, count = Intake(office, Desk(office)), iter(range(100))

            async def arrives(town: Town, type_: str, receipt_no: str, **more: Any) -> list[str]:
                number = f"n{next(count)}"
                notice = Notice(
                    notice_id=number, type=type_, receipt_no=receipt_no, recipient=town.code,
                    movers=(Mover(ordinal=1),), **{"version": 1, "role": Role.DESTINATION, **more},
                )  # fmt: skip
                content = standard.load(town.standard).write(notice).content
                await intake.take(town, Envelope(number, type_), content)
                return [one.step.name for one in ledger.open_steps(f"{town.code}/{number}", 9)]

            async def says(town: Town, what: Any, receipt_no: str) -> bool:
                changes = (counter.Change("/newAddress", {}),) if what == "appears" else ()
                return await intake.hear(town, counter.Said(receipt_no, what, changes))

            planned, other, files = towns
            receipts = ["received", "accepted_for_review"]
            # Appears elsewhere: reported there once, and registered there only.
            assert await says(other, "appears", "A")
            assert await says(other, "appears", "A")
            assert [one.step.name for one in ledger.open_steps(f"{other.code}/A/appears", 9)] == ["arrival.diverted"]
            assert await arrives(planned, "arrival.prefill", "A") == receipts
            assert await arrives(other, "arrival.prefill", "A") == [*receipts, "movein.decided"]
            # The same when the record had come, as long as nobody was registered.
            assert (await arrives(planned, "arrival.prefill", "B"))[2:] == ["arrival.visited", "movein.decided"]
            assert await says(other, "appears", "B")
            assert len(ledger.open_steps(f"{planned.code}/n2", 9)) == 2
            # A town that exchanges files has said all at once.
            assert len(await arrives(files, "arrival.prefill", "C")) == 4
            assert not await says(other, "appears", "C")
            # Asked to wait, a clerk decides on the new version, where nothing is filed at the town that is left, too.
            within = {"kind": Kind.IN_CITY, "flow": Flow.NOT_APPLICABLE}
            assert await says(planned, "wait", "D")
            assert await arrives(planned, "arrival.prefill", "D", **within) == receipts
            amended = await arrives(planned, "filing.amended", "D", **within, version=2)
            assert amended == ["received", "registered", "arrival.visited", "movein.decided"]
            assert len(await arrives(planned, "moveout.submitted", "E", role=Role.ORIGIN)) == 6
            assert await says(planned, "wait", "E")
            await ledger.close()

    asyncio.run(scenario())


def test_what_the_hub_took_has_taken_effect_though_an_earlier_answer_waits(tmp_path: Path) -> None:
    """A town that exchanges files lays all of an answer at once; the hub may take the third before the second."""
    town = Town(code="012025", standard="gif_json", address="folder:towns/012025", client_id="", client_secret="")
    notice = Notice(
        notice_id="n", type="moveout.submitted", receipt_no="r", version=1, recipient=town.code, role=Role.ORIGIN,
        movers=(Mover(ordinal=1),),
    )  # fmt: skip
    answers = tmp_path / "towns" / town.code / "answers"
    (answers / "done").mkdir(parents=True)

    async def scenario() -> None:
        async with open_session() as session:
            ledger = Ledger(tmp_path)
            settings = Settings(hub="", data=tmp_path, folder_root=tmp_path)
            office = Office({town.code: town}, settings, ledger, Api(session, ""), Faults([]))
            desk = Desk(office)
            content = standard.load(town.standard).write(notice).content
            await Intake(office, desk).take(town, Envelope("n", notice.type), content)
            await desk.work("012025/n")
            for path in answers.glob("n.03.registered*"):
                path.replace(answers / "done" / path.name)
            await desk.work("012025/n")
            assert [one["times"] for one in ledger.effects()] == [1]
            assert [one.n for one in ledger.open_steps("012025/n", 9)] == [0, 1, 2, 4, 5]
            await ledger.close()

    asyncio.run(scenario())
