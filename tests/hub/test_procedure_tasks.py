"""Tasks through the doors: from a filing to the department's own record, its answer, and what the citizen sees."""

import re
from datetime import date, timedelta
from functools import partial
from io import StringIO
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.procedures import services as procedures
from hub.procedures import tables as procedure_tables
from hub.procedures.models import LocalRule, Step, Task
from hub.procedures.states import State
from hub.relocations import changing, facts, followon, services
from hub.relocations.models import Relocation
from municipalities import standard
from municipalities.models import Connection
from municipalities.notice import Coverage, Notice, Role, UncertainDate
from municipalities.simulator import clerk as clerks
from tests.conftest import CHIYODA, HAKODATE, NAHA, clerk, filing, front, town
from tests.hub import journeys
from tests.hub.visitor import Visitor

pytestmark = pytest.mark.django_db

HOUSEHOLD = 0
settle = partial(journeys.settle, departments=False)
NO_FACILITY = {(HOUSEHOLD, "facility"): "no"}


def born(years: int) -> UncertainDate:
    """Somebody of this age or a year older."""
    return UncertainDate(year=timezone.localdate().year - years - 1, month=7, day=1)


def family() -> Any:
    """A parent with child allowance and national health insurance, and a child at school, to another prefecture."""
    base = filing(0)
    parent = msgspec.structs.replace(
        base.movers[0],
        ordinal=1,
        full_name="見本　太郎",
        date_of_birth=born(40),
        coverage=Coverage(national_health_insurance=True, child_allowance=True),
    )
    child = msgspec.structs.replace(
        parent, ordinal=2, full_name="見本　一郎", date_of_birth=born(9), presents_card=False,
        relation_from=("子",), relation_to=("子",), coverage=Coverage(national_health_insurance=True),
    )  # fmt: skip
    today = timezone.localdate()
    return msgspec.structs.replace(
        base, movers=(parent, child), planned_out_on=today, living_from=today, visit_on=today
    )


def tasks(relocation: Relocation, **where: Any) -> dict[tuple[str, int], Task]:
    """The tasks in force, by rule and mover."""
    with acting(HUB):
        rows = Task.objects.filter(relocation_id=relocation.pk, **where).exclude(state=State.SUPERSEDED)
        return {(row.rule, row.ordinal): row for row in rows}


def accepted(document: Any, answers: dict[tuple[int, str], str] = NO_FACILITY) -> Relocation:
    """File, answer, and let the origin register the move-out."""
    relocation = journeys.file(document)
    changing.answer(relocation.pk, journeys.CITIZEN, answers)
    settle(relocation, [said for said in journeys.course(relocation, document) if said.notice == "moveout.submitted"])
    return relocation


def moved_in(document: Any, answers: dict[tuple[int, str], str] = NO_FACILITY) -> Relocation:
    """And everything after it, until both towns are done."""
    relocation = accepted(document, answers)
    settle(relocation, journeys.course(relocation, document))
    return relocation


def told(relocation: Relocation, type_: str, code: str) -> list[tuple[Delivery, Notice]]:
    """What a town was handed of this type, and what its own layout says of it."""
    found = []
    with acting(HUB):
        for row in Delivery.objects.filter(relocation_id=relocation.pk, type=type_, municipality=code).order_by("pk"):
            shape = row.connection.layout()
            found.append((row, shape.read(shape.write(deliveries.notice_of(row)).content)))
    return found


def procedure(notice: Notice) -> str:
    """Which procedure a notice is about."""
    assert notice.task is not None
    return notice.task.procedure


def test_nothing_is_asked_of_a_department_before_its_gate() -> None:
    document = family()
    relocation = journeys.file(document)
    assert tasks(relocation) == {}  # not before the origin has decided
    changing.answer(relocation.pk, journeys.CITIZEN, NO_FACILITY)
    relocation = accepted(family())
    found = tasks(relocation)
    assert {rule for rule, _ in found} >= {"F01.loss", "F01.gain", "F08.end", "F08.claim", "F12.leave", "F12.enter"}
    assert all(task.state == State.PENDING for task in found.values() if task.side == "destination")
    assert told(relocation, "task.opened", CHIYODA) == []  # order rule O8
    leaving = {task.rule: task.state for task in found.values() if task.side == "origin"}
    assert leaving["F12.leave"] != State.PENDING  # may be prepared
    assert leaving["F01.loss"] != State.PENDING  # its day is today


def test_a_loss_waits_for_its_day_and_then_opens_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    document = msgspec.structs.replace(family(), planned_out_on=timezone.localdate() + timedelta(days=3))
    relocation = accepted(document)
    assert tasks(relocation)["F01.loss", 1].state == State.PENDING
    assert procedures.open_by_day() == 0
    later = timezone.localdate() + timedelta(days=3)
    monkeypatch.setattr(timezone, "localdate", lambda *_: later)
    assert procedures.open_by_day() == 1
    assert tasks(relocation)["F01.loss", 1].state == State.READY
    assert procedures.open_by_day() == 0


def test_the_department_reads_its_task_in_the_towns_own_record_and_answers() -> None:
    relocation = moved_in(family())
    [(delivery, notice)] = [pair for pair in told(relocation, "task.opened", CHIYODA) if procedure(pair[1]) == "F01"]
    assert [mover.full_name for mover in notice.movers] == ["見本　太郎", "見本　一郎"]  # one notice for the family
    assert notice.task is not None
    assert (notice.task.department, notice.task.title) == ("国保年金担当", "国民健康保険の加入")
    assert notice.task.due_on == tasks(relocation)["F01.gain", 1].due_on
    assert notice.movers[0].coverage == Coverage(national_health_insurance=True)  # its own scheme only
    assert notice.actual_in_on == timezone.localdate()
    assert notice.old_address is None
    assert notice.new_address is not None
    assert notice.contact is None
    for _, own in told(relocation, "task.opened", HAKODATE):  # the other side never learns where to
        assert (own.new_address, own.destination) == (None, "")
        assert own.old_address is not None
    assert tasks(relocation)["F01.gain", 1].state == State.SENT
    report = {
        "id": str(uuid4()),
        "type": "task.result",
        "outcome": "NEEDS_VISIT",
        "delivery": str(delivery.pk),
        "movers": [2],
    }
    answer = town(CHIYODA).post("reports", report)
    assert answer.status_code == 201, answer.content
    assert [(one.state, one.reason) for _, one in sorted(tasks(relocation, rule="F01.gain").items())] == [
        (State.SENT, ""), (State.SENT, "needs_visit"),
    ]  # fmt: skip
    done = report | {"id": str(uuid4()), "outcome": "DONE"}
    del done["movers"]
    assert town(CHIYODA).post("reports", done).status_code == 201
    assert town(CHIYODA).post("reports", done).status_code == 200  # the same again is the same
    assert {one.state for one in tasks(relocation, rule="F01.gain").values()} == {State.DONE}
    assert town(NAHA).post("reports", done | {"id": str(uuid4())}).json()["code"] == "E108"
    assert town(HAKODATE).post("reports", done | {"id": str(uuid4())}).json()["code"] == "E108"
    unknown = town(CHIYODA).post("reports", done | {"id": str(uuid4()), "outcome": "SOLD"})
    assert unknown.json()["code"] == "E102"


def test_a_simulated_town_finishes_what_it_was_asked() -> None:
    relocation = moved_in(family())
    system = town(CHIYODA)
    for _, notice in told(relocation, "task.opened", CHIYODA):
        for step in clerks.plan(notice, clerks.today()):
            assert system.post(step.path.removeprefix("/api/v1/"), step.body).status_code == 201, step.name
    assert {one.state for one in tasks(relocation, side="destination").values()} == {State.DONE}


def test_repeating_adds_nothing_and_every_step_is_written_down() -> None:
    relocation = moved_in(family())
    with acting(HUB):
        before = (Task.objects.count(), Step.objects.count(), Delivery.objects.count())
        services.advance(relocation.pk)
        services.advance(relocation.pk)
        assert (Task.objects.count(), Step.objects.count(), Delivery.objects.count()) == before
        for task in Task.objects.filter(relocation_id=relocation.pk):
            assert task.steps.order_by("-pk").first().state == task.state  # type: ignore[union-attr]


def test_an_answer_that_changes_a_rule_supersedes_and_the_department_is_told() -> None:
    relocation = moved_in(family())
    first = tasks(relocation)["F08.claim", 1]
    assert changing.answer(relocation.pk, journeys.CITIZEN, {(1, "child_allowance"): "no"})
    assert not changing.answer(relocation.pk, journeys.CITIZEN, {(1, "child_allowance"): "no"})
    assert ("F08.claim", 1) not in tasks(relocation)
    settle(relocation, [])
    [(_, notice)] = told(relocation, "task.cancelled", CHIYODA)
    assert notice.task is not None
    assert (notice.task.procedure, notice.refers_to) == ("F08", str(first.delivery_id))
    late = {"id": str(uuid4()), "type": "task.result", "outcome": "DONE", "delivery": str(first.delivery_id)}
    assert town(CHIYODA).post("reports", late).json()["code"] == "E201"
    changing.answer(relocation.pk, journeys.CITIZEN, {(1, "child_allowance"): "yes"})
    assert tasks(relocation)["F08.claim", 1].generation == 2
    # What this answer is no input of stands as it stood.
    assert tasks(relocation)["F01.gain", 1].generation == 1


def test_answers_are_refused_for_strangers_unknown_questions_and_persons() -> None:
    relocation = accepted(family())
    for who, given, code in (
        (journeys.system(NAHA), {(1, "card"): "yes"}, "E108"),
        (journeys.CITIZEN, {(1, "salary"): "yes"}, "E104"),
        (journeys.CITIZEN, {(1, "card"): "maybe"}, "E104"),
        (journeys.CITIZEN, {(3, "card"): "yes"}, "E104"),
        (journeys.CITIZEN, {(1, "dog"): "yes"}, "E104"),  # asked of the household
    ):
        with pytest.raises(Refusal) as refused:
            changing.answer(relocation.pk, who, given)
        assert refused.value.lead.code == code


def test_a_layout_without_items_for_tasks_is_not_sent_any() -> None:
    Connection.objects.filter(municipality=CHIYODA).update(standard="jisx0213_csv")
    assert "task" in standard.load("jisx0213_csv").omits
    relocation = moved_in(family())
    assert told(relocation, "task.opened", CHIYODA) == []
    task = tasks(relocation)["F01.gain", 1]
    assert (task.state, task.delivery_id) == (State.READY, None)


def desk(code: str) -> Client:
    """A clerk at the desk."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(clerk(code))
    return client


def test_clerks_see_and_settle_what_has_opened_at_their_own_town() -> None:
    relocation = accepted(family())
    path = "/admin/procedures/task/"
    own, other, none = desk(HAKODATE), desk(CHIYODA), desk(NAHA)
    assert relocation.receipt_no in own.get(path).content.decode()
    for client in (other, none):  # what has not opened is nobody's yet
        assert relocation.receipt_no not in client.get(path).content.decode()
    task = tasks(relocation)["F12.leave", 2]
    act = {"action": "done", "_selected_action": [str(task.pk)]}
    other.post(path, act)
    assert tasks(relocation)["F12.leave", 2].state == State.SENT
    own.post(path, act)
    assert tasks(relocation)["F12.leave", 2].state == State.DONE
    own.post(path, act | {"action": "decline_wish"})
    assert tasks(relocation)["F12.leave", 2].state == State.DONE
    page = own.get(path, {"department": "school", "open": "no"}).content.decode()
    assert "転校" in page
    assert "見本" not in page


def test_an_uncertain_birth_is_left_to_a_clerk(monkeypatch: pytest.MonkeyPatch) -> None:
    document = family()
    elder = msgspec.structs.replace(
        document.movers[0],
        date_of_birth=UncertainDate(year=1945, precision="YEAR", display_text="昭和20年頃"),  # type: ignore[arg-type]
        coverage=Coverage(),
    )
    relocation = accepted(msgspec.structs.replace(document, movers=(elder,)))
    waiting = tasks(relocation)["F07.loss", 1]
    assert (waiting.state, waiting.asks) == (State.PENDING, "birth")
    own = desk(HAKODATE)
    own.post("/admin/procedures/task/", {"action": "say_it_applies", "_selected_action": [str(waiting.pk)]})
    assert tasks(relocation)["F07.loss", 1].state == State.READY
    settle(relocation, [])
    assert tasks(relocation)["F07.loss", 1].state == State.SENT
    with acting(HUB):
        services.advance(relocation.pk)
    assert tasks(relocation)["F07.loss", 1].generation == 1


def test_a_town_may_set_another_department_and_days() -> None:
    today = timezone.localdate()
    own = {"department": "子育て推進課", "days": 5}
    with acting(HUB):
        LocalRule.objects.create(municipality_id=CHIYODA, rule="F08.claim", valid_from=date(2020, 1, 1), **own)
    relocation = moved_in(family())
    task = tasks(relocation)["F08.claim", 1]
    assert (task.department_name, task.due_on) == ("子育て推進課", today + timedelta(days=5))


def test_a_death_or_a_cancellation_supersedes_everything_still_open() -> None:
    relocation = accepted(family())
    with acting(HUB):
        rows = {key: task.state for key, task in tasks(relocation).items()}
        gone = {key: "CANCELLED" if key[2] == 2 else state for key, state in _states(relocation).items()}
        followon.follow(relocation, facts.read(relocation), gone, services.opened(relocation))
    assert rows
    assert {ordinal for _, ordinal in tasks(relocation)} == {1}
    settle(relocation, [])
    assert [
        mover.ordinal for _, notice in told(relocation, "task.cancelled", HAKODATE) for mover in notice.movers
    ].count(2)


def _states(relocation: Relocation) -> Any:
    return {(Role(row.role), row.municipality_id, row.ordinal): row.state for row in relocation.movers.all()}


def test_the_department_learns_whom_to_ask_about_a_protected_person_and_no_more() -> None:
    document = family()
    relocation = journeys.file(document)
    with acting(HUB):
        relocation.legs.filter(municipality=HAKODATE).update(guard="own", contact_office="市民課　見本担当")
    settle(relocation, [said for said in journeys.course(relocation, document) if said.notice == "moveout.submitted"])
    opened = told(relocation, "task.opened", HAKODATE)
    assert opened
    for _, notice in opened:
        assert (notice.contact_office, notice.protected, notice.new_address) == ("市民課　見本担当", False, None)


# --- The citizen's page ------------------------------------------------------------------------------------------


@pytest.fixture
def visitor() -> Visitor:
    """The citizen of the tests, signed in."""
    user = User.objects.create(pk=int(journeys.CITIZEN.name), username="citizen")
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user)
    return Visitor(client)


def test_the_page_says_what_comes_and_asks_what_may_not_be_inferred(visitor: Visitor) -> None:
    relocation = journeys.file(family())
    path = f"/relocations/{relocation.receipt_no}/"
    page = visitor.open(path)
    assert "転入学（新しい学校）" in page.text
    assert "転校" in page.text
    assert "国民健康保険の加入" not in page.text  # whether into a facility was not said
    assert page.options["answer-0-facility"] == ["yes", "no"]
    assert "answer-0-facility" not in page.values  # never answered in advance
    assert "answer-1-physical_handbook" not in page.options  # not before somebody said that there is one
    sent = visitor.client.post(f"{path}answers/", {"answer-0-facility": "no", "answer-0-disability": "yes"})
    assert sent.status_code == 302
    page = visitor.open(path)
    assert "国民健康保険の加入" in page.text
    assert "answer-2-physical_handbook" in page.options
    assert page.values["answer-0-facility"] == "no"
    english = visitor.client.get(path, headers={"Accept-Language": "en"})
    assert "National health insurance: joining" in english.content.decode()


def test_the_page_follows_the_department(visitor: Visitor) -> None:
    relocation = moved_in(family())
    path = f"/relocations/{relocation.receipt_no}/"
    assert "担当へ連絡済み" in visitor.open(path).text
    [(delivery, _)] = [pair for pair in told(relocation, "task.opened", CHIYODA) if procedure(pair[1]) == "F08"]
    said = {"id": str(uuid4()), "type": "task.result", "outcome": "NEEDS_VISIT", "delivery": str(delivery.pk)}
    town(CHIYODA).post("reports", said)
    assert "窓口へお越しください" in visitor.open(path).text
    town(CHIYODA).post("reports", said | {"id": str(uuid4()), "outcome": "DONE"})
    page = visitor.open(path).text
    assert "窓口へお越しください" not in page
    assert "完了" in page


def test_nobody_else_reads_or_answers(visitor: Visitor) -> None:
    relocation = journeys.file(family())
    stranger = Client(HTTP_HOST="127.0.0.1")
    stranger.force_login(User.objects.create(pk=1_000_000, username="another"))
    for method, name in (("get", ""), ("get", "calendar.ics"), ("post", "answers/")):
        answer = getattr(stranger, method)(f"/relocations/{relocation.receipt_no}/{name}", {"answer-0-dog": "yes"})
        assert answer.status_code == 404, name
    path = f"/relocations/{relocation.receipt_no}/answers/"
    for field, value in (
        ("answer-0-salary", "yes"),
        ("answer-9-card", "yes"),
        ("answer-0-dog", "1"),
        ("answer-x", "no"),
    ):
        assert visitor.client.post(path, {field: value}).status_code == 400, field
    assert visitor.client.get(path).status_code == 405


def test_the_calendar_file_holds_the_last_days_and_no_name(visitor: Visitor) -> None:
    relocation = accepted(family())
    answer = visitor.client.get(f"/relocations/{relocation.receipt_no}/calendar.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    lines = answer.content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    text = answer.content.replace(b"\r\n ", b"").decode()
    due = tasks(relocation)["F08.claim", 1].due_on
    assert due is not None
    event = next(part for part in text.split("BEGIN:VEVENT") if "F08.claim-1@" in part)
    assert f"DTSTART;VALUE=DATE:{due:%Y%m%d}\r\n" in event
    assert "児童手当" in event
    assert "見本" not in text
    assert text.count("BEGIN:VEVENT") == text.count("END:VEVENT") == len(set(re.findall("UID:(.*)", text))) > 3


def test_a_front_reads_the_same_through_the_api() -> None:
    answer = front().post("relocations", family(), Idempotency_Key="k").json()
    document = front().get(f"relocations/{answer['id']}").json()
    found = {(one["rule"], one["mover"]): one for one in document["procedures"]}
    assert found["F12.enter", 2]["state"] == "due"
    assert found["F12.enter", 2]["municipality"] == CHIYODA
    assert found["F01.gain", 1]["questions"][0]["question"] == "facility"


def test_the_command_says_the_rules_and_explains_without_saying_who() -> None:
    def run(*arguments: str) -> str:
        out = StringIO()
        call_command("procedures", *arguments, stdout=out)
        return out.getvalue()

    assert len(run("list").splitlines()) == len(procedure_tables.rules())
    shown = run("show", "F01")
    assert "F01.loss v1" in shown
    assert "国民健康保険法施行規則4条" in shown
    relocation = accepted(family(), NO_FACILITY | {(1, "card"): "no"})
    explained = run("explain", relocation.receipt_no)
    assert "F12.enter        PENDING" in explained
    for secret in ("見本", str(born(40).year), str(born(9).year)):
        assert secret not in explained
    for wrong in (("show", "F99"), ("explain", "00-TEST-0001-T")):
        with pytest.raises(CommandError):
            run(*wrong)
