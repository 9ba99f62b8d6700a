"""What can be chosen in the form: each list as pairs of the value kept and the words shown."""

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from hub.relocations import heirs
from hub.relocations.filing import Capacity
from hub.words import Words
from municipalities import calendars, codes
from municipalities.models import Municipality
from municipalities.notice import Flow, Kind, Pension, PreferredName, Scope, Sex

COUNTRIES = Path(__file__).parent / "data" / "countries.csv"
Options = list[tuple[str, Words]]

#: Value of «I do not know the relationship»; nothing is filed then.
UNKNOWN = "?"
#: Value of the calendar for years such as 1980.
WESTERN = "western"
YES, NO = "yes", "no"
#: Value of an answer that is left blank on purpose.
BLANK = "blank"

#: A move between two wards of one designated city is found by the two addresses (Act Art. 38).
MOVE, CHILD_CARD = "MOVE", "CHILD_CARD"
KINDS: Options = [
    (MOVE, _("I move to another municipality or ward (転出・転入)")),
    (Kind.IN_CITY.value, _("I move within one municipality or ward (転居)")),
    (Kind.OVERSEAS_OUT.value, _("I move abroad (国外転出)")),
    (Kind.OVERSEAS_IN.value, _("I come to Japan from abroad (国外からの転入)")),
    (Kind.HOUSEHOLD_CHANGE.value, _("I stay and the household changes (世帯変更)")),
]
FLOWS: Options = [
    (Flow.CARD_SPECIAL.value, _("With the Individual Number Card: someone who moves shows it at the new counter")),
    (Flow.PAPER_CERT.value, _("With the move-out certificate on paper")),
    (CHILD_CARD, _("Of those who move only a child under 15 has a card")),
]
#: Which name of a foreign resident the municipality shows first.
PREFERRED: Options = [
    ("", "—"),
    *(
        (name.value, label)
        for name, label in ((PreferredName.NAME, _("the name")), (PreferredName.ALIAS, _("the alias (通称)")))
    ),
]
SCOPES: Options = [
    (Scope.WHOLE.value, _("Everyone of the household moves")),
    (Scope.PART.value, _("Part of the household moves, someone stays")),
]
YES_NO: Options = [(YES, _("Yes")), (NO, _("No"))]
SEXES: Options = [(Sex.MALE.value, _("male")), (Sex.FEMALE.value, _("female")), (BLANK, _("leave blank"))]
CAPACITIES: Options = [
    (Capacity.SELF.value, _("I am one of those who move")),
    (Capacity.HEAD.value, _("I am the head of the household and stay")),
    (Capacity.MEMBER.value, _("I am a member of the household and stay")),
    (Capacity.STATUTORY_AGENT.value, _("I am the statutory representative (parent, guardian)")),
    (Capacity.VOLUNTARY_AGENT.value, _("I am an agent with a power of attorney")),
    (Capacity.FACILITY_STAFF.value, _("I work at the facility where the person lives")),
]
PENSIONS: Options = [
    (Pension.BLANK.value, _("not insured, or I do not know")),
    (Pension.FIRST.value, _("category 1 (self-employed, student, …)")),
    (Pension.SECOND.value, _("category 2 (employee)")),
    (Pension.THIRD.value, _("category 3 (spouse of an employee)")),
]
RESIDENCES: Options = [
    ("", _("Please choose")),
    ("mid_long_term", _("mid- to long-term resident")),
    ("special_permanent", _("special permanent resident")),
    ("temporary_refuge", _("landing for temporary refuge")),
    ("provisional_stay", _("provisional stay")),
    ("transitional_birth", _("transitional resident by birth")),
    ("transitional_loss", _("transitional resident by loss of nationality")),
]
#: Links of a relationship, in the words the register keeps.
RELATIONS: Options = [
    ("夫", _("husband")),
    ("妻", _("wife")),
    ("子", _("child")),
    ("父", _("father")),
    ("母", _("mother")),
    ("兄", _("elder brother")),
    ("姉", _("elder sister")),
    ("弟", _("younger brother")),
    ("妹", _("younger sister")),
    ("子の夫", _("child's husband")),
    ("子の妻", _("child's wife")),
    ("夫（未届）", _("husband (not registered)")),
    ("妻（未届）", _("wife (not registered)")),
]
FIRST_RELATIONS: Options = [
    ("", _("Please choose")),
    ("世帯主", _("head of the household")),
    *RELATIONS,
    ("縁故者", _("other relative")),
    ("同居人", _("housemate")),
    (UNKNOWN, _("I do not know")),
]
NEXT_RELATIONS: Options = [("", "—"), *RELATIONS]
#: The municipality answers in these languages where it can; names are written in the language itself.
LANGUAGES: Options = [
    ("ja", "日本語"),
    ("en", "English"),
    ("zh", "中文"),
    ("ko", "한국어"),
    ("vi", "Tiếng Việt"),
    ("pt", "Português"),
    ("ne", "नेपाली"),
    ("tl", "Filipino"),
    ("id", "Bahasa Indonesia"),
    ("es", "Español"),
]


def eras() -> Options:
    """Calendars a birth date may be written in: eras, the newest first, and Western years."""
    return [
        ("", gettext("Please choose")),
        *((era.name, era.name) for era in calendars.eras()),
        (WESTERN, gettext("Western year")),
    ]


@cache
def _countries() -> list[dict[str, str]]:
    with COUNTRIES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def countries() -> Options:
    """Japan first, the others in the order of the reader's language."""
    column = "name_en" if get_language() == "en" else "name_ja"
    names: Options = sorted(((row["code"], row[column]) for row in _countries()), key=lambda pair: pair[1])
    return [pair for pair in names if pair[0] == "JPN"] + [pair for pair in names if pair[0] != "JPN"]


def countries_abroad() -> Options:
    """All but Japan, a blank first."""
    return [("", gettext("Please choose")), *(pair for pair in countries() if pair[0] != "JPN")]


def prefectures() -> Options:
    """The 47, in their usual order."""
    return [("", gettext("Please choose")), *((name, name) for name in codes.prefectures().values())]


def offices(prefecture: str, *, former: bool = False) -> Options:
    """The register offices of a prefecture today; ``former``: and those of the past in whose place one stands alone."""
    today = timezone.localdate()
    rows: Iterable[Municipality] = (
        Municipality.objects.leaf().valid_on(today).filter(prefecture=prefecture) if prefecture else ()
    )
    found = [(row.code, f"{row.within}{row.name}") for row in rows]
    if former:
        found += [(row.code, _until(row)) for row in heirs.former(prefecture, today)]
    return [("", gettext("Please choose")), *found]


def _until(row: Municipality) -> str:
    day = date_format(row.valid_to) if row.valid_to else ""
    return gettext("%(name)s (until %(day)s)") % {"name": f"{row.within}{row.name}", "day": day}
