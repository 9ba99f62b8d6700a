"""Puts a parcel into a folder on an SFTP server; ``files.py`` says what the receiver finds.

The address pins the server's key: ``sftp://user@host:port/folder?hostkey=SHA256:…`` (the fingerprint as
``ssh-keygen -l`` prints it); the folder is below the login's own. The hub signs in with an Ed25519 key whose
seed is the connection's signing key (RFC 8032 5.1.5), never with a password. A server with another key gets
neither a signature nor a file.
"""

import asyncio
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from urllib.parse import unquote, urlsplit
from weakref import WeakKeyDictionary

import aiohttp
import asyncssh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from municipalities.errors import DeliveryError, RefusedError, TemporaryError
from municipalities.transports import Line, Parcel, Sent, files
from municipalities.transports.guard import InternalAddressError

PORT = 22
SEED = 32

#: What SFTP says, in the terms of this machine (draft-ietf-secsh-filexfer-02, 7; later drafts name more).
NUMBERS: dict[type[asyncssh.SFTPError], int] = {
    asyncssh.SFTPNoSuchFile: errno.ENOENT,
    asyncssh.SFTPNoSuchPath: errno.ENOENT,
    asyncssh.SFTPPermissionDenied: errno.EACCES,
    asyncssh.SFTPWriteProtect: errno.EROFS,
    asyncssh.SFTPFileAlreadyExists: errno.EEXIST,
    asyncssh.SFTPNoSpaceOnFilesystem: errno.ENOSPC,
    asyncssh.SFTPQuotaExceeded: errno.EDQUOT,
}


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to sign in at, as whom, and by which key the server is known."""

    user: str
    host: str
    port: int
    fingerprint: str


def check(address: str) -> None:
    """Refuse an address without user, host, folder or pinned host key, and one that holds a password."""
    read(address)


def read(address: str) -> tuple[Server, str]:
    """The server and the folder that an address names.

    >>> read("sftp://hub@127.0.0.1:2022/inbox?hostkey=SHA256:" + "A" * 43)[1]
    'inbox'
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or PORT
    except ValueError as error:
        raise RefusedError("the address cannot be read") from error
    fingerprint = unquote(parts.query.removeprefix("hostkey="))
    if not host or not parts.username or parts.password is not None or parts.fragment:
        raise RefusedError("an sftp address needs a user and a host, and must hold no password or fragment")
    if not fingerprint.startswith("SHA256:") or len(fingerprint) != len("SHA256:") + 43:
        raise RefusedError("an sftp address ends with '?hostkey=SHA256:' and the fingerprint of the server's key")
    folder = parts.path.removeprefix("/")
    files.check_path(folder)
    return Server(unquote(parts.username), host, port, fingerprint), folder


async def send(address: str, parcel: Parcel, line: Line) -> Sent:
    """Write the parcel and its manifest; writing the same again is a success."""
    try:
        async with asyncio.timeout(line.timeout):
            return await files.put(await open_share(address, line), parcel)
    except TimeoutError:
        raise TemporaryError("TimeoutError") from None


async def prove(address: str, line: Line) -> None:
    """Whether the server lets us in with our key, and the folder is there."""
    share = await open_share(address, line)
    try:
        async with asyncio.timeout(line.timeout):
            await share.enter()
    except OSError as error:
        raise TemporaryError(type(error).__name__) from None


async def open_share(address: str, line: Line) -> "Remote":
    """The town's folder on the server; ``TemporaryError`` if nobody lets us in."""
    server, folder = read(address)
    opened = _connections.setdefault(line.session, {})
    task = opened.get(server)
    if task is None or (task.done() and not _is_open(task)):
        task = opened[server] = asyncio.create_task(_sign_in(server, line))
    try:
        _, client = await asyncio.shield(task)
    except asyncssh.HostKeyNotVerifiable:
        raise TemporaryError("the server's key is not the pinned one") from None
    except InternalAddressError:
        raise RefusedError("the address leads into an internal network", code="E116") from None
    except (asyncssh.Error, OSError) as error:
        raise TemporaryError(type(error).__name__) from None
    return Remote(client, folder)


Opened = tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]
#: One connection per server and login, for as long as the session of the same line lasts.
_connections: WeakKeyDictionary[aiohttp.ClientSession, dict[Server, "asyncio.Task[Opened]"]] = WeakKeyDictionary()


def _is_open(task: "asyncio.Task[Opened]") -> bool:
    if task.cancelled() or task.exception() is not None:
        return False
    return not task.result()[0].is_closed()


async def hang_up(session: aiohttp.ClientSession) -> None:
    """Close what was opened for this session."""
    for task in _connections.pop(session, {}).values():
        task.cancel()
        with suppress(asyncio.CancelledError, DeliveryError, asyncssh.Error, OSError):
            connection, _ = await task
            connection.close()
            await connection.wait_closed()


class _Pinned(asyncssh.SSHClient):
    """Takes the one key that the address names."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        """Whether it is that key."""
        return secrets.compare_digest(key.get_fingerprint(), self._fingerprint)


async def _sign_in(server: Server, line: Line) -> Opened:
    async with asyncio.timeout(line.timeout):
        opened = await line.guard.connect(server.host, server.port) if line.guard else None
    connection = await asyncssh.connect(
        server.host,
        server.port,
        sock=opened,
        username=server.user,
        client_keys=[private_key(line.signing_key)],
        client_factory=partial(_Pinned, server.fingerprint),
        known_hosts=([], [], []),  # none is known by itself: each key is asked of the address
        preferred_auth="publickey",
        agent_path=None,
        config=None,
        connect_timeout=line.timeout,
        login_timeout=line.timeout,
        keepalive_interval=15,
    )
    try:
        return connection, await connection.start_sftp_client()
    except BaseException:
        connection.abort()
        raise


@lru_cache(maxsize=4096)
def private_key(seed: bytes) -> asyncssh.SSHKey:
    """The Ed25519 key of a seed of 32 bytes."""
    if len(seed) != SEED:
        raise RefusedError("the connection has no key of 32 bytes", code="E114")
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return asyncssh.import_private_key(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def public_line(seed: bytes) -> str:
    """What the town writes into ``authorized_keys``.

    >>> public_line(bytes(32))
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop hikkoshi-hub'
    """
    return f"{private_key(seed).export_public_key('openssh').decode().strip()} hikkoshi-hub"


class Remote:
    """A ``files.Share`` on an SFTP server."""

    def __init__(self, client: asyncssh.SFTPClient, folder: str) -> None:
        self._client, self._folder = client, folder

    def _at(self, path: str) -> str:
        return f"{self._folder}/{path}" if path else self._folder

    async def enter(self) -> None:
        """Raise ``OSError`` if the folder itself is missing."""
        with _local_errors():
            await self._client.readdir(self._folder or ".")

    async def read(self, path: str) -> bytes:
        """A file's content."""
        with _local_errors():
            async with self._client.open(self._at(path), "rb") as file:
                content = await file.read(files.LARGEST + 1)
        if isinstance(content, str):
            raise TypeError("a file opened for bytes gave text")
        if len(content) > files.LARGEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return content

    async def write(self, path: str, content: bytes) -> None:
        """Let a file appear whole, or leave nothing."""
        folder, _, name = self._at(path).rpartition("/")
        part = f"{folder}/.{name}.{secrets.token_hex(4)}.part"
        with _local_errors():
            try:
                async with self._client.open(part, "xb") as file:
                    await file.write(content)
                    with suppress(asyncssh.SFTPOpUnsupported):
                        await file.fsync()
                await self._replace(part, self._at(path))
            except asyncssh.SFTPError:
                with suppress(asyncssh.SFTPError):
                    await self._client.remove(part)
                raise

    async def _replace(self, part: str, target: str) -> None:
        """By rename; a server without the POSIX one refuses to put a file in the place of another."""
        try:
            await self._client.posix_rename(part, target)
        except asyncssh.SFTPOpUnsupported:
            await self._client.rename(part, target)

    async def list(self, folder: str) -> Sequence[files.Entry]:
        """The plain files of a folder."""
        try:
            with _local_errors():
                found = await self._client.readdir(self._at(folder))
        except FileNotFoundError:
            return []
        entries = [
            files.Entry(str(one.filename), one.attrs.size or 0, float(one.attrs.mtime or 0))
            for one in found
            if stat.S_ISREG(one.attrs.permissions or 0)
        ]
        return sorted(entries, key=lambda entry: entry.name)

    async def move(self, path: str, to: str) -> None:
        """Give a file another name."""
        with _local_errors():
            if await self._client.exists(self._at(to)):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            await self._client.rename(self._at(path), self._at(to))

    async def make(self, folder: str) -> None:
        """Make a folder, if it is missing."""
        with _local_errors():
            if not await self._client.exists(self._at(folder)):
                await self._client.mkdir(self._at(folder))

    async def settle(self) -> None:
        """Durable as the server makes it: SFTP has no word for a folder's own entry."""


@contextmanager
def _local_errors() -> Iterator[None]:
    """Say what a server says as this machine would, and a broken line as one."""
    try:
        yield
    except asyncssh.SFTPError as error:
        number = NUMBERS.get(type(error), errno.EIO)
        raise OSError(number, os.strerror(number)) from None
    except asyncssh.Error:
        raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)) from None
