"""Named converters: one value of the canonical record to what stands in one item, and back.

A cell of ``fields.csv`` names one of these; what needs thought is written here, with a doctest, never in a
cell. ``None`` and absent parts never get here: an item of theirs is left blank.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from municipalities import calendars
from municipalities.errors import UnfitError
from municipalities.notice import UncertainDate

DIGITS = re.compile("[0-9]+")


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


def flag(value: bool) -> str:
    """1 for yes, 0 for no: never blank.

    >>> flag(True), flag(False)
    ('1', '0')
    """
    return "1" if value else "0"


def from_flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("0 or 1 is expected")
    return text == "1"


def chain(words: tuple[str, ...]) -> str:
    """A relationship as it is printed (resident-record standard 1.1.11).

    >>> chain(("妻", "子"))
    '妻の子'
    """
    return "の".join(words)


def present(_part: object) -> str:
    """Says that a part was filed at all, even if nothing in it was."""
    return "1"


def from_present(text: str) -> bool:
    if text != "1":
        raise ValueError("1 or a blank is expected")
    return True


def iso(day: date) -> str:
    return day.isoformat()


def from_iso(text: str) -> date:
    return date.fromisoformat(_shape("[0-9]{4}-[0-9]{2}-[0-9]{2}", text))


def ymd(day: date) -> str:
    """Eight digits, Western calendar.

    >>> ymd(date(2026, 3, 28))
    '20260328'
    """
    return day.isoformat().replace("-", "")


def from_ymd(text: str) -> date:
    return date.fromisoformat(_shape("[0-9]{8}", text))


def gyymmdd(day: date) -> str:
    return calendars.gyymmdd(day.year, day.month, day.day)


def from_gyymmdd(text: str) -> date:
    """The day of an era date, which must exist.

    >>> from_gyymmdd("5080328")
    datetime.date(2026, 3, 28)
    """
    known = calendars.from_gyymmdd(text)
    return date(known.year or 0, known.month or 0, known.day or 0)


def _shape(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError(f"a date in the form {pattern} is expected")
    return text


def uncertain_iso(known: UncertainDate) -> str:
    """An unknown part is zeros.

    >>> uncertain_iso(UncertainDate(year=1945, month=3))
    '1945-03-00'
    """
    return _parts(known, "{:04}-{:02}-{:02}", (0, 0, 0))


def from_uncertain_iso(text: str) -> dict[str, Any]:
    return _from_parts(text, (0, 0, 0))


def gif(known: UncertainDate) -> str:
    """An unknown part is nines: the unknown codes of the Government Interoperability Framework.

    >>> gif(UncertainDate(year=1945))
    '1945-99-99'
    """
    return _parts(known, "{:04}-{:02}-{:02}", (9999, 99, 99))


def from_gif(text: str) -> dict[str, Any]:
    return _from_parts(text, (9999, 99, 99))


def _parts(known: UncertainDate, form: str, unknown: tuple[int, int, int]) -> str:
    parts = (known.year, known.month, known.day)
    for part, mark, limit in zip(parts, unknown, (9999, 99, 99), strict=True):
        if part is not None and (part == mark or not 0 <= part <= limit):
            raise UnfitError("a part of the date has no digits here", code="E132")
    return form.format(*(mark if part is None else part for part, mark in zip(parts, unknown, strict=True)))


def _from_parts(text: str, unknown: tuple[int, int, int]) -> dict[str, Any]:
    _shape("[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
    parts = (int(text[0:4]), int(text[5:7]), int(text[8:10]))
    known = (None if part == mark else part for part, mark in zip(parts, unknown, strict=True))
    return dict(zip(("year", "month", "day"), known, strict=True))


def uncertain_gyymmdd(known: UncertainDate) -> str:
    """An era date with zeros for what is unknown; ``display_text`` decides a day that two eras claim.

    >>> uncertain_gyymmdd(UncertainDate(year=1989, month=2, day=29))
    '4010229'
    """
    for part, limit in ((known.month, 99), (known.day, 99)):
        if part is not None and not 1 <= part <= limit:
            raise UnfitError("a part of the date has no digits here", code="E132")
    return calendars.gyymmdd(known.year, known.month, known.day, known.display_text)


def from_uncertain_gyymmdd(text: str) -> dict[str, Any]:
    known = calendars.from_gyymmdd(text)
    parts: dict[str, Any] = {"year": known.year, "month": known.month, "day": known.day}
    return parts | ({"displayText": known.display_text} if known.display_text else {})


TEXT = {kind: Converter(same, same, spelling="") for kind in ("text", "enum", "word")}
DAY = {"date": Converter(iso, from_iso, length=10)}

#: name in ``fields.csv`` → kind of source → converter
CONVERTERS: Mapping[str, Mapping[str, Converter]] = {
    "text": TEXT,
    "wide": {kind: Converter(same, same, spelling="wide", pad="\u3000") for kind in ("text", "word")}
    | {"words": Converter(chain, None, spelling="wide", pad="\u3000")},
    "half": {"text": Converter(same, same, spelling="half")},
    "half_kana": {"text": Converter(same, same, spelling="half_kana")},
    "number": {"number": Converter(digits, from_digits, pad="0", right=True)},
    "integer": {"number": Converter(same, same, cell=int)},
    "flag": {"flag": Converter(flag, from_flag, length=1)},
    "boolean": {"flag": Converter(same, same, cell=bool)},
    "present": {"part": Converter(present, from_present, length=1)},
    "chain": {"words": Converter(chain, None, spelling="")},
    "words": {"words": Converter(list, same, cell=list)},
    "iso": DAY | {"uncertain": Converter(uncertain_iso, from_uncertain_iso, length=10)},
    "gif": DAY | {"uncertain": Converter(gif, from_gif, length=10)},
    "ymd": {"date": Converter(ymd, from_ymd, length=8)},
    "gyymmdd": {
        "date": Converter(gyymmdd, from_gyymmdd, length=7),
        "uncertain": Converter(uncertain_gyymmdd, from_uncertain_gyymmdd, length=7),
    },
}
