"""The SFTP server of simulated towns: each login is shut in its own folder and signs in with the hub's key for it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncssh

from municipalities.simulator.outtray import home
from municipalities.simulator.town import Town, reached_by
from municipalities.transports.sftp import private_key

HOST_KEY = "ssh_host_key"


def host_key(folder: Path) -> asyncssh.SSHKey:
    """The server's key, made at the first start and kept."""
    file = folder / HOST_KEY
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        part.replace(file)
    return asyncssh.read_private_key(file)


class _Logins(asyncssh.SSHServer):
    """Lets the hub in, with the key that belongs to the login."""

    def __init__(self, keys: dict[str, asyncssh.SSHKey]) -> None:
        self._keys = keys

    def begin_auth(self, _username: str) -> bool:
        """Everybody has to sign in."""
        return True

    def public_key_auth_supported(self) -> bool:
        """With a key."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether it is the login's own."""
        known = self._keys.get(username)
        return known is not None and known.public_data == key.public_data


class _Shut(asyncssh.SFTPServer):
    """Files of one login's folder, and nothing above it."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], root: Path) -> None:
        folder = home(channel.get_extra_info("username"), root)
        super().__init__(channel, chroot=str(folder).encode())


@asynccontextmanager
async def listening(towns: Iterable[Town], data: Path, root: Path, port: int) -> AsyncIterator[None]:
    """Serve the towns reached through SFTP, on loopback; nothing is started if there are none."""
    played = reached_by(towns, "sftp")
    if not played:
        yield
        return
    keys = {unquote(urlsplit(town.address).username or ""): private_key(town.signing_key) for town in played}
    for user in keys:
        home(user, root).mkdir(parents=True, exist_ok=True)
    async with asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=partial(_Logins, keys),
        server_host_keys=[host_key(data)],
        sftp_factory=partial(_Shut, root=root),
        allow_scp=False,
    ):
        yield
