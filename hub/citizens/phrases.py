"""Small phrases that several parts of a page share: a day, a moment, a person, what to bring."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from municipalities import calendars
from municipalities.notice import Flow, Kind, UncertainDate


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


#: What to bring to the counter, by the way the certificate goes.
BRING = {
    Flow.CARD_SPECIAL: _("Bring the Individual Number Cards of everyone who has one, and know their 4-digit PIN."),
    Flow.PAPER_CERT: _("Bring the move-out certificate on paper and a document that proves who you are."),
}
#: Asked in practice of who comes from abroad (Act Art. 22(1)(vii), Order Art. 22): there is no certificate.
BRING_FROM_ABROAD = _(
    "Bring everyone's passport with the day of entry, and of Japanese citizens a copy of the family register and of its"
    " appendix (戸籍謄本・戸籍の附票の写し)."
)


def bring(kind: str, ways: Mapping[int, Flow], names: Mapping[int, str]) -> str:
    """What the movers bring to the counter, by how their certificates travel; with names where that is not the same."""
    if kind == Kind.OVERSEAS_IN:
        return str(BRING_FROM_ABROAD)
    found: dict[Flow, list[int]] = {}
    for ordinal, way in sorted(ways.items()):
        found.setdefault(way, []).append(ordinal)
    if len(found) == 1:
        return "".join(str(BRING.get(way, "")) for way in found)
    return " ".join(of_some(str(BRING.get(way, "")), ordinals, names) for way, ordinals in found.items())


def of_some(text: str, ordinals: Iterable[int], names: Mapping[int, str]) -> str:
    """What holds for some of the movers only, with their names."""
    people = gettext(", ").join(person_name(ordinal, names) for ordinal in ordinals)
    return gettext("%(names)s: %(text)s") % {"names": people, "text": text}
