"""An adapter: how one municipality is told; a standard and an address."""

from dataclasses import dataclass

from municipalities import standard
from municipalities.characters import NOTHING_DECIDED, Decisions, Gaiji
from municipalities.notice import Notice
from municipalities.standard import Standard, Written
from municipalities.transports import Parcel


@dataclass(frozen=True, slots=True)
class Adapter:
    """The one thing the hub calls to write for a municipality."""

    code: str
    standard: str
    address: str
    gaiji: Gaiji | None = None  #: the private-use characters of its system

    @property
    def layout(self) -> Standard:
        """Its record standard, with its own characters; compiled once."""
        return standard.load(self.standard, self.gaiji)

    def write(self, notice: Notice, decided: Decisions = NOTHING_DECIDED) -> Written:
        """The notice in this municipality's layout, with the fallbacks that were needed."""
        return self.layout.write(notice, decided)

    def parcel(self, notice: Notice, written: Written) -> Parcel:
        """What was written, under the name that never changes on resending."""
        layout = self.layout
        return Parcel(
            name=notice.notice_id,
            type=notice.type,
            content=written.content,
            content_type=layout.content_type,
            extension=layout.extension,
            records=written.records,
        )

    def pack(self, notice: Notice, decided: Decisions = NOTHING_DECIDED) -> Parcel:
        return self.parcel(notice, self.write(notice, decided))
