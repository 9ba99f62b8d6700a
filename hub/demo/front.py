"""A partner front over real HTTP: files the invented relocations and keeps what it was answered."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import aiohttp
import msgspec

from hub.demo.seed import FRONT, client_secret
from hub.relocations.filing import Filing

#: What a front says of the consent it has on record; an invented citizen agrees to everything.
TEXT_VERSION = "demo-1"


def document(filing: Filing) -> bytes:
    """Return the filing as a front sends it: with the citizen's consent."""
    consent = {"givenAt": datetime.now(UTC), "method": "online", "textVersion": TEXT_VERSION}
    return msgspec.json.encode(msgspec.to_builtins(filing) | {"consent": consent})


#: Filings under way at the same time.
AT_ONCE = 4
AGAIN = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED})


@dataclass(frozen=True, slots=True)
class Accepted:
    """A filing that the hub answered with 2xx."""

    id: str
    receipt_no: str


class RefusedFilingError(Exception):
    """The hub refused an invented filing: the invention or the hub is wrong."""


class Front:
    """Files with an idempotency key each, and repeats what got no answer."""

    def __init__(self, hub: str, run: str) -> None:
        self.hub, self.run = hub, run
        self.token = ""

    def file_all(self, filings: Sequence[Filing], progress: Callable[[], None]) -> list[Accepted]:
        """File them all; returns what was accepted, in order."""
        return asyncio.run(self._file_all(filings, progress))

    async def _file_all(self, filings: Sequence[Filing], progress: Callable[[], None]) -> list[Accepted]:
        places = asyncio.Semaphore(AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(self.hub, timeout=timeout) as session:

            async def one(number: int, filing: Filing) -> Accepted:
                async with places:
                    accepted = await self._file(session, f"{self.run}-{number}", document(filing))
                    progress()
                    return accepted

            return await asyncio.gather(*(one(number, filing) for number, filing in enumerate(filings)))

    async def _file(self, session: aiohttp.ClientSession, key: str, body: bytes) -> Accepted:
        """Post until there is an answer; the key makes a repetition harmless."""
        deadline = time.monotonic() + 120
        while True:
            try:
                answer = await self._post(session, key, body)
            except (aiohttp.ClientError, TimeoutError):
                answer = None
            if answer is not None:
                return answer
            if time.monotonic() > deadline:
                raise TimeoutError("The hub does not answer.")
            await asyncio.sleep(0.3)

    async def _post(self, session: aiohttp.ClientSession, key: str, body: bytes) -> Accepted | None:
        if not self.token:
            self.token = await self._fetch_token(session)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        async with session.post("/api/v1/relocations", data=body, headers=headers) as response:
            text = await response.read()
            if response.status < HTTPStatus.MULTIPLE_CHOICES:
                document = msgspec.json.decode(text)
                return Accepted(document["id"], document["receipt_no"])
            if response.status == HTTPStatus.UNAUTHORIZED:
                self.token = ""
            if response.status in AGAIN or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return None
            raise RefusedFilingError(text.decode())

    async def _fetch_token(self, session: aiohttp.ClientSession) -> str:
        credentials = aiohttp.BasicAuth(FRONT, client_secret(FRONT))
        form = {"grant_type": "client_credentials", "scope": "relocations:file"}
        async with session.post("/oauth/token", data=form, auth=credentials) as response:
            response.raise_for_status()
            document = msgspec.json.decode(await response.read())
            return str(document["access_token"])
