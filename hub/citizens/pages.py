"""Shows one page of the form: its fields or the answers to check, its complaints, and how far one has come."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from hub.citizens import answers
from hub.citizens.amending import Amending
from hub.citizens.sheet import PERSON, Sheet
from hub.citizens.steps import CHECK, Turn
from hub.relocations.filing import MOVERS


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something to correct: where to jump, which question, what is wrong."""

    target: str
    label: str
    message: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the way, as the line on top shows it."""

    title: str
    state: str


def show(request: HttpRequest, turn: Turn, amending: Amending | None = None) -> HttpResponse:
    """Render the turn; a page with complaints answers 200 too, for it is the form again."""
    wrong = list(complaints(turn.sheet, turn.page))
    context: dict[str, Any] = {
        "amending": amending,
        "draft": turn.draft.write(),
        "page": turn.page,
        "title": answers.title_of(turn.page),
        "stages": list(stages(turn.page)),
        "complaints": wrong,
        # What is about no field of this page is said once its own fields are right: before, it follows from them. But
        # that something cannot be amended at all is said at once.
        "general": [] if wrong and amending is None else turn.sheet.general,
        "reviewed": turn.draft.reviewed and turn.page != CHECK,
    }
    if turn.page == CHECK:
        fit = not (turn.wrong or turn.sheet.general)
        context |= {"pages": list(answers.pages(turn.sheet)), "fit": fit}
        if amending is None:
            return render(request, "citizens/file_check.html", context)
        changes = list(amending.changes(turn.draft, turn.sheet))
        context |= {
            "title": _("Change the filing"),
            "changes": changes,
            "others": any(change.title == _("Persons") for change in changes),
            "asked": amending.asked_anew(turn.draft, turn.sheet) if fit and changes else [],
        }
        return render(request, "citizens/amend_check.html", context)
    if turn.page.startswith(PERSON):
        may_add = amending.may_add(turn.draft) if amending else len(turn.draft.people) < MOVERS
        context |= {"people": list(people(turn)), "may_add": may_add}
    return render(request, "citizens/file_page.html", context | {"forms": turn.sheet.forms(turn.page)})


def stages(page: str) -> Iterator[Stage]:
    """The steps and where we are; all persons are one step."""
    titles = {
        "kind": _("Kind"),
        "when": _("Days and way"),
        "places": _("Addresses"),
        "person": _("Persons"),
        "household": _("Households"),
        "contact": _("Filer and contact"),
        CHECK: _("Check and file"),
    }
    here = list(titles).index("person" if page.startswith(PERSON) else page)
    for index, title in enumerate(titles.values()):
        yield Stage(title, "done" if index < here else "here" if index == here else "ahead")


def people(turn: Turn) -> Iterator[tuple[str, str, bool]]:
    """Page, name so far and whether it is shown, of each person."""
    for index, person in enumerate(turn.draft.people):
        page = f"{PERSON}{index}"
        yield page, person.get("full_name") or answers.title_of(page), page == turn.page


def complaints(sheet: Sheet, page: str) -> Iterator[Complaint]:
    """What is wrong on this page, in the order of its fields."""
    for form in sheet.forms(page):
        for section in form.sections():
            for field in section.fields:
                label = section.group.legend if section.group.row else field.label
                yield from (Complaint(target(field), str(label), str(error)) for error in field.errors)


def target(field: BoundField) -> str:
    """The element that a link to this field must reach."""
    return f"{field.auto_id}_0" if isinstance(field.field.widget, forms.RadioSelect) else str(field.auto_id)
