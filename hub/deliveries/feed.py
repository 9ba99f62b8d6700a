"""What changed for a town, in an order that a reader may keep its place in: nothing is ever put in before the place.

Every change carries the database's own clock at the moment of writing (``changed_at``, set by a trigger). A change
that is written but not committed yet is not seen; ``horizon`` says before which moment no such change can be.
"""

from datetime import UTC, datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q

Position = tuple[datetime, UUID]
START: Position = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


def horizon() -> datetime:
    """Return a moment before which everything is committed: ask for it before the rows are read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least(clock_timestamp(), min(xact_start)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
        )
        found: datetime = cursor.fetchone()[0]
    return found


def kept(last: Position | None, before: datetime) -> Position:
    """Return the place to keep after a page: its end, but not beyond the horizon (then something is shown twice)."""
    end = last or START
    return min(end, (before, UUID(int=0)))


def after(position: Position | None) -> Q:
    """Rows behind a place, in the order of (changed_at, id)."""
    if position is None:
        return Q()
    moment, pk = position
    return Q(changed_at__gte=moment) & (Q(changed_at__gt=moment) | Q(pk__gt=pk))
