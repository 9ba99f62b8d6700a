"""Small phrases that several parts of a page share: a day, a moment, a person."""

from collections.abc import Mapping
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext

from municipalities import calendars
from municipalities.notice import UncertainDate


def day(value: date | None) -> str:
    """A day with its weekday, in Japanese by era as counters write it; nothing for a move that has no such day."""
    if not value:
        return ""
    if get_language() != "ja":
        return date_format(value, gettext("D, j F Y"))
    year = calendars.in_words(UncertainDate(year=value.year, month=value.month, day=value.day)).partition("年")[0]
    return f"{year}年（{value.year}年）{date_format(value, 'n月j日(D)')}"


def moment(value: datetime) -> str:
    """A day of this year and the time."""
    return date_format(timezone.localtime(value), gettext("j F, H:i"))


def person_name(ordinal: int, names: Mapping[int, str]) -> str:
    """The mover's name, or the number where there is none to say."""
    return names.get(ordinal) or gettext("Person %(number)s") % {"number": ordinal}
