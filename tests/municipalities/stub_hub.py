"""A small hub for the simulated towns to talk to: real HTTP, the rules of the road, nothing stored.

The test's counterpart, not a model of the hub: it hands notices over by the real transports, checks gates
and ids as the API promises, and counts what it is told.
"""

import asyncio
import base64
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
from aiohttp import web

from municipalities.errors import RefusedError, TemporaryError
from municipalities.notice import Flow, Mover, Notice, Role
from municipalities.simulator.town import Town
from municipalities.transports import FILES, Line, Parcel, answers, open_session, send

#: What a report needs before it: report or notice types already there for this relocation.
GATES = {
    "moveout.decided": ["moveout.reviewing"],
    "certificate.available": ["moveout.decided"],
    "certificate.paper_issued": ["moveout.decided"],
    "moveout.effective": ["moveout.decided", "movein.notice"],
    "arrival.visited": ["arrival.planned"],
    "movein.decided": ["arrival.visited", "certificate"],
    "movein.notice_applied": ["movein.notice"],
    "appendix.applied": ["appendix.notice"],
}

#: What a report lets the hub send: notice type and role.
LEADS_TO = {
    "moveout.decided": [("arrival.prefill", Role.DESTINATION)],
    "movein.decided": [("movein.notice", Role.ORIGIN), ("appendix.notice", Role.DOMICILE)],
}
LAST = {"arrival.plan_ack", "moveout.effective", "movein.notice_applied", "appendix.applied"}


@dataclass
class Move:
    """One relocation: who is concerned, and what has happened."""

    receipt_no: str
    towns: dict[Role, Town]
    flow: Flow = Flow.CARD_SPECIAL
    living_from: date = date(2025, 4, 1)
    movers: tuple[Mover, ...] = (Mover(ordinal=1, full_name="見本　太郎", full_name_kana="ミホン　タロウ"),)
    done: set[str] = field(default_factory=set)


@dataclass
class Delivery:
    """One notice on its way."""

    town: Town
    notice: Notice
    parcel: Parcel
    state: str = "queued"
    receipts: dict[str, bytes] = field(default_factory=dict)


async def nothing(_what: str) -> None:
    """Go on."""


class Hub:
    """Tokens, deliveries, receipts and reports of the API, and a courier."""

    def __init__(self, towns: list[Town], folder_root: Path, bad_luck: float = 0.0) -> None:
        self.towns = {town.code: town for town in towns}
        self.folder_root = folder_root
        self.bad_luck = bad_luck
        self.luck = random.Random(1)
        self.tokens: dict[str, str] = {}
        self.moves: dict[str, Move] = {}
        self.deliveries: dict[str, Delivery] = {}
        self.reports: dict[str, bytes] = {}
        self.counts: Counter[str] = Counter()
        self.address = ""
        self.sending: set[asyncio.Task[None]] = set()
        self.open = True
        #: Called when something was done and before it is said.
        self.afterwards: Callable[[str], Awaitable[None]] = nothing

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Hub"]:
        app = web.Application(middlewares=[self.door])
        app.router.add_post("/oauth/token", self.token)
        app.router.add_get("/api/v1/deliveries", self.list)
        app.router.add_get("/api/v1/changes", self.changes)
        app.router.add_get("/api/v1/deliveries/{id}/content", self.content)
        app.router.add_post("/api/v1/deliveries/{id}/receipts", self.receipt)
        app.router.add_post("/api/v1/reports", self.report)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        async with open_session() as self.session:
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
                trays = asyncio.create_task(self.empty_trays())
                self.sending.add(trays)
                yield self
                if trays.done():
                    trays.result()
            finally:
                self.open = False
                for task in self.sending:
                    task.cancel()
                await asyncio.gather(*self.sending, return_exceptions=True)
                await runner.cleanup()

    def file(self, move: Move) -> None:
        """Take a relocation in and tell origin and destination."""
        self.moves[move.receipt_no] = move
        self.tell(move, "moveout.submitted", Role.ORIGIN)
        self.tell(move, "arrival.planned", Role.DESTINATION)

    def tell(self, move: Move, kind: str, role: Role) -> Delivery:
        """Queue one notice."""
        town = move.towns[role]
        notice = Notice(
            notice_id=str(UUID(int=self.luck.getrandbits(128), version=4)),
            type=kind,
            receipt_no=move.receipt_no,
            version=1,
            recipient=town.code,
            role=role,
            flow=move.flow,
            planned_out_on=move.living_from,
            living_from=move.living_from,
            person_count=len(move.movers),
            movers=move.movers,
        )
        layout = town.layout
        written = layout.write(notice)
        parcel = Parcel(
            name=notice.notice_id,
            type=kind,
            content=written.content,
            content_type=layout.content_type,
            extension=layout.extension,
            records=written.records,
        )
        delivery = self.deliveries[notice.notice_id] = Delivery(town, notice, parcel)
        move.done.add(kind)
        self.carry(delivery)
        return delivery

    def carry(self, delivery: Delivery) -> None:
        """Hand over in the background."""
        task = asyncio.create_task(self._carry(delivery))
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)

    async def _carry(self, delivery: Delivery) -> None:
        line = Line(self.session, delivery.town.signing_key, self.folder_root, timeout=10)
        while True:
            try:
                sent = await send(delivery.town.address, delivery.parcel, line)
            except TemporaryError:
                self.counts["temporary"] += 1
                await asyncio.sleep(0.1)
            except RefusedError:
                delivery.state = "held"
                return
            else:
                await asyncio.sleep(0.02)  # the ring comes before the commit
                delivery.state = sent.state if delivery.state == "queued" else delivery.state
                return

    async def empty_trays(self) -> None:
        """Take what the towns that exchange files have laid down through the same doors, again and again."""
        while self.open:
            for town in [town for town in self.towns.values() if town.way in FILES]:
                with suppress(TemporaryError):  # the towns are not up yet, or were just killed
                    if self.open:
                        await self.empty_tray(town)
            await asyncio.sleep(0.05)

    async def empty_tray(self, town: Town) -> None:
        share = await answers.open_share(town.address, Line(self.session, town.signing_key, self.folder_root))
        for found in await answers.look(share, 0.3):
            slip = found.slip
            if slip is None:
                continue  # killed between file and manifest: it is laid there again
            assert not found.spoilt
            headers = {"Content-Type": slip.content_type, "Authorization": f"Bearer file-{town.code}"}
            about = {"Id": slip.report_id, "Type": slip.report_type, "Outcome": slip.report_outcome,
                     "Visited-On": slip.report_visited_on}  # fmt: skip
            headers |= {f"Hikkoshi-Report-{name}": text for name, text in about.items() if text}
            headers |= {"Hikkoshi-Delivery": slip.delivery} if slip.report_id else {}
            is_report = not slip.delivery or bool(slip.report_id)
            path = "reports" if is_report else f"deliveries/{slip.delivery}/receipts"
            url = f"{self.address}/api/v1/{path}"
            self.counts["files"] += 1
            try:
                async with self.session.post(url, data=found.content, headers=headers) as answer:
                    status, told = answer.status, await answer.json(content_type=None)
            except aiohttp.ClientError:
                continue
            if status < 300:
                await answers.put_away(share, found)
            elif status not in (409, 503):
                await answers.put_away(share, found, {"problems": [{"code": told["code"]}]})

    @web.middleware
    async def door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Bad luck first: nothing heard, or done but not said."""
        if request.path != "/oauth/token" and not self.caller(request):
            self.counts["401"] += 1
            return web.json_response({"code": "E106"}, status=401)
        luck = self.luck.random()
        if luck < self.bad_luck / 2:
            return web.json_response({"code": "E901"}, status=503, headers={"Retry-After": "0"})
        answer: web.StreamResponse = await handler(request)
        await self.afterwards(request.path.rpartition("/")[2])
        if luck < self.bad_luck and request.transport is not None:
            request.transport.abort()
        return answer

    def caller(self, request: web.Request) -> str:
        """The town whose token this is."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return token.removeprefix("file-") if token.startswith("file-") else self.tokens.get(token, "")

    async def token(self, request: web.Request) -> web.Response:
        kind, _, credentials = request.headers["Authorization"].partition(" ")
        client, _, secret = base64.b64decode(credentials).decode().partition(":")
        form = await request.post()
        town = self.towns[client.removeprefix("town-")]
        assert (kind, secret, form["grant_type"]) == ("Basic", town.client_secret, "client_credentials")
        self.counts["tokens"] += 1
        token = f"token-{self.counts['tokens']}"
        self.tokens[token] = town.code
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    async def list(self, request: web.Request) -> web.Response:
        assert request.query["state"] == "ready"
        ready = [d for d in self.deliveries.values() if (d.town.code, d.state) == (self.caller(request), "ready")]
        ids = sorted(delivery.notice.notice_id for delivery in ready)
        page = [i for i in ids if i > request.query.get("after", "")][:2]
        return web.json_response(
            {
                "deliveries": [{"id": i, "state": "ready"} for i in page],
                "next": page[-1] if len(page) == 2 else None,
            }
        )

    async def changes(self, request: web.Request) -> web.Response:
        """Everything the town was ever told, two at a time."""
        own = sorted((i, d.state) for i, d in self.deliveries.items() if d.town.code == self.caller(request))
        page = [line for line in own if line[0] > request.query.get("since", "")][:2]
        told = [{"kind": "delivery", "id": i, "state": state} for i, state in page]
        cursor = page[-1][0] if page else None
        return web.json_response({"changes": told, "cursor": cursor, "more": len(page) == 2})

    def own(self, request: web.Request) -> Delivery:
        delivery = self.deliveries.get(request.match_info["id"])
        if delivery is None or delivery.town.code != self.caller(request):
            raise web.HTTPNotFound(text='{"code": "E108"}', content_type="application/problem+json")
        return delivery

    async def content(self, request: web.Request) -> web.Response:
        delivery = self.own(request)
        if delivery.state == "queued":
            raise web.HTTPNotFound
        delivery.state = "sent" if delivery.state == "ready" else delivery.state
        self.counts["fetched"] += 1
        headers = {"hikkoshi-notice-type": delivery.notice.type, "Content-Type": delivery.parcel.content_type}
        return web.Response(body=delivery.parcel.content, headers=headers)

    async def receipt(self, request: web.Request) -> web.Response:
        delivery = self.own(request)
        told = await self.told(request, delivery, {"kind", "errors", "legal_date", "differences"})
        if told is None or told["kind"] not in {"received", "accepted_for_review", "registered", "rejected"}:
            return self.refuse(422, "E104")
        new = told["kind"] not in delivery.receipts
        delivery.receipts.setdefault(told["kind"], await request.read())
        delivery.state = "sent" if told["kind"] == "received" and delivery.state != "answered" else "answered"
        self.counts[f"receipt {told['kind']} {'new' if new else 'again'}"] += 1
        return web.json_response({"duplicate": not new}, status=201 if new else 200)

    async def report(self, request: web.Request) -> web.Response:
        known = {
            "id",
            "type",
            "receipt_no",
            "outcome",
            "legal_date",
            "movers",
            "reference",
            "card_shown",
            "delivery",
        }
        answered = self.deliveries.get(request.headers.get("Hikkoshi-Delivery", ""))
        told, body = await self.told(request, answered, known), await request.read()
        if told is None or not told.get("id"):
            return self.refuse(422, "E104")
        if told["id"] in self.reports:
            same = self.reports[told["id"]] == body
            self.counts["report again" if same else "report conflict"] += 1
            return web.json_response({"duplicate": True}) if same else self.refuse(409, "E202")
        if told["type"] == "resend.requested":
            self.reports[told["id"]] = body
            self.carry(self.deliveries[told["delivery"]])
            return web.json_response({"duplicate": False}, status=201)
        move = self.moves.get(told["receipt_no"])
        if move is None:
            return self.refuse(404, "E108")
        if not all(any(d.startswith(need) for d in move.done) for need in GATES.get(told["type"], ())):
            self.counts["gate"] += 1
            return self.refuse(409, "E200")
        assert told["type"] not in move.done, f"{told['type']} reported under two ids"
        self.reports[told["id"]] = body
        move.done.add(told["type"])
        for kind, role in LEADS_TO.get(told["type"], ()):
            self.tell(move, kind, role)
        return web.json_response({"duplicate": False}, status=201)

    async def told(self, request: web.Request, delivery: Delivery | None, known: set[str]) -> dict[str, Any] | None:
        """What a body says, in JSON or in the layout in which the town was told."""
        if request.content_type == "application/json" and "Hikkoshi-Report-Id" not in request.headers:
            return await self.json(request, known)
        assert delivery is not None
        assert request.headers["Content-Type"] == delivery.parcel.content_type
        return self.read(request, delivery, await request.read())

    def read(self, request: web.Request, delivery: Delivery, body: bytes) -> dict[str, Any]:
        """A file in the town's layout: an answer about this delivery, or the record with what was decided."""
        self.counts["own layout"] += 1
        if request.path.endswith("/receipts"):
            (answer,) = delivery.town.layout.read_answers(body)
            assert answer.notice_id == delivery.notice.notice_id
            return {"kind": answer.kind.value}
        record, headers = delivery.town.layout.read(body), request.headers
        assert record.notice_id == delivery.notice.notice_id
        assert [mover.full_name for mover in record.movers] == [mover.full_name for mover in delivery.notice.movers]
        told = {"id": headers["Hikkoshi-Report-Id"], "type": headers["Hikkoshi-Report-Type"]}
        return told | {"receipt_no": record.receipt_no, "legal_date": record.actual_in_on or record.effective_on}

    async def json(self, request: web.Request, known: set[str]) -> dict[str, Any] | None:
        """The body if it is an object of known members."""
        try:
            told = json.loads(await request.read())
        except ValueError:
            self.counts["garbage"] += 1
            return None
        return told if isinstance(told, dict) and set(told) <= known else None

    def refuse(self, status: int, code: str) -> web.Response:
        body = msgspec.json.encode({"code": code, "status": status})
        return web.Response(status=status, body=body, content_type="application/problem+json")

    def settled(self) -> bool:
        """Whether every town has reported all it has to."""
        return all(move.done >= LAST for move in self.moves.values())
