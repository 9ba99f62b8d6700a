"""Deliveries, receipts, reports, changes: what towns fetch and answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from hub.api.shapes.base import Asked, Envelope, Problem
from hub.deliveries.services import ReceiptBody
from municipalities.notice import Notice

Ids = Annotated[tuple[UUID, ...], msgspec.Meta(min_length=1, max_length=500)]


class Line(Envelope, frozen=True):
    """One delivery that waits; no personal data."""

    id: UUID
    type: str  #: of the message catalogue
    state: str
    sequence: int  #: order per relocation and municipality
    created_at: datetime
    standard: str
    content_type: str | None
    records: int


class Page(Envelope, frozen=True):
    """A page of what waits. «next» is the cursor of the following page, «cursor» the one to keep for the next time."""

    deliveries: tuple[Line, ...]
    next: str | None
    cursor: str


class Fetch(Asked, frozen=True):
    """Which contents are wanted, and in which form."""

    ids: Ids
    canonical: bool = False  #: the canonical notice as JSON in the place of the bytes of the own layout


class Content(Envelope, frozen=True):
    """One content of a bulk fetch: base64 of the bytes in the own layout, or the canonical notice, or a problem."""

    id: UUID
    status: int
    type: str = ""
    content_type: str = ""
    content: bytes | None = None
    digest: str = ""
    notice: Notice | None = None
    problem: Problem | None = None


class Contents(Envelope, frozen=True):
    """The contents, in the order in which they were asked for."""

    results: tuple[Content, ...]


class ReceiptItem(ReceiptBody, frozen=True):
    """A receipt and the delivery it is about."""

    delivery: UUID


class ReceiptItems(Asked, frozen=True):
    """Receipts about several deliveries."""

    receipts: Annotated[tuple[ReceiptItem, ...], msgspec.Meta(min_length=1, max_length=500)]


class RawReceipts(Asked, frozen=True):
    """As ``ReceiptItems``, each still to be read: one that is wrong takes nothing from the others."""

    receipts: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(min_length=1, max_length=500)]


class Receipt(Envelope, frozen=True):
    """What became of a receipt."""

    delivery: UUID
    kind: str
    state: str
    duplicate: bool


class LayoutReceipt(Envelope, frozen=True):
    """One receipt of a file in the own layout."""

    kind: str
    duplicate: bool


class LayoutReceipts(Envelope, frozen=True):
    """What became of a file of receipts in the own layout."""

    delivery: UUID
    state: str
    receipts: tuple[LayoutReceipt, ...]


class ReceiptResult(Envelope, frozen=True):
    """What became of one receipt of several."""

    delivery: UUID | None
    status: int
    kind: str = ""
    state: str = ""
    duplicate: bool = False
    problem: Problem | None = None


class ReceiptResults(Envelope, frozen=True):
    """What became of the receipts, in the order in which they came."""

    results: tuple[ReceiptResult, ...]


class Held(Envelope, frozen=True):
    """What waits for a person: it was kept, nothing was decided by it yet."""

    id: UUID
    accepted: bool
    held: bool
    code: str
    item: str
    characters: str


class Taken(Envelope, frozen=True):
    """A report that was taken in."""

    id: UUID
    accepted: bool
    duplicate: bool


class Changed(Envelope, frozen=True):
    """Something that changed: ids and a state, no personal data."""

    kind: str  #: delivery or relocation
    id: UUID
    state: str
    at: datetime


class Changes(Envelope, frozen=True):
    """A page of changes, oldest first; each thing once, as it is now."""

    changes: tuple[Changed, ...]
    cursor: str
    more: bool


class Borrowed(Asked, frozen=True):
    """Which worker wants how many deliveries for how long."""

    worker: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:@-]{1,64}$")]
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    seconds: Annotated[int, msgspec.Meta(ge=5, le=3_600)] = 120


class Lease(Envelope, frozen=True):
    """Deliveries that no other worker gets before «leased_until»."""

    deliveries: tuple[Line, ...]
    leased_until: datetime | None


class GivenBack(Envelope, frozen=True):
    """How many leases were ended."""

    returned: int
