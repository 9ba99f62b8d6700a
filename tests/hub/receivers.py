"""Towns that are pushed to: a real HTTP server on loopback, in a thread, that does as a test says and keeps books."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from hub.deliveries import keys
from hub.vault import services as vault
from municipalities.errors import RefusedError
from municipalities.models import Connection
from municipalities.transports import signing

SECRET = b"a secret of thirty-two bytes ...".ljust(32)


@dataclass(frozen=True)
class Got:
    """One request."""

    town: str
    id: str
    type: str
    body: bytes


@dataclass
class Towns:
    """Answers 200 after a moment, unless told otherwise."""

    address: str = ""
    got: list[Got] = field(default_factory=list)
    done: list[Got] = field(default_factory=list)
    #: Statuses that a town answers with, one after the other; then 200.
    says: dict[str, list[int]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    #: How many seconds the towns' clocks are ahead of ours.
    ahead: float = 0.0
    #: Towns that do not answer before the test says so.
    hanging: dict[str, threading.Event] = field(default_factory=dict)
    #: Requests under way now and at most, by town.
    now: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    arrived: threading.Event = field(default_factory=threading.Event)

    def connect(self, code: str, standard: str = "gif_json", concurrency: int = 4) -> None:
        """Let the hub push to this town from now on."""
        row = Connection.objects.get(municipality=code)
        row.standard, row.concurrency = standard, concurrency
        row.address = f"{self.address}/towns/{code}/inbox"
        row.signing_key = vault.masters().wrap(SECRET, keys.identity(row.pk))
        row.save()

    def ids(self, code: str) -> list[str]:
        """Return what a town got, in order of arrival."""
        return [one.id for one in self.got if one.town == code]

    async def inbox(self, request: web.Request) -> web.Response:
        """Take one delivery; its signature must fit, by the towns' clocks."""
        code, body = request.match_info["code"], await request.read()
        headers = {key.lower(): value for key, value in request.headers.items()}
        try:
            name = signing.verify([SECRET], headers, body, time.time() + self.ahead)
        except RefusedError as error:
            return web.json_response({"code": error.code}, status=401)
        got = Got(code, name, request.headers["hikkoshi-notice-type"], body)
        self.got.append(got)
        self.now[code] += 1
        self.most[code] = max(self.most[code], self.now[code])
        self.arrived.set()
        while code in self.hanging and not self.hanging[code].is_set():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)
        self.now[code] -= 1
        self.done.append(got)
        status = self.says[code].pop(0) if self.says.get(code) else 200
        return web.Response(status=status, headers=self.headers)


@contextmanager
def listening() -> Iterator[Towns]:
    """Run the server for as long as we are here."""
    towns, loop, ready = Towns(), asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        application = web.Application()
        application.router.add_post("/towns/{code}/inbox", towns.inbox)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        towns.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def serve() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve, name="towns")
    thread.start()
    ready.wait()
    try:
        yield towns
    finally:
        for event in towns.hanging.values():
            event.set()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
