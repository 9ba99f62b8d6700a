"""A real SFTP server on loopback for tests: one login shut in its folder, a key pinned, faults when a test wants them."""

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncssh

from municipalities.simulator.sftp import host_key
from municipalities.transports.sftp import private_key

SEED = b"a seed of thirty-two bytes ....."


class _Logins(asyncssh.SSHServer):
    def begin_auth(self, _username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "hub" and key.public_data == private_key(SEED).public_data


class _Files(asyncssh.SFTPServer):
    """Its files, and what a test lets go wrong."""

    def __init__(self, channel: Any, server: "Server") -> None:
        self._server = server
        super().__init__(channel, chroot=str(server.root).encode())

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        if self._server.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._server.breaks_off:
            self.channel.get_connection().abort()
        return super().write(file_obj, offset, data)  # type: ignore[return-value]

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if not self._server.posix:
            raise asyncssh.SFTPOpUnsupported("no such extension")
        super().posix_rename(oldpath, newpath)


@dataclass
class Server:
    """Where it listens, what lies there and what goes wrong."""

    root: Path
    port: int = 0
    fingerprint: str = ""
    full: bool = False
    breaks_off: bool = False
    posix: bool = True

    def address(self, folder: str = "town", user: str = "hub", fingerprint: str = "") -> str:
        return f"sftp://{user}@127.0.0.1:{self.port}/{folder}?hostkey={quote(fingerprint or self.fingerprint)}"


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    """Run the server in a thread for as long as we are here."""
    root.mkdir(exist_ok=True)
    server, loop, ready = Server(root), asyncio.new_event_loop(), threading.Event()
    key = host_key(root.parent / "keys")
    server.fingerprint = key.get_fingerprint()

    async def start() -> asyncssh.SSHAcceptor:
        acceptor = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=_Logins, server_host_keys=[key], sftp_factory=partial(_Files, server=server)
        )
        server.port = acceptor.get_port()
        return acceptor

    async def stop(acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        await acceptor.wait_closed()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        acceptor = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(stop(acceptor))
        loop.close()

    thread = threading.Thread(target=serve, name="sftp")
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
