"""The filing: what a citizen or a partner front hands in. What is wrong with one, ``checks`` says."""

from datetime import date
from enum import StrEnum
from typing import Annotated

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


_decoder = msgspec.json.Decoder(Filing)


def decode(body: bytes) -> Filing:
    """Read a filing; raises ``Refusal`` as ``records.decode`` does."""
    return records.decode(_decoder, body)
