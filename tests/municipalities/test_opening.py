"""When a counter is open and when a deadline runs out."""

from datetime import date, datetime, time, timedelta

import jpholiday
import pytest
from hypothesis import given
from hypothesis import strategies as st

from municipalities.opening import (
    JST,
    Exceptional,
    Hours,
    Opening,
    UnknownHolidaysError,
    holidays,
    is_turn_of_year,
    known,
)

ORDINARY = Opening()
FIRST, LAST = known()
DAYS = st.dates(FIRST, LAST)
MOMENTS = st.datetimes(datetime(2019, 1, 1), datetime(2030, 12, 1), timezones=st.just(JST))  # noqa: DTZ001
EXCEPTIONS = st.dictionaries(
    DAYS, st.builds(Exceptional, st.none() | st.just(Hours(time(9), time(12))), st.booleans()), max_size=20
)
CALENDARS = st.builds(Opening, st.just(Hours()), EXCEPTIONS)


def test_the_table_has_every_national_holiday_of_its_years() -> None:
    derived = {day: name for year in range(FIRST.year, LAST.year + 1) for day, name in jpholiday.year_holidays(year)}
    assert (date(2019, 1, 1), date(2030, 12, 31)) == (FIRST, LAST)
    assert holidays() == derived


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2019, 5, 1), "day of accession, this year only"),
        (date(2019, 4, 30), "between two holidays"),
        (date(2026, 5, 6), "substitute of Sunday 3 May"),
        (date(2026, 9, 22), "between Respect for the Aged Day and the equinox"),
        (date(2026, 12, 29), "turn of the year"),
        (date(2027, 1, 3), "turn of the year"),
        (date(2026, 3, 29), "Sunday"),
    ],
)
def test_closed_days(day: date, why: str) -> None:
    assert ORDINARY.is_closed_day(day), why
    assert ORDINARY.hours_on(day) is None


@pytest.mark.parametrize("day", [date(2026, 12, 28), date(2027, 1, 4), date(2026, 5, 7), date(2026, 3, 30)])
def test_open_days(day: date) -> None:
    assert ORDINARY.hours_on(day) == Hours(time(8, 30), time(17, 15))


def test_a_moment_is_read_by_the_clock_in_japan() -> None:
    assert ORDINARY.is_open(datetime.fromisoformat("2026-03-29T23:30:00+00:00"))
    assert not ORDINARY.is_open(datetime.fromisoformat("2026-03-29T23:29:59+00:00"))
    with pytest.raises(ValueError, match="time zone"):
        ORDINARY.is_open(datetime(2026, 3, 30, 9))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("event", "days", "due"),
    [
        (date(2026, 3, 28), 14, date(2026, 4, 13)),  # day 14 is a Saturday
        (date(2026, 3, 30), 14, date(2026, 4, 13)),  # a Monday, in time
        (date(2026, 4, 19), 14, date(2026, 5, 7)),  # Sunday 3 May, then three days of Golden Week
        (date(2026, 12, 15), 14, date(2027, 1, 4)),  # into the turn of the year
        (date(2028, 2, 15), 14, date(2028, 2, 29)),  # leap day
        (date(2026, 3, 30), 30, date(2026, 4, 30)),  # Showa Day (29 April) gives way
        (date(2026, 3, 30), 0, date(2026, 3, 30)),
    ],
)
def test_deadlines(event: date, days: int, due: date) -> None:
    assert ORDINARY.due_on(event, days) == due


def test_only_the_ordinance_moves_a_deadline() -> None:
    peace_day, monday, saturday = date(2026, 8, 6), date(2026, 4, 13), date(2026, 4, 11)
    calendar = Opening(
        exceptions={
            peace_day: Exceptional(None, by_ordinance=True),
            monday: Exceptional(None),  # a typhoon
            saturday: Exceptional(Hours(time(9), time(12))),  # an extra opening in the peak
            date(2026, 12, 29): Exceptional(Hours(), by_ordinance=True),  # a later turn of the year
        }
    )
    assert calendar.due_on(date(2026, 7, 23), 14) == date(2026, 8, 7)
    assert calendar.due_on(date(2026, 3, 28), 14) == monday
    assert calendar.next_open_day(saturday) == saturday
    assert calendar.next_open_day(monday) == date(2026, 4, 14)
    assert calendar.due_on(date(2026, 12, 15), 14) == date(2026, 12, 29)


def test_no_legal_date_is_guessed_but_operations_go_on() -> None:
    for event, why in ((LAST, "ends on 2030-12-31"), (date(2018, 12, 1), "begins on 2019-01-01")):
        with pytest.raises(UnknownHolidaysError, match=why):
            ORDINARY.due_on(event, 14)
    assert ORDINARY.is_open(datetime(2031, 2, 3, 10, tzinfo=JST))
    assert not ORDINARY.is_open(datetime(2031, 2, 2, 10, tzinfo=JST))


@given(CALENDARS, MOMENTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(calendar: Opening, moment: datetime) -> None:
    opening = calendar.next_open(moment)
    assert opening >= moment
    assert calendar.is_open(opening)
    assert calendar.next_open(opening) == opening
    if opening > moment:
        share = (opening - moment) / 7
        assert not any(calendar.is_open(moment + share * step) for step in range(7))


@given(CALENDARS, st.dates(FIRST, date(2030, 9, 1)), st.integers(0, 90))
def test_a_deadline_is_the_first_day_not_before_the_period_s_end_that_is_no_closed_day(
    calendar: Opening, event: date, days: int
) -> None:
    end, due = event + timedelta(days=days), calendar.due_on(event, days)
    assert not calendar.is_closed_day(due)
    assert all(calendar.is_closed_day(end + timedelta(days=n)) for n in range((due - end).days))
    assert calendar.due_on(event, days + 1) >= due


@given(DAYS)
def test_the_turn_of_the_year_is_six_days(day: date) -> None:
    assert is_turn_of_year(day) == (abs((day - date(day.year + (day.month == 12), 1, 1)).days * 2 + 1) <= 6)
