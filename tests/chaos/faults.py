"""What can go wrong, one function each; all of them are over by themselves a moment later."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis

from hub.demo.processes import Processes
from tests.chaos import clock
from tests.chaos.proxy import Proxy
from tests.chaos.servers import STRIKES, Restartable

#: Seconds that a disturbance lasts.
SHORT, LONG = 0.5, 3.0
#: The share that the folders' parcels lie on, where one of its own size can be mounted (bytes).
SHARE = 64 * 2**20


@dataclass
class World:
    """Everything that can be struck."""

    data: Path
    processes: Processes
    proxy: Proxy
    database: Restartable
    broker: Restartable
    share: Path
    random: random.Random

    def moment(self) -> float:
        """How long something lasts this time."""
        return self.random.uniform(SHORT, LONG)


def kill(world: World, name: str) -> str:
    """SIGKILL a process with all its children."""
    pid = world.processes.running[name].pid
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return name


def kill_child(world: World, name: str) -> str:
    """SIGKILL one child: a worker's process, the supervisor lives."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(world.processes.running[name].pid).children(recursive=True)
        if children:
            world.random.choice(children).kill()
    return f"a child of {name}"


def strike(server: Restartable, world: World) -> str:
    """End a server somehow and start it again."""
    how = world.random.choice(["restart", "crash"] if server is world.database else ["restart", "kill"])
    server.strike(STRIKES[how])
    return how


def flush(world: World) -> str:
    """FLUSHALL."""
    with suppress(redis.RedisError), redis.Redis.from_url(world.broker.url, socket_timeout=5) as own:
        own.flushall()
    return "everything"


def cut(world: World) -> str:
    """Break off all connections of a line, once."""
    name = world.random.choice(sorted(world.proxy.lines))
    world.proxy.cut(name)
    return name


def slow(world: World) -> str:
    """Hold up what is said over a line for a while."""
    line = world.proxy.lines[world.random.choice(sorted(world.proxy.lines))]
    line.delay = world.random.uniform(0.02, 0.3)
    time.sleep(world.moment())
    line.delay = 0.0
    return line.name


def close(world: World) -> str:
    """Break a line off and let nobody on for a while."""
    line = world.proxy.lines[world.random.choice(sorted(world.proxy.lines))]
    line.closed = True
    world.proxy.cut(line.name)
    time.sleep(world.moment())
    line.closed = False
    return line.name


def fill(world: World) -> str:
    """Fill the share of the folder transport; where none can be mounted, take it away."""
    if os.path.ismount(world.share):
        filler = world.share / "filler"
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"\0" * 2**20)
                file.flush()
        time.sleep(world.moment())
        filler.unlink(missing_ok=True)
        return "full"
    away = world.share.with_suffix(".away")
    world.share.rename(away)
    time.sleep(world.moment())
    if world.share.exists():  # the towns may have made new trays meanwhile
        shutil.rmtree(world.share)
    away.rename(world.share)
    return "away"


def jump(world: World) -> str:
    """Let the clock of everything but PostgreSQL jump forward by an hour."""
    return f"{clock.jump(world.data, clock.HOUR) / clock.HOUR:g} h ahead"


#: name → what it does, and how often it happens compared with the others.
FAULTS: dict[str, tuple[Callable[[World], str], int]] = {
    "kill web": (lambda world: kill(world, "web"), 3),
    "kill courier": (lambda world: kill(world, "courier"), 4),
    "kill beat": (lambda world: kill(world, "beat"), 1),
    "kill towns": (lambda world: kill(world, "towns"), 2),
    "kill a web worker": (lambda world: kill_child(world, "web"), 2),
    "kill a courier process": (lambda world: kill_child(world, "courier"), 3),
    "strike database": (lambda world: strike(world.database, world), 2),
    "strike broker": (lambda world: strike(world.broker, world), 2),
    "flush broker": (flush, 2),
    "cut": (cut, 4),
    "slow": (slow, 3),
    "close": (close, 3),
    "fill": (fill, 2),
    "jump": (jump, 1),
}


def mount(share: Path) -> None:
    """Give the share a small file system of its own, if this account may."""
    share.mkdir()
    if os.geteuid() == 0 and shutil.which("mount"):
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SHARE}", "tmpfs", str(share)], check=False, capture_output=True
        )


def unmount(share: Path) -> None:
    """Take it away again."""
    if os.path.ismount(share):
        subprocess.run(["umount", "-l", str(share)], check=False, capture_output=True)


def plan(seed: int, number: int) -> list[str]:
    """The names of so many faults: every kind at least once where there is room, then by weight; seed decides."""
    draw = random.Random(seed)
    kinds = list(FAULTS)
    first = draw.sample(kinds, min(number, len(kinds)))
    weights = [weight for _, weight in FAULTS.values()]
    return first + draw.choices(kinds, weights, k=max(0, number - len(first)))
