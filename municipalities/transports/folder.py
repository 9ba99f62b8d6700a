"""Puts a parcel into a shared folder: the file first, then a manifest that says it is whole.

The receiver reads only what a manifest names. Both appear by rename within the same folder, so a reader
never sees half a file. The folder itself is never created here: a missing one is a share that is not
mounted, and writing beside it would lose the notice.
"""

import asyncio
import errno
import hashlib
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from municipalities.errors import RefusedError, TemporaryError
from municipalities.transports import Line, Parcel, Sent

MANIFEST = ".manifest.json"
PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the receiver checks a file against before reading it."""

    name: str
    file: str
    type: str
    content_type: str
    records: int
    size: int
    sha256: str


def check(address: str) -> None:
    """Refuse absolute paths, ``..`` and everything that is not a plain relative path."""
    parts = urlsplit(address)
    if parts.netloc or parts.query or parts.fragment:
        raise RefusedError("a folder address is 'folder:' with a relative path")
    if not all(PART.fullmatch(part) for part in parts.path.split("/")):
        raise RefusedError("the folder's path must stay inside the folder root")


async def send(address: str, parcel: Parcel, line: Line) -> Sent:
    """Write the parcel and its manifest; writing the same again is a success."""
    if line.folder_root is None:
        raise RefusedError("no folder root is set")
    return await asyncio.to_thread(_put, Path(line.folder_root), urlsplit(address).path, parcel)


def _put(root: Path, path: str, parcel: Parcel) -> Sent:
    file = f"{parcel.name}.{parcel.extension.lstrip('.')}"
    if not PART.fullmatch(file) or file.endswith(MANIFEST):
        raise RefusedError("the parcel's name is no file name")
    try:
        folder = (root / path).resolve(strict=True)
        if not folder.is_relative_to(root.resolve(strict=True)):
            raise RefusedError("the folder's path leaves the folder root")
        _write(folder / file, parcel.content)
        _write(folder / f"{parcel.name}{MANIFEST}", _manifest(parcel, file))
        _sync(folder)
    except OSError as error:  # disk full, no permission, share gone: someone repairs it, then it works
        raise TemporaryError(errno.errorcode.get(error.errno or 0, "EIO")) from None
    return Sent("sent", file)


def _manifest(parcel: Parcel, file: str) -> bytes:
    manifest = Manifest(
        name=parcel.name,
        file=file,
        type=parcel.type,
        content_type=parcel.content_type,
        records=parcel.records,
        size=len(parcel.content),
        sha256=hashlib.sha256(parcel.content).hexdigest(),
    )
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)


def _write(target: Path, content: bytes) -> None:
    """Let the file appear whole, or leave nothing; refuse to change what is already there."""
    with suppress(FileNotFoundError):
        if target.read_bytes() != content:
            raise RefusedError("another file is already there under this name", code="E202")
        return
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


def _sync(folder: Path) -> None:
    """A rename is durable once its folder is (fsync(2), notes)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
