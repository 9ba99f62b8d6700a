"""Eras, and dates that may be uncertain: between their parts and the texts people and systems write.

The era table is data (``data/eras.csv``): a new era is a row (resident-record standard 1.3.6).
"""

import csv
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from msgspec import structs

from municipalities.errors import UnfitError
from municipalities.notice import Calendar, Precision, UncertainDate

TABLE = Path(__file__).parent / "data" / "eras.csv"

#: Later than any day of any year: stands for an unknown month or day when the era is looked up.
LATEST = 99


@dataclass(frozen=True, slots=True)
class Era:
    """One row of the era table. ``last`` may be the next era's first day: both names are lawful (1.1.8)."""

    name: str
    letter: str
    digit: str
    starts: tuple[int, int, int]
    last: tuple[int, int, int]

    def year(self, western: int) -> int:
        """The year of this era; 1 is written 元."""
        return western - self.starts[0] + 1

    def western(self, year: int) -> int:
        return self.starts[0] + year - 1


@cache
def eras() -> tuple[Era, ...]:
    """All eras, the newest first."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Era(row["name"], row["letter"], row["digit"], _day(row["starts"]), _day(row["last"] or "9999-12-31"))
        for row in reversed(rows)
    )


def _day(text: str) -> tuple[int, int, int]:
    day = date.fromisoformat(text)
    return day.year, day.month, day.day


def era_of(year: int, month: int | None = None, day: int | None = None, said: str = "") -> Era:
    """The era of a day that need not exist; ``said`` is the text on paper and decides between two.

    >>> era_of(1989, 1, 7).name, era_of(1989, 1, 8).name, era_of(1989, 2, 29).name
    ('昭和', '平成', '平成')
    >>> era_of(1912, 7, 30).name, era_of(1912, 7, 30, "明治45年7月30日").name
    ('大正', '明治')
    """
    earliest, latest = (year, month or 0, day or 0), (year, month or LATEST, day or LATEST)
    found = None
    for era in eras():
        if era.starts <= latest and earliest <= era.last:
            if not said or said.startswith(era.name):
                return era
            found = found or era
    if found is None:
        raise UnfitError("The year lies before the first era of eras.csv.", code="E132")
    return found


def gyymmdd(year: int | None, month: int | None = None, day: int | None = None, said: str = "") -> str:
    """Era digit, year, month, day; what is unknown is 0.

    >>> gyymmdd(2026, 3, 28), gyymmdd(1945, 3), gyymmdd(None), gyymmdd(1912, 7, 30, "明治45年7月30日")
    ('5080328', '3200300', '0000000', '1450730')
    """
    if year is None:
        return f"000{month or 0:02}{day or 0:02}"
    era = era_of(year, month, day, said)
    return f"{era.digit}{era.year(year):02}{month or 0:02}{day or 0:02}"


def from_gyymmdd(text: str) -> UncertainDate:
    """The parts of an era date; the day is not asked whether it exists.

    The text is kept when the parts alone would name the day by another era.

    >>> from_gyymmdd("5080328").year, from_gyymmdd("1450730").display_text
    (2026, '明治45年7月30日')
    """
    if not re.fullmatch("[0-9]{7}", text):
        raise ValueError("an era digit and YYMMDD are expected")
    month, day = int(text[3:5]) or None, int(text[5:7]) or None
    if text.startswith("000"):
        return UncertainDate(month=month, day=day)
    era = next((era for era in eras() if era.digit == text[0]), None)
    if era is None:
        raise ValueError("the era digit is not in eras.csv")
    year = era.western(int(text[1:3]))
    known = UncertainDate(year=year, month=month, day=day, precision=_precision(year, month, day))
    if era_of(year, month, day) is era:
        return known
    return structs.replace(known, display_text=_wareki(era, year, month, day))


def _precision(year: int | None, month: int | None, day: int | None) -> Precision:
    if year is None:
        return Precision.NONE
    if month is None:
        return Precision.YEAR
    return Precision.MONTH if day is None else Precision.DAY


def _wareki(era: Era, year: int, month: int | None, day: int | None) -> str:
    number = era.year(year)
    return f"{era.name}{'元' if number == 1 else number}年{_month_and_day(month, day)}"


def _month_and_day(month: int | None, day: int | None) -> str:
    """The unknown parts in the words of the resident-record standard (1.1.8)."""
    if month is None:
        return " 月日不詳"
    return f"{month}月 日不詳" if day is None else f"{month}月{day}日"


def in_words(known: UncertainDate) -> str:
    """The date as it is printed.

    >>> in_words(UncertainDate(year=2019, month=5, day=1))
    '令和元年5月1日'
    >>> in_words(UncertainDate(year=1945, month=3, precision=Precision.MONTH))
    '昭和20年3月 日不詳'
    >>> in_words(UncertainDate(year=1985, month=4, day=1, calendar=Calendar.WESTERN))
    '1985年4月1日'
    """
    if known.display_text:
        return known.display_text
    if known.year is None or known.precision is Precision.NONE:
        return "年月日不詳"
    month = None if known.precision is Precision.YEAR else known.month
    day = known.day if known.precision is Precision.DAY else None
    if known.calendar is Calendar.WESTERN:
        return f"{known.year}年{_month_and_day(month, day)}"
    return _wareki(era_of(known.year, month, day), known.year, month, day)


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(era.name for era in eras())
    return re.compile(
        rf"(?:推定)?(?:(?P<era>{names})(?P<number>元|\d{{1,2}})|(?P<western>\d{{4}}))年"
        r"\s*(?:(?P<month>\d{1,2})月\s*(?:(?P<day>\d{1,2})日)?)?"
    )


def from_words(text: str) -> UncertainDate:
    """Read what a form or a file prints; the text itself is kept whenever the parts do not say it all.

    >>> from_words("昭和20年頃").year, from_words("昭和20年頃").display_text
    (1945, '昭和20年頃')
    >>> from_words("令和元年5月1日") == UncertainDate(year=2019, month=5, day=1)
    True
    """
    found = _pattern().match(text)
    known = _read_parts(found) if found else UncertainDate(precision=Precision.NONE)
    return known if in_words(known) == text else structs.replace(known, display_text=text)


def _read_parts(found: re.Match[str]) -> UncertainDate:
    month = int(found["month"]) if found["month"] else None
    day = int(found["day"]) if found["day"] else None
    precision = _precision(1, month, day)
    if found["western"]:
        western, calendar = int(found["western"]), Calendar.WESTERN
    else:
        era = next(era for era in eras() if era.name == found["era"])
        western, calendar = (
            era.western(1 if found["number"] == "元" else int(found["number"])),
            Calendar.WAREKI,
        )
    return UncertainDate(year=western, month=month, day=day, precision=precision, calendar=calendar)
