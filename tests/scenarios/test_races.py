"""S60: a citizen withdraws while the clerk approves; and machines whose clocks differ."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from hub import ids
from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from tests.hub.committed import db  # noqa: F401 - rows that are really committed: two connections race
from tests.scenarios.stage import TARO, A, B, Stage, Story, move


def both_at_once(story: Story) -> tuple[Any, str]:
    """Let A register and the citizen take back in the same moment; returns what each was answered."""
    start, town, client = Barrier(2), story.stage.town(A), story.stage.client(story.citizen)

    def decide() -> Any:
        try:
            start.wait(timeout=20)
            return town.post(story, "moveout.decided", "REGISTERED")
        finally:
            connections.close_all()

    def withdraw() -> str:
        try:
            start.wait(timeout=20)
            answer = client.post(f"/relocations/{story.receipt_no}/withdraw/", follow=True)
            return str(answer.content.decode())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        decided, withdrawn = pool.submit(decide), pool.submit(withdraw)
        return decided.result(), withdrawn.result()


def test_s60_of_a_withdrawal_and_a_decision_one_comes_first(stage: Stage) -> None:
    for number in range(3):
        story = stage.file(move(TARO), f"citizen-{number}")
        story.report(A, "moveout.reviewing")
        decided, page = both_at_once(story)
        stage.post()
        asked = len(story.events("cancel.asked"))
        if decided.status_code == 201:
            # The decision stands, and taking it back has become asking for a cancellation; the citizen is told.
            assert (story.states(A), asked) == (["REGISTERED"], 1)
            assert "異動を取り消すかどうかは市区町村が決定します" in page
            assert story.told(A)[-1] == "cancel.requested"
            story.report(A, "cancel.decided", "CANCEL_ADD")
            assert story.state == "CANCELLED"
        else:
            # It is withdrawn, and A cannot approve any more.
            assert (decided.status_code, decided.json()["code"]) == (409, "E200")
            assert (story.states(A), asked) == (["WITHDRAWN"], 0)
            assert "届出を取り下げました" in page
            assert story.told(A)[-1] == "withdraw.requested"
            desk = stage.clerk(A).get(f"/admin/relocations/relocation/{story.relocation.pk}/change/").content.decode()
            assert "取下げ" in desk
            assert story.refused(A, "moveout.decided", "REGISTERED")["code"] == "E200"
        audit = story.audit()
        assert audit["filing.withdrawn"] + audit["moveout.decided"] == 1
        assert story.states(B) == ["CANCELLED"]


def test_what_a_town_is_told_later_has_the_larger_id_whichever_machine_tells_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = stage.file(move(TARO))
    for step in (story.moved_out, story.moved_in, story.confirmed):
        monkeypatch.setattr(ids, "_last", 0)  # another process, on a machine whose clock is behind
        stage.clock.shift(timedelta(minutes=-7))
        step()
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=story.relocation.pk).order_by("municipality", "sequence")
        for code in {row.municipality_id for row in rows}:
            told = [row.pk for row in rows if row.municipality_id == code]
            assert told == sorted(told)
    assert len(rows) == 5
