"""PostgreSQL and Valkey from wheels, for the demo and the tests; nothing here is imported in production.

``servers()`` starts what the environment does not name, in one data folder. Whoever comes second finds them
running; the last one to leave stops them.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from hub.embedded import keys, places, postgres, sharing, valkey
from hub.embedded.processes import EmbeddedError

__all__ = ["EmbeddedError", "development", "discard", "servers", "terminated_like_interrupted"]

#: For each kind of server: the variable it fills, and those which say that another one is to be used.
SERVERS = {
    postgres.SERVER: ("DATABASE_URL", ("DATABASE_URL",)),
    valkey.SERVER: ("REDIS_URL", ("REDIS_URL", "BROKER_URL")),
}


@contextmanager
def servers(data: Path) -> Iterator[dict[str, str]]:
    """``DATABASE_URL`` and ``REDIS_URL``: those given in the environment, embedded servers for the others."""
    found = _given()
    with terminated_like_interrupted(), ExitStack() as stack:
        place = places.place(data) if _missing() else data
        for server in _missing():
            found[SERVERS[server][0]] = stack.enter_context(sharing.shared(server, place))
        yield found


@contextmanager
def development(data: Path) -> Iterator[None]:
    """The process' environment, completed with embedded servers and keys of this data folder's own."""
    place = places.place(data) if _missing() else data
    with servers(place) as found:
        for name, value in {**keys.keys(place), **found}.items():
            if not os.environ.get(name):
                os.environ[name] = value
        yield


def discard(data: Path) -> None:
    """Remove a data folder for good, with servers that outlived their users; unless somebody is there."""
    sharing.discard(data, tuple(SERVERS))


def _given() -> dict[str, str]:
    names = [name for _variable, instead in SERVERS.values() for name in instead]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _missing() -> list[sharing.Server]:
    return [server for server, (_variable, instead) in SERVERS.items() if not _given().keys() & set(instead)]


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the process as Ctrl-C does, so that the servers are stopped."""
    ours = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        ours = []  # only the main thread may set handlers
    for one in ours:
        signal.signal(one, _leave)
    try:
        yield
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_DFL)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
