"""Reads what a town lays into ``answers/`` of its folder: each file once, only when it is whole, then put away.

A file is whole when a manifest beside it (``<file>.manifest.json``) names its size and hash, when a marker
(``<file>.done``) lies beside it, or, from a system that writes neither, when it has not changed for a while.
What was taken is moved to ``answers/done``; what cannot be taken to ``answers/bad``, with an error file that
says what to do. Names that begin with a dot or end as unfinished ones do are left alone.
"""

import asyncio
import errno
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import msgspec

from municipalities.errors import TemporaryError
from municipalities.transports import Line, find
from municipalities.transports.files import LARGEST, MANIFEST, PART, Entry, Share

FOLDER, DONE, BAD = "answers", "answers/done", "answers/bad"
MARKER = ".done"

#: How programs name what they are still writing.
UNFINISHED = (".part", ".tmp", ".filepart", ".writing")


class Slip(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The manifest of an answer: what the file does not say itself. A report has an id and a type, receipts neither.

    What only some reports say is read by who takes them in, who can name what is wrong with it.
    """

    size: int
    sha256: str
    content_type: str = ""
    delivery: str = ""
    report_id: str = ""
    report_type: str = ""
    report_outcome: str = ""
    report_visited_on: str = ""  #: the day on which they appeared, YYYY-MM-DD; absent means the day of the report
    report_contact_office: str = ""  #: with message 75, where the layout has no item for it
    #: With message 16, where the layout has no items for them: procedure, reference and mover of each.
    report_documents: list[Any] = []


@dataclass(frozen=True, slots=True)
class Found:
    """A whole file, or one that never will be: then ``spoilt`` is a code of the error catalogue."""

    name: str
    content: bytes
    modified: float
    slip: Slip | None = None
    spoilt: str = ""
    beside: tuple[str, ...] = ()  #: manifest and marker: they go where the file goes, after it


class FileTransport(Protocol):
    """What the transports by files offer besides sending."""

    async def open_share(self, address: str, line: Line) -> Share:
        """The town's folder; ``DeliveryError`` if it cannot be opened."""


async def open_share(address: str, line: Line) -> Share:
    """The folder of a town that exchanges files."""
    return await cast("FileTransport", find(address)).open_share(address, line)


async def look(share: Share, quiet: float) -> list[Found]:
    """What is whole, in the order of names; waits ``quiet`` seconds where only time can tell."""
    try:
        before = await share.list(FOLDER)
        found, doubtful = await _sort(share, before)
        if doubtful:
            await asyncio.sleep(quiet)
            after = {entry.name: entry for entry in await share.list(FOLDER)}
            for name, beside in doubtful.items():
                if _is_same(name, before, after):
                    found += await _settled(share, after, name, beside)
    except OSError as error:
        raise TemporaryError(errno.errorcode.get(error.errno or 0, "EIO")) from None
    return sorted(found, key=lambda one: one.name)


def _is_same(name: str, before: Iterable[Entry], after: dict[str, Entry]) -> bool:
    """Whether neither the file nor what lies beside it has changed or come since."""
    about = (name, name + MANIFEST, name + MARKER)
    then = {entry.name: entry for entry in before if entry.name in about}
    return then == {other: after[other] for other in about if other in after}


async def _sort(share: Share, entries: Iterable[Entry]) -> tuple[list[Found], dict[str, tuple[str, ...]]]:
    """What is whole by manifest or marker, and what only time can tell: by name, with what lies beside it."""
    by_name = {entry.name: entry for entry in entries if PART.fullmatch(entry.name)}
    found: list[Found] = []
    doubtful: dict[str, tuple[str, ...]] = {}
    for name in by_name:
        if name.endswith((MANIFEST, MARKER, *UNFINISHED)):
            if name.endswith(MANIFEST) and name.removesuffix(MANIFEST) not in by_name:
                doubtful[name.removesuffix(MANIFEST)] = (name,)
            continue
        beside = tuple(other for other in (name + MANIFEST, name + MARKER) if other in by_name)
        one = await _read(share, by_name[name], beside) if beside else None
        if one is None or one.spoilt:
            doubtful[name] = beside
        else:
            found.append(one)
    return found, doubtful


async def _settled(share: Share, after: dict[str, Entry], name: str, beside: tuple[str, ...]) -> list[Found]:
    """What did not change while we waited."""
    if name not in after:  # a manifest without its file
        manifest = after.get(name + MANIFEST)
        return [Found(name, b"", manifest.modified, spoilt="E100", beside=beside)] if manifest else []
    one = await _read(share, after[name], beside)
    return [one] if one else []


async def _read(share: Share, entry: Entry, beside: tuple[str, ...]) -> Found | None:
    """A file with its manifest; ``None`` if it went away meanwhile."""
    if entry.size > LARGEST:
        return Found(entry.name, b"", entry.modified, spoilt="E105", beside=beside)
    try:
        content = await share.read(f"{FOLDER}/{entry.name}")
        if entry.name + MANIFEST not in beside:
            return Found(entry.name, content, entry.modified, beside=beside)
        told = await share.read(f"{FOLDER}/{entry.name}{MANIFEST}")
    except FileNotFoundError:
        return None
    try:
        slip = msgspec.json.decode(told, type=Slip)
    except msgspec.MsgspecError:
        return Found(entry.name, content, entry.modified, spoilt="E100", beside=beside)
    whole = (slip.size, slip.sha256.lower()) == (len(content), hashlib.sha256(content).hexdigest())
    return Found(entry.name, content, entry.modified, slip, "" if whole else "E100", beside)


async def put_away(share: Share, found: Found, told: dict[str, Any] | None = None) -> None:
    """Move a file to ``done``, or with an error file to ``bad``; the file first, then what lies beside it.

    Reading it again after a crash in between has no effect at the hub; a name that was used before is kept apart.
    """
    place = DONE if told is None else BAD
    try:
        await share.make(place)
        if told is not None:
            document = msgspec.json.format(msgspec.json.encode(told), indent=2)
            await share.write(f"{place}/{found.name}.error.json", document)
        for name in (found.name, *found.beside):
            await _move(share, name, place, hashlib.sha256(found.content).hexdigest()[:12])
    except OSError as error:
        raise TemporaryError(errno.errorcode.get(error.errno or 0, "EIO")) from None


async def _move(share: Share, name: str, place: str, mark: str) -> None:
    try:
        try:
            await share.move(f"{FOLDER}/{name}", f"{place}/{name}")
        except FileExistsError:
            await share.move(f"{FOLDER}/{name}", f"{place}/{mark}.{name}")
    except (FileNotFoundError, FileExistsError):
        return  # another look put it away; or the very same file lies there: it is read again without effect
