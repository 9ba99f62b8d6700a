"""All pages of one draft together: what can be built from them, and what is wrong with them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _

from hub.catalogue import Problem
from hub.citizens import mapping
from hub.citizens.address_forms import AddressForm, BeforeForm
from hub.citizens.draft import Draft
from hub.citizens.fields import PageForm
from hub.citizens.forms import ContactForm, HouseholdForm, KindForm, PersonForm, WhenForm
from hub.citizens.options import MOVE
from hub.relocations import heirs
from hub.relocations.filing import Filing
from municipalities.notice import Kind

PERSON = "person-"


def page_names(people: int, *, amends: bool = False) -> list[str]:
    """All pages with questions, in order; a change leaves the kind as it is."""
    return [
        *([] if amends else ["kind"]),
        "when",
        "places",
        *(f"{PERSON}{index}" for index in range(people)),
        "household",
        "contact",
    ]


def names(page: str) -> Iterator[str]:
    """The fields that a page may send."""
    kinds: dict[str, list[tuple[type[PageForm], str]]] = {
        "kind": [(KindForm, "")],
        "when": [(WhenForm, "")],
        "places": [(AddressForm, "old-"), (AddressForm, "new-"), (BeforeForm, "")],
        "household": [(HouseholdForm, "")],
        "contact": [(ContactForm, "")],
        "check": [],
    }
    for kind, prefix in kinds.get(page, [(PersonForm, "")]):
        yield from (f"{prefix}{name}" for name in kind.base_fields)


@dataclass
class Sheet:
    """The forms of a draft, and what concerns no single field."""

    kind: KindForm
    when: WhenForm
    old: AddressForm
    new: AddressForm
    before: BeforeForm
    people: list[PersonForm]
    household: HouseholdForm
    contact: ContactForm
    amends: bool = False
    general: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, draft: Draft) -> "Sheet":
        """Bind every form to what was typed."""
        answers, kind = draft.answers, draft.answers.get("kind", MOVE)
        names = [person.get("full_name", "") for person in draft.people]
        return cls(
            kind=KindForm(answers),
            when=WhenForm(answers, kind=kind),
            old=AddressForm(answers, prefix="old", kind=kind, fixed=draft.amends),
            new=AddressForm(answers, prefix="new", kind=kind),
            before=BeforeForm(answers, kind=kind, earlier=draft.earlier),
            people=[PersonForm(person, first=index == 0, kind=kind) for index, person in enumerate(draft.people)],
            household=HouseholdForm(answers, kind=kind),
            contact=ContactForm(answers, names=names),
            amends=draft.amends,
        )

    def forms(self, page: str) -> list[PageForm]:
        """The forms of one page."""
        if page.startswith(PERSON):
            return [self.people[int(page.removeprefix(PERSON))]]
        found: dict[str, list[PageForm]] = {
            "kind": [self.kind],
            "when": [self.when],
            "places": [self.old] if self.stays else [self.old, self.before, self.new],
            "household": [self.household],
            "contact": [self.contact],
        }
        return found.get(page, [])

    @property
    def stays(self) -> bool:
        """Whether the address stays: it is asked for once."""
        return self.kind.typed("kind") == Kind.HOUSEHOLD_CHANGE

    def pages(self) -> list[str]:
        """All pages with questions, in order."""
        return page_names(len(self.people), amends=self.amends)

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
        filing, today = self.filing(), timezone.localdate()
        for problem in heirs.problems(filing, today, heirs.places(filing, today)):
            if not (more_people and problem.pointer == mapping.CARD):
                self.tell(problem)

    def tell(self, problem: Problem) -> None:
        """Put a problem at the field it is about, unless its question has a complaint already."""
        form, name = mapping.field_of(self, problem.pointer)
        if form is None or name not in form.fields or (self.stays and form is self.new):
            self.general.append(words(problem))
        elif not form.complained(name):
            form.add_error(name, words(problem))


def words(problem: Problem) -> str:
    """What is wrong and what to do, in the catalogue's words; where they would be too general, in our own."""
    if problem.pointer == mapping.CARD:
        return _(
            "One of those who move must show the card: tick it for that person, or choose the certificate on paper."
        )
    if problem.pointer == "/lastRegistered" and problem.code == "E307":
        return _("Fill this in only for a move to another municipality, and only when it is not the one you leave.")
    return _("%(title)s. %(remedy)s") % {"title": problem.entry.title, "remedy": problem.remedy}
