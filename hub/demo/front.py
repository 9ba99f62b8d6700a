"""A partner front over real HTTP: files and changes the invented relocations and keeps what it was answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

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


#: Catalogue code of what comes after the town's decision.
DECIDED = "E200"
T = TypeVar("T")


class Accepted(msgspec.Struct, frozen=True):
    """A filing that the hub answered with 2xx."""

    id: str
    receipt_no: str


#: What is done with a filing, by its number, once it was accepted.
Then = Callable[[int, Accepted], Awaitable[None]]


async def _nothing(_number: int, _accepted: Accepted) -> None:
    """Leave it at that."""


class RefusedFilingError(Exception):
    """The hub refused an invented filing: the invention or the hub is wrong."""

    def __init__(self, problem: bytes) -> None:
        super().__init__(problem.decode())
        self.code = msgspec.json.decode(problem).get("code", "")


class Front:
    """Files with an idempotency key each, and repeats what got no answer.

    ``patience``: for at most so many seconds.
    """

    def __init__(self, hub: str, run: str, patience: float = 120.0) -> None:
        self.hub, self.run, self.patience = hub, run, patience
        self.token = ""

    def file_all(
        self, filings: Sequence[Filing], progress: Callable[[], None], then: Then = _nothing
    ) -> list[Accepted]:
        """File them all; returns what was accepted, in order. ``then`` is done with each as soon as it is."""

        async def one(session: aiohttp.ClientSession, number: int) -> Accepted:
            key = f"{self.run}-{number}"
            answer = await self._say(session, "/api/v1/relocations", document(filings[number]), key)
            accepted = msgspec.json.decode(answer, type=Accepted)
            await then(number, accepted)
            progress()
            return accepted

        return asyncio.run(self._all(one, len(filings)))

    def change_all(self, posts: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Post to addresses of filings; tells of each whether it was taken, or the town has decided (E200)."""

        async def one(session: aiohttp.ClientSession, number: int) -> bool:
            try:
                await self._say(session, *posts[number])
            except RefusedFilingError as error:
                if error.code != DECIDED:
                    raise
                return False
            return True

        return asyncio.run(self._all(one, len(posts)))

    async def _all(self, one: Callable[[aiohttp.ClientSession, int], Awaitable[T]], count: int) -> list[T]:
        """Do that many, few at a time."""
        places = asyncio.Semaphore(AT_ONCE)

        async def bounded(session: aiohttp.ClientSession, number: int) -> T:
            async with places:
                return await one(session, number)

        async with aiohttp.ClientSession(self.hub, timeout=aiohttp.ClientTimeout(total=30)) as session:
            return await asyncio.gather(*(bounded(session, number) for number in range(count)))

    async def _say(self, session: aiohttp.ClientSession, path: str, body: bytes, key: str = "") -> bytes:
        """Post until there is an answer; the key makes a repetition of a filing harmless."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                answer = await self._post(session, path, body, key)
            except (aiohttp.ClientError, TimeoutError):
                answer = None
            if answer is not None:
                return answer
            if time.monotonic() > deadline:
                raise TimeoutError("The hub does not answer.")
            await asyncio.sleep(0.3)

    async def _post(self, session: aiohttp.ClientSession, path: str, body: bytes, key: str) -> bytes | None:
        if not self.token:
            self.token = await self._fetch_token(session)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        async with session.post(path, data=body, headers=headers) as response:
            text = await response.read()
            if response.status < HTTPStatus.MULTIPLE_CHOICES:
                return text
            if response.status == HTTPStatus.UNAUTHORIZED:
                self.token = ""
            if response.status in AGAIN or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return None
            raise RefusedFilingError(text)

    async def _fetch_token(self, session: aiohttp.ClientSession) -> str:
        credentials = aiohttp.BasicAuth(FRONT, client_secret(FRONT))
        form = {"grant_type": "client_credentials", "scope": "relocations:file"}
        async with session.post("/oauth/token", data=form, auth=credentials) as response:
            response.raise_for_status()
            document = msgspec.json.decode(await response.read())
            return str(document["access_token"])
