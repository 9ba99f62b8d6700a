"""A municipality merges while two couriers work as processes: nothing is sent twice, nothing lost (S29)."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from hub.demo.commands import PYTHON
from hub.demo.processes import Processes
from hub.relocations import successions
from hub.relocations.models import Mover, Relocation
from municipalities import standard
from municipalities.models import Municipality, Succession
from tests.conftest import HAKODATE, NAHA, filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture
from tests.hub.pushing import pushed  # noqa: F401 - a fixture
from tests.hub.receivers import Towns

pytestmark = pytest.mark.usefixtures("db")
FILINGS = 40
COURIER = "from hub.deliveries import courier; courier.run(idle=120, slice_=120)"


@contextmanager
def couriers(folder: Path) -> Iterator[Processes]:
    """Two couriers on the test's database."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{settings.DATABASES['default']['NAME']}")
    processes = Processes(folder / "logs", {"DATABASE_URL": urlunsplit(database)})
    try:
        for name in ("courier-a", "courier-b"):
            processes.start(name, [PYTHON, "manage.py", "shell", "--verbosity", "0", "--command", COURIER])
        yield processes
    finally:
        processes.stop()


@contextmanager
def merged() -> Iterator[None]:
    """Hakodate has been part of Naha since this morning."""
    today = timezone.localdate()
    Municipality.objects.filter(pk=HAKODATE).update(valid_to=today - timedelta(days=1))
    row = Succession.objects.create(predecessor_id=HAKODATE, successor_id=NAHA, on=today)
    try:
        yield
    finally:
        row.delete()
        Municipality.objects.filter(pk=HAKODATE).update(valid_to=None)


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def unsent() -> int:
    """How much waits for a push."""
    with acting(HUB):
        return Delivery.objects.filter(state="queued").count()


def test_s29_two_couriers_and_a_merger_send_everything_once(pushed: Towns, tmp_path: Path) -> None:
    pushed.connect(NAHA)
    filed = [journeys.file(filing(number, origin=HAKODATE)) for number in range(FILINGS)]
    with couriers(tmp_path):
        until(lambda: len(pushed.done) >= 8)
        pushed.hanging[HAKODATE] = threading.Event()
        until(lambda: pushed.now[HAKODATE] == 4)  # all that its lane lets through: under way as it merges
        with merged():
            # What is under way is left until it shows whether the town of the past took it.
            assert successions.follow() == FILINGS - 4
            pushed.hanging[HAKODATE].set()
            until(lambda: successions.follow() == 0 and not unsent())
            assert successions.follow() == 0
    got = [one for one in pushed.got if one.type == "moveout.submitted"]
    told = Counter(standard.load("gif_json").read(one.body).receipt_no for one in got)
    assert told == Counter({relocation.receipt_no: 1 for relocation in filed})
    assert len({one.id for one in pushed.got}) == len(pushed.got)
    assert 8 + 4 <= len(pushed.ids(HAKODATE)) < FILINGS
    with acting(HUB):
        rows = Delivery.objects.filter(type="moveout.submitted")
        sent = {str(pk): code for pk, code in rows.filter(state="sent").values_list("pk", "municipality")}
        assert sent == {one.id: one.town for one in got}
        left = rows.exclude(state="sent").values_list("state", "municipality", "sent_at")
        assert set(left) <= {("superseded", HAKODATE, None)}
        assert set(Mover.objects.filter(role="origin").values_list("municipality", "state")) == {(NAHA, "DELIVERED")}
        assert set(Relocation.objects.values_list("origin", flat=True)) == {NAHA}
        assert rows.filter(state="superseded").count() == len(rows) - FILINGS
