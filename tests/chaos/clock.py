"""The clock of all processes of a run, which can jump: an offset in a file that each of them follows.

The machine's own clock cannot be moved under PostgreSQL and the rest of the machine. Each Python process of the
run therefore starts with a ``sitecustomize`` that reads the file, and looks into it again five times a second;
``time-machine`` then moves what Python takes for the time. Monotonic clocks do not jump, as on a real machine. Nor do
the clocks of two processes agree, as those of two machines do not.
"""

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import time_machine

VARIABLE = "CHAOS_CLOCK"
EVERY = 0.2
HOUR = 3600.0
#: By how much a process' clock differs at most, either way (seconds).
SKEW = 1.0

SITE = """\
import sys
from tests.chaos import clock
clock.follow()
"""


def prepare(data: Path, root: Path) -> dict[str, str]:
    """What the environment of the run's processes needs to follow this folder's clock."""
    site = data / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    file = data / "clock"
    file.write_text("0")
    return {VARIABLE: str(file), "PYTHONPATH": os.pathsep.join([str(site), str(root)])}


def jump(data: Path, seconds: float) -> float:
    """Let the clock jump forward; returns by how much it is ahead now."""
    file = data / "clock"
    ahead = float(file.read_text()) + seconds
    new = file.with_suffix(".new")
    new.write_text(str(ahead))
    new.replace(file)
    return ahead


def follow() -> None:
    """Follow the file from now on, also in children that are forked."""
    file = Path(os.environ[VARIABLE])
    sleep, monotonic = time.sleep, time.monotonic
    # Before anything is moved; no two machines have the same clock.
    real = time.time() - monotonic() + SKEW * (os.getpid() % 11 - 5) / 5
    reached = 0.0
    traveller: time_machine.Traveller | None = None

    def look() -> None:
        nonlocal reached, traveller
        ahead = float(file.read_text())
        if ahead == reached and traveller is not None:
            return
        if traveller is None:
            there = datetime.fromtimestamp(real + monotonic() + ahead, UTC)
            traveller = time_machine.travel(there, tick=True).start()
        else:
            traveller.shift(ahead - reached)
        reached = ahead

    def watch() -> None:
        while True:
            sleep(EVERY)
            look()

    def start() -> None:
        threading.Thread(target=watch, name="clock", daemon=True).start()

    look()
    start()
    os.register_at_fork(after_in_child=start)
