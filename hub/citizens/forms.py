"""The pages of the form: which questions each asks, and what it can tell to be missing by itself.

Everything else is checked as one filing, by the rules that hold for every door (``hub.relocations.filing``).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.forms import ChoiceField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import catalogue
from hub.citizens import options
from hub.citizens.fields import Group, PageForm, choice, day, lines, number, radio, text, tick
from municipalities.notice import Kind


class KindForm(PageForm):
    """What is filed; the pages that follow ask only what this kind needs."""

    kind = radio(_("What do you want to file?"), options.KINDS)

    groups = (Group(_("Kind of filing"), ("kind",)),)


class WhenForm(PageForm):
    """When the move is, and by which of the two ways."""

    planned_out_on = day(_("Planned day of moving out"), required=True)
    living_from = day(
        _("Day you start living at the new address"),
        _("Online filing is possible from 30 days before until 10 days after this day."),
        required=True,
    )
    visit_on = day(
        _("Day you plan to visit the new municipality"),
        _("The move-in filing must be made there in person, within 14 days of starting to live there."),
    )
    flow = radio(_("How the move-out certificate travels"), options.FLOWS)

    groups = (
        Group(_("Days"), ("planned_out_on", "living_from", "visit_on")),
        Group(_("Way"), ("flow",)),
    )

    def __init__(self, *args: Any, kind: str = options.MOVE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind not in (options.MOVE, Kind.OVERSEAS_OUT):
            self.leave_out("planned_out_on")
        if kind == Kind.OVERSEAS_OUT:
            self.leave_out("living_from", "visit_on")
        if kind != options.MOVE:
            self.leave_out("flow")

    def clean(self) -> dict[str, Any]:
        """With a child's card alone nobody files here: that is said before anything about a person is asked."""
        answers: dict[str, Any] = self.cleaned_data
        if answers.get("flow") == options.CHILD_CARD:
            entry = catalogue.entry("E311")
            self.need("flow", f"{entry.title} {entry.remedy}")
        return answers


REGISTRY = ("registry_prefecture", "registry_municipality", "registry_domicile", "registry_head")


def relation() -> ChoiceField:
    """The first word of a relationship."""
    return choice(_("Relationship"), options.FIRST_RELATIONS, required=True)


def further_relation() -> ChoiceField:
    """A further link of the chain."""
    return choice(_("and further"), options.NEXT_RELATIONS)


def relation_names(side: str) -> tuple[str, ...]:
    """Names of the fields that form one relationship."""
    return tuple(f"relation_{side}_{place}" for place in range(1, 5))


class PersonForm(PageForm):
    """One person who moves."""

    full_name = text(
        _("Full name"), _("Exactly as in the register; family name first, one space between."), required=True
    )
    full_name_kana = text(_("Full name in katakana"), _("for example ミホン　タロウ"))
    former_family_name = text(_("Former family name (旧氏), if recorded"))
    former_family_name_kana = text(_("Former family name in katakana"))
    alternative_name = text(_("Alias (通称), if recorded"))
    alternative_name_kana = text(_("Alias in katakana"))
    preferred_name = choice(_("Name that is shown first"), options.PREFERRED)
    alternative_name_history = lines(
        _("Earlier entries of the alias, if known"),
        _("One entry a line: day, municipality, 記載 or 削除, alias."),
        rows=2,
    )
    leaves_on = day(_("Leaves on"))
    arrives_on = day(_("Moves in on"))
    full_name_roman = text(_("Name in Latin letters, as on the residence card"))
    full_name_kanji = text(_("Name in kanji, as on the residence card"))
    birth_era = choice(_("Calendar"), options.eras)
    birth_year = text(_("Year"), inputmode="numeric")
    birth_month = number(_("Month"), largest=99)
    birth_day = number(_("Day"), largest=99)
    birth_partly = tick(_("Part of the date is unknown"), _("Leave unknown parts empty."))
    birth_text = text(_("The date as the register prints it"), _("for example 昭和20年頃"))
    sex = radio(_("Sex"), options.SEXES)
    nationality = choice(_("Nationality"), options.countries, required=True)
    same_registry = tick(_("The domicile of record is the same as that of person 1"))
    registry_prefecture = choice(_("Prefecture of the domicile of record (本籍)"), options.prefectures)
    registry_municipality = choice(_("Municipality of the domicile of record"), [])
    registry_domicile = text(_("Town and number of the domicile of record"), _("As far as you know it."))
    registry_head = text(_("Head of the family register (筆頭者)"))
    residence_category = choice(_("Category"), options.RESIDENCES)
    residence_status = text(_("Status of residence, as on the card"))
    residence_expires_on = day(_("Valid until"))
    presents_card = tick(
        _("Shows the Individual Number Card at the new counter"),
        _("The number on the card is never asked for here. Do not write it anywhere."),
    )
    national_health_insurance = tick(_("National health insurance"))
    elderly_medical_care = tick(_("Medical care for the late-stage elderly"))
    long_term_care = tick(_("Long-term care insurance (certified)"))
    child_allowance = tick(_("Child allowance"))
    pension = choice(_("National pension"), options.PENSIONS)
    under_guardianship = tick(_("Under adult guardianship"))
    # Up to four links each: 子 の 子 の 妻.
    relation_from_1, relation_to_1 = relation(), relation()
    relation_from_2, relation_to_2 = further_relation(), further_relation()
    relation_from_3, relation_to_3 = further_relation(), further_relation()
    relation_from_4, relation_to_4 = further_relation(), further_relation()

    buttons: ClassVar = {"registry_prefecture": ("choose:person", _("Show municipalities"))}
    groups = (
        Group(_("Name"), ("full_name", "full_name_kana")),
        Group(
            _("Other names"),
            (
                "former_family_name",
                "former_family_name_kana",
                "alternative_name",
                "alternative_name_kana",
                "preferred_name",
                "alternative_name_history",
                "full_name_roman",
                "full_name_kanji",
            ),
            folded=True,
        ),
        Group(_("Date of birth"), ("birth_era", "birth_year", "birth_month", "birth_day"), row=True, must=True),
        Group(_("If part of the date is unknown"), ("birth_partly", "birth_text"), folded=True),
        Group(
            _("Relationship to the head of the household you leave"),
            relation_names("from"),
            _("A grandchild is 子 の 子: a child of a child. Leave the rest as it is."),
            row=True,
            must=True,
        ),
        Group(_("Relationship to the head of the new household"), relation_names("to"), row=True, must=True),
        Group(_("Sex and nationality"), ("sex", "nationality")),
        Group(
            _("Family register (Japanese citizens)"),
            (
                "same_registry",
                *REGISTRY,
            ),
        ),
        Group(
            _("Status of residence (foreign residents)"),
            ("residence_category", "residence_status", "residence_expires_on"),
            folded=True,
        ),
        Group(_("Card"), ("presents_card",)),
        Group(_("If this person moves on another day than the others"), ("leaves_on", "arrives_on"), folded=True),
        Group(
            _("Insurance and benefits this person has"),
            (
                "national_health_insurance",
                "elderly_medical_care",
                "long_term_care",
                "child_allowance",
                "pension",
                "under_guardianship",
            ),
            folded=True,
        ),
    )

    def __init__(self, *args: Any, first: bool = True, kind: str = options.MOVE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind == Kind.OVERSEAS_IN:
            self.leave_out(*relation_names("from"), "leaves_on")
        if kind == Kind.OVERSEAS_OUT:
            self.leave_out(*relation_names("to"), "arrives_on")
        if kind != options.MOVE:
            self.leave_out("presents_card")
        field = self.fields["registry_municipality"]
        offices = options.offices(self.typed("registry_prefecture"), former=True)
        field.choices = offices  # type: ignore[attr-defined]
        if first:
            del self.fields["same_registry"]

    def clean(self) -> dict[str, Any]:
        """Ask for what this person, by nationality and knowledge, must answer."""
        answers: dict[str, Any] = self.cleaned_data
        self._need_birth(answers)
        if answers.get("same_registry") and any(answers.get(name) for name in REGISTRY):
            self.need("same_registry", _("Tick this or fill in the fields below, not both."))
        if answers.get("nationality") == "JPN":
            if not answers.get("same_registry") and not answers.get("registry_municipality"):
                self.need("registry_municipality" if answers.get("registry_prefecture") else "registry_prefecture")
        elif answers.get("nationality") and not answers.get("residence_category"):
            self.need("residence_category")
        return answers

    def _need_birth(self, answers: dict[str, Any]) -> None:
        """A whole date, or the word that it is not known and the text to print."""
        if answers.get("birth_partly"):
            if not answers.get("birth_text") and not answers.get("birth_year"):
                self.need("birth_text")
            return
        for name in ("birth_era", "birth_year", "birth_month", "birth_day"):
            if answers.get(name) in ("", None):
                self.need(name)


class HouseholdForm(PageForm):
    """The household that is left and the one that is entered."""

    scope = radio(_("Who moves"), options.SCOPES)
    left_head_name = text(_("Head of the household you leave"), _("Full name"), required=True)
    head_moves = radio(_("Does the head move too?"), options.YES_NO)
    remaining_count = number(_("How many persons stay"), largest=99)
    new_head_name = text(
        _("Who becomes head of those who stay"), _("Needed when the head moves and two or more persons stay.")
    )
    head_undecided = tick(
        _("They have not decided yet"), _("The municipality you leave asks them before it accepts the move-out.")
    )
    joined_existing = radio(_("Do you move into a household that already lives there?"), options.YES_NO)
    joined_head_name = text(_("Head of the new household"), _("Full name"), required=True)

    groups = (
        Group(_("Household you leave"), ("scope", "left_head_name", "head_moves")),
        Group(_("Only if someone stays"), ("remaining_count", "new_head_name", "head_undecided")),
        Group(_("New household"), ("joined_existing", "joined_head_name")),
    )

    def __init__(self, *args: Any, kind: str = options.MOVE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind == Kind.OVERSEAS_IN:
            self.leave_out(
                "scope", "left_head_name", "head_moves", "remaining_count", "new_head_name", "head_undecided"
            )
        if kind == Kind.OVERSEAS_OUT:
            self.leave_out("joined_existing", "joined_head_name")


class ContactForm(PageForm):
    """Who files and how to reach them."""

    capacity = radio(_("Who are you?"), options.CAPACITIES)
    filer = choice(_("Which of those who move are you?"), [])
    same_household = radio(_("Do you live in the same household as those who move?"), options.YES_NO)
    authority_documents = lines(
        _("Documents that prove your authority"),
        _("Only for an agent from outside the household; one document a line, for example 委任状."),
        rows=2,
    )
    phone = text(_("Telephone"), _("for example 03-0000-0000"), autocomplete="tel", inputmode="tel")
    email = text(_("E-mail"), autocomplete="email", inputmode="email")
    language = choice(_("Language"), options.LANGUAGES, required=True)
    no_contact = tick(_("Never write to me or call me"), _("For your safety. The municipality sees this mark."))
    counsel_wanted = tick(
        _("I would like to talk to a counter about protection (DV等支援措置)"),
        _("Only the clerks in charge of protection see this; the municipality contacts you."),
    )
    remarks = lines(
        _("Anything the municipalities should know"),
        _("For example that you need sign language at the counter. Never write Individual Numbers."),
    )

    groups = (
        Group(_("Who files"), ("capacity", "filer", "same_household", "authority_documents")),
        Group(_("How to reach you"), ("phone", "email", "language", "no_contact")),
        Group(_("Protection"), ("counsel_wanted",), folded=True),
        Group(_("Remarks"), ("remarks",)),
    )

    def __init__(self, *args: Any, names: Sequence[str] = ("",), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["filer"].choices = [  # type: ignore[attr-defined]
            (str(number), name or gettext("Person %(number)s") % {"number": number})
            for number, name in enumerate(names, 1)
        ]
