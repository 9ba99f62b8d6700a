"""A report as a town's system posts it."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from hub.relocations.corrections import Change

#: Reports that need a scope of their own, which a town's system has only where the operator gave it.
OWN_SCOPES = {"protection.route": "protection"}
#: No kana, no kanji, one digit at least: a number, not a name.
REFERENCE = "^(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9./-]{0,23}$"


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper of the origin (受給資格証明書, 負担区分等証明書 …) for a procedure at the destination, by reference."""

    procedure: str  #: id in the catalogue of procedures, «F05»
    #: The origin's own number of the paper: letters and digits, never a file and nothing about a person.
    reference: Annotated[str, msgspec.Meta(pattern=REFERENCE)]
    mover: int | None = None  #: whose it is, by ordinal; absent means every mover of the report


#: An office that others ask, never a person.
Office = Annotated[str, msgspec.Meta(max_length=100)]


class ReportBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report as a town's system posts it; ``id`` is made by the town and repeated when it sends again."""

    id: UUID
    type: str
    receipt_no: str = ""  #: empty only where ``delivery`` says it
    outcome: str = ""
    legal_date: date | None = None
    movers: tuple[int, ...] | None = None  #: ordinals; absent means all movers of the leg
    reference: str = ""  #: statutory_ref: opaque, no number of a person
    card_shown: bool | None = None
    #: The day on which they appeared (届出日), where this is reported later; absent means today.
    visited_on: date | None = None
    #: With message 21: another day on which the movers had better come.
    suggested_on: date | None = None
    #: Where they are registered, when it shows at the counter that they never filed where they lived (未届).
    last_registered: str = ""
    #: What a correction puts right; of a diverted arrival the address that was moved to.
    changes: tuple[Change, ...] = ()
    #: Items of the working copy that differ from what the person shows, as pointers into the filing.
    differences: tuple[str, ...] = ()
    #: The head of those who remain (order rule O6): changed by the origin, by its own motion where one remains, or
    #: not needed; and who it is.
    head_change: Literal["", "DONE", "WAIVED", "EX_OFFICIO"] = ""
    new_head: str = ""
    #: What the origin handed on for procedures at the destination (message 16); what is said last of a procedure and
    #: a mover counts.
    documents: tuple[Document, ...] = ()
    #: With message 75: whom the other municipalities ask about the protected person, an office.
    contact_office: Office = ""
    #: 再転入者: the town has a former record; ``SAME`` by its number, or ``LIKELY``, which its clerk decides.
    returnee: Literal["", "SAME", "LIKELY"] = ""
    delivery: UUID | None = None  #: the one that is wanted again, or that opened the task
