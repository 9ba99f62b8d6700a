"""Transports carry a parcel to an address; the address's scheme names the module.

A transport says what happened by returning (``Sent``) or by how it fails: ``TemporaryError`` is worth
trying again, ``RefusedError`` is not. Sending the same parcel again is always allowed: its name never
changes, and a receiver that already has it counts as a success.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from os import PathLike
from typing import Literal, Protocol, cast
from urllib.parse import urlsplit

import aiohttp

from municipalities.errors import RefusedError
from municipalities.transports.guard import Guard

SCHEMES = {
    "https": "https", "http": "https", "pull": "pull", "folder": "folder", "sftp": "sftp", "memory": "memory",
}  # fmt: skip
#: What is exchanged as files, with answers read back.
FILES = ("folder", "sftp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Bytes under a name that stays the same however often they are sent."""

    name: str  #: the delivery's UUID
    type: str  #: message catalogue type, e.g. "moveout.submitted"
    content: bytes
    content_type: str
    extension: str
    records: int


@dataclass(frozen=True, slots=True)
class Line:
    """What a transport may use: the shared connections and this municipality's keys."""

    session: aiohttp.ClientSession
    signing_key: bytes = b""  #: of pushes; for SFTP the seed of the key that signs in
    folder_root: str | PathLike[str] | None = None
    previous_keys: tuple[bytes, ...] = ()  #: still signed with while the receiver changes over
    timeout: float = 10.0  #: seconds for one whole exchange
    guard: Guard | None = None  #: of lines that are not the session's own: an SFTP server is judged by it too


@dataclass(frozen=True, slots=True)
class Sent:
    """How far the parcel got: handed over, or ready to be fetched."""

    state: Literal["sent", "ready"]
    reference: str = ""


class Transport(Protocol):
    """What each module of this package offers."""

    def check(self, address: str) -> None:
        """Refuse an address that could never work (``RefusedError``), without touching the network."""

    async def send(self, address: str, parcel: Parcel, line: Line) -> Sent:
        """Carry the parcel, or raise a ``DeliveryError``."""

    async def prove(self, address: str, line: Line) -> None:
        """Ask whether who is at the address means to be told there; ``DeliveryError`` if not. Hands nothing over."""


@lru_cache(maxsize=4096)
def find(address: str) -> Transport:
    """The transport of an address, which has been checked.

    >>> find("memory:town").__name__.rpartition(".")[2]
    'memory'
    """
    try:
        scheme = urlsplit(address).scheme
    except ValueError as error:
        raise RefusedError("the address cannot be read") from error
    if scheme not in SCHEMES:
        raise RefusedError("the address has no scheme of ours")
    transport = cast("Transport", import_module(f"{__name__}.{SCHEMES[scheme]}"))
    transport.check(address)
    return transport


async def send(address: str, parcel: Parcel, line: Line) -> Sent:
    """Carry the parcel to the address."""
    return await find(address).send(address, parcel, line)


async def prove(address: str, line: Line) -> None:
    """Ask whether who is at the address means to be told there."""
    await find(address).prove(address, line)


def calls_back(address: str) -> bool:
    """Whether the hub itself calls there, so that the address has to prove itself before it is used.

    >>> [calls_back(address) for address in ("https://town.example/inbox", "pull:", "pull:?ring=https://t.example/")]
    [True, False, True]
    """
    scheme, _, rest = address.partition(":")
    return scheme in ("http", "https", "sftp") or (scheme == "pull" and bool(rest))


@asynccontextmanager
async def open_session(limit: int = 100, guard: Guard | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """Kept-alive connections for ``Line``; keeps no cookies, follows no proxy of the environment.

    With a ``guard`` no connection is made to what it does not permit, whatever a name resolves to.
    """
    factory = guard.socket if guard else None
    connector = aiohttp.TCPConnector(limit=limit, keepalive_timeout=60, socket_factory=factory)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, trust_env=False) as session:
        try:
            yield session
        finally:
            if sftp := sys.modules.get(f"{__name__}.sftp"):  # loaded only where an address needs it
                await sftp.hang_up(session)
