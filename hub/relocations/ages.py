"""Ages by the law: a year of life is complete with the day before the birthday (年齢計算ニ関スル法律)."""

from datetime import date, timedelta

from municipalities.notice import UncertainDate


def completes(birth: date, years: int) -> date:
    """Return the day with which so many years of life are complete (Civil Code Art. 143(2)).

    >>> completes(date(2008, 4, 1), 18), completes(date(2008, 2, 29), 18), completes(date(2008, 2, 29), 20)
    (datetime.date(2026, 3, 31), datetime.date(2026, 2, 28), datetime.date(2028, 2, 28))
    """
    if (birth.month, birth.day) == (2, 29):
        return date(birth.year + years, 2, 28)
    return birth.replace(year=birth.year + years) - timedelta(days=1)


def is_surely_under(birth: UncertainDate | None, years: int, today: date) -> bool:
    """Tell whether the person has certainly not completed so many years; an uncertain birth proves nothing."""
    if birth is None or birth.year is None or birth.month is None or birth.day is None:
        return False
    try:
        return today < completes(date(birth.year, birth.month, birth.day), years)
    except ValueError:  # a day that is recorded and does not exist
        return False
