"""A town that takes files in the afternoon and works them off in a batch at 18:00: nothing earlier, nothing lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries import courier, windows
from hub.deliveries.models import Delivery, Receipt, WeeklyHours
from hub.relocations.models import Report
from hub.trays import rounds
from municipalities.opening import JST
from municipalities.simulator.api import Api
from municipalities.simulator.desk import Desk
from municipalities.simulator.faults import PROFILES, Act, Faults
from municipalities.simulator.intake import Intake
from municipalities.simulator.ledger import Ledger
from municipalities.simulator.office import Office
from municipalities.simulator.town import Settings, Town
from municipalities.simulator.tray import Trays
from municipalities.transports import open_session
from tests.conftest import CHIYODA, HAKODATE, TENRYU, connect, filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("db")
LAYOUT = "mainframe_cp932"
TOWN = Town(code=HAKODATE, standard=LAYOUT, address="folder:town", client_id="", client_secret="")


@pytest.fixture
def clock(tmp_path: Path, settings: Any) -> Iterator[time_machine.Traveller]:
    """Ten in the morning of tomorrow; the share takes files from 16:00 until 17:45, every day."""
    settings.HUB_FOLDER_ROOT, settings.HUB_TRAY_QUIET = str(tmp_path), 0.1
    connect(HAKODATE, LAYOUT, "folder:town")
    for code in (CHIYODA, TENRYU):
        connect(code, "gif_json", "pull:")
    tomorrow = timezone.localdate() + timedelta(days=1)
    with time_machine.travel(datetime.combine(tomorrow, time(10), JST)) as traveller:
        with acting(HUB):
            for day in range(7):
                WeeklyHours.objects.create(
                    municipality_id=HAKODATE, day=day, opens_at=time(16), closes_at=time(17, 45), on_holidays=True
                )
        windows.refresh([HAKODATE])
        yield traveller


def at(clock: time_machine.Traveller, hour: int, minute: int = 0) -> None:
    """Let it be later on the same day; the hub looks what is open, carries, and looks for answers."""
    clock.move_to(datetime.combine(timezone.localdate(), time(hour, minute), JST))
    windows.roll(timezone.now())
    courier.run(idle=0, slice_=10)


async def town_runs(folder: Path, seconds: float) -> None:
    """The town's system is on for some seconds."""
    async with running(folder, Act(profile=PROFILES["batch"])):
        await asyncio.sleep(seconds)


@asynccontextmanager
async def running(folder: Path, *acts: Act) -> AsyncIterator[Intake]:
    """The town's system, while it is on."""
    settings = Settings(hub="http://127.0.0.1:1", data=folder / "books", folder_root=folder, speed=50.0)
    ledger, faults = Ledger(settings.data), Faults([HAKODATE], acts)
    try:
        async with open_session() as session:
            office = Office({HAKODATE: TOWN}, settings, ledger, Api(session, settings.hub), faults)
            desk = Desk(office)
            intake = Intake(office, desk)
            trays = Trays(office, intake)
            trays.start()
            desk.resume()
            async with asyncio.TaskGroup() as group:
                works = [group.create_task(work) for work in (desk.agenda.run(), trays.run())]
                yield intake
                for work in works:
                    work.cancel()
    finally:
        await ledger.close()


def laid(folder: Path, place: str = "") -> list[str]:
    """Files that lie in the town's tray or below it."""
    return sorted(path.name for path in (folder / "town" / place).glob("*") if path.is_file())


def test_a_file_town_takes_in_the_afternoon_and_answers_by_its_evening_batch(
    tmp_path: Path, clock: time_machine.Traveller
) -> None:
    asyncio.run(town_runs(tmp_path, 0.1))  # makes its folders

    def told() -> Delivery:
        with acting(HUB):
            return Delivery.objects.get(relocation_id=relocation.pk, type="moveout.submitted")

    relocation = journeys.file(filing(1))
    at(clock, 15, 59)
    assert (told().state, told().attempts, laid(tmp_path)) == ("queued", 0, [])
    opens = windows.receives_from([HAKODATE])[HAKODATE]
    assert opens.astimezone(JST).time() == time(16)  # which the citizen is told

    at(clock, 16, 1)
    assert told().state == "sent"
    assert len(laid(tmp_path)) == 2
    at(clock, 17, 50)
    late = journeys.file(filing(2))
    courier.run(idle=0, slice_=10)
    asyncio.run(town_runs(tmp_path, 1.2))
    assert len(laid(tmp_path)) == 2  # the batch has not come, the late one finds the share closed
    assert rounds.run() == rounds.Round()

    at(clock, 18, 1)
    asyncio.run(town_runs(tmp_path, 2.0))
    assert laid(tmp_path) == []
    assert len(laid(tmp_path, "answers")) == 12  # three receipts, three reports, and their manifests
    found = rounds.run()
    assert (found.taken, found.bad, found.left) == (6, 0, 0)
    row = told()
    assert (row.state, row.answer) == ("answered", "registered")
    assert row.answered_at is not None
    assert row.answered_at.astimezone(JST).hour == 18
    with acting(HUB):
        assert set(Receipt.objects.filter(delivery=row).values_list("kind", flat=True)) == {
            "received", "accepted_for_review", "registered",
        }  # fmt: skip
        assert Report.objects.filter(relocation=relocation.pk, type="moveout.decided").count() == 1
        assert Delivery.objects.get(relocation_id=late.pk, type="moveout.submitted").state == "queued"

    clock.shift(timedelta(days=1))
    at(clock, 16, 1)
    at(clock, 18, 1)
    asyncio.run(town_runs(tmp_path, 2.0))
    assert rounds.run().bad == 0
    with acting(HUB):
        assert Delivery.objects.get(relocation_id=late.pk, type="moveout.submitted").answer == "registered"
