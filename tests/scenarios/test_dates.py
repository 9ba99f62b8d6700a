"""S13 to S19: dates and clocks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.utils import timezone

from hub.actors import HUB, acting
from hub.relocations import clocks
from hub.relocations.models import Alert, Deadline, Relocation
from municipalities.notice import Flow
from tests.conftest import front
from tests.scenarios.stage import TARO, A, B, Stage, Story, day, move, person, sent

pytestmark = pytest.mark.django_db


def filed_online(**changes: Any) -> tuple[int, dict[str, str]]:
    """File through a partner front; returns the status and the body."""
    answer = front().post("relocations", sent(move(TARO, **changes)), Idempotency_Key=str(uuid4()))
    return answer.status_code, answer.json()


def test_s15_the_online_window_ends_with_day_ten_in_japan(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    since: dict[str, Any] = {"living_from": day("2026-04-01"), "planned_out_on": day("2026-04-01")}
    stage.at("2026-04-12", "00:00")
    status, problem = filed_online(**since)
    assert (status, problem["code"], problem["pointer"]) == (422, "E304", "/livingFrom")
    assert "窓口へお越しください。転出届は郵送でもできます。" in problem["remedy"]
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
    story = stage.file(move(TARO, **late))
    # Taken in: it is no error. A's clerk is told that it is late, nobody else, and decides.
    assert (story.states(A), story.alerts(A), story.alerts(B)) == (["DELIVERED"], ["A429"], [])
    asked = story.looked_at(A, "A429")
    assert "転出の日から14日を過ぎた届出です" in asked
    assert "転出証明書に準ずる証明書" in asked
    assert story.notice(A, "moveout.submitted").planned_out_on == day("2026-03-05")
    story.report(A, "moveout.reviewing")
    story.report(A, "moveout.decided", "EX_OFFICIO", legal_date="2026-03-05")
    # There is no provisional state between: the record is deleted at once, and the way on is paper.
    assert (story.states(A), story.state) == (["EFFECTIVE"], "AWAITING_ARRIVAL")
    assert story.row.flow == Flow.PAPER_CERT
    assert story.events("flow.changed") == [{"flow": "PAPER_CERT", "movers": [1]}]
    assert "紙の転出証明書と本人確認書類をお持ちください" in story.page()
    problem = story.refused(A, "certificate.available")
    assert (problem["code"], "paper" in problem["detail"]) == ("E200", True)
    assert story.refused(B, "movein.decided", "REGISTERED")["code"] == "E200"
    story.report(A, "certificate.paper_issued")
    story.moved_in()
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"
    assert story.notice(B, "arrival.prefill").flow == Flow.PAPER_CERT
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    audit = story.audit()
    assert (audit["certificate.available"], audit["certificate.paper_issued"]) == (0, 1)


#: Of each limit the day before, the day itself and the day after: what is filed in days from today, and what becomes
#: of it. Both channels are online; the window is that of the day of starting to live there, whatever the other days.
LIMITS: list[tuple[str, int, str, list[str]]] = [
    *(("living_from", days, "", []) for days in (-9, -10, 29, 30)),
    *(("living_from", days, "E304 /livingFrom", []) for days in (-11, 31)),
    *(("planned_out_on", days, "", []) for days in (-13, -14, 364, 365)),
    *(("planned_out_on", days, "", ["A429"]) for days in (-15, -16, -3649, -3650)),
    *(("planned_out_on", days, "", ["A405"]) for days in (366, 367, 3649, 3650)),
    *(("planned_out_on", days, "E308 /plannedOutOn", []) for days in (-3651, 3651)),
    *(("visit_on", days, "", []) for days in (0, 1, 364, 365)),
    *(("visit_on", days, "E308 /visitOn", []) for days in (-1, 366)),
]


@pytest.mark.parametrize("time", ["00:00", "23:59:58"])
@pytest.mark.parametrize(("field", "days", "refused", "alerts"), LIMITS, ids=lambda value: str(value))
def test_s16_what_is_an_error_and_what_is_for_a_clerk_to_look_at(
    stage: Stage, field: str, days: int, refused: str, alerts: list[str], time: str
) -> None:
    """The limits of days count by the date in Japan, from its first second to its last."""
    stage.at("2026-03-20", time)
    status, body = filed_online(**{field: day("2026-03-20") + timedelta(days=days)})
    assert (
        f"{body['code']} {body['pointer']}" == refused if refused else (status, body["filed_on"]) == (201, "2026-03-20")
    )
    with acting(HUB):
        told = Alert.objects.filter(code__in=("A405", "A429")).values_list("code", "municipality")
        assert list(told) == [(code, A) for code in alerts]
        assert Relocation.objects.count() == (not refused)


@pytest.mark.parametrize(("days", "refused"), [(-3650, False), (3650, False), (-3651, True), (3651, True)])
@pytest.mark.parametrize("name", ["leaves_on", "arrives_on"])
def test_a_movers_own_day_that_cannot_be_meant_is_refused(stage: Stage, name: str, days: int, refused: bool) -> None:
    own = msgspec.structs.replace(TARO, **{name: timezone.localdate() + timedelta(days=days)})
    answer = front().post("relocations", sent(move(own)), Idempotency_Key=str(uuid4()))
    assert answer.status_code == (422 if refused else 201)
    if refused:
        pointer = {"leaves_on": "/movers/0/leavesOn", "arrives_on": "/movers/0/arrivesOn"}[name]
        assert (answer.json()["code"], answer.json()["pointer"]) == ("E308", pointer)


def test_s16_a_mover_who_left_long_before_the_others_is_late(stage: Stage) -> None:
    left = {"leaves_on": timezone.localdate() - timedelta(days=15)}
    story = stage.file(move(TARO, person(2, "見本　花子", "妻", **left)))
    assert story.alerts(A) == ["A429"]


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
    # When the planned day comes nothing is deleted a second time.
    stage.at("2026-04-01")
    assert (story.states(A), story.state, story.audit()["moveout.effective"]) == (["CONFIRMED"] * 3, "SETTLED", 1)
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    assert (story.alerts(A), story.alerts(B)) == ([], [])
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
    asked = story.looked_at(B, "A420")
    assert "閉庁日により特例の期限が延びるかは確定していません" in asked
    assert "窓口で判断してください" in asked
    story.report(B, "movein.decided", "REGISTERED", legal_date="2026-03-28")
    story.confirmed()
    story.entered()
    assert (story.states(B), story.state, story.alerts(A)) == (["CLOSED"] * 3, "SETTLED", [])
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    assert [event["clock"] for event in story.events("deadline.passed")] == []


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
    page = story.page()
    assert f"（{shown.year}年）{shown.month}月{shown.day}日" in page
    assert "マイナンバーカードの継続利用" in page
    stage.at(last)
    assert (story.states(B), story.row.flow) == (["PREPARED"] * 3, Flow.CARD_SPECIAL)
    stage.at(visit)
    assert (story.states(B), story.row.flow) == (["SPECIAL_LAPSED"] * 3, Flow.PAPER_CERT)
    assert "A408" in story.alerts(B)
    # The citizen reads what to bring now, and that the card is over with the days for it.
    page = story.page()
    assert "紙の転出証明書" in page
    assert "マイナンバーカードの再交付の申請" in page
    assert "マイナンバーカードの継続利用" not in page
    # Late, and still accepted: with the certificate on paper.
    story.report(B, "arrival.visited", legal_date=living)
    problem = story.refused(B, "movein.decided", "REGISTERED", legal_date=living)
    assert problem["code"] == "E200"
    story.report(A, "certificate.paper_issued")
    story.report(B, "movein.decided", "REGISTERED", legal_date=living)
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    with acting(HUB):
        assert not Deadline.objects.filter(relocation=story.relocation, clock="C90").exists()
    audit = story.audit()
    assert (audit["flow.changed"], audit["certificate.available"], audit["certificate.paper_issued"]) == (1, 1, 1)


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


def lapsed(stage: Stage) -> Story:
    """Of a move planned for 1 April nobody has appeared by the 16th."""
    stage.at("2026-03-25")
    story = stage.file(move(planned_out_on=day("2026-04-01"), living_from=day("2026-04-01")))
    story.moved_out()
    stage.at("2026-04-16")
    assert (story.states(B), story.row.flow, story.alerts(B)) == (
        ["SPECIAL_LAPSED"] * 3,
        Flow.PAPER_CERT,
        ["A404", "A408"],
    )
    return story


def test_s14_who_moved_in_later_than_planned_has_not_lost_the_flow_with_the_card(stage: Stage) -> None:
    """The 14 days count from the day of moving in indeed (Order Art. 24-2), which the counter alone gets to know."""
    story = lapsed(stage)
    stage.at("2026-04-24")  # day 14 from 10 April, and day 23 from the planned day
    story.moved_in(legal_date="2026-04-10", card_shown=True)
    assert (story.row.flow, story.states(B), story.alerts(B)) == (Flow.CARD_SPECIAL, ["NOTIFIED"] * 3, [])
    assert "マイナンバーカードの再交付" not in story.page()
    assert [event["flow"] for event in story.events("flow.changed")] == ["PAPER_CERT", "CARD_SPECIAL"]


@pytest.mark.parametrize(
    ("visit", "moved_in", "alerts"),
    [
        ("2026-04-25", "2026-04-10", ["A408"]),  # day 15 is a Saturday: the law's limit passed on Friday
        ("2026-05-02", "2026-04-20", ["A408"]),  # day 31 from the planned day
    ],
    ids=["15 days after moving in", "31 days after the planned day"],
)
def test_s14_who_moved_in_later_and_came_too_late_needs_paper(
    stage: Stage, visit: str, moved_in: str, alerts: list[str]
) -> None:
    story = lapsed(stage)
    stage.at(visit)
    story.report(B, "arrival.visited", legal_date=moved_in, card_shown=True)
    assert story.row.flow == Flow.PAPER_CERT
    assert set(alerts) <= set(story.alerts(B))
    assert story.refused(B, "movein.decided", "REGISTERED", legal_date=moved_in)["code"] == "E200"


def test_s14_a_visit_on_the_last_day_that_is_reported_later_was_in_time(stage: Stage) -> None:
    """A town that exchanges its day's work at night says on which day they appeared (届出日)."""
    story = lapsed(stage)
    visit: dict[str, Any] = {"legal_date": "2026-04-01", "card_shown": False}
    assert story.refused(B, "arrival.visited", visited_on="2026-04-17", **visit)["pointer"] == "/visited_on"
    assert story.refused(B, "arrival.visited", visited_on="2026-03-31", **visit)["pointer"] == "/visited_on"
    assert story.refused(A, "moveout.effective", visited_on="2026-04-15")["pointer"] == "/visited_on"
    story.report(B, "arrival.visited", visited_on="2026-04-15", **visit)
    assert (story.row.flow, story.alerts(B)) == (Flow.CARD_SPECIAL, [])
    # The 90 days count from the visit, not from its report.
    assert story.deadline("C90")[0] == day("2026-07-14")


def test_who_moved_in_earlier_than_planned_may_be_late(stage: Stage) -> None:
    stage.at("2026-03-20")
    story = stage.file(move(flow=Flow.PAPER_CERT, planned_out_on=day("2026-04-01"), living_from=day("2026-04-01")))
    story.moved_out()
    stage.at("2026-04-07")
    story.report(B, "arrival.visited", legal_date="2026-03-23")  # day 15
    assert story.alerts(B) == ["A404"]
