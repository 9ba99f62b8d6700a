"""The way through the form: which page comes after a button, page by page, without anything being stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from hub.catalogue import Problem
from hub.citizens import places
from hub.citizens.draft import USUAL_PERSON, Draft, take
from hub.citizens.sheet import PERSON, Sheet, names, page_names
from hub.relocations.filing import MOVERS

CHECK = "check"


@dataclass
class Turn:
    """What is shown next: a page of a draft, with complaints or without."""

    draft: Draft
    page: str
    sheet: Sheet
    submit: bool = False

    @property
    def wrong(self) -> list[str]:
        """Pages with something to correct."""
        return self.sheet.wrong_pages()


Earlier = list[tuple[str, str]]


def start(earlier: Earlier) -> Turn:
    """The first page of an empty draft; ``earlier`` are the filer's moves that are not registered yet."""
    draft = Draft.new()
    draft.earlier = earlier
    return quiet(draft, "kind")


def review(draft: Draft) -> Turn:
    """The last page of a draft that is filled in."""
    return show(draft, CHECK)


def turn(sent: Mapping[str, Any], earlier: Earlier, *, amends: bool = False) -> Turn:
    """Take what a page sent and do what its button says; raises ``ValueError`` for what no page of ours sends."""
    draft, page = Draft.read(str(sent.get("draft", ""))), str(sent.get("page", ""))
    if page not in order(draft) or draft.amends != amends:
        raise ValueError("not a page")
    draft.earlier = earlier
    keep(draft, page, sent)
    verb, _, object_ = str(sent.get("go", "next")).partition(":")
    if verb not in ACTIONS:
        raise ValueError("not a button")
    return ACTIONS[verb](draft, page, object_)


def keep(draft: Draft, page: str, sent: Mapping[str, Any]) -> None:
    """Put the answers of the page that was sent into the draft, as they were typed."""
    answers = draft.people[int(page.removeprefix(PERSON))] if page.startswith(PERSON) else draft.answers
    answers |= take(names(page), sent)


def order(draft: Draft) -> list[str]:
    """All pages, in order."""
    return [*page_names(len(draft.people), amends=draft.amends), CHECK]


def quiet(draft: Draft, page: str) -> Turn:
    """Show a page without complaints."""
    sheet = Sheet.of(draft)
    sheet.forgive()
    return Turn(draft, page, sheet)


def examined(draft: Draft, page: str, *, more_people: bool = False) -> Turn:
    """Show a page with everything that is wrong on it."""
    sheet = Sheet.of(draft)
    sheet.examine(more_people=more_people)
    return Turn(draft, page, sheet)


def onward(draft: Draft, page: str, target: str, *, more_people: bool = False) -> Turn:
    """Go to another page, if this one is in order."""
    here = examined(draft, page, more_people=more_people)
    if page in here.wrong:
        return here
    return show(draft, target)


def show(draft: Draft, target: str) -> Turn:
    """Show a page; the last one tells what is wrong anywhere, and so does every page from then on."""
    if target == CHECK:
        draft.reviewed = True
    return examined(draft, target) if draft.reviewed else quiet(draft, target)


def go_next(draft: Draft, page: str, _object: str) -> Turn:
    """On to the following page; an address with nothing but a postal code is looked up first."""
    for prefix in ("old", "new") if page == "places" else ():
        answers = draft.answers
        if answers.get(f"{prefix}-candidate") or (
            answers.get(f"{prefix}-postal_code") and not answers.get(f"{prefix}-municipality")
        ):
            return find(draft, page, prefix)
    pages = order(draft)
    following = pages[pages.index(page) + 1] if page != CHECK else CHECK
    # Only on the last person's page it is known that nobody else will show a card.
    return onward(draft, page, following, more_people=following.startswith(PERSON))


def go_back(draft: Draft, page: str, _object: str) -> Turn:
    """Back one page; what was typed is kept, right or wrong."""
    pages = order(draft)
    return show(draft, pages[max(pages.index(page) - 1, 0)])


def go_to(draft: Draft, page: str, target: str) -> Turn:
    """To a page that was named."""
    if target not in order(draft):
        raise ValueError("not a page")
    return onward(draft, page, target) if target == CHECK and page != CHECK else show(draft, target)


def stay(draft: Draft, page: str, _object: str) -> Turn:
    """The same page again: with the municipalities of a prefecture, or in another language."""
    return show(draft, page) if page == CHECK else quiet(draft, page)


def find(draft: Draft, page: str, prefix: str) -> Turn:
    """Fill an address from its postal code, and show it."""
    if page != "places" or prefix not in ("old", "new"):
        raise ValueError("not an address")
    known = places.fill(draft.answers, prefix)
    here = quiet(draft, page)
    if not known:
        side = "oldAddress" if prefix == "old" else "newAddress"
        here.sheet.tell(Problem("E121", f"/{side}/postalCode"))
    return here


def add(draft: Draft, page: str, _object: str) -> Turn:
    """One more person, on a page of its own."""
    if len(draft.people) >= MOVERS:
        here = quiet(draft, page)
        here.sheet.general.append(_("One filing moves at most %(number)s persons.") % {"number": MOVERS})
        return here
    here = examined(draft, page, more_people=True)
    if page in here.wrong:
        return here
    draft.people.append(dict(USUAL_PERSON))
    return quiet(draft, f"{PERSON}{len(draft.people) - 1}")


def remove(draft: Draft, page: str, _object: str) -> Turn:
    """Take this person out again."""
    if len(draft.people) > 1 and page.startswith(PERSON):
        place = int(page.removeprefix(PERSON))
        del draft.people[place]
        filer = int(draft.answers.get("filer") or 1)  # the place of who files, among those who are left
        draft.answers["filer"] = "1" if filer == place + 1 else str(filer - (filer > place + 1))
    return show(draft, f"{PERSON}{len(draft.people) - 1}")


def submit(draft: Draft, page: str, _object: str) -> Turn:
    """Ask for the filing to be taken in, if nothing is wrong."""
    here = show(draft, CHECK)
    here.submit = page == CHECK and not here.wrong and not here.sheet.general
    return here


ACTIONS: Mapping[str, Callable[[Draft, str, str], Turn]] = {
    "next": go_next,
    "back": go_back,
    "to": go_to,
    "choose": stay,
    "language": stay,
    "find": find,
    "add": add,
    "remove": remove,
    "submit": submit,
}
