"""Towns that watch a folder: read what a manifest names, check it, take it in, move it to ``done``."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from municipalities.errors import UnfitError
from municipalities.simulator.intake import Envelope, Intake
from municipalities.simulator.office import Office
from municipalities.simulator.outtray import by_files, place
from municipalities.simulator.town import Town
from municipalities.transports.answers import FOLDER
from municipalities.transports.files import MANIFEST, PART, Manifest

#: Seconds between two looks into the folders.
EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest and what it names, as read from the folder."""

    tray: Path
    manifest_file: str
    manifest: Manifest | None  #: None: cannot be read
    content: bytes | None  #: None: not there

    @property
    def name(self) -> str:
        """The delivery's id."""
        return self.manifest_file.removesuffix(MANIFEST)

    @property
    def is_whole(self) -> bool:
        """Whether the file is the one the manifest speaks of."""
        if self.manifest is None or self.content is None or self.manifest.name != self.name:
            return False
        if not self.manifest.file.startswith(f"{self.name}."):
            return False
        digest = sha256(self.content).hexdigest()
        return (self.manifest.size, self.manifest.sha256) == (len(self.content), digest)


class Trays:
    """The in-trays of all towns that exchange files."""

    def __init__(self, office: Office, intake: Intake) -> None:
        self._office = office
        self._intake = intake
        self._trays = {
            town.code: place(town, office.settings.folder_root) for town in office.towns.values() if by_files(town)
        }

    def start(self) -> None:
        """Make the folders: to have them is the town's part, the hub only writes into them."""
        for tray in self._trays.values():
            for folder in (tray / "done", tray / "bad", tray / FOLDER):
                folder.mkdir(parents=True, exist_ok=True)

    async def run(self) -> None:
        """Look into the folders, for ever."""
        while True:
            for code in self._office.ledger.losers():
                if code in self._trays:
                    await asyncio.to_thread(take_back, self._trays[code])
                    await self._office.ledger.recover(code)
            up = {code: tray for code, tray in self._trays.items() if not self._office.faults.rests(code)}
            for code, found in await asyncio.to_thread(look_into, up):
                await self._take(self._office.towns[code], found)
            await asyncio.sleep(EVERY)

    async def _take(self, town: Town, found: Found) -> None:
        if found.manifest is not None and found.content is None:
            if await asyncio.to_thread((found.tray / "done" / found.manifest.file).exists):
                await asyncio.to_thread(put_away, found, "done")  # the rest of an interrupted move
            return
        if not found.is_whole or found.manifest is None or found.content is None:
            await self._spoilt(town, found)
            return
        try:
            envelope = Envelope(found.name, found.manifest.type, found.manifest.records)
            await self._intake.take(town, envelope, found.content)
        except UnfitError as error:
            await self._intake.reject(town, found.name, error)
        await asyncio.to_thread(put_away, found, "done")

    async def _spoilt(self, town: Town, found: Found) -> None:
        digest = sha256(found.content or b"").hexdigest()[:16]
        await self._intake.ask_again(town, found.name, digest)
        await asyncio.to_thread(put_away, found, "bad")


def look_into(trays: dict[str, Path]) -> list[tuple[str, Found]]:
    """What lies in these towns' trays."""
    return [(code, found) for code, tray in trays.items() for found in look(tray)]


def look(tray: Path) -> Iterable[Found]:
    """What lies in a tray with a manifest, in the order of the deliveries' ids."""
    names = sorted(path.name for path in tray.iterdir() if path.name.endswith(MANIFEST))
    return [_read(tray, name) for name in names]


def _read(tray: Path, name: str) -> Found:
    try:
        manifest = msgspec.json.decode((tray / name).read_bytes(), type=Manifest)
    except msgspec.MsgspecError:
        return Found(tray, name, None, None)
    if not PART.fullmatch(manifest.file):
        return Found(tray, name, None, None)
    try:
        content = (tray / manifest.file).read_bytes()
    except FileNotFoundError:
        content = None
    return Found(tray, name, manifest, content)


def take_back(tray: Path) -> None:
    """Lay what was read back into the tray, the manifests last: the share outlives a disk of the town's own."""
    done = [path for path in (tray / "done").iterdir() if path.is_file()]
    for path in sorted(done, key=lambda path: path.name.endswith(MANIFEST)):
        path.replace(tray / path.name)


def put_away(found: Found, where: str) -> None:
    """Move what belongs to a delivery; the manifest last, so that a crash in between is seen and harmless."""
    names = [path.name for path in found.tray.iterdir() if path.name.startswith(f"{found.name}.")]
    for name in sorted(names, key=lambda name: name == found.manifest_file):
        (found.tray / name).replace(found.tray / where / name)
