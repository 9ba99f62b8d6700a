"""What towns that exchange files are promised, whichever way the files go: names, manifests, whole or not at all.

A parcel is a file and a manifest that says it is whole (count, size, hash); the receiver reads only what a
manifest names. Both appear by rename within the same folder, so a reader never sees half a file. The town's
folder itself is never made here: a missing one is a share that is not mounted, and writing beside it would
lose the notice.
"""

import errno
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from municipalities.errors import RefusedError, TemporaryError
from municipalities.transports import Parcel, Sent

MANIFEST = ".manifest.json"
PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}")

#: No file of a town is longer: a record is a few kilobytes, a day's receipts a few hundred.
LARGEST = 16 * 2**20


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the receiver checks a file against before reading it."""

    name: str
    file: str
    type: str
    content_type: str
    records: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A plain file as a listing shows it."""

    name: str
    size: int
    modified: float  #: seconds since 1970, by the clock of where it lies


class Share(Protocol):
    """A town's folder, on this machine or on a server; paths are below it. What fails is an ``OSError``."""

    async def read(self, path: str) -> bytes:
        """A file's content; ``FileNotFoundError`` if there is none, EFBIG beyond ``LARGEST``."""

    async def write(self, path: str, content: bytes) -> None:
        """Let a file appear whole, in the place of one of that name, or leave nothing."""

    async def list(self, folder: str) -> Sequence[Entry]:
        """The plain files of a folder, in the order of their names; none if there is no such folder."""

    async def move(self, path: str, to: str) -> None:
        """Give a file another name; ``FileExistsError`` if that is taken, ``FileNotFoundError`` if it is gone."""

    async def make(self, folder: str) -> None:
        """Make a folder, if it is missing, in one that is there."""

    async def settle(self) -> None:
        """Make durable what was renamed."""


def check_path(path: str) -> None:
    """Refuse absolute paths, ``..`` and everything that is not a plain relative path."""
    if not all(PART.fullmatch(part) for part in path.split("/")):
        raise RefusedError("the folder's path must stay inside the folder root")


async def put(share: Share, parcel: Parcel) -> Sent:
    """Lay a parcel and its manifest into the town's folder; the same again is a success."""
    file = f"{parcel.name}.{parcel.extension.lstrip('.')}"
    if not PART.fullmatch(file) or file.endswith(MANIFEST):
        raise RefusedError("the parcel's name is no file name")
    try:
        await _lay(share, file, parcel.content)
        await _lay(share, f"{parcel.name}{MANIFEST}", _manifest(parcel, file))
        await share.settle()
    except OSError as error:  # disk full, no permission, share gone: someone repairs it, then it works
        raise TemporaryError(errno.errorcode.get(error.errno or 0, "EIO")) from None
    return Sent("sent", file)


async def _lay(share: Share, name: str, content: bytes) -> None:
    """Write a file, unless it is there; refuse to change what is already there."""
    try:
        if await share.read(name) != content:
            raise RefusedError("another file is already there under this name", code="E202")
    except FileNotFoundError:
        await share.write(name, content)


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
