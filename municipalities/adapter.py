"""An adapter: how one municipality is told; a standard and an address."""

from dataclasses import dataclass

from municipalities import standard
from municipalities.notice import Notice
from municipalities.standard import Written
from municipalities.transports import Parcel


@dataclass(frozen=True, slots=True)
class Adapter:
    """The one thing the hub calls to write for a municipality."""

    code: str
    standard: str
    address: str

    def write(self, notice: Notice) -> Written:
        """The notice in this municipality's layout, with the fallbacks that were needed."""
        return standard.load(self.standard).write(notice)

    def parcel(self, notice: Notice, written: Written) -> Parcel:
        """What was written, under the name that never changes on resending."""
        layout = standard.load(self.standard)
        return Parcel(
            name=notice.notice_id,
            type=notice.type,
            content=written.content,
            content_type=layout.content_type,
            extension=layout.extension,
            records=written.records,
        )

    def pack(self, notice: Notice) -> Parcel:
        return self.parcel(notice, self.write(notice))
