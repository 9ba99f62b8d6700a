"""Notices to try a layout with: a whole one with plain values, and the same with one value replaced."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from municipalities.notice import Calendar, Notice, Precision, Record, UncertainDate
from municipalities.standard.sources import VIEWS, Source, parts, sources

DATA = Path(__file__).parent.parent / "data"

#: One character of each alphabet that every layout can write.
LETTERS = {"kanji": "見", "kana": "ア", "latin": "A", "digits": "1", "": ""}
DAY = date(2026, 4, 1)
BORN = UncertainDate(year=1980, month=5, day=5)

#: Days that layouts find hard: before the first era, beyond two digits of one, in two eras at once.
DAYS = (date(1867, 12, 31), date(1912, 7, 30), date(1989, 1, 7), date(2019, 5, 1), date(2099, 12, 31))
BIRTHS = (
    UncertainDate(year=1945, precision=Precision.YEAR, display_text="昭和２０年頃"),
    UncertainDate(year=1945, month=3, precision=Precision.MONTH, display_text="昭和２０年３月頃"),
    UncertainDate(precision=Precision.NONE, display_text="年月日不詳"),
    UncertainDate(year=1989, month=2, day=29),
    UncertainDate(year=1912, month=7, day=30, display_text="明治４５年７月３０日"),
    UncertainDate(year=1912, month=7, day=30, display_text="大正元年７月３０日"),
    UncertainDate(year=1990, month=2, day=28, calendar=Calendar.WESTERN),
    UncertainDate(year=1850, month=1, day=1, calendar=Calendar.WESTERN),
)


@dataclass(frozen=True, slots=True)
class Length:
    """The longest lawful value of a member, and the alphabet it is written in."""

    most: int
    alphabet: str


@cache
def lengths() -> Mapping[str, Length]:
    """Longest values by class and attribute, «Mover.full_name»."""
    with (DATA / "lengths.csv").open(encoding="utf-8", newline="") as file:
        return {row["source"]: Length(int(row["most"]), row["alphabet"]) for row in csv.DictReader(file)}


def length_of(source: Source) -> Length:
    return lengths()[f"{source.part.record.__name__}.{source.attribute}"]


@cache
def hard_characters() -> Mapping[str, tuple[str, ...]]:
    """Characters that break layouts, by alphabet."""
    found: dict[str, tuple[str, ...]] = {}
    with (DATA / "hard_characters.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = "".join(chr(int(point, 16)) for point in row["points"].split("-"))
            found[row["alphabet"]] = (*found.get(row["alphabet"], ()), text)
    return found


@cache
def whole() -> Notice:
    """A notice of one person in which every part was filed; it says nothing that a layout finds hard."""
    notice: Notice = msgspec.convert(msgspec.to_builtins(_built("") | {"movers": [_built("mover")]}), Notice)
    return notice


def _built(name: str) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for source in sources().values():
        if source.part.name == name and source.attribute and not source.index:
            built[source.key] = plain(source)
    for inner, part in parts().items():
        if part.path and inner not in VIEWS and inner.rpartition(".")[0] == name:
            built[part.path[-1]] = BORN if part.record is UncertainDate else _built(inner)
    return built


def plain(source: Source) -> Any:
    """A value that no layout finds hard."""
    if source.domain is not None:
        word = next(word for word in sorted(source.domain) if word)
        return (word,) if source.kind == "words" else word
    match source.kind:
        case "number":
            return 1
        case "flag":
            return True
        case "date":
            return None if source.text == "actual_in_on" else DAY
        case "words":
            return ()
    most = length_of(source)
    return LETTERS[most.alphabet] * min(3, most.most)


def replaced(notice: Notice, source: Source, value: Any) -> Notice:
    """The notice with another value of this source, in its first mover if it is a mover's."""
    changed: Notice = _put(notice, _steps(source), value)
    return changed


def _steps(source: Source) -> tuple[str, ...]:
    inside = source.part.target.removeprefix("mover").strip(".")
    return tuple(filter(None, ("movers" if source.part.of_mover else "", inside, source.attribute)))


def _put(record: Any, steps: tuple[str, ...], value: Any) -> Any:
    first, *rest = steps
    if first == "movers":
        return msgspec.structs.replace(record, movers=(_put(record.movers[0], tuple(rest), value), *record.movers[1:]))
    inner = _put(getattr(record, first), tuple(rest), value) if rest else value
    return msgspec.structs.replace(record, **{first: inner})


def value(notice: Notice, source: Source) -> Any:
    """What the notice, or its first mover, has there; None where its part was not filed."""
    return next(_values(notice, source), None)


def filed(notice: Notice, source: Source) -> Iterator[Any]:
    """What was really filed there, by the notice or by its movers: no defaults."""
    defaults = {member.name: member.default for member in msgspec.structs.fields(source.part.record)}
    return (found for found in _values(notice, source) if found != defaults[source.attribute])


def _values(notice: Notice, source: Source) -> Iterator[Any]:
    inside = source.part.target.removeprefix("mover").strip(".")
    for owner in notice.movers if source.part.of_mover else (notice,):
        part: Record | None = getattr(owner, inside) if inside else owner
        if part is not None:
            yield getattr(part, source.attribute)
