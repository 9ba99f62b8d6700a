"""A run of chaos: a hub of processes, a steady stream of filings, faults one after the other, then the verdict."""

import json
import os
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from hub.demo import commands, outcome, people, seed
from hub.demo.front import Accepted, Front
from hub.demo.processes import Processes, free_port, wait_until_up
from municipalities.models import Municipality
from tests.chaos import clock, faults
from tests.chaos.faults import FAULTS, World, plan
from tests.chaos.verdict import verdict

#: Seconds between two batches of filings, and how many are filed at once.
PACE, BATCH = 0.4, 6
#: Seconds without any movement after which the clock is let jump for what waits.
QUIET = 6.0
#: Seconds for which the same filing is said again: while there is too much to do, the hub asks who files to wait.
PATIENCE_OF_FILER = 600.0
#: Seconds the towns have to finish what they have to say when all is settled.
PATIENCE = 60.0
#: What the web says of an answer that nobody foresaw (500).
UNFORESEEN = "Internal Server Error: "
#: Jumps of an hour after the faults: more than the 72 hours in which everything is tried again.
JUMPS = 80
Say = Callable[[str], None]


@dataclass(eq=False)
class Filer(threading.Thread):
    """Files one relocation after the other until told to stop; each is repeated until it is accepted."""

    hub: str
    number: int
    accepted: list[Accepted] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    failed: str = ""

    def __post_init__(self) -> None:
        super().__init__(name="filer", daemon=True)  # it repeats for ever what no hub takes any more

    def run(self) -> None:
        """File."""
        try:
            for count in range(0, len(self.filings), BATCH):
                if self.over.is_set():
                    return
                front = Front(self.hub, f"chaos-{os.getpid()}-{count}", PATIENCE_OF_FILER)
                self.accepted += front.file_all(self.filings[count : count + BATCH], lambda: None)
                self.over.wait(PACE)
        except Exception as error:  # the verdict must see it
            self.failed = f"{type(error).__name__}: {error}"
            raise
        finally:
            connections.close_all()

    def prepare(self, number: int) -> None:
        """Invent the filings while the database is still there."""
        today = timezone.localdate()
        rows = Municipality.objects.leaf().valid_on(today)
        places = [people.Place(row.pk, row.prefecture, f"{row.within}{row.name}") for row in rows]
        self.filings = list(people.Invention(places, today, self.number).filings(number))


def run(data: Path, world: World, number: int, seconds: float, seed_: int, say: Say) -> dict[str, Any]:
    """Run so many faults in about so many seconds; returns the verdict with what was done."""
    with hub(data, world) as (address, towns):
        filer = Filer(address, seed_)
        filer.prepare(BATCH * (int(seconds / PACE) + 10))
        connections.close_all()
        filer.start()
        while filer.is_alive() and not filer.accepted:
            time.sleep(0.1)
        done = strike_all(world, plan(seed_, number), seconds, say)
        filer.over.set()
        filer.join()
        say(f"{len(filer.accepted)} filings accepted; waiting until everything is settled")
        jumps = settle(world, filer.accepted, say)
        say(f"the towns have nothing left to say: {rest(towns)}")
        found = verdict(filer.accepted, towns, data)
    unforeseen = sum(UNFORESEEN in line for line in (data / "logs" / "web.log").read_text().splitlines())
    found["holds"] = bool(found["holds"] and not filer.failed and filer.accepted and not unforeseen)
    return {"seed": seed_, "faults": len(done), "jumps": jumps, "restarts": world.processes.restarts,
            "filer": filer.failed, "unforeseen": unforeseen, **found, "done": done}  # fmt: skip


def rest(towns: str) -> bool:
    """Wait until the towns' clerks are done: whose answer was lost on the way back tells it again."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{towns}/health", timeout=30) as answer:  # noqa: S310 - loopback
            if not json.load(answer)["waiting"]:
                return True
        time.sleep(0.5)
    return False


@contextmanager
def hub(data: Path, world: World) -> Iterator[tuple[str, str]]:
    """The whole hub as the demo runs it, its lines led through the proxy; yields its address and the towns'."""
    web, towns = free_port(), free_port()
    to_hub, to_towns = world.proxy.open("hub", web), world.proxy.open("towns", towns)
    address = f"http://127.0.0.1:{to_hub.port}"
    call_command("migrate", verbosity=0)
    seed.seed(f"http://127.0.0.1:{to_towns.port}", data / "towns")
    with ExitStack() as stack:
        stack.callback(world.processes.stop)
        start = world.processes.start
        start("web", commands.web(web))
        start(
            "towns",
            commands.towns(towns, address, data, ["--sftp-port", str(free_port()), "--speed", "4", "--poll", "5"]),
        )
        start("courier", commands.worker("courier", processes=2))
        start("beat", commands.beat(data))
        world.processes.watch()
        wait_until_up(f"http://127.0.0.1:{web}/health/ready")
        wait_until_up(f"http://127.0.0.1:{towns}/health")
        yield address, f"http://127.0.0.1:{towns}"


def strike_all(world: World, names: list[str], seconds: float, say: Say) -> list[str]:
    """One fault after the other, evenly over the time; returns what was done."""
    began, done = time.monotonic(), []
    for count, name in enumerate(names):
        time.sleep(max(0.0, began + seconds * (count + world.random.random()) / len(names) - time.monotonic()))
        what = FAULTS[name][0](world)
        done.append(f"{name}: {what}")
        say(f"{time.monotonic() - began:6.1f} s  {done[-1]}")
    return done


def settle(world: World, accepted: list[Accepted], say: Say) -> int:
    """Wait until all is settled; when nothing moves, an hour passes. Returns how many hours."""
    settled = 0

    def show(now: int) -> None:
        nonlocal settled
        settled = now

    for jumps in range(JUMPS):
        if outcome.wait(accepted, QUIET, 300.0, show):
            return jumps
        say(f"settled: {settled} of {len(accepted)}")
        clock.jump(world.data, clock.HOUR)
    return JUMPS


@contextmanager
def world(
    data: Path, proxy: Any, database: Any, broker: Any, environment: dict[str, str], seed_: int
) -> Iterator[World]:
    """Everything that can be struck, with the share of the folder transport."""
    share = data / "share"
    faults.mount(share)
    folders = {"HUB_FOLDER_ROOT": str(share), "HUB_STATIC_ROOT": str(data)}
    trays = {"HUB_TRAY_EVERY": "1", "HUB_TRAY_QUIET": "1"}
    processes = Processes(data / "logs", environment | folders | trays)
    try:
        yield World(data, processes, proxy, database, broker, share, random.Random(seed_))
    finally:
        faults.unmount(share)


__all__ = ["run", "world"]
