"""A notice in words, for the clerk who reads it: sections of labelled answers, names exactly as filed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import words
from hub.deliveries.models import Delivery
from hub.fidelity import ledger
from hub.fidelity.models import Substitution
from hub.vault import services as vault
from hub.words import Words
from municipalities import calendars, readings
from municipalities.errors import UnfitError
from municipalities.models import Municipality
from municipalities.notice import KanaStatus, Mover, Notice, Record, UncertainDate

#: Fields of a notice and its parts, in words; what is in no table here is shown by its own name.
LABELS: dict[str, Words] = {
    "type": _("Notice"),
    "receipt_no": _("Receipt number"),
    "version": _("Version"),
    "flow": _("Way of the certificate"),
    "scope": _("Who moves"),
    "filed_on": _("Filed on"),
    "planned_out_on": _("Planned day of moving out"),
    "living_from": _("Day of starting to live there"),
    "visit_on": _("Planned visit"),
    "actual_in_on": _("Day of moving in"),
    "origin": _("Municipality left"),
    "destination": _("Municipality entered"),
    "person_count": _("Number of persons"),
    "remarks": _("Remarks"),
    "postal_code": _("Postal code"),
    "full_address": _("Address"),
    "head_name": _("Head of the household"),
    "head_moves": _("The head moves"),
    "remaining_count": _("Persons who stay"),
    "new_head_name": _("New head of those who stay"),
    "existing": _("Joins an existing household"),
    "email": _("E-mail"),
    "phone": _("Telephone"),
    "language": _("Language"),
    "safe": _("May be written to and called"),
    "full_name": _("Full name"),
    "full_name_kana": _("Full name in katakana"),
    "full_name_roman": _("Name in Latin letters"),
    "full_name_kanji": _("Name in kanji"),
    "former_family_name": _("Former family name (旧氏)"),
    "former_family_name_kana": _("Former family name in katakana"),
    "alternative_name": _("Alias (通称)"),
    "alternative_name_kana": _("Alias in katakana"),
    "date_of_birth": _("Date of birth"),
    "sex": _("Sex"),
    "relation_from": _("Relationship in the household left"),
    "relation_to": _("Relationship in the new household"),
    "nationality": _("Nationality"),
    "presents_card": _("Shows the card"),
    "under_guardianship": _("Under adult guardianship"),
    "local_government_code": _("Municipality"),
    "domicile": _("Domicile of record (本籍)"),
    "head_of_register": _("Head of the family register (筆頭者)"),
    "category": _("Category"),
    "status": _("Status of residence"),
    "expires_on": _("Valid until"),
    "national_health_insurance": _("National health insurance"),
    "elderly_medical_care": _("Medical care for the late-stage elderly"),
    "long_term_care": _("Long-term care insurance"),
    "child_allowance": _("Child allowance"),
    "pension": _("National pension"),
}
PARTS: dict[str, Words] = {
    "old_address": _("Old address"),
    "new_address": _("New address"),
    "household_left": _("Household left"),
    "household_joined": _("New household"),
    "contact": _("Contact"),
}
#: Values that are codes, by field.
VALUES: dict[str, dict[str, Words]] = {
    "flow": words.FLOWS,
    "scope": {"WHOLE": _("whole household"), "PART": _("part of the household")},
    "sex": {"0": _("unknown"), "1": _("male"), "2": _("female"), "9": _("not applicable")},
    "category": {
        "mid_long_term": _("mid- to long-term resident"),
        "special_permanent": _("special permanent resident"),
        "temporary_refuge": _("landing for temporary refuge"),
        "provisional_stay": _("provisional stay"),
        "transitional_birth": _("transitional resident by birth"),
        "transitional_loss": _("transitional resident by loss of nationality"),
    },
}
#: Parts of what is shown as a whole, and what only machines need.
LEFT_OUT = frozenset(
    {
        *("notice_id", "recipient", "role", "kind", "ordinal", "family_kana_status", "given_kana_status"),
        *("prefecture", "city_and_county", "street_address", "city_block", "building_name_etc", "street_address_id"),
    }
)
#: Where a name of JSON begins a new word.
CAMEL = re.compile("(?<=[a-z])(?=[A-Z])")
MUNICIPALITIES = frozenset({"origin", "destination", "local_government_code"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One field in words."""

    label: Words
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """Fields that belong together."""

    title: Words
    answers: list[Answer]


def sections(notice: Notice) -> Iterator[Section]:
    """The notice, its addresses, households and contact, then each mover; empty ones are left out."""
    parts = {name: getattr(notice, name) for name in PARTS}
    yield Section(gettext("Move"), [answer for answer in answers(notice) if answer.label])
    for name, part in parts.items():
        if part is not None:
            yield from _filled(Section(PARTS[name], list(answers(part))))
    for mover in notice.movers:
        title = gettext("Person %(number)s") % {"number": mover.ordinal}
        yield from _filled(Section(title, [*answers(mover), *_certified(mover), *_inner(mover)]))


def _filled(section: Section) -> Iterator[Section]:
    if section.answers:
        yield section


def _certified(mover: Mover) -> Iterator[Answer]:
    """The reading as a certificate prints it, where that is only a part of what was declared."""
    if KanaStatus.CERTIFIED in (mover.family_kana_status, mover.given_kana_status):
        text = readings.certified(mover)
        if text not in ("", mover.full_name_kana):
            yield Answer(gettext("Reading as a certificate prints it"), text)


def _inner(mover: Mover) -> Iterator[Answer]:
    """Register, residence and coverage of a mover, among the rest."""
    for part in (mover.registry, mover.residence, mover.coverage):
        if part is not None:
            yield from answers(part)


def answers(record: Record) -> Iterator[Answer]:
    """The fields of one record that hold something."""
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        if field.name in LEFT_OUT or (isinstance(value, Record) and not isinstance(value, UncertainDate)):
            continue
        text = in_words(field.name, value)
        if text:
            yield Answer(LABELS.get(field.name, field.name), text)


def in_words(name: str, value: Any) -> str:
    """One value; nothing for what is blank or not said."""
    if value is None or value == "" or value == ():
        return ""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, UncertainDate):
        return birth(value)
    if isinstance(value, date):
        return date_format(value)
    if isinstance(value, tuple):
        return "" if value and isinstance(value[0], Record) else "の".join(value)
    if name in MUNICIPALITIES:
        return f"{value} {office(value)}"
    if name == "type":
        return words.notice(value)
    return str(VALUES.get(name, {}).get(str(value), value))


def birth(value: UncertainDate) -> str:
    """A date of birth as it is printed."""
    try:
        return calendars.in_words(value)
    except UnfitError:  # before the first era
        return str(value.year)


@dataclass(frozen=True, slots=True)
class Changed:
    """One value that the town reads otherwise than it was filed."""

    label: str
    original: str
    written: str
    rule: str


def changes(delivery: Delivery) -> Iterator[Changed]:
    """What the town reads otherwise, item by item; raises ``ShreddedError`` when the relocation was shredded."""
    rows = list(Substitution.objects.filter(delivery_id=delivery.pk).order_by("number"))
    key = vault.open_one(delivery.relocation_id) if rows else b""
    for row in rows:
        yield Changed(label(row.path, delivery.ordinals), *ledger.texts(row, key), words.rule(row.rule))


def label(pointer: str, ordinals: Sequence[int]) -> str:
    """The item that a pointer into the notice points to, in words: the person, the part and the field.

    ``ordinals`` are the numbers of the notice's movers, as the delivery has them.
    """
    steps = [CAMEL.sub("_", step).lower() for step in pointer.split("/")[1:]]
    fields = [LABELS[step] for step in steps if step in LABELS]
    parts = [PARTS[step] for step in steps if step in PARTS]
    shown = " ".join(map(str, [*parts, *fields[-1:]])) or pointer
    if steps[:1] == ["movers"] and len(steps) > 1:
        return gettext("Person %(number)s") % {"number": ordinals[int(steps[1])]} + f": {shown}"
    return shown


def office(code: str) -> str:
    """The municipality's name."""
    found = Municipality.objects.filter(pk=code).first()
    return found.full_name if found else ""
