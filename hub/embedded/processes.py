"""Server processes: whose account they run under, how they are started, found again and stopped."""

import hashlib
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

#: Servers get this environment and no other: no password, no proxy, no locale of the caller.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
READY_SECONDS = 120
#: A clean stop first; if that does not come to an end, an immediate one, then none of its choice.
STOPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


class EmbeddedError(RuntimeError):
    """The embedded servers cannot run here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the servers run as; numbers are given only when root steps down to somebody else."""

    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, Any]:
        """The options of ``subprocess`` that run a program under this account."""
        stepping_down: dict[str, Any] = (
            {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}
        )
        return {"env": ENVIRONMENT, "cwd": "/", **stepping_down}

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program of ours to its end and give what it said."""
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **self.popen_options()}
        try:
            return subprocess.run(command, check=False, **options)  # noqa: S603 (programs are ours)
        except OSError as error:  # a folder on the way is closed to the account, or it cannot be taken on
            return subprocess.CompletedProcess(command, 126, "", str(error))

    def reaches(self, folder: Path) -> bool:
        """Whether the account may pass through this folder; only the kernel knows for sure."""
        return self.run("test", "-x", folder).returncode == 0

    def give(self, path: Path) -> None:
        """Make the account the owner of a path."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that accepts connections."""

    url: str
    process: subprocess.Popen[bytes]


def account(home: Path) -> Account:
    """Who the server of this folder runs as: root steps down to the folder's owner, or to ``nobody``."""
    owner = home.stat().st_uid if home.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EmbeddedError(
                f"{home} belongs to another account (uid {owner}). Run as that account or as root, "
                f"remove the folder to start empty, or set DATABASE_URL and REDIS_URL."
            )
        return Account()
    if owner:
        return Account(owner, home.stat().st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root and this machine has no account «nobody». "
            "Run as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def mark(home: Path) -> str:
    """What the command lines of all processes at work in this folder contain.

    Their working directory would say it too, but root without CAP_SYS_PTRACE (a container) may not read that.
    """
    return f"hub-{hashlib.sha256(str(home).encode()).hexdigest()[:16]}"


def at_work(name: str, home: Path) -> list[psutil.Process]:
    """The living processes of this name in this folder, whoever started them."""
    wanted = mark(home)
    named = (one for one in psutil.process_iter(["name", "cmdline"]) if one.info["name"] == name)
    return [one for one in named if wanted in " ".join(one.info["cmdline"] or ())]


def stop(name: str, home: Path) -> None:
    """End all processes at work in this folder, cleanly as long as they obey."""
    for number, seconds in STOPS:
        for process in at_work(name, home):
            _send(process, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not at_work(name, home):
                return
            time.sleep(0.02)
    raise EmbeddedError(f"{name} in {home} does not end, not even by SIGKILL.")


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        pass  # it has just ended by itself
    except psutil.AccessDenied:
        raise EmbeddedError(f"Process {process.pid} is another account's server; stop it there.") from None


def launch(
    command: Callable[[int], list[str]],
    address: Callable[[int], str],
    answers: Callable[[str], bool],
    runs_as: Account,
    log: Path,
    given: str = "",
) -> Running:
    """Start a server on a free port and wait for its answer; a port that was taken meanwhile costs a try."""
    for port in _free_ports(5):
        running = Running(address(port), _spawn(command(port), log, runs_as, given))
        if _becomes_ready(running, answers):
            return running
    raise EmbeddedError(f"{Path(command(0)[0]).name} does not start; it said:\n{_ending(log)}")


def _ending(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])


def _free_ports(count: int) -> Iterator[int]:
    for _ in range(count):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        yield port


def _spawn(command: list[str], log: Path, runs_as: Account, given: str) -> subprocess.Popen[bytes]:
    """In a session of its own: the terminal's Ctrl-C is for us, we stop the servers ourselves."""
    with log.open("wb") as output, tempfile.TemporaryFile() as pipe:
        pipe.write(given.encode())
        pipe.seek(0)
        options = {"stdin": pipe, "stdout": output, "stderr": output, **runs_as.popen_options()}
        return subprocess.Popen(command, start_new_session=True, **options)  # noqa: S603 (programs are ours)


def _becomes_ready(running: Running, answers: Callable[[str], bool]) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            return False
        if answers(running.url):
            return True
        time.sleep(0.02)
    raise EmbeddedError(f"{running.process.args!r} does not answer within {READY_SECONDS} seconds.")
