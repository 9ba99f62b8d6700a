"""Reconciliation with a town: digests that both sides can work out, differences that a person settles."""

import hashlib
import json
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from hub.actors import HUB, acting
from hub.catalogue import Refusal
from hub.deliveries import reconciliation, tasks
from hub.deliveries.models import Delivery, Discrepancy, Reconciliation
from hub.deliveries.reconciliation import Theirs
from municipalities.opening import JST
from tests.conftest import CHIYODA, HAKODATE, filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def yesterday() -> tuple[date, list[str]]:
    """Three deliveries that Chiyoda fetched yesterday, one late in the evening; and their ids."""
    day = timezone.localdate() - timedelta(days=1)
    for hour, minute in ((9, 0), (12, 30), (23, 59)):
        with time_machine.travel(datetime(day.year, day.month, day.day, hour, minute, tzinfo=JST), tick=False):
            journeys.file(filing(hour))
    journeys.carry()
    journeys.fetch(CHIYODA)
    with acting(HUB):
        rows = Delivery.objects.filter(municipality=CHIYODA).order_by("pk")
        return day, [str(pk) for pk in rows.values_list("pk", flat=True)]


def of(ids: list[str]) -> Theirs:
    """What a town's system works out of its own books, by the description alone."""
    digest = hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode()).hexdigest()
    return Theirs(count=len(ids), sha256=digest, last_id=max(ids, default=None), ids=ids)


def compare(day: date, theirs: Theirs) -> list[tuple[str, str]]:
    """Compare as Chiyoda's system."""
    with acting(journeys.system(CHIYODA)):
        return [(row.kind, row.delivery_id) for row in reconciliation.compare(CHIYODA, day, theirs)]


def test_both_sides_work_out_the_same_digest(yesterday: tuple[date, list[str]]) -> None:
    day, ids = yesterday
    with acting(journeys.system(CHIYODA)):
        ours = reconciliation.digest(CHIYODA, day)
        assert reconciliation.digest(CHIYODA, day + timedelta(days=1))["count"] == 0
        assert reconciliation.digest(HAKODATE, day)["count"] == 0  # another town's rows are not there
    theirs = of(ids)
    assert (ours["count"], ours["sha256"], ours["last_id"]) == (3, theirs.sha256, theirs.last_id)
    assert of([]).sha256 == reconciliation.NOTHING
    assert compare(day, theirs) == []
    with acting(HUB):
        assert Reconciliation.objects.get().agrees is True


def test_differences_become_tasks_and_a_later_agreement_settles_them(yesterday: tuple[date, list[str]]) -> None:
    day, ids = yesterday
    strange = str(UUID(int=7))
    assert compare(day, Theirs(count=2, sha256="0" * 64)) == [("digest", "")]
    assert compare(day, of([*ids[1:], strange])) == [("missing", ids[0]), ("unknown", strange)]
    assert compare(day, of([*ids[1:], strange])) == [("missing", ids[0]), ("unknown", strange)]
    with acting(HUB):
        (missing, _) = Discrepancy.objects.filter(settled_at=None).order_by("kind")
        assert reconciliation.settle([missing], "7") == 1
    assert compare(day, of([*ids[1:], strange])) == [("missing", ids[0]), ("unknown", strange)]  # it is still so
    assert compare(day, of(ids)) == []
    with acting(HUB):
        assert not Discrepancy.objects.filter(settled_at=None).exists()


def test_a_day_that_is_not_over_cannot_be_compared(yesterday: tuple[date, list[str]]) -> None:
    with pytest.raises(Refusal, match="E110"):
        compare(timezone.localdate(), of([]))


def test_a_town_that_falls_silent_is_noticed_and_one_that_never_spoke_is_not(yesterday: tuple[date, list[str]]) -> None:
    day, ids = yesterday
    journeys.fetch(HAKODATE)
    compare(day - timedelta(days=1), of([]))
    with time_machine.travel(datetime.combine(day + timedelta(days=2), datetime.min.time(), JST), tick=False):
        tasks.reconcile()
        tasks.reconcile()
    with acting(HUB):
        assert [(row.municipality_id, row.day, row.kind) for row in Discrepancy.objects.all()] == [
            (CHIYODA, day, "silent")
        ]
        assert Reconciliation.objects.get(municipality=CHIYODA, day=day).ours["count"] == 3
    assert compare(day, of(ids)) == []
    with acting(HUB):
        assert not Discrepancy.objects.filter(settled_at=None).exists()


def run(day: date, *more: str) -> tuple[int, dict[str, Any]]:
    """The command's exit code and what it says."""
    out = StringIO()
    try:
        call_command("reconcile", "--day", day.isoformat(), "--json", *more, stdout=out)
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_the_command_repeats_a_day_and_its_exit_code_says_whether_the_books_agree(
    yesterday: tuple[date, list[str]],
) -> None:
    day, ids = yesterday
    code, told = run(day)
    assert (code, told["compared"], told["differences"]) == (0, 0, [])
    with acting(HUB):
        assert told["written"] == Reconciliation.objects.count() > 0
    assert run(day)[1]["written"] == 0  # it is there already
    compare(day, of(ids[1:]))
    missing = {"municipality": CHIYODA, "kind": "missing", "delivery": ids[0]}
    assert run(day, "--municipality", CHIYODA) == (
        1,
        {"day": day.isoformat(), "municipalities": 1, "written": 0, "compared": 1, "differences": [missing]},
    )
    assert run(day, "--municipality", HAKODATE)[0] == 0
    with acting(HUB):  # what the town never had was not handed over after all
        Delivery.objects.filter(pk=ids[0]).update(sent_at=None)
    assert run(day)[0] == 0
    with acting(HUB):
        assert Reconciliation.objects.get(municipality=CHIYODA).agrees is True
        Delivery.objects.filter(pk=ids[0]).update(sent_at=timezone.now())
    assert [one["kind"] for one in run(day)[1]["differences"]] == ["digest"]
    for wrong in ("2026-13-01", timezone.localdate().isoformat()):
        with pytest.raises(CommandError):
            call_command("reconcile", "--day", wrong, stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("reconcile", "--municipality", "999997", stdout=StringIO())
