"""Calendars of the municipalities' counters, as each process remembers them for a minute: every event asks for them."""

import time
from collections.abc import Collection

from municipalities.models import Municipality
from municipalities.opening import Opening

#: Seconds for which a calendar is remembered.
REMEMBERED = 60

_remembered: dict[str, tuple[float, Opening]] = {}


def openings(codes: Collection[str]) -> dict[str, Opening]:
    """Return the calendar of each of these municipalities, in one query for those that are not remembered."""
    now = time.monotonic()
    found = {
        code: kept[1] for code in codes if (kept := _remembered.get(code)) is not None and kept[0] > now - REMEMBERED
    }
    if missing := set(codes) - set(found):
        rows = Municipality.objects.filter(pk__in=sorted(missing)).prefetch_related("exceptions")
        new = {row.pk: row.opening() for row in rows}
        _remembered.update({code: (now, opening) for code, opening in new.items()})
        found |= new
    return found


def opening(code: str) -> Opening:
    """Return the calendar of one municipality."""
    return openings([code])[code]


def forget() -> None:
    """Ask again the next time: after a calendar was changed, in tests."""
    _remembered.clear()
