"""The towns' HTTP doors: an inbox, a doorbell and a counter each, and one look into the books of all."""

import asyncio
import time
from collections import Counter
from math import ceil
from typing import Any

import msgspec
from aiohttp import web

from municipalities.errors import RefusedError, UnfitError
from municipalities.simulator import page
from municipalities.simulator.counter import Said
from municipalities.simulator.faults import PROFILES, Profile, mixed
from municipalities.simulator.fetch import Fetcher
from municipalities.simulator.intake import Envelope, Intake
from municipalities.simulator.office import Office
from municipalities.simulator.town import Town
from municipalities.transports import https, signing

HALF = 0.5

#: What a town says of itself that has nothing to do with the record: a status that passes, a wait that is none.
MISLEADING = ((408, "soon"), (425, "0"), (429, "0"), (500, "-5"), (502, "1e3"), (504, "0.01"))
LOGIN = "<!doctype html><title>Login</title><p>Your session has expired."

#: A record is a few kilobytes; a household of twelve in XML stays below one megabyte.
LARGEST = 4 * 2**20


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to misbehave how from now on, for how many seconds (for ever if not said)."""

    profile: str
    towns: list[str]
    seconds: float | None = None


class Server:
    """Request handlers."""

    def __init__(self, office: Office, intake: Intake, fetcher: Fetcher) -> None:
        self._office = office
        self._intake = intake
        self._fetcher = fetcher
        self._tries: Counter[str] = Counter()

    def app(self) -> web.Application:
        """The application with its routes."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post("/towns/{code}/inbox", self.inbox)
        app.router.add_post("/towns/{code}/ring", self.ring)
        app.router.add_post("/towns/{code}/counter", self.counter)
        app.router.add_post("/faults", self.faults)
        app.router.add_get("/", self.look)
        app.router.add_get("/towns/{code}", self.look)
        app.router.add_get("/ledger", self.ledger)
        app.router.add_get("/health", self.health)
        return app

    async def inbox(self, request: web.Request) -> web.StreamResponse:
        """Take a push in: 202 once it is written down, 200 for a repeat, 4xx if it is not for us."""
        town = self._town(request)
        profile = self._office.faults.of(town.code)
        body = await request.read()
        if self._office.faults.is_away(town.code):
            return self._silence(request, town)
        notice_id = request.headers.get(signing.ID, "")
        if request.headers.get("hikkoshi-notice-type") == https.CHALLENGE:
            return await self._take(request, town, body)
        self._tries[notice_id] += 1
        before = self._before(town, profile, notice_id)
        if before is not None:
            return before
        answer = await self._take(request, town, body)
        after = self._after(town, profile, notice_id) if answer.status < 300 else None
        if after is not None:
            return after
        wait = self._office.faults.within(profile.accepts_after, town.code, notice_id)
        await asyncio.sleep(wait / self._office.settings.speed)
        return answer

    def _before(self, town: Town, profile: Profile, notice_id: str) -> web.Response | None:
        """What a town says instead of taking it in: lost on the way, locked, something about itself, no."""
        if self._strikes(profile.fails / 2, "broke", town, notice_id):
            return problem(503, "E900")
        if self._office.locked_for(town.code, notice_id):
            self._office.diary.note(town.code, "locked", notice_id)
            bare = self._draw(town, notice_id, "lock") < HALF
            return web.Response(status=423) if bare else problem(409, "E210")
        if self._strikes(profile.wrongs / 2, "misled", town, notice_id):
            status, wait = MISLEADING[int(self._draw(town, notice_id, "say") * len(MISLEADING))]
            return web.Response(status=status, headers={"Retry-After": wait}, text=LOGIN, content_type="text/html")
        if profile.refuses:
            self._office.diary.note(town.code, "refused", notice_id)
            return problem(422, "E301")
        return None

    def _after(self, town: Town, profile: Profile, notice_id: str) -> web.Response | None:
        """What a town says after it has written it down, instead of saying so."""
        if self._strikes(profile.fails / 2, "forgot", town, notice_id):
            return problem(500, "E900")  # it will come again
        if self._strikes(profile.garbles, "garbled", town, notice_id):
            return web.Response(status=202, headers={"Content-Encoding": "gzip"}, body=b"\x00broken")
        if self._strikes(profile.wrongs, "misled", town, notice_id):
            status = (200, 409)[self._draw(town, notice_id, "page") < HALF]
            return web.Response(status=status, text=LOGIN, content_type="text/html")
        return None

    def _strikes(self, share: float, what: str, town: Town, notice_id: str) -> bool:
        """Whether a fault falls on this attempt of this delivery; then it stands in the diary."""
        struck = self._office.faults.strikes(share, what, town.code, notice_id, self._tries[notice_id])
        if struck:
            self._office.diary.note(town.code, what, notice_id)
        return struck

    def _draw(self, town: Town, notice_id: str, what: str) -> float:
        return self._office.faults.draw(town.code, f"{what}/{notice_id}", self._tries[notice_id])

    async def _take(self, request: web.Request, town: Town, body: bytes) -> web.Response:
        try:
            notice_id = signing.verify([town.signing_key], request.headers, body, time.time())
        except RefusedError as error:
            return problem(401, error.code)
        if request.headers.get("hikkoshi-notice-type") == https.CHALLENGE:
            return reply({"challenge": msgspec.json.decode(body, type=https.Word).challenge})
        envelope = Envelope(notice_id, request.headers.get("hikkoshi-notice-type", ""))
        try:
            what = await self._intake.take(town, envelope, body)
        except UnfitError as error:
            await self._office.ledger.problem(town.code, notice_id, "unreadable", code=error.code)
            return problem(422, error.code, error.pointer)
        if what == "conflict":
            return problem(422, "E202")
        return web.Response(status=202 if what == "new" else 200)

    async def ring(self, request: web.Request) -> web.StreamResponse:
        """Something waits for this town: fetch it now."""
        town = self._town(request)
        if self._office.faults.is_away(town.code):
            return self._silence(request, town)
        if town.way != "pull":
            return problem(404, "E108")
        self._fetcher.ring(town.code, request.headers.get(signing.ID, ""))
        return web.Response(status=202)

    async def counter(self, request: web.Request) -> web.StreamResponse:
        """A person says something to the clerk; 409 if it comes too late."""
        town = self._town(request)
        if self._office.faults.is_away(town.code):
            return self._silence(request, town)
        try:
            said = msgspec.json.decode(await request.read(), type=Said)
        except msgspec.MsgspecError:
            return problem(400, "E100")
        return web.Response(status=202) if await self._intake.hear(town, said) else problem(409, "E200")

    async def faults(self, request: web.Request) -> web.Response:
        """Let towns misbehave, or be careful again."""
        try:
            order = msgspec.json.decode(await request.read(), type=Order)
        except msgspec.MsgspecError:
            return problem(400, "E100")
        names = order.profile.split("+")
        if not set(names) <= set(PROFILES) or not set(order.towns) <= set(self._office.towns):
            return problem(422, "E100")
        self._office.faults.give(mixed(names), order.towns, order.seconds)
        return reply({"faults": self._office.faults.counts()})

    async def ledger(self, request: web.Request) -> web.Response:
        """The books in numbers; ``?detail=1`` with every notice: ids only."""
        told = self._office.ledger.totals() | {"faults": self._office.faults.counts()}
        told["played"] = dict(self._office.diary.counts)
        if request.query.get("detail") == "1":
            told["effects"] = self._office.ledger.effects()
        return reply(told)

    async def health(self, _request: web.Request) -> web.Response:
        """Whether the process is up, and how much it has before it."""
        return reply({"status": "ok", "towns": len(self._office.towns), "waiting": self._office.ledger.waiting()})

    def _town(self, request: web.Request) -> Town:
        town = self._office.towns.get(request.match_info["code"])
        if town is None:
            raise web.HTTPNotFound
        return town

    def _silence(self, request: web.Request, town: Town) -> web.StreamResponse:
        """A town that is away: half of them have a front end that says so, the others break off."""
        opens = self._office.faults.opens_in(town.code)
        self._office.diary.note(town.code, "closed" if opens else "away", request.headers.get(signing.ID, ""))
        if opens:
            answer = problem(503, "E900")
            answer.headers["Retry-After"] = str(ceil(opens))
            return answer
        if self._office.faults.draw(town.code, "front") < HALF and request.transport is not None:
            request.transport.abort()
        return problem(503, "E900")

    async def look(self, request: web.Request) -> web.Response:
        """What the towns are doing, or one of them, for people."""
        town = self._town(request) if "code" in request.match_info else None
        return web.Response(text=page.render(self._office, request, town), content_type="text/html")


def reply(told: dict[str, Any]) -> web.Response:
    """JSON."""
    return web.Response(body=msgspec.json.encode(told), content_type="application/json")


def problem(status: int, code: str, pointer: str = "") -> web.Response:
    """A problem document (RFC 9457) without free text."""
    told = {"type": "about:blank", "status": status, "code": code, "pointer": pointer}
    body = msgspec.json.encode(told)
    return web.Response(status=status, body=body, content_type="application/problem+json")
