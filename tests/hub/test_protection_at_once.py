"""Two who protect at the same moment wait for each other in one order; none is thrown out by the database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.catalogue import Refusal
from hub.ids import uuid7
from hub.protection import services as protection
from hub.protection.models import Act, Guarded, Measure, Release
from hub.relocations import reports, services
from hub.relocations.models import Leg, Relocation
from hub.relocations.reported import ReportBody
from tests.conftest import CHIYODA, HAKODATE, filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - two transactions that are really two

pytestmark = pytest.mark.usefixtures("db")

OFFICE = "市民課"
ONE, TWO = (Actor(ActorKind.CLERK, HAKODATE, name, PROTECTS) for name in ("901", "902"))


@pytest.fixture
def filed() -> list[Relocation]:
    """Two filings of one person."""
    return [services.file(filing(1), Actor(ActorKind.CITIZEN, name=name))[0] for name in ("901", "902")]


def desk(relocation: Relocation) -> Measure:
    """A clerk of the town left protects the first mover, by the paper before the clerk."""
    terms = {"contact_office": OFFICE, "expires_on": timezone.localdate() + timedelta(days=300), "provisional": False}
    with acting(ONE):
        return protection.set_for_filed(ONE, relocation.receipt_no, 1, **terms)


def end(measure: Measure) -> None:
    """Another clerk releases the end that one asked for."""
    with acting(TWO):
        protection.release(TWO, Release.objects.get(measure=measure, act=Act.END).pk)


def routed(relocation: Relocation, town: str) -> None:
    """The town's system does."""
    body = ReportBody(
        id=uuid7(), type="protection.route", receipt_no=relocation.receipt_no, movers=(1,), contact_office=OFFICE
    )
    with acting(journeys.system(town)):
        reports.receive(body, town)


def meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both get as far as they come alone before either goes on: whoever has locked a filing waits for the other."""
    both = Barrier(2)
    freeze = protection._freeze

    def _freeze(*args: Any, **more: Any) -> None:
        with suppress(BrokenBarrierError):  # in one order the second never comes here, and the first goes on alone
            both.wait(timeout=1.5)
        freeze(*args, **more)

    monkeypatch.setattr(protection, "_freeze", _freeze)


def at_once(*acts: Callable[[], Any]) -> None:
    """Each in a transaction and a thread of its own."""

    def one(act: Callable[[], Any]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '20s'")
            act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, acts))


@pytest.mark.parametrize("town", [HAKODATE, CHIYODA])
def test_the_desk_and_a_report_about_one_person(
    filed: list[Relocation], town: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report has locked the later filing and comes to the earlier one; the desk goes the other way."""

    def by_desk() -> None:
        with suppress(Refusal):  # E200 when the own town's system came first: a measure is in force
            desk(filed[0])

    meet(monkeypatch)
    at_once(by_desk, lambda: routed(filed[1], town))
    with acting(HUB):
        assert set(Guarded.objects.values_list("relocation", flat=True)) == {one.pk for one in filed}
        assert Measure.objects.count() == (1 if town == HAKODATE else 2)
        assert not Leg.objects.filter(guard="").exists()


def test_two_reports_about_one_person(filed: list[Relocation], monkeypatch: pytest.MonkeyPatch) -> None:
    meet(monkeypatch)
    at_once(lambda: routed(filed[0], HAKODATE), lambda: routed(filed[1], CHIYODA))
    with acting(HUB):
        assert Guarded.objects.count() == 4
        assert Measure.objects.count() == 2


def test_an_end_and_a_report_of_another_town(filed: list[Relocation], monkeypatch: pytest.MonkeyPatch) -> None:
    measure = desk(filed[0])
    with acting(ONE):
        protection.ask(ONE, Act.END, measure.pk)
    meet(monkeypatch)
    at_once(lambda: end(measure), lambda: routed(filed[1], CHIYODA))
    with acting(HUB):
        assert Measure.objects.get(pk=measure.pk).state == "ENDED"
        assert not Leg.objects.filter(guard="").exists()
