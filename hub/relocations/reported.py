"""A report as a town's system posts it."""

from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from hub.relocations.corrections import Change


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
    #: 再転入者: the town has a former record; ``SAME`` by its number, or ``LIKELY``, which its clerk decides.
    returnee: Literal["", "SAME", "LIKELY"] = ""
    delivery: UUID | None = None  #: the one that is wanted again, or that opened the task
