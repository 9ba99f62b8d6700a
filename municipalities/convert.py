"""Named converters: one value of the canonical record to what stands in one item, and back.

A cell of ``fields.csv`` names one of these; what needs thought is written here, with a doctest, never in a
cell. ``None`` and absent parts never get here: an item of theirs is left blank.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from municipalities import calendars
from municipalities.calendars import Form
from municipalities.errors import UnfitError
from municipalities.notice import UncertainDate

DIGITS = re.compile("[0-9]+")
TOKYO = ZoneInfo("Asia/Tokyo")


@dataclass(frozen=True, slots=True)
class Converter:
    """How one kind of value is written and read.

    ``read`` is None where the text is for people only and the value stands in another item.
    """

    write: Callable[[Any], Any]
    read: Callable[[Any], Any] | None
    length: int = 0  #: of every text it writes, if that is always the same
    spelling: str | None = None  #: for texts that may hold any character: see ``characters.SPELLINGS``
    cell: type = str  #: what stands in a JSON document
    pad: str = " "  #: what fills an item of fixed width
    right: bool = False  #: whether the fill stands before the value
    alert: Callable[[Any], str] | None = None  #: what a clerk is told of a cell that was read, else nothing


def same(value: Any) -> Any:
    return value


def digits(value: int) -> str:
    """A count; there are none below zero.

    >>> digits(12)
    '12'
    """
    if value < 0:
        raise UnfitError("a count below zero has no place", code="E132")
    return str(value)


def from_digits(text: str) -> int:
    """Read a count, with or without leading zeros.

    >>> from_digits("0012")
    12
    """
    if not DIGITS.fullmatch(text):
        raise ValueError("digits are expected")
    return int(text)


def answering(yes: str, no: str) -> Converter:
    """Yes or no in one sign each: never blank.

    >>> answering("1", "0").write(True), answering("有", "無").read("無")
    ('1', False)
    """

    def write(value: bool) -> str:
        return yes if value else no

    def read(text: str) -> bool:
        if text not in {yes, no}:
            raise ValueError(f"{yes} or {no} is expected")
        return text == yes

    return Converter(write, read, length=len(yes))


def chain(words: tuple[str, ...]) -> str:
    """A relationship as it is printed (resident-record standard 1.1.11).

    >>> chain(("妻", "子"))
    '妻の子'
    """
    return "の".join(words)


def presence(yes: str) -> Converter:
    """Says that a part was filed at all, even if nothing in it was.

    >>> presence("1").write(object())
    '1'
    """

    def read(text: str) -> bool:
        if text != yes:
            raise ValueError(f"{yes} or a blank is expected")
        return True

    return Converter(lambda _part: yes, read, length=len(yes))


# --- Western dates --------------------------------------------------------------------------------------


def western(between: str, mark: str) -> dict[str, Converter]:
    """Year, month and day in digits; an unknown part is ``mark`` throughout. Both 0 and 9 are read as unknown.

    >>> western("", "9")["uncertain"].write(UncertainDate(year=1945)), western("/", "0")["date"].write(date(2026, 3, 2))
    ('19459999', '2026/03/02')
    """
    unknown = (mark * 4, mark * 2, mark * 2)
    shape = re.compile(between.join(["([0-9]{4})", "([0-9]{2})", "([0-9]{2})"]))

    def write(known: UncertainDate) -> str:
        parts = (known.year, known.month, known.day)
        for part, limit in zip(parts, (9999, 99, 99), strict=True):
            if part is not None and not 0 < part < limit:
                raise UnfitError("a part of the date has no digits here", code="E132")
        return between.join(
            none if part is None else f"{part:0{len(none)}}" for part, none in zip(parts, unknown, strict=True)
        )

    def parts_of(text: str) -> tuple[str, ...]:
        found = shape.fullmatch(text)
        if found is None:
            raise ValueError(f"a date in the form {between.join(['YYYY', 'MM', 'DD'])} is expected")
        return found.groups()

    def read(text: str) -> dict[str, int | None]:
        year, month, day = (None if set(part) in ({"0"}, {"9"}) else int(part) for part in parts_of(text))
        return {"year": year, "month": month, "day": day}

    def write_day(day: date) -> str:
        return day.isoformat() if between == "-" else day.isoformat().replace("-", between)

    def read_day(text: str) -> date | None:
        year, month, day = map(int, parts_of(text))
        return date(year, month, day) if 0 < year < 9999 else real(**read(text))

    length = 8 + 2 * len(between)
    return {
        "date": Converter(write_day, read_day, length=length),
        "uncertain": Converter(write, read, length=length),
    }


def real(year: int | None, month: int | None, day: int | None) -> date | None:
    """The day that the parts name; nothing if all of them are unknown.

    >>> real(2026, 3, 28), real(None, None, None)
    (datetime.date(2026, 3, 28), None)
    """
    if year is None and month is None and day is None:
        return None
    return date(year or 0, month or 0, day or 0)


def real_day(known: UncertainDate) -> list[str]:
    """The day alone, for a receiver who takes real days only; nothing if it is not known or does not exist.

    >>> real_day(UncertainDate(year=2026, month=3, day=28)), real_day(UncertainDate(year=1989, month=2, day=29))
    (['2026-03-28'], [])
    """
    try:
        return [date(known.year or 0, known.month or 0, known.day or 0).isoformat()]
    except ValueError:
        return []


def seconds(moment: datetime) -> str:
    """Fourteen digits of Japanese time.

    >>> seconds(datetime.fromisoformat("2026-04-02T01:30:00Z"))
    '20260402103000'
    """
    if moment.tzinfo is None or moment.microsecond:
        raise UnfitError("a moment without its zone, or within a second, has no digits here", code="E132")
    return f"{moment.astimezone(TOKYO):%Y%m%d%H%M%S}"


def from_seconds(text: str) -> datetime:
    if not re.fullmatch("[0-9]{14}", text):
        raise ValueError("fourteen digits are expected")
    return datetime.fromisoformat(f"{text[:8]}T{text[8:]}").replace(tzinfo=TOKYO)


# --- era dates ------------------------------------------------------------------------------------------


def era(form: Form) -> dict[str, Converter]:
    """Dates by era, in digits; the unknown is zeros.

    >>> era(Form("letter", "."))["date"].write(date(2026, 3, 28)), era(Form("digit"))["date"].read("5080328")
    ('R08.03.28', datetime.date(2026, 3, 28))
    >>> era(Form("digit"))["uncertain"].write(UncertainDate(year=1989, month=2, day=29))
    '4010229'
    """

    def write(known: UncertainDate) -> str:
        for part in (known.month, known.day):
            if part is not None and not 0 < part < calendars.UNKNOWN[1]:
                raise UnfitError("a part of the date has no digits here", code="E132")
        return calendars.in_digits(form, known.year, known.month, known.day, known.display_text)

    def read(text: str) -> UncertainDate:
        return calendars.from_digits(form, text)

    def write_day(day: date) -> str:
        return calendars.in_digits(form, day.year, day.month, day.day)

    return by_parts(write_day, write, read, form.length)


def words() -> dict[str, Converter]:
    """Dates by era in words, the first year as 元.

    >>> words()["date"].write(date(2019, 5, 1)), words()["uncertain"].read("昭和20年3月 日不詳")
    ('令和元年5月1日', {'year': 1945, 'month': 3, 'day': None})
    """

    def write_day(day: date) -> str:
        return calendars.in_words(UncertainDate(year=day.year, month=day.month, day=day.day))

    def read(text: str) -> UncertainDate:
        known = calendars.from_words(text)
        if calendars.in_parts(structs.replace(known, display_text="")) == text:
            return structs.replace(known, display_text="")
        return known

    return by_parts(write_day, calendars.in_parts, read, 0)


def by_parts(
    write_day: Callable[[date], str],
    write: Callable[[UncertainDate], str],
    read: Callable[[str], UncertainDate],
    length: int,
) -> dict[str, Converter]:
    """The converters of a form that names eras; an era that does not hold the day is told (``alert``)."""

    def read_day(text: str) -> date | None:
        known = read(text)
        return real(known.year, known.month, known.day)

    def several(text: str) -> dict[str, Any]:
        known = read(text)
        parts: dict[str, Any] = {"year": known.year, "month": known.month, "day": known.day}
        return parts | ({"displayText": known.display_text} if known.display_text else {})

    def alert(text: str) -> str:
        return calendars.outside(read(text))

    return {
        "date": Converter(write_day, read_day, length=length, alert=alert),
        "uncertain": Converter(write, several, length=length, alert=alert),
    }


TEXT = {kind: Converter(same, same, spelling="") for kind in ("text", "enum", "word")}
MOMENT = Converter(datetime.isoformat, datetime.fromisoformat)

#: name in ``fields.csv`` → kind of source → converter
CONVERTERS: Mapping[str, Mapping[str, Converter]] = {
    "text": TEXT,
    "wide": {kind: Converter(same, same, spelling="wide", pad="\u3000") for kind in ("text", "word")}
    | {"words": Converter(chain, None, spelling="wide", pad="\u3000")},
    "half": {kind: Converter(same, same, spelling="half") for kind in ("text", "word")},
    "half_kana": {"text": Converter(same, same, spelling="half_kana")},
    "number": {"number": Converter(digits, from_digits, pad="0", right=True)},
    "integer": {"number": Converter(same, same, cell=int)},
    "flag": {"flag": answering("1", "0")},
    "flag_2": {"flag": answering("1", "2")},
    "flag_words": {"flag": answering("有", "無")},
    "boolean": {"flag": Converter(same, same, cell=bool)},
    "present": {"part": presence("1")},
    "present_words": {"part": presence("あり")},
    "chain": {"words": Converter(chain, None, spelling="")},
    "words": {"words": Converter(list, same, cell=list)},
    "iso": western("-", "0") | {"moment": MOMENT},
    "real_day": {"uncertain": Converter(real_day, None, cell=list)},
    "gif": western("-", "9"),
    "slashes": western("/", "0"),
    "ymd": western("", "0") | {"moment": Converter(seconds, from_seconds, length=14)},
    "ymd_9": western("", "9"),
    "gyymmdd": era(Form("digit")),
    "ggyymmdd": era(Form("code")),
    "era_letter": era(Form("letter")),
    "era_dots": era(Form("letter", ".")),
    "era_slashes": era(Form("letter", "/")),
    "era_lower": era(Form("letter", ".", lower=True)),
    "era_words": words(),
}
