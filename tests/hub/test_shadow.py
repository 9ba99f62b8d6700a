"""Shadow runs: the next standard tried on what went out; counted, resumable, and felt by nobody."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, Actor, ActorKind, acting
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.fidelity import services as fidelity
from hub.fidelity.models import Kind as Writing
from hub.relocations.models import Relocation
from hub.shadow import services
from hub.shadow.models import Finding, Outcome, Trial
from hub.shadow.report import Report
from hub.shadow.tasks import try_next
from hub.vault import services as vault
from municipalities.compare import Difference, Kind
from municipalities.models import Connection
from tests.conftest import CHIYODA, HAKODATE, NAHA, clerk, connect, filing
from tests.hub import journeys
from tests.hub.shadows import planned

pytestmark = pytest.mark.django_db

NARROW = "mainframe_cp932"
CANARY = "見本　𠮷之介"
LONG = "見本　" + "太" * 60


@pytest.fixture(autouse=True)
def town() -> None:
    """Hakodate is told at once, in JSON that holds everything."""
    connect(HAKODATE, "gif_json", "memory:now")


def sent(number: int, name: str = CANARY) -> Relocation:
    """A filing whose first mover has this name, handed over to Hakodate."""
    document = filing(number)
    first = msgspec.structs.replace(document.movers[0], full_name=name)
    relocation = journeys.file(msgspec.structs.replace(document, movers=(first, *document.movers[1:])))
    journeys.carry()
    return relocation


def report(row: Connection) -> Report:
    with acting(HUB):
        return services.report_of(row)


def everything(*tables: str) -> list[Any]:
    """Every row with the number of the transaction that wrote it last."""
    found: list[Any] = []
    with acting(HUB), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT xmin::text, ctid::text, t.* FROM {table} AS t ORDER BY 1, 2")  # noqa: S608
            found += cursor.fetchall()
    return found


# --- Trying --------------------------------------------------------------------------------------------


def test_what_went_out_is_tried_counted_and_told_by_item() -> None:
    for number in range(3):
        sent(number)
    sent(4, LONG)
    row = planned(HAKODATE, NARROW)
    try_next()
    found = report(row)
    assert found.outcomes == {Outcome.DIFFERENT: 3, Outcome.REFUSED: 1}
    assert found.differences[Difference(Kind.FALLBACK, "mover.full_name")] == 3
    refusals = {one.code: count for one, count in found.differences.items() if one.kind is Kind.REFUSED}
    assert refusals == {"E131": 1}
    assert not found.is_ready
    with acting(HUB):
        assert {trial.day for trial in Trial.objects.all()} == {timezone.localdate()}


def test_the_same_standard_at_another_address_comes_through_equal_and_is_ready() -> None:
    sent(1)
    row = planned(HAKODATE, "gif_json")
    try_next()
    assert (report(row).outcomes, report(row).is_ready) == ({Outcome.EQUAL: 1}, True)


def test_nothing_is_ready_that_was_never_tried() -> None:
    row = planned(HAKODATE, "gif_json")
    try_next()
    assert (report(row).tried, report(row).is_ready, len(report(row).obstacles())) == (0, False, 1)


def test_what_was_tried_is_not_tried_again_and_a_broken_run_goes_on() -> None:
    for number in range(5):
        sent(number)
    row = planned(HAKODATE, NARROW)
    assert services.advance(row, 2) == 2  # and then the process was killed
    assert services.run(seconds=60) == 3
    before = everything("shadow_trial", "shadow_finding")
    assert services.run(seconds=60) == 0
    assert everything("shadow_trial", "shadow_finding") == before
    assert report(row).tried == 5
    assert report(row).differences[Difference(Kind.FALLBACK, "mover.full_name")] == 5
    sent(6)
    assert services.run(seconds=60) == 1


def test_two_processes_with_the_same_batch_count_it_once() -> None:
    relocation = sent(1)
    row = planned(HAKODATE, NARROW)
    with acting(HUB):
        delivery = Delivery.objects.get(relocation_id=relocation.pk, municipality=HAKODATE)
        present = services.before(row)
        assert present is not None
        ((one, key),) = services.with_keys([delivery])
    tried = [services.attempt(one, key, present.layout(), row.layout())]
    for _ in range(2):
        with acting(HUB):
            services.keep(row, tried)
    with acting(HUB):
        assert Trial.objects.count() == 1
        assert set(Finding.objects.values_list("count", flat=True)) == {1}


def test_what_cannot_be_read_is_left_alone_and_stops_nothing() -> None:
    shredded = sent(1)
    with acting(HUB):
        vault.shred(shredded.pk)
    sent(2)
    row = planned(HAKODATE, NARROW)
    try_next()
    assert report(row).outcomes == {Outcome.UNREAD: 1, Outcome.DIFFERENT: 1}
    assert report(row).tried == 1


def test_only_what_was_written_over_the_present_connection_since_the_day_is_tried() -> None:
    early = sent(1)
    row = planned(HAKODATE, NARROW)
    with acting(HUB):
        waiting = journeys.file(filing(2))  # queued, not written yet
    Connection.objects.filter(pk=row.pk).update(tried_from=timezone.localdate() + timedelta(days=1))
    assert services.run(seconds=60) == 0
    Connection.objects.filter(pk=row.pk).update(tried_from=timezone.localdate())
    assert services.run(seconds=60) == 1
    with acting(HUB):
        tried = Delivery.objects.get(pk=Trial.objects.get().delivery_id)
    assert tried.relocation_id == early.pk != waiting.pk
    journeys.carry()
    assert services.run(seconds=60) == 1


def test_it_ends_when_the_connection_begins() -> None:
    sent(1)
    row = planned(HAKODATE, NARROW)
    Connection.objects.filter(municipality=HAKODATE, pk__lt=row.pk).update(
        valid_to=timezone.localdate() - timedelta(days=1), valid_from=timezone.localdate() - timedelta(days=9)
    )
    Connection.objects.filter(pk=row.pk).update(valid_from=timezone.localdate())
    assert services.run(seconds=60) == 0


def test_what_clerks_decided_counts_once_it_is_tried_again() -> None:
    """A character without a substitute would be refused; a clerk decides; tried again it is a recorded substitute."""
    relocation = sent(1, "見本　😀")
    row = planned(HAKODATE, NARROW)
    try_next()
    assert report(row).outcomes == {Outcome.REFUSED: 1}
    assert {one.code for one in report(row).differences} == {"E130"}
    with acting(HUB):
        delivery = Delivery.objects.get(relocation_id=relocation.pk, municipality=HAKODATE)
        questions = row.layout().questions(deliveries.notice_of(delivery))
    asked = {(question.target, question.text) for question in questions}
    choices = [fidelity.Choice(asked=one, kind=Writing.WRITE, writing="見本　笑") for one in asked]
    user = clerk(HAKODATE)
    user.plans_connections = True
    user.save()
    with acting(user.actor):
        fidelity.decide(HAKODATE, choices, delivery.pk, relocation.pk)
    assert services.run(seconds=60) == 0
    chosen = {"action": "start_over", "_selected_action": [str(row.pk)]}
    assert "1 shadow runs begin anew" in desk(user).post("/admin/shadow/change/", chosen, follow=True).content.decode()
    try_next()
    assert report(row).outcomes == {Outcome.DIFFERENT: 1}
    assert Difference(Kind.FALLBACK, "mover.full_name") in report(row).differences


# --- Felt by nobody ------------------------------------------------------------------------------------


def test_no_delivery_lane_event_or_receipt_is_touched() -> None:
    for number in range(3):
        sent(number)
    planned(HAKODATE, NARROW)
    tables = ("deliveries_delivery", "deliveries_lane", "deliveries_event", "deliveries_receipt")
    before = everything(*tables)
    assert services.run(seconds=60) == 3
    assert everything(*tables) == before


def test_without_a_plan_it_costs_one_question(django_assert_num_queries: Any) -> None:
    sent(1)
    with django_assert_num_queries(1):
        try_next()


# --- No personal data, and whose it is -----------------------------------------------------------------


def desk(user: User) -> Client:
    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies["django_language"] = "en"
    client.force_login(user)
    return client


def test_the_report_names_items_and_never_a_person() -> None:
    relocation = sent(1)
    sent(2, LONG)
    row = planned(HAKODATE, NARROW)
    try_next()
    operator = User.objects.create(username="operator", is_staff=True, is_operator=True)
    shown = desk(operator).get(f"/admin/shadow/change/{row.pk}/change/").content.decode()
    assert "Not ready" in shown
    assert "1 notice would be refused." in shown
    assert "mover.full_name" in shown
    assert "2 notices tried; 0.0 % came through equal." in shown
    listed = desk(operator).get("/admin/shadow/change/").content.decode()
    assert "0 / 2" in listed
    kept = shown + listed + repr(everything("shadow_trial", "shadow_finding"))
    for trace in (CANARY, LONG, "見本", "𠮷", relocation.receipt_no):
        assert trace not in kept


def test_other_towns_see_nothing_of_it() -> None:
    sent(1)
    row = planned(HAKODATE, NARROW)
    try_next()
    for code, seen in ((NAHA, 0), (CHIYODA, 0), (HAKODATE, 1)):
        with acting(Actor(ActorKind.CLERK, code, "1")):
            assert Trial.objects.count() == seen
            assert Finding.objects.exists() is bool(seen)
            assert Finding.objects.filter(connection=row).update(count=9) == 0
        answer = desk(clerk(code)).get(f"/admin/shadow/change/{row.pk}/change/")
        assert answer.status_code == (200 if seen else 302)
    with acting(Actor(ActorKind.CITIZEN, name="1")):
        assert not Trial.objects.exists()


def test_a_plan_taken_back_takes_its_findings_along() -> None:
    sent(1)
    row = planned(HAKODATE, NARROW)
    try_next()
    user = clerk(HAKODATE)
    user.plans_connections = True
    user.save()
    chosen = {"action": "take_back", "_selected_action": [str(row.pk)]}
    desk(user).post("/admin/shadow/change/", chosen)
    assert everything("shadow_trial", "shadow_finding") == []
    assert not Connection.objects.filter(pk=row.pk).exists()


# --- On demand -----------------------------------------------------------------------------------------


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_command_tries_without_keeping_anything(capsys: pytest.CaptureFixture[str]) -> None:
    sent(1)
    sent(2, LONG)
    with pytest.raises(CommandError) as ended:
        call_command("shadow", HAKODATE, to=NARROW, json=True)
    assert ended.value.returncode == 1
    said = told(capsys)
    assert (said["ready"], said["tried"], said["outcomes"]) == (False, 2, {"different": 1, "refused": 1})
    assert {"kind": "fallback", "item": "mover.full_name", "code": "", "count": 1, "reason": ""} in said["differences"]
    call_command("shadow", HAKODATE, to="gif_json", json=True)
    assert told(capsys) == {
        "ready": True, "why": [], "tried": 2, "equal": 2, "share": 1.0, "outcomes": {"equal": 2}, "differences": [],
    }  # fmt: skip
    call_command("shadow", HAKODATE, to="gif_json")
    out = capsys.readouterr().out
    assert "2" in out
    assert "見本" not in out
    assert everything("shadow_trial", "shadow_finding") == []


def test_the_command_refuses_what_there_is_not() -> None:
    with pytest.raises(CommandError, match="no_such"):
        call_command("shadow", HAKODATE, to="no_such")
    with pytest.raises(CommandError, match="no gaiji table"):
        call_command("shadow", HAKODATE, to=NARROW, gaiji="nothing")
    with pytest.raises(CommandError, match="no connection"):
        call_command("shadow", "999997", to=NARROW)
