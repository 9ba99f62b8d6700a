"""The towns of the benchmark: ``python -m hub.bench.sink PORT``, one process, the same for both designs.

A push is answered at once with a receipt; a careful clerk then reports what lets the journey go on (the origin
decides, the destination registers), so that one filing becomes a whole journey with a dozen deliveries. Towns
can hang, be dead, or flap. Every arrival is booked under its id: what came twice is seen.
"""

import asyncio
import signal
import sys
import time
from collections import Counter, defaultdict
from datetime import date
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from municipalities import standard
from municipalities.errors import UnfitError
from municipalities.notice import Flow, Mover, Notice, Role
from municipalities.simulator import clerk
from municipalities.transports import signing

HANG = 30.0  #: seconds until a hanging town breaks off
FLAP = 3.0  #: seconds a flapping town is up, then down, then up
AGAIN = 0.05  #: seconds until a report is posted again that came before its gate
PATIENCE = 120.0  #: seconds after which a report is given up
#: Notices that a report follows; the rest is over with its receipt.
ANSWERED = frozenset({"moveout.submitted", "arrival.prefill"})


class Setup(msgspec.Struct):
    """How the towns are to behave from now on."""

    standards: dict[str, str] = {}  #: town → the layout that the product writes for it
    hubs: dict[str, str] = {}  #: design → base address of its doors
    tokens: dict[str, str] = {}  #: town → its access token at the product
    faults: dict[str, str] = {}  #: town → hang, dead or flap
    reports: bool = True  #: whether clerks report
    hold: str = ""  #: a report that waits for ``/release``
    watch: str = ""  #: a town whose order of arrival is booked, and whose clerks have not come to it yet


class Told(msgspec.Struct, rename="camel"):
    """What the clerk needs of a filing that the naive design sent in JSON."""

    flow: Flow
    planned_out_on: date
    living_from: date


class Relocation(msgspec.Struct):
    """The naive design's relocation."""

    receipt_no: str
    filing: Told
    movers: list[dict[str, Any]]


class Body(msgspec.Struct):
    """The naive design's notice."""

    relocation: Relocation


class Sink:
    """Request handlers and the books."""

    def __init__(self) -> None:
        self.setup = Setup()
        self.arrivals: dict[str, Counter[str]] = defaultdict(Counter)
        self.tries: dict[str, list[float]] = defaultdict(list)
        self.order: list[str] = []
        self.failures: Counter[str] = Counter()
        self.certified: dict[str, asyncio.Event] = {}
        self.held: list[tuple[str, str, clerk.Step]] = []
        self.writing: set[asyncio.Task[None]] = set()
        self.session: aiohttp.ClientSession | None = None

    def app(self) -> web.Application:
        """The application with its routes."""
        app = web.Application(client_max_size=2**22)
        app.router.add_post("/towns/{code}/inbox", self.product)
        app.router.add_post("/naive/{code}/inbox", self.naive)
        app.router.add_post("/floor", self.floor)
        app.router.add_post("/setup", self.prepare)
        app.router.add_post("/release", self.release)
        app.router.add_get("/books", self.books)
        app.router.add_get("/health", self.floor)
        return app

    async def product(self, request: web.Request) -> web.StreamResponse:
        """A push in the town's own layout."""
        return await self._take("product", request)

    async def naive(self, request: web.Request) -> web.StreamResponse:
        """A push in JSON."""
        return await self._take("naive", request)

    async def floor(self, request: web.Request) -> web.Response:
        """The least that a town can do."""
        await request.read()
        return web.Response()

    async def prepare(self, request: web.Request) -> web.Response:
        """Begin anew, with empty books."""
        self.setup = msgspec.json.decode(await request.read(), type=Setup)
        self.arrivals.clear()
        self.tries.clear()
        self.failures.clear()
        self.certified.clear()
        self.held.clear()
        self.order.clear()
        return web.Response()

    async def release(self, _request: web.Request) -> web.Response:
        """Let the clerks post what they held back; answered when all of it is taken."""
        held, self.held = self.held, []
        await asyncio.gather(*(self._post(*one) for one in held))
        return web.Response()

    async def books(self, _request: web.Request) -> web.Response:
        """What arrived: how many, how many of them again, and when a faulty town was tried."""
        told = {
            "arrived": {design: len(ids) for design, ids in self.arrivals.items()},
            "again": {design: sum(times - 1 for times in ids.values()) for design, ids in self.arrivals.items()},
            "tries": self.tries,
            "failures": self.failures,
            "order": self.order,
            "held": len(self.held),
        }
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    async def _take(self, design: str, request: web.Request) -> web.StreamResponse:
        code, body = request.match_info["code"], await request.read()
        fault = self.setup.faults.get(code, "")
        if fault:
            self.tries[f"{design} {code}"].append(time.time())
            if (refused := await self._misbehave(fault, request)) is not None:
                return refused
        number = request.headers[signing.ID]
        self.arrivals[design][number] += 1
        if code == self.setup.watch:
            self.order.append(number)
        kind = request.headers["hikkoshi-notice-type"]
        silent = not self.setup.reports or code == self.setup.watch
        if not silent and kind in ANSWERED and self.arrivals[design][number] == 1:
            task = asyncio.create_task(self._answer(design, code, number, kind, body))
            self.writing.add(task)
            task.add_done_callback(self.writing.discard)
        return web.Response(body=b'{"kind":"received"}', content_type="application/json")

    async def _misbehave(self, fault: str, request: web.Request) -> web.StreamResponse | None:
        """Do as a faulty town does; ``None`` when it happens to work."""
        if fault == "flap" and int(time.time() / FLAP) % 2 == 0:
            return None
        if fault == "hang":
            await asyncio.sleep(HANG)
        if fault in ("hang", "dead") and request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)

    async def _answer(self, design: str, code: str, number: str, kind: str, body: bytes) -> None:
        """Report, one thing after the other, what lets the journey go on."""
        notice = self._read(design, code, number, kind, body)
        certified = self.certified.setdefault(notice.receipt_no, asyncio.Event())
        if kind == "arrival.prefill":
            await certified.wait()  # at the counter the certificate's data must be there
        for step in clerk.plan(notice, clerk.today()):
            if step.is_report and step.name == self.setup.hold:
                self.held.append((design, code, step))
            elif step.is_report:
                await self._post(design, code, step)
        if kind == "moveout.submitted":
            certified.set()

    def _read(self, design: str, code: str, number: str, kind: str, body: bytes) -> Notice:
        if design == "product":
            return standard.load(self.setup.standards[code]).read(body)
        told = msgspec.json.decode(body, type=Body).relocation
        return Notice(
            notice_id=number,
            type=kind,
            receipt_no=told.receipt_no,
            version=1,
            recipient=code,
            role=Role.ORIGIN if kind == "moveout.submitted" else Role.DESTINATION,
            flow=told.filing.flow,
            planned_out_on=told.filing.planned_out_on,
            living_from=told.filing.living_from,
            movers=tuple(Mover(ordinal=mover["ordinal"]) for mover in told.movers),
        )

    async def _post(self, design: str, code: str, step: clerk.Step) -> None:
        """Post until it is taken; a report may come a moment before its gate is open."""
        assert self.session is not None  # noqa: S101 - open as long as the server is
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.setup.tokens.get(code, '')}"}
        deadline = time.monotonic() + PATIENCE
        address = f"{self.setup.hubs[design]}/api/v1/reports"
        while time.monotonic() < deadline:
            try:
                async with self.session.post(address, data=step.body, headers=headers) as answer:
                    await answer.read()
                    if answer.status < 300:
                        return
                    self.failures[f"{design} {step.name} {answer.status}"] += 1
            except (aiohttp.ClientError, OSError) as error:
                self.failures[f"{design} {step.name} {type(error).__name__}"] += 1
            await asyncio.sleep(AGAIN)
        self.failures[f"{design} {step.name} given up"] += 1


async def serve(port: int) -> None:
    """Listen on loopback until SIGTERM."""
    sink, stop = Sink(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32)) as session:
        sink.session = session
        runner = web.AppRunner(sink.app(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await stop.wait()
        await runner.cleanup()


def readable(layout: standard.Standard, notice: Notice) -> bool:
    """Whether a clerk finds in this layout what the next report needs."""
    try:
        back = layout.read(layout.write(notice).content)
    except UnfitError:
        return False
    names = ("receipt_no", "type", "flow", "planned_out_on", "living_from")
    same = all(getattr(back, name) == getattr(notice, name) for name in names)
    return same and [mover.ordinal for mover in back.movers] == [mover.ordinal for mover in notice.movers]


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
