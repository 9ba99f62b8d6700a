"""One server per data folder for many processes: the first starts it, the last one out stops it.

Locks of the kernel say who is there, so a process that was killed is simply no longer there: the next takes
over what still runs, or clears away what no longer answers.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hub.embedded.processes import Account, EmbeddedError, Running, account, stop


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server: its folder in the data folder, its processes' name, how to start and to ask it."""

    folder: str
    process: str
    start: Callable[[Path, Account], Running]
    answers: Callable[[str], bool]


@contextmanager
def shared(server: Server, data: Path) -> Iterator[str]:
    """The address of this server in this data folder, for as long as we are here."""
    us = os.getpid()
    with _gate(data):
        presence = _open(data / f"{server.folder}.users")
        fcntl.flock(presence, fcntl.LOCK_SH)
        try:
            url, started = _found_or_started(server, data)
        except BaseException:  # Ctrl-C and SIGTERM too: nothing half-started stays behind
            presence.close()
            _stop_if_last(server, data)
            raise
    try:
        yield url
    finally:
        if os.getpid() == us:  # a forked child that comes by here leaves its parent's servers alone
            with _gate(data):
                presence.close()
                _stop_if_last(server, data)
            if started and not _present(server, data):
                started.process.wait()


def discard(data: Path, servers: tuple[Server, ...]) -> None:
    """Remove a data folder for good, with servers that outlived their users; unless somebody is there."""
    if not (data / "gate").exists():
        return
    with _gate(data):
        if any(_present(server, data) for server in servers):
            return
        for server in servers:
            stop(server.process, data / server.folder)
        shutil.rmtree(data)


def _found_or_started(server: Server, data: Path) -> tuple[str, Running | None]:
    address, home = data / f"{server.folder}.json", data / server.folder
    if address.exists():
        url: str = json.loads(address.read_text())["url"]
        if server.answers(url):
            return url, None
    address.unlink(missing_ok=True)
    stop(server.process, home)
    running = server.start(data, account(home))
    write_private(address, json.dumps({"url": running.url}))
    return running.url, running


def _stop_if_last(server: Server, data: Path) -> None:
    if not _present(server, data):
        (data / f"{server.folder}.json").unlink(missing_ok=True)
        stop(server.process, data / server.folder)


def _present(server: Server, data: Path) -> bool:
    """Whether any process uses this server now."""
    with _open(data / f"{server.folder}.users") as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _gate(data: Path) -> Iterator[None]:
    """One at a time: nobody starts what another is just stopping."""
    with _open(data / "gate") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _open(lock: Path) -> IO[str]:
    try:
        opened = lock.open("a")
    except PermissionError:
        raise EmbeddedError(f"{lock} belongs to another account. Run as that one, or remove it.") from None
    # A lock lives as long as any copy of its descriptor: forked children give theirs up at once.
    os.register_at_fork(after_in_child=opened.close)
    return opened


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
