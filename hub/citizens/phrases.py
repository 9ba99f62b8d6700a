"""Small phrases that several parts of a page share: a day, a person."""

from collections.abc import Mapping
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext


def day(value: date | None) -> str:
    """A day with its weekday; nothing for a move that has no such day."""
    return date_format(value, gettext("D, j F Y")) if value else ""


def person_name(ordinal: int, names: Mapping[int, str]) -> str:
    """The mover's name, or the number where there is none to say."""
    return names.get(ordinal) or gettext("Person %(number)s") % {"number": ordinal}
