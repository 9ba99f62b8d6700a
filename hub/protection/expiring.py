"""That a measure's term ends within a month (A407): its town's clerks of the role are told, and nothing ends by it.

What is due by a day is a row: losing a run loses nothing, repeating it adds nothing. The alert stands until the measure
is extended or ended, past the last day too.
"""

import calendar
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from django.db.models import Exists, OuterRef
from django.utils import timezone

from hub import actors
from hub.protection.models import Expiry, Measure, State

DATA = Path(__file__).parent / "data" / "clocks.csv"
#: The clock of the table that tells when to ask whether a measure is extended.
EXTENSION = "EXTENSION"
LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Clock:
    """So many months after a day of the measure (before it, where negative) a clerk is alerted."""

    months: int
    alert: str


@cache
def clocks() -> Mapping[str, Clock]:
    """Return the clocks by name."""
    with DATA.open(encoding="utf-8", newline="") as file:
        return {row["clock"]: Clock(int(row["months"]), row["alert"]) for row in csv.DictReader(file)}


def shifted(day: date, months: int) -> date:
    """Return the corresponding day so many months on; the last of that month where it has none.

    >>> shifted(date(2027, 3, 31), -1)
    datetime.date(2027, 2, 28)
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def nearest(today: date) -> date:
    """Return the latest last day of a measure about which a clerk is to be asked today.

    >>> nearest(date(2027, 2, 27)), nearest(date(2027, 2, 28))
    (datetime.date(2027, 3, 27), datetime.date(2027, 3, 31))
    """
    months = clocks()[EXTENSION].months
    day = today - months * LONGEST_MONTH
    while shifted(day, months) > today:
        day -= timedelta(days=1)
    return day


def watch() -> int:
    """Raise the alerts that are due today; returns how many are new."""
    told = Expiry.objects.filter(measure=OuterRef("pk"), expires_on=OuterRef("expires_on"))
    with actors.acting(actors.HUB):
        due = Measure.objects.exclude(state=State.ENDED).filter(
            ~Exists(told), expires_on__lte=nearest(timezone.localdate())
        )
        new = [
            Expiry(
                measure=measure,
                municipality_id=measure.municipality_id,
                expires_on=measure.expires_on,
                code=clocks()[EXTENSION].alert,
            )
            for measure in due.order_by("pk")
        ]
        Expiry.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def settle(measure: Measure) -> None:
    """Settle what was asked about a measure: it was extended, or ended."""
    open_ = Expiry.objects.filter(measure=measure, settled_at=None)
    open_.update(settled_at=timezone.now(), settled_by=actors.current().name)
