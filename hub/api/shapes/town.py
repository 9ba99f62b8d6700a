"""What a town says of itself and is told about itself; who calls."""

from datetime import date, datetime, time
from typing import Annotated, Literal

import msgspec

from hub.api.shapes.base import Asked, Envelope


class Day(Envelope, frozen=True):
    """One day of the counter; no hours means closed."""

    day: date
    opens_at: time | None
    closes_at: time | None
    is_closed_day: bool  #: a closed day by ordinance (休日), which moves a deadline


class OpeningDays(Envelope, frozen=True):
    """The days on which the counter is open, as the hub has them."""

    municipality: str
    days: tuple[Day, ...]


class Heartbeat(Asked, frozen=True):
    """What an adapter says of itself (message 78)."""

    open: bool
    backlog: Annotated[int, msgspec.Meta(ge=0, le=2_000_000_000)] = 0  #: records taken over and not worked off yet
    software: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Lane(Envelope, frozen=True):
    """The queue of the municipality, as it stands."""

    paused: bool
    waiting: int
    held: int
    oldest: datetime | None
    blocked_until: datetime | None


class Beat(Envelope, frozen=True):
    """The hub's answer to a heartbeat: its clock, and the queue."""

    at: datetime
    lane: Lane


class Credential(Envelope, frozen=True):
    """Something that the client proves itself by, and until when."""

    kind: str
    name: str
    created_at: datetime | None
    expires_at: datetime | None
    expires_soon: bool


class Me(Envelope, frozen=True):
    """Who calls, by what right, until when."""

    client_id: str
    municipality: str | None
    scopes: tuple[str, ...]
    token_expires_at: datetime
    credentials: tuple[Credential, ...]
    standard: str | None
    transport: str | None
    lane: Lane | None


class Announcement(Asked, frozen=True):
    """A time in which the own system takes nothing."""

    starts: Annotated[datetime, msgspec.Meta(tz=True)]
    ends: Annotated[datetime, msgspec.Meta(tz=True)]
    note_code: Literal["maintenance", "migration", "outage", "year_end", "other"] = "maintenance"


class Closure(Envelope, frozen=True):
    """An announced closure."""

    id: int
    starts: datetime
    ends: datetime
    note_code: str


class Closures(Envelope, frozen=True):
    """What was announced and is not over."""

    maintenance: tuple[Closure, ...]


class Digest(Envelope, frozen=True):
    """One day's books: SHA-256 over the ids in order, each followed by a line feed."""

    day: date
    count: int
    last_id: str | None
    sha256: str


class Discrepancy(Envelope, frozen=True):
    """One thing in which the books differ; without a delivery the whole day is meant."""

    kind: str
    delivery_id: str


class Comparison(Envelope, frozen=True):
    """What differs on a day."""

    day: date
    agrees: bool
    differences: tuple[Discrepancy, ...]
