"""The filing: what a citizen or a partner front hands in. What is wrong with one, ``checks`` says."""

from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from hub import records
from municipalities.notice import (
    Address,
    Contact,
    Flow,
    HouseholdJoined,
    HouseholdLeft,
    Kind,
    Mover,
    Record,
    Scope,
)

#: Largest household one filing may move.
MOVERS = 20


class Capacity(StrEnum):
    """In what capacity the filer files (Act Arts. 26 and 27)."""

    SELF = "SELF"
    HEAD = "HEAD"
    MEMBER = "MEMBER"
    STATUTORY_AGENT = "STATUTORY_AGENT"
    VOLUNTARY_AGENT = "VOLUNTARY_AGENT"
    FACILITY_STAFF = "FACILITY_STAFF"


class Filer(Record, frozen=True):
    """Who files."""

    capacity: Capacity = Capacity.SELF
    #: Which of the movers files, when the capacity is SELF.
    ordinal: int = 1
    same_household: bool = True
    #: 代理権を証する書類: what the agent will show at the counter.
    authority_documents: tuple[str, ...] = ()
    #: Movers (0: the head of the household joined) whose consent a partner front holds and answers for by contract;
    #: a citizen's pages never say it.
    consents_held: tuple[int, ...] = ()


class Filing(Record, frozen=True, kw_only=True):
    """One relocation as filed. JSON in GIF's names (camelCase); unknown members are refused."""

    kind: Kind
    flow: Flow
    scope: Scope = Scope.WHOLE
    planned_out_on: date | None = None  #: 転出予定年月日, of a move out of a municipality
    living_from: date | None = None  #: 住み始める日; of a change of household the day of the change
    visit_on: date | None = None  #: planned visit to the destination's counter
    filer: Filer = Filer()
    old_address: Address
    new_address: Address
    household_left: HouseholdLeft = HouseholdLeft()
    household_joined: HouseholdJoined = HouseholdJoined()
    movers: Annotated[tuple[Mover, ...], msgspec.Meta(min_length=1, max_length=MOVERS)]
    contact: Contact = Contact()
    remarks: str = ""
    #: 最終住民登録地: where the movers are registered, when they never filed at the address they leave (未届).
    last_registered: str = ""
    #: The head leaves, two or more remain, and they have not decided yet who becomes head (order rule O6).
    head_undecided: bool = False
    #: The citizen asks to be contacted about protection measures (支援措置); no notice carries it.
    counsel_wanted: bool = False
    #: Receipt number of the filer's own move before this one, when that is not registered yet.
    follows: str = ""

    @property
    def origin(self) -> str:
        """Code of the municipality that is left; empty for a move from abroad."""
        return "" if self.kind is Kind.OVERSEAS_IN else self.old_address.local_government_code

    @property
    def destination(self) -> str:
        """Code of the municipality that is entered; empty for a move abroad."""
        return "" if self.kind is Kind.OVERSEAS_OUT else self.new_address.local_government_code


class Elsewhere(Record, frozen=True):
    """Where some of the movers live now, who appeared at another municipality than the others or went there later."""

    movers: tuple[int, ...]
    address: Address


class Document(Filing, frozen=True, kw_only=True):
    """A filing as the hub keeps it: as filed or corrected, and where single movers live instead of where all go."""

    elsewhere: tuple[Elsewhere, ...] = ()

    @classmethod
    def of(cls, filing: Filing, elsewhere: tuple[Elsewhere, ...] = ()) -> "Document":
        """Return what is kept of a filing."""
        return cls(**_fields(filing), elsewhere=elsewhere)

    @property
    def filing(self) -> Filing:
        """The filing itself, with the address of everybody who lives nowhere else."""
        return Filing(**_fields(self))

    def address_of(self, ordinal: int) -> Address:
        """Return where a mover goes."""
        return next((one.address for one in self.elsewhere if ordinal in one.movers), self.new_address)

    def at(self, ordinal: int) -> Filing:
        """Return the filing as it is for this mover and whoever lives with them."""
        filing = self.filing
        return msgspec.structs.replace(filing, new_address=self.address_of(ordinal)) if self.elsewhere else filing

    def apart(self, ordinals: Iterable[int]) -> list[tuple[int, ...]]:
        """Group these movers by where they go: one address is told of all whom a notice is about."""
        if not self.elsewhere:
            return [tuple(ordinals)]
        found: dict[Address, list[int]] = {}
        for ordinal in ordinals:
            found.setdefault(self.address_of(ordinal), []).append(ordinal)
        return [tuple(group) for group in found.values()]

    def leaves_on(self, ordinal: int) -> date | None:
        """Return the day on which a mover plans to leave: the own one, or the filing's."""
        own = (mover.leaves_on for mover in self.movers if mover.ordinal == ordinal)
        return next(own, None) or self.planned_out_on

    def moved(self, ordinals: Collection[int], address: Address) -> "Document":
        """Let these movers go there, and the others where they went before."""
        everyone = {mover.ordinal: self.address_of(mover.ordinal) for mover in self.movers}
        apart = {ordinal for one in self.elsewhere for ordinal in one.movers} | set(ordinals)
        whole = address if apart.issuperset(everyone) else self.new_address
        found: dict[Address, list[int]] = {}
        for ordinal, place in (everyone | dict.fromkeys(ordinals, address)).items():
            if place != whole:
                found.setdefault(place, []).append(ordinal)
        elsewhere = tuple(Elsewhere(movers=tuple(group), address=place) for place, group in found.items())
        return msgspec.structs.replace(self, new_address=whole, elsewhere=elsewhere)


def _fields(filing: Filing) -> dict[str, Any]:
    return {name: getattr(filing, name) for name in Filing.__struct_fields__}


_decoder = msgspec.json.Decoder(Filing)


def decode(body: bytes) -> Filing:
    """Read a filing; raises ``Refusal`` as ``records.decode`` does."""
    return records.decode(_decoder, body)
