"""All pages of one draft together: what can be built from them, and what is wrong with them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _

from hub.catalogue import Problem
from hub.citizens import mapping
from hub.citizens.draft import Draft
from hub.citizens.fields import PageForm
from hub.citizens.forms import AddressForm, ContactForm, HouseholdForm, PersonForm, WhenForm
from hub.relocations import services
from hub.relocations.checks import check
from hub.relocations.filing import Filing

PERSON = "person-"


def page_names(people: int) -> list[str]:
    """All pages with questions, in order."""
    return ["when", "places", *(f"{PERSON}{index}" for index in range(people)), "household", "contact"]


def names(page: str) -> Iterator[str]:
    """The fields that a page may send."""
    kinds: dict[str, list[tuple[type[PageForm], str]]] = {
        "when": [(WhenForm, "")],
        "places": [(AddressForm, "old-"), (AddressForm, "new-")],
        "household": [(HouseholdForm, "")],
        "contact": [(ContactForm, "")],
        "check": [],
    }
    for kind, prefix in kinds.get(page, [(PersonForm, "")]):
        yield from (f"{prefix}{name}" for name in kind.base_fields)


@dataclass
class Sheet:
    """The forms of a draft, and what concerns no single field."""

    when: WhenForm
    old: AddressForm
    new: AddressForm
    people: list[PersonForm]
    household: HouseholdForm
    contact: ContactForm
    general: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, draft: Draft) -> "Sheet":
        """Bind every form to what was typed."""
        answers = draft.answers
        return cls(
            when=WhenForm(answers),
            old=AddressForm(answers, prefix="old"),
            new=AddressForm(answers, prefix="new"),
            people=[PersonForm(person, first=index == 0) for index, person in enumerate(draft.people)],
            household=HouseholdForm(answers),
            contact=ContactForm(answers),
        )

    def forms(self, page: str) -> list[PageForm]:
        """The forms of one page."""
        if page.startswith(PERSON):
            return [self.people[int(page.removeprefix(PERSON))]]
        found: dict[str, list[PageForm]] = {
            "when": [self.when],
            "places": [self.old, self.new],
            "household": [self.household],
            "contact": [self.contact],
        }
        return found.get(page, [])

    def pages(self) -> list[str]:
        """All pages with questions, in order."""
        return page_names(len(self.people))

    def wrong_pages(self) -> list[str]:
        """Pages on which something must be corrected."""
        return [page for page in self.pages() if any(form.errors for form in self.forms(page))]

    def forgive(self) -> None:
        """Take all complaints back: nobody asked yet."""
        for page in self.pages():
            for form in self.forms(page):
                form.errors.clear()

    def filing(self) -> Filing:
        """The filing as far as it can be built; what is missing or wrong is left at its default."""
        return mapping.filing(self)

    def examine(self, *, more_people: bool = False) -> None:
        """Check everything as one filing, and put each problem at its field.

        ``more_people``: others will be added, one of whom may be the one who has a card.
        """
        filing = self.filing()
        for problem in check(filing, timezone.localdate(), services.register_offices(filing)):
            if not (more_people and problem.pointer == mapping.CARD):
                self.tell(problem)

    def tell(self, problem: Problem) -> None:
        """Put a problem at the field it is about, unless its question has a complaint already."""
        form, name = mapping.field_of(self, problem.pointer)
        if form is None or name not in form.fields:
            self.general.append(words(problem))
        elif not form.complained(name):
            form.add_error(name, words(problem))


def words(problem: Problem) -> str:
    """What is wrong and what to do, in the catalogue's words; where they would be too general, in our own."""
    if problem.pointer == mapping.CARD:
        return _(
            "One of those who move must show the card: tick it for that person, or choose the certificate on paper."
        )
    return _("%(title)s. %(remedy)s") % {"title": problem.entry.title, "remedy": problem.entry.remedy}
