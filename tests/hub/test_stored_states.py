"""The stored state of a filing follows its legs as soon as something was handed over: lists are filtered by it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from hub.actors import HUB, acting
from hub.ids import uuid7
from hub.relocations import changing, facts, journey, reports, services
from hub.relocations.corrections import Change
from hub.relocations.models import Relocation
from hub.relocations.reported import ReportBody
from municipalities.notice import Kind, Role
from tests.conftest import CHIYODA, HAKODATE, TENRYU, clerk, filing
from tests.hub import journeys, order_rules
from tests.hub.test_admin import desk
from tests.hub.test_kinds import of_kind

pytestmark = pytest.mark.django_db


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[[], None]:
    """Carry and fetch, and do what is done after the commit."""

    def carry() -> None:
        with django_capture_on_commit_callbacks(execute=True):
            while journeys.carry():
                journeys.fetch()

    return carry


def states(relocation: Relocation) -> tuple[str, str]:
    """The state as it is stored and as it follows from everything that happened."""
    with acting(HUB):
        row = Relocation.objects.get(pk=relocation.pk)
        return row.state, facts.whole(row, journey.travel(facts.situation(row, facts.read(row))).state)


@pytest.mark.parametrize("kind", list(Kind))
def test_it_never_lags_in_a_move_of_any_kind(kind: Kind, committed: Callable[[], None]) -> None:
    document = of_kind(kind)
    relocation = journeys.file(document)
    assert states(relocation) == ("SUBMITTED", "SUBMITTED")
    for one in journeys.course(relocation, document):
        committed()
        stored, worked_out = states(relocation)
        assert stored == worked_out != "SUBMITTED"
        journeys.say(relocation, one)
    committed()
    ended = "SETTLED" if order_rules.owed(relocation) else "COMPLETE"
    assert states(relocation) == (ended, ended)


def test_list_filter_and_detail_say_the_same(committed: Callable[[], None]) -> None:
    relocation = journeys.file(filing(1))
    client, name = desk(clerk(HAKODATE)), "admin:relocations_relocation"
    committed()

    def listed(state: str) -> bool:
        page = client.get(reverse(f"{name}_changelist"), {"state__exact": state}).content.decode()
        return relocation.receipt_no in page

    def detail() -> str:
        return str(client.get(reverse(f"{name}_change", args=[relocation.pk])).content.decode())

    assert listed("IN_REVIEW")
    assert not listed("SUBMITTED")
    assert "転出地で審査中" in detail()
    # Returned, and again under review as soon as the new version is handed over.
    with acting(HUB):
        whole = services.filing_of(relocation)
    everyone = tuple(mover.ordinal for mover in whole.movers)
    for word, outcome in (("moveout.reviewing", ""), ("moveout.decided", "RETURNED")):
        said = journeys.Said(HAKODATE, Role.ORIGIN, "moveout.submitted", word, outcome, everyone)
        journeys.say(relocation, said)
    assert listed("RETURNED")
    changing.amend(relocation.pk, whole, journeys.CITIZEN)
    committed()
    assert listed("IN_REVIEW")
    assert states(relocation) == ("IN_REVIEW", "IN_REVIEW")


def test_it_never_lags_when_a_settled_move_is_corrected_and_undone(committed: Callable[[], None]) -> None:
    document = of_kind(Kind.DOMESTIC)
    relocation = journeys.file(document)
    journeys.settle(relocation, journeys.course(relocation, document))

    def report(town: str, type_: str, outcome: str = "", **more: Any) -> None:
        body = ReportBody(id=uuid7(), type=type_, receipt_no=relocation.receipt_no, outcome=outcome, **more)
        with acting(journeys.system(town)):
            reports.receive(body, town)
        committed()
        stored, worked_out = states(relocation)
        assert stored == worked_out

    report(CHIYODA, "correction.notified", changes=(Change("/remarks", "訂正"),))
    assert states(relocation)[0] == "ARRIVED"
    report(TENRYU, "appendix.applied")
    assert states(relocation)[0] == "COMPLETE"
    changing.withdraw(relocation.pk, journeys.CITIZEN)
    committed()
    today = timezone.localdate()
    report(CHIYODA, "cancel.decided", "CANCEL_REMOVE", legal_date=today)
    assert states(relocation)[0] == "AWAITING_ARRIVAL"
    report(HAKODATE, "cancel.decided", "CANCEL_ADD", legal_date=today)
    report(TENRYU, "appendix.applied")
    assert states(relocation)[0] == "CANCELLED"
