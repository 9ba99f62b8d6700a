"""Puts a parcel into a shared folder of this machine; ``files.py`` says what the receiver finds."""

import asyncio
import errno
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from municipalities.errors import RefusedError, TemporaryError
from municipalities.transports import Line, Parcel, Sent, files


def check(address: str) -> None:
    """Refuse absolute paths, ``..`` and everything that is not a plain relative path."""
    parts = urlsplit(address)
    if parts.netloc or parts.query or parts.fragment:
        raise RefusedError("a folder address is 'folder:' with a relative path")
    files.check_path(parts.path)


async def send(address: str, parcel: Parcel, line: Line) -> Sent:
    """Write the parcel and its manifest; writing the same again is a success."""
    return await files.put(await open_share(address, line), parcel)


async def prove(address: str, line: Line) -> None:
    """Whether the folder is there."""
    share = await open_share(address, line)
    try:
        await asyncio.to_thread(share.exists)
    except OSError as error:
        raise TemporaryError(type(error).__name__) from None


async def open_share(address: str, line: Line) -> "Folder":
    """The town's folder, as it is below the folder root."""
    if line.folder_root is None:
        raise RefusedError("no folder root is set")
    return Folder(Path(line.folder_root), urlsplit(address).path)


class Folder:
    """A ``files.Share`` on this machine."""

    def __init__(self, root: Path, path: str) -> None:
        self._root, self._path = root, path

    def exists(self) -> None:
        """Raise ``OSError`` if the folder itself is missing."""
        self._at("")

    def _at(self, path: str) -> Path:
        """Where a file lies; the folder is there, and no link leads out of the root."""
        folder = (self._root / self._path).resolve(strict=True)
        if not folder.is_relative_to(self._root.resolve(strict=True)):
            raise RefusedError("the folder's path leaves the folder root")
        return folder / path

    async def read(self, path: str) -> bytes:
        """A file's content."""
        return await asyncio.to_thread(self._read, path)

    def _read(self, path: str) -> bytes:
        with self._at(path).open("rb") as stream:
            content = stream.read(files.LARGEST + 1)
        if len(content) > files.LARGEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return content

    async def write(self, path: str, content: bytes) -> None:
        """Let a file appear whole, or leave nothing."""
        await asyncio.to_thread(self._write, path, content)

    def _write(self, path: str, content: bytes) -> None:
        target = self._at(path)
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    async def list(self, folder: str) -> Sequence[files.Entry]:
        """The plain files of a folder."""
        return await asyncio.to_thread(self._list, folder)

    def _list(self, folder: str) -> Sequence[files.Entry]:
        try:
            with os.scandir(self._at(folder)) as found:
                entries = [(one.name, one.stat()) for one in found if one.is_file(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        return sorted(
            (files.Entry(name, stat.st_size, stat.st_mtime) for name, stat in entries), key=lambda entry: entry.name
        )

    async def move(self, path: str, to: str) -> None:
        """Give a file another name."""
        await asyncio.to_thread(self._move, path, to)

    def _move(self, path: str, to: str) -> None:
        source, target = self._at(path), self._at(to)
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        source.rename(target)

    async def make(self, folder: str) -> None:
        """Make a folder, if it is missing."""
        await asyncio.to_thread(lambda: self._at(folder).mkdir(exist_ok=True))

    async def settle(self) -> None:
        """A rename is durable once its folder is (fsync(2), notes)."""
        await asyncio.to_thread(self._sync)

    def _sync(self) -> None:
        descriptor = os.open(self._at(""), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
