"""Processor seconds and memory of the processes that a design consists of."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

import psutil
import redis
from django.conf import settings
from django.db import connection


class Groups:
    """Named groups of processes with all their children; the servers' are found by asking them who they are."""

    def __init__(self, pids: Mapping[str, Iterable[int]]) -> None:
        self.roots = {name: [psutil.Process(pid) for pid in of] for name, of in pids.items()}
        self.roots |= {"postgresql": _postgresql(), "valkey": _valkey()}

    def cpu(self) -> dict[str, float]:
        """Seconds that each group has used so far, with those of children that ended."""
        return {name: sum(_seconds(root) for root in roots) for name, roots in self.roots.items()}

    def memory(self, name: str) -> float:
        """The largest resident set of a process of this group, in MB."""
        found = [0.0]
        for root in self.roots[name]:
            for process in _family(root):
                with suppress(psutil.NoSuchProcess):
                    found.append(process.memory_info().rss / 1e6)
        return max(found)


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was used in between."""
    return {name: after[name] - before[name] for name in after}


def _family(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _seconds(root: psutil.Process) -> float:
    total = 0.0
    for process in _family(root):
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total


def _postgresql() -> list[psutil.Process]:
    """The server's first process, if it runs on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(pid,)] = cursor.fetchall()
    with suppress(psutil.Error):
        parent = psutil.Process(pid).parent()
        if parent is not None and "postgres" in parent.name():
            return [parent]
    return []


def _valkey() -> list[psutil.Process]:
    with redis.Redis.from_url(settings.REDIS_URL) as client, suppress(psutil.Error):
        process = psutil.Process(client.info("server")["process_id"])
        if "server" in process.name():
            return [process]
    return []
