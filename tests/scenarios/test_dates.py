"""S13 to S19: dates and clocks (domain reference 7)."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from hub.actors import HUB, acting
from hub.relocations import clocks
from hub.relocations.models import Relocation
from municipalities.notice import Flow
from tests.conftest import front
from tests.scenarios.stage import TARO, A, B, Stage, day, move, person

pytestmark = pytest.mark.django_db


def filed_online(**changes: Any) -> tuple[int, dict[str, str]]:
    """File through a partner front; returns the status and the body."""
    document = msgspec.to_builtins(move(TARO, **changes))
    answer = front().post("relocations", document, Idempotency_Key=str(uuid4()))
    return answer.status_code, answer.json()


def test_s15_the_online_window_ends_with_day_ten_in_japan(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    since: dict[str, Any] = {"living_from": day("2026-04-01"), "planned_out_on": day("2026-04-01")}
    stage.at("2026-04-12", "00:00")
    status, problem = filed_online(**since)
    assert (status, problem["code"], problem["pointer"]) == (422, "E304", "/livingFrom")
    assert "counter" in problem["remedy"] or "窓口" in problem["remedy"]
    with acting(HUB):
        assert not Relocation.objects.exists()
    # Day 10 to its last second, by the clock of Japan: in London it is the afternoon before.
    stage.at("2026-04-11", "23:59:57")
    status, accepted = filed_online(**since)
    assert (status, accepted["filed_on"]) == (201, "2026-04-11")
    # Whether the first day counts is not certain: a switch in the table makes it one day less.
    table = dict(clocks.table())
    table["C10"] = replace(table["C10"], first_day_counts=True)
    monkeypatch.setattr(clocks, "table", lambda: table)
    stage.at("2026-04-11", "09:00")
    assert filed_online(**since)[0] == 422
    stage.at("2026-04-10", "09:00")
    assert filed_online(**since)[0] == 201


def test_s16_filed_fifteen_days_after_leaving_is_done_ex_officio(stage: Stage) -> None:
    stage.at("2026-03-20")
    late: dict[str, Any] = {"planned_out_on": day("2026-03-05"), "living_from": day("2026-03-10")}
    assert filed_online(**late)[1]["code"] == "E308"
    story = stage.file(move(TARO, **late | {"planned_out_on": day("2026-03-06")}))
    # The clerk finds out that the person left on the fifth: 15 days ago.
    story.report(A, "moveout.reviewing")
    story.report(A, "moveout.decided", "EX_OFFICIO", legal_date="2026-03-05")
    assert story.states(A) == ["EFFECTIVE"]
    assert story.row.flow == Flow.PAPER_CERT
    problem = story.refused(A, "certificate.available")
    assert (problem["code"], "paper" in problem["detail"]) == ("E200", True)
    assert story.refused(B, "movein.decided", "REGISTERED")["code"] == "E200"
    story.report(A, "certificate.paper_issued")
    story.moved_in()
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    assert story.notice(B, "arrival.prefill").flow == Flow.PAPER_CERT
    audit = story.audit()
    assert (audit["certificate.available"], audit["certificate.paper_issued"]) == (0, 1)


def test_s17_who_arrives_earlier_than_planned_is_deleted_earlier(stage: Stage) -> None:
    story = stage.file(move(planned_out_on=day("2026-03-31"), living_from=day("2026-04-01")))
    story.moved_out()
    stage.at("2026-03-28")
    # Before the planned day nothing is deleted.
    assert story.refused(A, "moveout.effective", legal_date="2026-03-28")["code"] == "E200"
    story.moved_in(legal_date="2026-03-27")
    notice = story.notice(A, "movein.notice")
    assert (notice.planned_out_on, notice.actual_in_on) == (day("2026-03-31"), day("2026-03-27"))
    assert story.states(A) == ["EFFECTIVE"] * 3
    story.report(A, "moveout.effective", legal_date="2026-03-27")
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    # What was planned stays as it was filed.
    assert story.row.planned_out_on == day("2026-03-31")
    assert story.notice(A, "moveout.submitted").planned_out_on == day("2026-03-31")


def test_s13_a_deadline_on_a_closed_day(stage: Stage) -> None:
    stage.at("2026-03-20")
    living: dict[str, Any] = {"planned_out_on": day("2026-03-27"), "living_from": day("2026-03-28")}
    story = stage.file(move(**living))
    story.moved_out()
    # Day 14 is Saturday 11 April; the counter opens again on Monday.
    assert story.deadline("C14") == (day("2026-04-11"), day("2026-04-13"), "RUNNING")
    assert "（2026年）4月13日" in story.page()
    stage.at("2026-04-12")
    assert story.states(B) == ["PREPARED"] * 3
    assert story.alerts(B) == ["A420"]
    stage.at("2026-04-13")
    story.report(B, "arrival.visited", legal_date="2026-03-28")
    # In time by the law; whether the card's flow is, the hub does not decide: B's clerk is told that it is uncertain.
    assert story.deadline("C14")[2] == "MET"
    assert story.alerts(B) == ["A420"]
    assert story.row.flow == Flow.CARD_SPECIAL
    story.report(B, "movein.decided", "REGISTERED", legal_date="2026-03-28")
    assert story.states(B) == ["NOTIFIED"] * 3


@pytest.mark.parametrize(
    ("filed", "planned", "living", "last", "visit"),
    [
        ("2026-03-25", "2026-04-01", "2026-04-01", "2026-04-15", "2026-04-16"),
        ("2026-03-01", "2026-03-01", "2026-03-28", "2026-03-31", "2026-04-01"),
    ],
    ids=["15 days after moving in", "31 days after the planned day"],
)
def test_s14_the_flow_with_the_card_ends_at_the_earlier_limit(
    stage: Stage, filed: str, planned: str, living: str, last: str, visit: str
) -> None:
    stage.at(filed)
    story = stage.file(move(planned_out_on=day(planned), living_from=day(living)))
    story.moved_out()
    shown = day(last)
    assert f"（{shown.year}年）{shown.month}月{shown.day}日" in story.page()
    stage.at(last)
    assert (story.states(B), story.row.flow) == (["PREPARED"] * 3, Flow.CARD_SPECIAL)
    stage.at(visit)
    assert (story.states(B), story.row.flow) == (["SPECIAL_LAPSED"] * 3, Flow.PAPER_CERT)
    assert "A408" in story.alerts(B)
    # Late, and still accepted: with the certificate on paper.
    story.report(B, "arrival.visited", legal_date=living)
    problem = story.refused(B, "movein.decided", "REGISTERED", legal_date=living)
    assert problem["code"] == "E200"
    story.report(A, "certificate.paper_issued")
    story.report(B, "movein.decided", "REGISTERED", legal_date=living)
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"


def test_s14_the_citizen_is_reminded_before_the_last_days(stage: Stage) -> None:
    story = stage.file(move(planned_out_on=day("2026-03-10"), living_from=day("2026-03-20")))
    story.moved_out()
    stage.at("2026-03-29")
    assert story.events("deadline.near") == []
    reminded = []
    # Days 10 and 13 after moving in, days 25 and 29 after the planned day; a beat that comes twice reminds once.
    for today, clock, left in (
        ("2026-03-30", "C14", 4),
        ("2026-04-02", "C14", 1),
        ("2026-04-04", "C30", None),
        ("2026-04-08", "C30", None),
    ):
        stage.at(today)
        stage.at(today, "12:00")
        reminded.append(clock)
        assert [event["clock"] for event in story.events("deadline.near")] == reminded
        assert left is None or f"残り{left}日" in story.page()
    # Who has appeared is reminded of nothing.
    other = stage.file(
        move(
            person(1, "試験　次郎", "世帯主", presents_card=True),
            planned_out_on=day("2026-04-08"),
            living_from=day("2026-04-08"),
        ),
        "other",
    )
    other.moved_out()
    other.moved_in(legal_date="2026-04-08")
    stage.at("2026-05-04")
    assert other.events("deadline.near") == []
