"""Who is played, and how: the towns with their secrets, and the settings of one run."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from municipalities import standard as standards
from municipalities.characters import Gaiji
from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.simulator.faults import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A record standard and the private-use characters that the town's system has in it."""

    standard: str
    gaiji: Gaiji | None = None

    def load(self) -> standards.Standard:
        """The standard, compiled once."""
        return standards.load(self.standard, self.gaiji)


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """One municipality's system: its layout, how it is reached, its own credentials at the hub."""

    code: str
    standard: str
    address: str
    client_id: str
    client_secret: str = field(repr=False)
    signing_key: bytes = field(repr=False, default=b"")
    gaiji: Gaiji | None = None  #: the private-use characters of its system
    name: str = ""  #: what it is called, to be read by people
    #: Layouts it had before or is about to have: what was under way at a change still arrives in the earlier one.
    others: tuple[Layout, ...] = ()

    @property
    def layout(self) -> standards.Standard:
        """What its system writes, and reads first."""
        return standards.load(self.standard, self.gaiji)

    def read(self, content: bytes) -> Notice:
        """A record as its system reads it; ``UnfitError`` of its present layout if it is in none of its layouts."""
        return self.layout_of(content).read(content)

    def layout_of(self, content: bytes) -> standards.Standard:
        """The layout in which a record came; it is answered in the same. The present one if it is in none."""
        for layout in (self.layout, *(other.load() for other in self.others)) if self.others else ():
            with suppress(UnfitError):
                layout.read(content)
                return layout
        return self.layout

    @property
    def way(self) -> str:
        """How notices come: push, pull, folder or sftp."""
        scheme = urlsplit(self.address).scheme
        return {"http": "push", "https": "push"}.get(scheme, scheme)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one run of the simulator may do and how fast."""

    hub: str  #: base address of the hub, e.g. http://127.0.0.1:8000
    data: Path  #: where the towns' books are kept
    folder_root: Path  #: what ``folder:`` addresses are relative to
    port: int = 9100
    sftp_port: int = 9122  #: of the SFTP server, if a town is reached through one
    speed: float = 1.0  #: divides every delay
    poll_every: float = 120.0  #: seconds between a town's own polls; a ring is answered at once
    acts: tuple[Act, ...] = ()  #: who behaves how, and when
    seed: int = 0
    width: int = 32  #: answers under way to the hub at a time


class Secret(msgspec.Struct, frozen=True):
    """One line of a secrets file; the key is base64 in JSON."""

    code: str
    client_secret: str
    signing_key: bytes = b""


def read_towns(path: Path) -> list[Town]:
    """Towns from a file of JSON lines."""
    return msgspec.json.Decoder(Town).decode_lines(path.read_bytes())


def read_secrets(path: Path) -> dict[str, Secret]:
    """Secrets by town code, from a file of JSON lines."""
    return {secret.code: secret for secret in msgspec.json.Decoder(Secret).decode_lines(path.read_bytes())}


def reached_by(towns: Iterable[Town], way: str) -> list[Town]:
    """The towns that notices reach in this way."""
    return [town for town in towns if town.way == way]
