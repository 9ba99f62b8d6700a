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
from tests.scenarios.stage import TARO, A, B, Stage, day, move

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
