"""What was answered, in rows to read over before filing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _

from hub.citizens.address_forms import AddressForm
from hub.citizens.fields import PageForm, Section
from hub.citizens.phrases import day
from hub.citizens.sheet import PERSON, Sheet
from hub.relocations.filing import Filing
from hub.words import Words
from municipalities import calendars
from municipalities.errors import UnfitError
from municipalities.notice import Mover


@dataclass(frozen=True, slots=True)
class Row:
    """One answer."""

    label: Words
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """The answers of one page, and whether something there must be corrected."""

    name: str
    title: Words
    rows: list[Row]
    complaints: list[str]


def title_of(page: str) -> str:
    """The heading of a page."""
    if page.startswith(PERSON):
        return _("Person %(number)s") % {"number": int(page.removeprefix(PERSON)) + 1}
    return {
        "kind": _("Kind of filing"),
        "when": _("Days and way"),
        "places": _("Addresses"),
        "household": _("Households"),
        "contact": _("Filer and contact"),
        "check": _("Check and file"),
    }[page]


def pages(sheet: Sheet) -> Iterator[Page]:
    """All answers, page by page."""
    filing = sheet.filing()
    for name in sheet.pages():
        forms_ = sheet.forms(name)
        complaints = [str(error) for form in forms_ for errors in form.errors.values() for error in errors]
        yield Page(name, title_of(name), [row for form in forms_ for row in rows(name, form, filing)], complaints)


def rows(page: str, form: PageForm, filing: Filing) -> Iterator[Row]:
    """The answers of one form; what was left blank is left out."""
    for section in form.sections():
        if isinstance(form, AddressForm):
            side = filing.old_address if form.prefix == "old" else filing.new_address
            text = side.full_address or form.typed("town")
            code = f"〒{side.postal_code[:3]}-{side.postal_code[3:]}\n" if side.postal_code else ""
            yield Row(section.group.legend, code + text)
        elif section.group.row:
            yield from together(section, filing.movers[int(page.removeprefix(PERSON))])
        else:
            found = ((field, shown(field)) for field in section.fields)
            yield from (Row(field.label, text) for field, text in found if text)


def together(section: Section, mover: Mover) -> Iterator[Row]:
    """An answer given in several fields, as one text."""
    first = section.fields[0].name
    if first == "relation_from_1":
        text = "の".join(mover.relation_from)
    elif first == "relation_to_1":
        text = "の".join(mover.relation_to)
    else:
        text = in_words(mover)
    yield Row(section.group.legend, text)


def in_words(mover: Mover) -> str:
    """The date of birth as the register prints it."""
    if mover.date_of_birth is None:
        return ""
    try:
        return calendars.in_words(mover.date_of_birth)
    except UnfitError:  # before the first era
        return str(mover.date_of_birth.year)


def shown(field: BoundField) -> str:
    """One answer in words."""
    value: Any = getattr(field.form, "cleaned_data", {}).get(field.name, field.value())
    if isinstance(field.field, forms.ChoiceField):
        return str(dict(field.field.choices).get(value, "") if value else "")  # type: ignore[arg-type]
    if isinstance(field.field, forms.BooleanField):
        return _("Yes") if value else ""
    return day(value) if isinstance(value, date) else "" if value is None else str(value)
