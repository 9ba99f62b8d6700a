"""When a municipality's counter is open, and when a statutory deadline runs out there.

Two questions that are not the same. Whether the counter is open asks for the hours of that day, dated
exceptions included. Whether a deadline moves asks for the closed days of the municipality's *ordinance*
(休日, Local Autonomy Act (地方自治法), Art. 4-2): an office shut by a typhoon does not move a deadline, and
an extra Saturday opening does not undo the Saturday.

National holidays are a table with an end (``data/holidays.csv``). Beyond it no legal date is guessed:
``due_on`` raises ``UnknownHolidaysError``. Whether the counter is open is asked all day long by what must
not stop, so there the calendar goes on with weekends and the turn of the year alone.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from pathlib import Path

HOLIDAYS = Path(__file__).parent / "data" / "holidays.csv"
#: Japan has one time zone and, since 1951, no summer time.
JST = timezone(timedelta(hours=9), "JST")
ONE_DAY = timedelta(days=1)
SATURDAY = 5


class UnknownHolidaysError(LookupError):
    """The day lies outside the table of national holidays, so no legal date is worked out from it."""


@cache
def holidays() -> Mapping[date, str]:
    """National holidays (国民の祝日, 振替休日, 国民の休日) with their names."""
    with HOLIDAYS.open(encoding="utf-8", newline="") as file:
        return {date.fromisoformat(row["day"]): row["name"] for row in csv.DictReader(file)}


@cache
def known() -> tuple[date, date]:
    """The first and last day of the years that the table of holidays covers."""
    return date(min(holidays()).year, 1, 1), date(max(holidays()).year, 12, 31)


def is_turn_of_year(day: date) -> bool:
    """29 December to 3 January: no holiday, but closed by nearly every ordinance (年末年始)."""
    return (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)


@dataclass(frozen=True, slots=True)
class Hours:
    """From when until when a counter is open."""

    opens_at: time = time(8, 30)
    closes_at: time = time(17, 15)


@dataclass(frozen=True, slots=True)
class Exceptional:
    """What differs on one day; no hours means closed."""

    hours: Hours | None = None
    #: The ordinance itself says so (6 August in Hiroshima, 23 June in Okinawa): then deadlines follow.
    by_ordinance: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening calendar of one municipality; without arguments the ordinary one."""

    hours: Hours = Hours()
    exceptions: Mapping[date, Exceptional] = field(default_factory=dict)

    def hours_on(self, day: date) -> Hours | None:
        """The hours of that day, or None if the counter stays closed.

        >>> Opening().hours_on(date(2026, 5, 6)) is None  # Constitution Day moved from Sunday 3 May
        True
        """
        if day in self.exceptions:
            return self.exceptions[day].hours
        return None if self.is_closed_day(day) else self.hours

    def is_closed_day(self, day: date) -> bool:
        """Whether the ordinance makes it a closed day (休日), which is what moves a deadline."""
        exceptional = self.exceptions.get(day)
        if exceptional is not None and exceptional.by_ordinance:
            return exceptional.hours is None
        return day.weekday() >= SATURDAY or day in holidays() or is_turn_of_year(day)

    def is_open(self, moment: datetime) -> bool:
        """Whether the counter is open at this moment.

        >>> Opening().is_open(datetime(2026, 3, 30, 8, 30, tzinfo=JST))
        True
        >>> Opening().is_open(datetime(2026, 3, 30, 17, 15, tzinfo=JST))
        False
        """
        local = in_japan(moment)
        hours = self.hours_on(local.date())
        return hours is not None and hours.opens_at <= local.time() < hours.closes_at

    def next_open(self, moment: datetime) -> datetime:
        """This moment if the counter is open, else when it opens next.

        >>> Opening().next_open(datetime(2026, 12, 28, 18, 0, tzinfo=JST)).isoformat()
        '2027-01-04T08:30:00+09:00'
        """
        local = in_japan(moment)
        if self.is_open(local):
            return local
        today = self.hours_on(local.date())
        if today is not None and local.time() < today.opens_at:
            return datetime.combine(local.date(), today.opens_at, JST)
        day = self.next_open_day(local.date() + ONE_DAY)
        hours = self.hours_on(day) or self.hours
        return datetime.combine(day, hours.opens_at, JST)

    def next_open_day(self, day: date) -> date:
        """That day, or the first after it, on which the counter opens at all."""
        while self.hours_on(day) is None:
            day += ONE_DAY
        return day

    def due_on(self, event: date, days: int) -> date:
        """The last day on which a filing within so many days of the event is in time.

        The day of the event is not counted (Civil Code (民法), Art. 140); a last day that is a closed day
        of the municipality gives way to the day after it (Local Autonomy Act, Art. 4-2(4)).

        >>> Opening().due_on(date(2026, 3, 28), 14)  # day 14 is Saturday 11 April
        datetime.date(2026, 4, 13)
        >>> Opening().due_on(date(2030, 12, 20), 14)
        Traceback (most recent call last):
        municipalities.opening.UnknownHolidaysError: holidays.csv ends on 2030-12-31, before 2031-01-03
        """
        day = event + timedelta(days=days)
        require_known(day)
        while self.is_closed_day(day):
            day += ONE_DAY
            require_known(day)
        return day


def require_known(day: date) -> None:
    """Refuse a day of which nobody here knows whether it is a holiday."""
    first, last = known()
    if day < first:
        raise UnknownHolidaysError(f"{HOLIDAYS.name} begins on {first}, after {day}")
    if day > last:
        raise UnknownHolidaysError(f"{HOLIDAYS.name} ends on {last}, before {day}")


def in_japan(moment: datetime) -> datetime:
    """The moment by the clock on the counter's wall."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(JST)
