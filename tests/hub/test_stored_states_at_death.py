"""What a hand-over moves is stored whole, by a process that is killed right after the commit and beside another."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from hub.actors import HUB, acting
from hub.deliveries import services as deliveries
from hub.deliveries.claims import claim, write
from hub.deliveries.models import Delivery
from hub.relocations import facts, legs, services
from hub.relocations.models import Relocation
from hub.relocations.notes import Notes
from tests.conftest import CHIYODA, HAKODATE, TENRYU, connect, filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture
from tests.hub.test_stored_states import states

pytestmark = pytest.mark.usefixtures("db")


def filed(address: str) -> Relocation:
    """A move between towns that are reached in this way."""
    for code in (HAKODATE, CHIYODA, TENRYU):
        connect(code, "gif_json", address.format(code))
    relocation = journeys.file(filing(1))
    assert states(relocation) == ("SUBMITTED", "SUBMITTED")
    return relocation


def die_after(work: Callable[[], object]) -> None:
    """Do the work in a process that is killed as soon as it has committed, before anything that follows a commit."""
    connection.close()  # two processes never share one
    pid = os.fork()
    if not pid:
        try:
            mine: Any = connection
            mine.run_and_clear_commit_hooks = lambda: os.kill(os.getpid(), signal.SIGKILL)
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_a_courier_that_dies_right_after_the_commit_leaves_no_state_behind() -> None:
    relocation = filed("memory:{}")
    outcomes = journeys.attempts(claim(100))
    die_after(lambda: write(outcomes))
    assert states(relocation) == ("IN_REVIEW", "IN_REVIEW")


def test_a_web_process_that_dies_right_after_a_fetch_leaves_no_state_behind() -> None:
    relocation = filed("pull:")
    assert journeys.carry()
    with acting(HUB):
        told = Delivery.objects.get(relocation_id=relocation.pk, municipality=HAKODATE, type="moveout.submitted")
    assert told.state == "ready"

    def fetch() -> None:
        with acting(journeys.system(HAKODATE)):
            deliveries.fetch(deliveries.locked(told.pk, HAKODATE))

    die_after(fetch)
    assert states(relocation) == ("IN_REVIEW", "IN_REVIEW")


def test_whoever_read_it_before_the_hand_over_and_goes_on_after_it_leaves_no_state_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The courier waits for nobody inside its transaction; what was busy then it sets right after its commit."""
    relocation = filed("memory:{}")
    outcomes = journeys.attempts(claim(100))
    held, go = Event(), Event()
    restate_later, waited = legs.restate_later, list[Sequence[UUID]]()

    def watched(relocations: Sequence[UUID]) -> None:
        waited.append(relocations)
        go.set()
        restate_later(relocations)

    def go_on() -> None:
        try:
            with acting(HUB):
                row = services.lock(relocation.pk)
                rows = facts.read(row)
                held.set()
                assert go.wait(30)
                services.go_on(row, rows, Notes(row))
        finally:
            connection.close()

    monkeypatch.setattr(legs, "restate_later", watched)
    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(go_on)
        assert held.wait(30)
        write(outcomes)
        other.result()
    assert waited == [[relocation.pk]]
    assert states(relocation) == ("IN_REVIEW", "IN_REVIEW")


def test_whoever_is_slow_holds_up_no_courier_and_the_next_event_says_it() -> None:
    relocation = filed("memory:{}")
    outcomes = journeys.attempts(claim(100))
    held, go = Event(), Event()

    def hold() -> None:
        try:
            with acting(HUB):
                services.lock(relocation.pk)
                held.set()
                assert go.wait(60)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(hold)
        assert held.wait(30)
        began = time.monotonic()
        assert write(outcomes) == len(outcomes)
        assert time.monotonic() - began < 30
        go.set()
        other.result()
    assert states(relocation) == ("SUBMITTED", "IN_REVIEW")
    with acting(HUB):
        services.advance(relocation.pk)
    assert states(relocation) == ("IN_REVIEW", "IN_REVIEW")
