"""The hub's API as a town's own system calls it: OAuth 2.0 client credentials, one client per town."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import msgspec

from municipalities.simulator.town import Town

TIMEOUT = aiohttp.ClientTimeout(total=30)
FORM = {"grant_type": "client_credentials", "scope": "deliveries reports"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub said; status 0 = nothing was heard."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The error catalogue's code of a problem document (RFC 9457), if it is one."""
        try:
            return msgspec.json.decode(self.content, type=_Problem).code
        except msgspec.MsgspecError:
            return ""


class _Problem(msgspec.Struct):
    code: str = ""


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float = 300.0


SILENCE = Answer(0)


class Api:
    """Calls in the name of one town or another, over shared connections."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base.rstrip("/")
        self._tokens: dict[str, tuple[str, float]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def get(self, town: Town, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Fetch something."""
        return await self._call(town, "GET", path, query, None)

    async def post(self, town: Town, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post something; the headers say what."""
        return await self._call(town, "POST", path, None, body, headers)

    async def _call(
        self,
        town: Town,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        about: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call with the town's token; one that is no longer taken is renewed once."""
        answer = SILENCE
        for _ in range(2):
            token = await self._token(town)
            if isinstance(token, Answer):
                return token
            headers = {"Authorization": f"Bearer {token}", **(about or {})}
            answer = await self._exchange(method, path, headers=headers, params=query, data=body)
            if answer.status != 401:
                break
            if self._tokens.get(town.code, ("", 0.0))[0] == token:
                del self._tokens[town.code]
        return answer

    async def _exchange(self, method: str, path: str, **options: object) -> Answer:
        try:
            async with self._session.request(
                method,
                self._base + path,
                timeout=TIMEOUT,
                allow_redirects=False,
                **options,  # type: ignore[arg-type]
            ) as response:
                return Answer(response.status, await response.read(), response.headers)
        except (aiohttp.ClientError, OSError):
            return SILENCE

    async def _token(self, town: Town) -> str | Answer:
        """The town's token, or why there is none; many who ask at once ask the hub once."""
        async with self._asking.setdefault(town.code, asyncio.Lock()):
            token, until = self._tokens.get(town.code, ("", 0.0))
            if time.monotonic() < until:
                return token
            auth = aiohttp.BasicAuth(town.client_id, town.client_secret, "utf-8").encode()
            answer = await self._exchange("POST", "/oauth/token", headers={"Authorization": auth}, data=FORM)
            if answer.status != 200:
                return answer
            try:
                given = msgspec.json.decode(answer.content, type=_Token)
            except msgspec.MsgspecError:
                return SILENCE
            self._tokens[town.code] = (given.access_token, time.monotonic() + 0.9 * given.expires_in)
            return given.access_token
