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
#: Both stand for an unknown part of two digits, whichever system typed it.
UNKNOWN = (0, 99)
#: What is said of a date that names an era by a day it does not hold (昭和64年1月8日, 平成32年).
OUTSIDE = "the era that is named does not hold that day; it is read as the day itself"


@dataclass(frozen=True, slots=True)
class Era:
    """One row of the era table. ``last`` may be the next era's first day: both names are lawful (1.1.8)."""

    name: str
    letter: str
    digit: str
    code: str
    starts: tuple[int, int, int]
    last: tuple[int, int, int]

    def year(self, western: int) -> int:
        """The year of this era; 1 is written 元."""
        return western - self.starts[0] + 1

    def western(self, year: int) -> int:
        return self.starts[0] + year - 1

    def holds(self, year: int, month: int | None, day: int | None) -> bool:
        """Whether some day with these parts lies in it; the day need not exist."""
        earliest, latest = (year, month or 0, day or 0), (year, month or LATEST, day or LATEST)
        return self.starts <= latest and earliest <= self.last


@cache
def eras() -> tuple[Era, ...]:
    """All eras, the newest first."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Era(
            row["name"],
            row["letter"],
            row["digit"],
            row["code"],
            _day(row["starts"]),
            _day(row["last"] or "9999-12-31"),
        )
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
    found = None
    for era in eras():
        if era.holds(year, month, day):
            if not said or said.startswith(era.name):
                return era
            found = found or era
    if found is None:
        raise UnfitError("The year lies before the first era of eras.csv.", code="E132")
    return found


def outside(known: UncertainDate) -> str:
    """What a clerk is told of a date as it was read, if its era does not hold it; else nothing.

    >>> outside(from_words("昭和64年1月8日"))
    'the era that is named does not hold that day; it is read as the day itself'
    >>> outside(from_words("昭和64年1月7日")), outside(from_words("明治45年7月30日"))
    ('', '')
    """
    said = known.display_text.removeprefix("推定")
    era = next((era for era in eras() if said.startswith(era.name)), None)
    held = era is None or known.year is None or era.holds(known.year, known.month, known.day)
    return "" if held else OUTSIDE


# --- era dates in digits --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """How a system spells an era date: the era's sign, then year, month and day in two digits each."""

    sign: str  #: which column of ``eras.csv``: digit, code or letter
    between: str = ""
    lower: bool = False

    def of(self, era: Era) -> str:
        sign = {"digit": era.digit, "code": era.code, "letter": era.letter}[self.sign]
        return sign.lower() if self.lower else sign

    @property
    def none(self) -> str:
        """Stands for the era when the year is not known."""
        return "00" if self.sign == "code" else "0"

    @property
    def length(self) -> int:
        return len(self.none) + 6 + 2 * len(self.between)


@cache
def _digits(form: Form) -> re.Pattern[str]:
    """What is read: towns type letters in either case, and leave out zeros where a sign stands between."""
    sign = {"digit": "[0-9]", "code": "[0-9]{2}", "letter": "[A-Za-z0-9]"}[form.sign]
    number, between = (" ?([0-9]{1,2})", "[./-]") if form.between else ("([0-9]{2})", "")
    return re.compile(f"({sign}){between.join([number] * 3)}")


def in_digits(form: Form, year: int | None, month: int | None = None, day: int | None = None, said: str = "") -> str:
    """An era date; what is unknown is 0. ``said`` decides a day that two eras claim.

    >>> in_digits(Form("digit"), 2026, 3, 28), in_digits(Form("digit"), 1945, 3), in_digits(Form("digit"), None)
    ('5080328', '3200300', '0000000')
    >>> in_digits(Form("code"), 2026, 3, 28), in_digits(Form("letter", "."), 1912, 7, 30, "明治45年7月30日")
    ('05080328', 'M45.07.30')
    """
    era = None if year is None else era_of(year, month, day, said)
    number = 0 if era is None or year is None else era.year(year)
    if number >= UNKNOWN[1]:
        raise UnfitError("the year of the era has no two digits", code="E132")
    sign = form.none if era is None else form.of(era)
    return sign + form.between.join(f"{part:02}" for part in (number, month or 0, day or 0))


def from_digits(form: Form, text: str) -> UncertainDate:
    """The parts of an era date; the day is not asked whether it exists. 00 and 99 are unknown.

    The text is kept when the parts alone would name the day by another era: the other lawful name of a
    boundary day, and a year past the end of its era, for old systems went on counting (see ``outside``).

    >>> from_digits(Form("digit"), "5080328").year, from_digits(Form("digit"), "1450730").display_text
    (2026, '明治45年7月30日')
    >>> from_digits(Form("letter", "."), "h32/4/1").display_text
    '平成32年4月1日'
    """
    found = _digits(form).fullmatch(text)
    if found is None:
        raise ValueError(f"an era's {form.sign} and year, month and day in digits are expected")
    number, month, day = (None if int(part) in UNKNOWN else int(part) for part in found.groups()[1:])
    sign = found[1].lower() if form.lower else found[1].upper()
    era = next((era for era in eras() if form.of(era) == sign), None)
    if era is None and (number is not None or set(sign) not in ({"0"}, {"9"})):
        raise ValueError(f"the era's {form.sign} is not in eras.csv")
    if era is None or number is None:
        said = era.name + _spelled("", month, day) if era else ""
        return UncertainDate(month=month, day=day, precision=Precision.NONE, display_text=said)
    year = era.western(number)
    known = UncertainDate(year=year, month=month, day=day, precision=_precision(year, month, day))
    if era_of(year, month, day) is era:
        return known
    return structs.replace(known, display_text=_wareki(era, year, month, day))


# --- dates in words -------------------------------------------------------------------------------------


def _precision(year: int | None, month: int | None, day: int | None) -> Precision:
    if year is None:
        return Precision.NONE
    if month is None:
        return Precision.YEAR
    return Precision.MONTH if day is None else Precision.DAY


def _wareki(era: Era, year: int, month: int | None, day: int | None) -> str:
    number = era.year(year)
    return _spelled(f"{era.name}{'元' if number == 1 else number}年", month, day)


def _spelled(year: str, month: int | None, day: int | None) -> str:
    """Exactly these parts; where the resident-record standard (1.1.8) has words for unknown ones, in those.

    >>> _spelled("令和8年", 3, None), _spelled("令和8年", None, None), _spelled("", None, None)
    ('令和8年3月 日不詳', '令和8年 月日不詳', '年月日不詳')
    >>> _spelled("", 3, 28), _spelled("令和8年", None, 28), _spelled("", None, 28)
    ('年不詳3月28日', '令和8年 月不詳28日', '年月不詳28日')
    """
    if month is not None:
        return f"{year or '年不詳'}{month}月{' 日不詳' if day is None else f'{day}日'}"
    if day is not None:
        return f"{year} 月不詳{day}日" if year else f"年月不詳{day}日"
    return f"{year} 月日不詳" if year else "年月日不詳"


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
    return in_parts(structs.replace(known, month=month, day=known.day if known.precision is Precision.DAY else None))


def in_parts(known: UncertainDate) -> str:
    """The parts in words, whatever the precision says; ``display_text`` decides a day that two eras claim.

    >>> in_parts(UncertainDate(year=1912, month=7, day=30, display_text="明治45年7月30日頃"))
    '明治45年7月30日'
    """
    if known.year is None:
        return _spelled("", known.month, known.day)
    if known.calendar is Calendar.WESTERN:
        return _spelled(f"{known.year}年", known.month, known.day)
    era = era_of(known.year, known.month, known.day, known.display_text)
    return _wareki(era, known.year, known.month, known.day)


@cache
def _words() -> re.Pattern[str]:
    names = "|".join(era.name for era in eras())
    return re.compile(
        rf"(?:推定)?(?:(?:(?P<era>{names})(?P<number>元|\d{{1,3}})|(?P<western>\d{{4}}))年|年(?=月?不詳))"
        r"(?:不詳)?\s*(?:(?:(?P<month>\d{1,2})月|月不詳)\s*(?:(?P<day>\d{1,2})日)?)?"
    )


def from_words(text: str) -> UncertainDate:
    """Read what a form or a file prints; the text itself is kept whenever the parts do not say it all.

    >>> from_words("昭和20年頃").year, from_words("昭和20年頃").display_text
    (1945, '昭和20年頃')
    >>> from_words("令和元年5月1日") == UncertainDate(year=2019, month=5, day=1)
    True
    """
    found = _words().match(text)
    known = _read_parts(found) if found else UncertainDate(precision=Precision.NONE)
    return known if in_words(known) == text else structs.replace(known, display_text=text)


def _read_parts(found: re.Match[str]) -> UncertainDate:
    month = int(found["month"]) if found["month"] else None
    day = int(found["day"]) if found["day"] else None
    year, calendar = int(found["western"]) if found["western"] else None, Calendar.WAREKI
    if year is not None:
        calendar = Calendar.WESTERN
    elif found["era"]:
        era = next(era for era in eras() if era.name == found["era"])
        year = era.western(1 if found["number"] == "元" else int(found["number"]))
    precision = _precision(year, month, day)
    return UncertainDate(year=year, month=month, day=day, precision=precision, calendar=calendar)
