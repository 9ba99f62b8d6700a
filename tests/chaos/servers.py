"""A PostgreSQL and a Valkey that can be struck down and come back with the same passwords, behind a proxy."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from hub.embedded import postgres, valkey
from hub.embedded.processes import Running, account
from hub.embedded.sharing import Server
from tests.chaos.proxy import Line

#: How a server is struck: by a clean stop, an immediate one (PostgreSQL recovers from its log), or none of its choice.
STRIKES = {"restart": signal.SIGINT, "crash": signal.SIGQUIT, "kill": signal.SIGKILL}


@dataclass
class Restartable:
    """A server in a data folder; who talks to it goes over the line."""

    server: Server
    data: Path
    line: Line
    same_password: Callable[[Running, str, Path], None]
    url: str = ""  #: as the hub knows it: the first password, the line's port

    def start(self) -> None:
        """Start it, or start it again."""
        running = self.server.start(self.data, account(self.data / self.server.folder))
        self.process = running.process
        parts = urlsplit(running.url)
        assert parts.port
        if not self.url:
            self.url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{self.line.port}"))
        self.same_password(running, urlsplit(self.url).password or "", self.data)
        self.line.target = parts.port

    def strike(self, number: signal.Signals) -> None:
        """End it in this way and start it again."""
        os.kill(self.process.pid, number)
        self.process.wait()
        while True:
            try:
                return self.start()
            except Exception:  # its children may take a moment to notice that it is gone
                time.sleep(0.5)

    def stop(self) -> None:
        """End it for good."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def _postgres_password(running: Running, password: str, data: Path) -> None:
    port = urlsplit(running.url).port
    superuser = (data / "postgres" / postgres.PASSWORD).read_text()
    with psycopg.connect(f"postgresql://postgres:{superuser}@127.0.0.1:{port}/postgres", autocommit=True) as own:
        own.execute(sql.SQL("ALTER ROLE hub PASSWORD {}").format(password))


def _valkey_password(running: Running, password: str, _data: Path) -> None:
    with redis.Redis.from_url(running.url) as own:
        own.config_set("requirepass", password)


def database(data: Path, line: Line) -> Restartable:
    """The PostgreSQL of a data folder."""
    return Restartable(postgres.SERVER, data, line, _postgres_password)


def broker(data: Path, line: Line) -> Restartable:
    """The Valkey of a data folder."""
    return Restartable(valkey.SERVER, data, line, _valkey_password)
