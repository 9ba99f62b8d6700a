"""When a filing is complete, what takes it back, and what is held for operations."""

import importlib
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.db import connection
from django.urls import reverse

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.deliveries import lanes
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.deliveries.states import Cause
from hub.procedures import tables
from hub.procedures.models import Task
from hub.relocations import facts, retention, status
from hub.relocations.filing import Filer
from hub.relocations.models import Relocation
from hub.vault import services as vault
from municipalities.notice import Coverage
from tests.conftest import front
from tests.hub.test_frozen import end, protect
from tests.scenarios.stage import ICHIRO, TARO, A, B, C, Stage, Story, born, move

pytestmark = pytest.mark.django_db

INSURED = msgspec.structs.replace(TARO, coverage=Coverage(national_health_insurance=True, child_allowance=True))
PUPIL = msgspec.structs.replace(ICHIRO, date_of_birth=born(2016))
#: Who files for both, and is not the one who is protected.
PARTNER = msgspec.structs.replace(
    TARO, full_name="試験　花子", relation_from=("妻",), relation_to=("妻",), presents_card=False
)
FILES = Filer(ordinal=2, consents_held=(1, 2))
OWED = {"F01.loss", "F01.gain", "F08.end", "F12.enter"}


def settled(stage: Stage, *movers: Any, **changes: Any) -> Story:
    """A parent with health insurance and child allowance and a child at school: everything but the procedures."""
    story = stage.file(move(*(movers or (INSURED, PUPIL)), **changes))
    story.answer(**{"answer-0-facility": "no"})
    story.moved_out()
    story.moved_in()
    story.confirmed()
    story.entered()
    return story


def open_tasks(story: Story) -> dict[tuple[str, int], Task]:
    """What is still to be done, by rule and mover."""
    with acting(HUB):
        found = Task.objects.filter(relocation_id=story.relocation.pk, state__in=["PENDING", "READY", "SENT"])
        return {(task.rule, task.ordinal): task for task in found}


def owed(story: Story) -> set[str]:
    """The rules among them that the law orders."""
    duties = {name for name, _version in tables.duties()}
    return {rule for rule, _ordinal in open_tasks(story)} & duties


def result(stage: Stage, task: Task, outcome: str = "DONE") -> None:
    """The department says what became of it."""
    body = {"id": str(uuid4()), "type": "task.result", "outcome": outcome, "delivery": str(task.delivery_id)}
    answer = stage.town(task.municipality_id).system.post("reports", body)
    assert answer.status_code == 201, answer.content
    stage.post()


def finish(stage: Stage, story: Story, *, but: str = "") -> None:
    """Departments do everything that the law orders, but for one rule."""
    for rule in sorted(owed(story) - {but}):
        for task in {task.delivery_id: task for (name, _), task in open_tasks(story).items() if name == rule}.values():
            result(stage, task)


def listed(stage: Stage, story: Story, code: str, **query: str) -> bool:
    """Whether the town's clerk finds it in the list."""
    page = stage.clerk(code).get(reverse("admin:relocations_relocation_changelist"), query)
    return story.receipt_no in page.content.decode()


def test_a_settled_filing_is_complete_when_the_last_duty_has_its_result(stage: Stage) -> None:
    story = settled(stage)
    assert owed(story) >= OWED
    assert story.state == "SETTLED"
    assert "残りは下の手続です" in story.page()
    assert (listed(stage, story, B, state__exact="SETTLED"), listed(stage, story, B, waiting="departments")) == (
        True,
        True,
    )
    finish(stage, story, but="F12.enter")
    [pupil] = [task for (rule, _), task in open_tasks(story).items() if rule == "F12.enter"]
    result(stage, pupil, "NEEDS_VISIT")
    assert story.state == "SETTLED"
    result(stage, pupil, "NOT_APPLICABLE")
    # What may be claimed and nobody must is still open, and says so on the page.
    assert {rule for rule, _ in open_tasks(story)} >= {"F08.claim"}
    assert story.state == "COMPLETE"
    assert "異動は完了しました" in story.page()
    assert [event["state"] for event in story.events("state.changed")][-2:] == ["SETTLED", "COMPLETE"]
    assert (listed(stage, story, B, state__exact="COMPLETE"), listed(stage, story, B, waiting="nobody")) == (True, True)
    assert not listed(stage, story, B, waiting="departments")


def test_a_filing_of_which_nobody_owes_anything_is_complete_at_once(stage: Stage) -> None:
    story = settled(stage, TARO)
    assert (owed(story), story.state) == (set(), "COMPLETE")


def test_the_front_that_filed_reads_it(stage: Stage) -> None:
    stage.at("2026-04-02")  # after the consent that the front has on record
    filed = front().post("relocations", msgspec.to_builtins(move(TARO)), Idempotency_Key=str(uuid4())).json()
    with acting(HUB):
        row = Relocation.objects.get(pk=filed["id"])
    story = Story(stage, row, User.objects.create(username="nobody"))
    for code in (A, B):
        stage.town(code)
    stage.stories.append(story)
    stage.post()
    story.moved_out()
    story.moved_in()
    story.confirmed()
    story.entered()
    assert front().get(f"relocations/{filed['id']}").json()["state"] == "COMPLETE"


def test_a_correction_that_opens_a_duty_takes_it_back(stage: Stage) -> None:
    child = msgspec.structs.replace(ICHIRO, date_of_birth=born(2022))
    story = settled(stage, TARO, child)
    assert story.state == "COMPLETE"
    # The year of birth was written wrongly: the child goes to school.
    story.report(B, "correction.notified", changes=[{"pointer": "/movers/1/dateOfBirth/year", "value": 2016}])
    story.entered()  # the appendix, too, is changed anew
    assert (owed(story), story.state) == ({"F12.enter"}, "SETTLED")
    finish(stage, story)
    assert story.state == "COMPLETE"
    # A correction that is no input of a rule opens nothing (O11), and leaves it complete.
    story.report(B, "correction.notified", changes=[{"pointer": "/remarks", "value": "訂正"}])
    story.entered()
    assert story.state == "COMPLETE"


def test_an_answer_opens_a_duty_and_another_takes_it_away(stage: Stage) -> None:
    story = settled(stage, TARO)
    story.answer(**{"answer-0-dog": "yes"})
    assert (owed(story), story.state) == ({"F19"}, "SETTLED")
    story.answer(**{"answer-0-dog": "no"})
    assert (owed(story), story.state) == (set(), "COMPLETE")


def test_a_clerk_at_the_desk_ends_the_last_duty(stage: Stage) -> None:
    story = settled(stage, TARO)
    story.answer(**{"answer-0-dog": "yes"})
    [(_, task)] = [(rule, task) for (rule, _), task in open_tasks(story).items() if rule == "F19"]
    desk, tasks = stage.clerk(B), reverse("admin:procedures_task_changelist")
    assert desk.post(tasks, {"action": "done", "_selected_action": [str(task.pk)]}).status_code == 302
    assert story.state == "COMPLETE"
    # Settled long ago and shredded since, its tasks can still be ended.
    other = settled(stage, msgspec.structs.replace(TARO, full_name="試験　次郎"))
    other.answer(**{"answer-0-dog": "yes"})
    [(_, late)] = [(rule, task) for (rule, _), task in open_tasks(other).items() if rule == "F19"]
    with acting(HUB):
        assert vault.shred(other.relocation.pk)
    assert desk.post(tasks, {"action": "not_needed", "_selected_action": [str(late.pk)]}).status_code == 302
    assert other.state == "COMPLETE"
    stage.stories.remove(other)  # it cannot be worked out anew


def test_a_move_that_follows_waits_for_the_move_not_for_its_procedures(stage: Stage) -> None:
    for person, state in ((TARO, "COMPLETE"), (msgspec.structs.replace(INSURED, full_name="試験　次郎"), "SETTLED")):
        first = settled(stage, person)
        assert first.state == state
        second = stage.file(move(person, origin=B, destination=C, follows=first.receipt_no))
        assert second.told(B) == ["moveout.submitted"]


def test_the_days_of_keeping_begin_with_what_completed_it(stage: Stage, settings: Any) -> None:
    settings.HUB_RETENTION_DAYS = 30
    stage.at("2026-03-10")
    story = settled(stage, TARO)
    story.answer(**{"answer-0-dog": "yes"})
    stage.at("2026-04-05")
    finish(stage, story)
    assert story.state == "COMPLETE"
    stage.at("2026-05-04")
    assert retention.due().shredded == 0
    stage.at("2026-05-06")
    assert retention.due().shredded == 1


def test_who_is_shown_nothing_new_is_not_shown_that_it_was_completed(stage: Stage) -> None:
    story = settled(stage, INSURED, PARTNER, filer=FILES)
    assert story.state == "SETTLED"
    measure = protect(story.relocation)
    before = story.page()
    finish(stage, story)
    assert story.state == "COMPLETE"
    assert story.page() == before
    with acting(story.citizen.actor):
        assert status.document(story.relocation.pk)["state"] == "SETTLED"
    assert listed(stage, story, B, state__exact="COMPLETE") is False  # out of sight for clerks without the duty
    end(measure)
    assert "異動は完了しました" in story.page()


def test_a_hidden_filing_that_was_complete_takes_answers_as_any_other(stage: Stage) -> None:
    hidden = settled(stage, TARO, PARTNER, filer=FILES)
    assert hidden.state == "COMPLETE"
    protect(hidden.relocation)
    shown = dict.fromkeys(("COMPLETE", "SETTLED"), "")
    for answer, state in (("yes", "SETTLED"), ("no", "COMPLETE")):
        hidden.answer(**{"answer-0-dog": answer})
        with acting(hidden.citizen.actor):
            assert status.document(hidden.relocation.pk)["state"] == state
        shown[state] = hidden.page()
        assert hidden.state == "COMPLETE"  # of no effect
    assert "残りは下の手続です" in shown["SETTLED"]
    with acting(HUB):
        row = Relocation.objects.get(pk=hidden.relocation.pk)
        assert facts.shown_state(row) in facts.OVER


def test_filings_that_were_settled_before_are_complete_where_nobody_owes_anything(stage: Stage) -> None:
    """What the migration makes of the rows that it finds."""
    done, waiting = settled(stage, TARO), settled(stage, msgspec.structs.replace(INSURED, full_name="試験　次郎"))
    moved = importlib.import_module("hub.relocations.migrations.0017_complete")
    with acting(HUB):
        Relocation.objects.filter(state="COMPLETE").update(state="SETTLED")
        with connection.schema_editor() as editor:
            moved.complete(None, editor)
        assert (done.state, waiting.state) == ("COMPLETE", "SETTLED")
        with connection.schema_editor() as editor:
            moved.settled(None, editor)
        assert (done.state, waiting.state) == ("SETTLED", "SETTLED")
        with connection.schema_editor() as editor:
            moved.complete(None, editor)


# --- Held for operations -------------------------------------------------------------------------------------------


def test_what_is_held_is_seen_by_who_must_clear_it_and_is_no_refusal(stage: Stage) -> None:
    other = stage.file(move(msgspec.structs.replace(TARO, full_name="試験　次郎")), "other")
    with acting(HUB):
        lanes.pause([B], paused=True)
    story = stage.file(move(TARO))
    story.report(A, "moveout.reviewing")
    story.report(A, "moveout.decided", "REGISTERED")
    assert not listed(stage, story, B, held="yes")
    with acting(HUB):
        first = Delivery.objects.filter(relocation_id=story.relocation.pk, municipality=B).earliest("sequence")
        deliveries.hold(first, Cause.DATA, "E130")
    # A flag beside the state: nothing hides where it stands.
    assert story.state == "MOVEOUT_ACCEPTED"
    assert (listed(stage, story, B, held="yes"), listed(stage, other, B, held="yes")) == (True, False)
    assert not listed(stage, story, A, held="yes")  # the other town's delivery is not theirs to clear
    operator = stage.client(User.objects.create(username="operator", is_staff=True, is_operator=True))
    page = operator.get(reverse("admin:relocations_relocation_changelist"), {"held": "yes"}).content.decode()
    assert (story.receipt_no in page, other.receipt_no in page) == (True, False)
    shown_at = reverse("admin:relocations_relocation_change", args=[story.relocation.pk])
    for client, sees in ((operator, True), (stage.clerk(B), True), (stage.clerk(A), False)):
        assert ("職員（データの判断）" in client.get(shown_at).content.decode()) is sees
    shown = story.page()
    assert "届出はハブで受け付けています。この市区町村には後で届きます" in shown
    assert ("不受理" in shown, "補正" in shown) == (False, False)
    with acting(HUB):
        deliveries.send_again(Delivery.objects.select_for_update().get(pk=first.pk), "cleared")
        lanes.pause([B], paused=False)
    stage.post()
    assert "後で届きます" not in story.page()
    assert not listed(stage, story, B, held="yes")
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
