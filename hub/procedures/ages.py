"""Ages by the law: a year is complete at the end of the day before the birthday.

Act on the Calculation of Ages (年齢計算ニ関スル法律) with Civil Code Art. 143: the day of birth counts, and the
period ends on the day before the corresponding day; where a month has no such day, on its last day.
"""

from calendar import monthrange
from datetime import date, timedelta

from municipalities.notice import Precision, UncertainDate

ONE_DAY = timedelta(days=1)
#: Days that every month has.
SHORTEST = 28
#: How far a date that is only about known may be off before it rules anything out. Ours, not the law's.
ABOUT_YEARS = 5


def reached_on(birth: date, years: int) -> date:
    """Return the day at the end of which so many years are complete (「〜歳に達する日」).

    >>> reached_on(date(1961, 4, 1), 65), reached_on(date(2004, 2, 29), 1), reached_on(date(2004, 2, 29), 4)
    (datetime.date(2026, 3, 31), datetime.date(2005, 2, 28), datetime.date(2008, 2, 28))
    """
    year = birth.year + years
    if birth.day > SHORTEST and birth.day > monthrange(year, birth.month)[1]:
        return date(year, birth.month, monthrange(year, birth.month)[1])
    return birth.replace(year=year) - ONE_DAY


def birthday(birth: date, years: int) -> date:
    """Return the day after the years are complete: the birthday, and 1 March for 29 February in a common year."""
    return reached_on(birth, years) + ONE_DAY


def year_end_after(birth: date, years: int) -> date:
    """Return the first 31 March on or after the day on which so many years are complete.

    >>> year_end_after(date(2008, 4, 1), 18), year_end_after(date(2008, 4, 2), 18)
    (datetime.date(2026, 3, 31), datetime.date(2027, 3, 31))
    """
    reached = reached_on(birth, years)
    end = date(reached.year, 3, 31)
    return end if reached <= end else date(reached.year + 1, 3, 31)


def school_years(birth: date) -> tuple[date, date]:
    """Return the first and the last day of compulsory school (School Education Act (学校教育法), Art. 17).

    From the first school year that begins after the day on which six years are complete, to the end of the one in
    which fifteen are.

    >>> school_years(date(2019, 4, 1))  # the youngest of their year
    (datetime.date(2025, 4, 1), datetime.date(2034, 3, 31))
    >>> school_years(date(2019, 4, 2))  # the oldest of the next
    (datetime.date(2026, 4, 1), datetime.date(2035, 3, 31))
    """
    after_six = reached_on(birth, 6) + ONE_DAY
    first = date(after_six.year, 4, 1)
    if first < after_six:
        first = date(after_six.year + 1, 4, 1)
    return first, year_end_after(birth, 15)


def certain(birth: UncertainDate) -> date | None:
    """Return the day of birth where it is known and exists, else ``None``."""
    if birth.precision is not Precision.DAY or birth.year is None or birth.month is None or birth.day is None:
        return None
    try:
        return date(birth.year, birth.month, birth.day)
    except ValueError:  # 29 February of a common year is lawful in the register (standard 1.1.8)
        return None


def is_surely_under(birth: UncertainDate | None, years: int, today: date) -> bool:
    """Tell whether the person has certainly not completed so many years; an uncertain birth proves nothing."""
    day = certain(birth) if birth else None
    return day is not None and today < reached_on(day, years)


def bounds(birth: UncertainDate) -> tuple[date, date] | None:
    """Return the earliest and latest day an uncertain birth can mean, widely; ``None`` when not even the year is known.

    What lies outside is ruled out; what lies inside is not decided by the hub: a clerk is asked.
    """
    if birth.year is None or birth.precision is Precision.NONE:
        return None
    return date(birth.year - ABOUT_YEARS, 1, 1), date(birth.year + ABOUT_YEARS, 12, 31)
