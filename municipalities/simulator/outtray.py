"""Answers of towns that exchange files: laid into ``answers/``, and heard of when the hub has put them away.

A chain's answers are laid there all at once, in the order of their names, for a file town talks once a day
and not step by step. A name follows from the chain and the step alone: laying it there again changes nothing.
"""

import asyncio
import hashlib
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid5

import msgspec

from municipalities.simulator.api import SILENCE, Answer
from municipalities.simulator.clerk import NAMESPACE
from municipalities.simulator.letters import Letter
from municipalities.simulator.town import Town
from municipalities.transports import FILES
from municipalities.transports.answers import BAD, DONE, FOLDER, Slip
from municipalities.transports.files import MANIFEST
from municipalities.transports.folder import Folder

TAKEN, BROKEN = Answer(201), 422


def place(town: Town, folder_root: Path) -> Path:
    """Where a town's folder lies on this machine: below the root, or below its login's part of the SFTP server."""
    parts = urlsplit(town.address)
    if parts.scheme == "sftp":
        return home(unquote(parts.username or ""), folder_root) / parts.path.removeprefix("/")
    return folder_root / parts.path


def home(user: str, folder_root: Path) -> Path:
    """The folder in which an SFTP login is shut."""
    return folder_root / "sftp" / user


def by_files(town: Town) -> bool:
    """Whether the town exchanges files."""
    return town.way in FILES


async def lay(tray: Path, name: str, letter: Letter) -> Answer:
    """Lay a letter into the town's answers, unless it is there; what the hub did with it, as far as it has."""
    return await asyncio.to_thread(_look, tray, name) or await _write(tray, name, letter)


def _look(tray: Path, name: str) -> Answer | None:
    """What became of a file: ``None`` if it was never laid there."""
    if (tray / FOLDER / (name + MANIFEST)).exists():
        return SILENCE
    if (tray / DONE / (name + MANIFEST)).exists():
        return TAKEN
    try:
        told = msgspec.json.decode((tray / BAD / f"{name}.error.json").read_bytes(), type=_Told)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    code = told.problems[0].code if told.problems else ""
    return Answer(BROKEN, msgspec.json.encode({"code": code}))


class _Problem(msgspec.Struct):
    code: str = ""


class _Told(msgspec.Struct):
    """What is used of an error file."""

    problems: list[_Problem]


async def _write(tray: Path, name: str, letter: Letter) -> Answer:
    """The file first, then its manifest."""
    headers = letter.headers
    slip = Slip(
        size=len(letter.body),
        sha256=hashlib.sha256(letter.body).hexdigest(),
        content_type=headers["Content-Type"],
        delivery=headers.get("Hikkoshi-Delivery", "") or _delivery(letter.path),
        report_id=headers.get("Hikkoshi-Report-Id", ""),
        report_type=headers.get("Hikkoshi-Report-Type", ""),
        report_outcome=headers.get("Hikkoshi-Report-Outcome", ""),
        report_visited_on=headers.get("Hikkoshi-Report-Visited-On", ""),
    )
    share = Folder(tray, ".")
    with suppress(OSError):  # what could not be laid there is laid there at the next attempt
        await share.write(f"{FOLDER}/{name}", letter.body)
        await share.write(f"{FOLDER}/{name}{MANIFEST}", msgspec.json.encode(slip))
    return SILENCE


def _delivery(path: str) -> str:
    """The delivery that a receipt's path names."""
    parts = path.split("/")
    return parts[-2] if parts[-1] == "receipts" else ""


#: What no name of a file may tell: names are listed, copied and written into logs.
UNTOLD = "protection.route"


def file_name(chain: str, n: int, what: str, repeat: int = 0) -> str:
    """The name of a step's file; names of a chain are in the order of its steps.

    >>> file_name("011011/0195e5a0", 3, "moveout.decided")
    '0195e5a0.03.moveout.decided.dat'
    >>> file_name("011011/01-2345-6789-0/protects", 0, "protection.route")
    'af1ece0b-c25d-520a-b5f1-973acc3c08e5.00.report.dat'
    """
    _, _, about = chain.partition("/")
    if what == UNTOLD:
        about, what = str(uuid5(NAMESPACE, chain)), "report"
    again = f".again{repeat}" if repeat else ""
    return f"{about.replace('/', '.')}.{n:02}.{what}{again}.dat"
