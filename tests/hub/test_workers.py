"""Two workers of one town share its queue under leases and are killed again and again: each record once, in order.

``make workers`` does the same with 10,000 records (``HUB_WORKER_RECORDS``).
"""

import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import msgspec
import pytest
from django.conf import settings
from django.db.models import Count, Q

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery, Receipt
from hub.demo import commands
from hub.demo.processes import Processes, free_port, wait_until_up
from hub.relocations import changing
from hub.relocations.filing import Filing
from municipalities.conformance import reference_adapter
from tests.conftest import HAKODATE, connect, filing, town
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.timeout(7200)]
RECORDS = int(os.environ.get("HUB_WORKER_RECORDS", "60"))
#: Records of one relocation, one after the other: the filing, then its amendments.
EACH = 5
WORKERS = ("worker-a", "worker-b")
#: Seconds from one kill to the next, at least and at most.
LIFE = (0.4, 1.6) if RECORDS < 1000 else (1.0, 8.0)


@contextmanager
def hub_and_workers(folder: Path) -> Iterator[Processes]:
    """The hub's web and two reference adapters on one file of books, kept alive."""
    town(HAKODATE)
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{settings.DATABASES['default']['NAME']}")
    port = free_port()
    environment = {
        "DATABASE_URL": urlunsplit(database),
        "HIKKOSHI_HUB": f"http://127.0.0.1:{port}",
        "HIKKOSHI_TOWN": HAKODATE,
        "HIKKOSHI_CLIENT_ID": f"town-{HAKODATE}",
        "HIKKOSHI_CLIENT_SECRET": "s3cret",
        "HIKKOSHI_MODE": "pull",
        "HIKKOSHI_POLL": "0.1",
        "HIKKOSHI_PORT": "0",
        "HIKKOSHI_LEASE": "5",
        "HIKKOSHI_BOOKS": str(folder / "books.sqlite3"),
    }
    processes = Processes(folder / "logs", environment)
    try:
        processes.start("web", commands.web(port))
        wait_until_up(f"http://127.0.0.1:{port}/health/live")
        for name in WORKERS:
            adapter = [sys.executable, reference_adapter.__file__]
            processes.start(name, ["/usr/bin/env", f"HIKKOSHI_WORKER={name}", *adapter])
        processes.watch()
        yield processes
    finally:
        processes.stop()


class Killer(threading.Thread):
    """SIGKILL to one worker or the other, at random moments, until told to stop."""

    def __init__(self, processes: Processes) -> None:
        super().__init__(daemon=True, name="killer")
        self.processes, self.kills, self.over = processes, 0, threading.Event()
        self.luck = random.Random(RECORDS)

    def run(self) -> None:
        """Kill."""
        while not self.over.wait(self.luck.uniform(*LIFE)):
            running = self.processes.running[self.luck.choice(WORKERS)]
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                self.kills += 1


def file_all(count: int) -> dict[UUID, Filing]:
    """File relocations that leave Hakodate."""
    documents = [filing(number) for number in range(count)]
    return {journeys.file(document).pk: document for document in documents}


def standing(ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    """For each relocation, how many records Hakodate was to get, and how many it has answered."""
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id__in=ids, municipality=HAKODATE).values_list("relocation_id")
        counted: Any = rows.annotate(n=Count("pk"), answered=Count("pk", filter=Q(state="answered")))
        return {pk: (n, answered) for pk, n, answered in counted}


def amend_all(filed: dict[UUID, Filing], seconds: float) -> None:
    """Carry, and amend whatever was answered, until each relocation has led to all its records."""
    deadline = time.monotonic() + seconds
    waiting = set(filed)
    while waiting:
        assert time.monotonic() < deadline, f"{len(waiting)} relocations wait"
        moved = 0
        while journeys.carry():
            moved += 1
        for pk, (made, answered) in standing(list(waiting)).items():
            if made == answered == EACH:
                waiting.discard(pk)
            elif made == answered:
                newer = msgspec.structs.replace(filed[pk], remarks=f"訂正 {made}")
                changing.amend(pk, newer, journeys.CITIZEN)
                moved += 1
        if not moved:
            time.sleep(0.05)


def test_two_workers_under_fire_take_each_record_once_and_in_order(tmp_path: Path) -> None:
    connect(HAKODATE, "gif_json", "pull:")
    started = time.monotonic()
    with hub_and_workers(tmp_path) as processes:
        killer = Killer(processes)
        killer.start()
        filed = file_all(RECORDS // EACH)
        amend_all(filed, seconds=120 + RECORDS)
        killer.over.set()
        killer.join()
        books = sqlite3.connect(tmp_path / "books.sqlite3")
        deadline = time.monotonic() + 60
        while books.execute("SELECT count(*) FROM outbox WHERE state = 'open'").fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    seconds = time.monotonic() - started
    rows = books.execute("SELECT id, receipt_no, version, times FROM notices ORDER BY rowid").fetchall()
    failed = books.execute("SELECT count(*) FROM outbox WHERE state = 'failed'").fetchone()
    books.close()
    taken: dict[str, list[int]] = defaultdict(list)
    for _, receipt_no, version, _ in rows:
        taken[receipt_no].append(version)
    with acting(HUB):
        told = Delivery.objects.filter(municipality=HAKODATE, relocation_id__in=list(filed))
        ids, shared = (
            {str(pk) for pk in told.values_list("pk", flat=True)},
            set(told.values_list("leased_by", flat=True)),
        )
        receipts = list(Receipt.objects.filter(delivery__in=told).values_list("delivery_id", "kind"))
    figures = f"{len(rows)} records, {killer.kills} kills, {processes.restarts} restarts, {seconds:.0f} s"
    sys.stdout.write(f"\n{figures}\n")
    assert {name for name, *_ in rows} == ids
    assert len(rows) == len(ids) == len(filed) * EACH
    assert {times for *_, times in rows} == {1}
    assert set(map(tuple, taken.values())) == {tuple(range(1, EACH + 1))}
    assert len(receipts) == len(set(receipts)) == 2 * len(rows)
    assert failed == (0,)
    assert shared == set(WORKERS)
    assert killer.kills >= 3
