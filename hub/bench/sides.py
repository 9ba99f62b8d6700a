"""The two designs as the load sees them: an address to post to, and when everything of a filing was received."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from hub.actors import HUB, acting

NAIVE, PRODUCT = "naive", "product"

#: How many deliveries of these filings were received, and when the last one. The product tells departments of their
#: tasks besides (message 40), the naive design knows none: that work is the product's to carry, and is not counted.
RECEIVED = {
    PRODUCT: (
        "SELECT relocation_id::text, count(sent_at), max(sent_at) FROM deliveries_delivery"
        " WHERE relocation_id = ANY(%s::uuid[]) AND type <> 'task.opened' GROUP BY relocation_id"
    ),
    NAIVE: (
        "SELECT relocation_id::text, count(delivered_at), max(delivered_at) FROM naive_delivery"
        " WHERE relocation_id = ANY(%s::bigint[]) GROUP BY relocation_id"
    ),
}
#: Each delivery of these filings: town, when it was queued and when received.
EACH = {
    PRODUCT: (
        "SELECT relocation_id::text, municipality_id, created_at, sent_at FROM deliveries_delivery"
        " WHERE relocation_id = ANY(%s::uuid[]) AND type <> 'task.opened'"
    ),
    NAIVE: (
        "SELECT relocation_id::text, town, created_at, delivered_at FROM naive_delivery"
        " WHERE relocation_id = ANY(%s::bigint[])"
    ),
}


@dataclass(frozen=True, slots=True)
class Received:
    """What was received of one filing."""

    deliveries: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery."""

    relocation: str
    town: str
    queued: datetime
    received: datetime | None


@dataclass(frozen=True, slots=True)
class Side:
    """One design."""

    name: str
    address: str

    def received(self, ids: Sequence[str]) -> dict[str, Received]:
        """What was received of these filings so far; the time is written down with the receipt."""
        with acting(HUB), connection.cursor() as cursor:
            cursor.execute(RECEIVED[self.name], [list(ids)])
            return {key: Received(count, last) for key, count, last in cursor.fetchall()}

    def lines(self, ids: Sequence[str]) -> list[Line]:
        """Every delivery of these filings."""
        with acting(HUB), connection.cursor() as cursor:
            cursor.execute(EACH[self.name], [list(ids)])
            return [Line(*row) for row in cursor.fetchall()]
