"""The line to the adapter: its process, if the kit may start it, its inbox and, if it shows them, its books."""

import base64
import hmac
import http.client
import json
import os
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

#: Seconds for an adapter to answer after it was started.
START = 20.0


@dataclass(frozen=True)
class Answer:
    """What the adapter said to a push; status 0: nothing."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def taken(self) -> bool:
        """Whether the hub may forget it: taken, or known already (409 is the hub's word for that too)."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether it said no, for good, in words of its own: neither silence nor a fault of the server."""
        return 400 <= self.status < 500 and self.status not in (408, 423, 425, 429)


def sign(keys: Sequence[bytes], name: str, at: int, body: bytes) -> str:
    """Standard Webhooks, scheme v1: one signature per key."""
    signed = f"{name}.{at}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys)


class Adapter:
    """The adapter under test."""

    def __init__(
        self,
        inbox: str = "",
        books: str = "",
        start: str = "",
        restart: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.inbox, self.books_url = inbox, books
        self._start, self._restart = shlex.split(start), shlex.split(restart)
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def can_restart(self) -> bool:
        """Whether the kit may kill it and start it again."""
        return bool(self._start or self._restart)

    def start(self) -> None:
        """Start it, if that is ours to do, and wait until it listens."""
        if self._start:
            self._process = subprocess.Popen(  # noqa: S603 - the command the vendor gave
                self._start, env=self._environment, start_new_session=True, stdin=subprocess.DEVNULL
            )
        self._wait_until_up()

    def restart(self) -> None:
        """Kill it where it stands, and start it again."""
        if self._restart:
            subprocess.run(self._restart, check=True, timeout=60)  # noqa: S603
            self._wait_until_up()
            return
        self.kill()
        self.start()

    def kill(self) -> None:
        """SIGKILL, to it and what it started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _wait_until_up(self) -> None:
        parts = urlsplit(self.inbox or self.books_url)
        if not parts.hostname:
            return
        deadline = time.monotonic() + START
        while True:
            try:
                with socket.create_connection((parts.hostname, parts.port or 443), 1):
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"nothing listens at {parts.hostname}:{parts.port}") from None
                time.sleep(0.02)

    def post(self, headers: Mapping[str, str], body: bytes, *, cut: bool = False, timeout: float = 10.0) -> Answer:
        """Post to the inbox; ``cut``: half of the body, then the line breaks."""
        parts = urlsplit(self.inbox)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        line = kind(parts.hostname or "", parts.port, timeout=timeout)
        try:
            if cut:
                line.putrequest("POST", parts.path or "/")
                for name, text in {**headers, "Content-Length": str(len(body))}.items():
                    line.putheader(name, text)
                line.endheaders()
                line.send(body[: len(body) // 2])
                return Answer(0)
            line.request("POST", parts.path or "/", body, dict(headers))
            answer = line.getresponse()
            found = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, answer.read(65_536), found)
        except (OSError, http.client.HTTPException):
            return Answer(0)
        finally:
            line.close()

    def books(self) -> dict[str, dict[str, Any]] | None:
        """What it holds, by delivery: ``sha256``, ``times`` it took effect, ``in_force``; ``None`` if it shows none."""
        if not self.books_url:
            return None
        try:
            with urllib.request.urlopen(self.books_url, timeout=10) as answer:  # noqa: S310 - given by who runs the kit
                told = json.load(answer)
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}
