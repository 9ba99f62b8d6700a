"""Between the form and the filing: where each answer goes, and which field a problem is about.

The tables name each answer's place by its RFC 6901 pointer; read backwards they bring a problem back.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils import timezone

from hub.citizens.fields import PageForm
from hub.citizens.forms import PersonForm, relation_names
from hub.citizens.options import BLANK, UNKNOWN, WESTERN, YES
from hub.relocations import heirs
from hub.relocations.filing import Filing
from municipalities import calendars, postal
from municipalities.errors import UnfitError
from municipalities.models import Municipality
from municipalities.notice import Calendar, Flow, KanaStatus, Kind, Precision, UncertainDate

if TYPE_CHECKING:
    from hub.citizens.sheet import Sheet

Answers = Mapping[str, Any]
Document = dict[str, Any]

ADDRESS = {
    "municipality": "/localGovernmentCode",
    "postal_code": "/postalCode",
    "prefecture": "/prefecture",
    "town": "/streetAddress",
    "block": "/cityBlock",
    "building": "/buildingNameEtc",
    "country": "/country",
    "abroad": "/fullAddress",
}
#: By form and field.
PLACES: dict[str, dict[str, str]] = {
    "when": {
        "flow": "/flow",
        "planned_out_on": "/plannedOutOn",
        "living_from": "/livingFrom",
        "visit_on": "/visitOn",
    },
    "old": {name: f"/oldAddress{pointer}" for name, pointer in ADDRESS.items()},
    "new": {name: f"/newAddress{pointer}" for name, pointer in ADDRESS.items()},
    "before": {"last_registered_municipality": "/lastRegistered", "follows": "/follows"},
    "household": {
        "scope": "/scope",
        "left_head_name": "/householdLeft/headName",
        "head_undecided": "/headUndecided",
        "head_moves": "/householdLeft/headMoves",
        "remaining_count": "/householdLeft/remainingCount",
        "new_head_name": "/householdLeft/newHeadName",
        "joined_existing": "/householdJoined/existing",
        "joined_head_name": "/householdJoined/headName",
    },
    "contact": {
        "capacity": "/filer/capacity",
        "filer": "/filer/ordinal",
        "counsel_wanted": "/counselWanted",
        "same_household": "/filer/sameHousehold",
        "authority_documents": "/filer/authorityDocuments",
        "phone": "/contact/phone",
        "email": "/contact/email",
        "language": "/contact/language",
        "no_contact": "/contact/safe",
        "remarks": "/remarks",
    },
}
#: One mover's fields.
PERSON = {
    "full_name": "/fullName",
    "full_name_kana": "/fullNameKana",
    "full_name_roman": "/fullNameRoman",
    "full_name_kanji": "/fullNameKanji",
    "former_family_name": "/formerFamilyName",
    "former_family_name_kana": "/formerFamilyNameKana",
    "alternative_name": "/alternativeName",
    "alternative_name_kana": "/alternativeNameKana",
    "preferred_name": "/preferredName",
    "alternative_name_history": "/alternativeNameHistory",
    "leaves_on": "/leavesOn",
    "arrives_on": "/arrivesOn",
    "sex": "/sex",
    "nationality": "/nationality",
    "registry_municipality": "/registry/localGovernmentCode",
    "registry_domicile": "/registry/domicile",
    "registry_head": "/registry/headOfRegister",
    "residence_category": "/residence/category",
    "residence_status": "/residence/status",
    "residence_expires_on": "/residence/expiresOn",
    "presents_card": "/presentsCard",
    "national_health_insurance": "/coverage/nationalHealthInsurance",
    "elderly_medical_care": "/coverage/elderlyMedicalCare",
    "long_term_care": "/coverage/longTermCare",
    "child_allowance": "/coverage/childAllowance",
    "pension": "/coverage/pension",
    "under_guardianship": "/underGuardianship",
}
#: Answers given in several fields; a problem goes to the first of them, or to the part it names.
SEVERAL = {
    "birth_era": "/dateOfBirth",
    "birth_year": "/dateOfBirth/year",
    "birth_month": "/dateOfBirth/month",
    "birth_day": "/dateOfBirth/day",
    "birth_text": "/dateOfBirth/displayText",
    "relation_from_1": "/relationFrom",
    "relation_to_1": "/relationTo",
    "registry_prefecture": "/registry",
    "residence_category": "/residence",
}
#: «One of you must show a card»: asked on the last person's page.
CARD = "/movers/0/presentsCard"
#: Answers that are written otherwise than they are filed.
TURNED: dict[str, Callable[[Any], Any]] = {
    "head_moves": lambda value: value == YES,
    "joined_existing": lambda value: value == YES,
    "same_household": lambda value: value == YES,
    "no_contact": lambda value: not value,
    "authority_documents": lambda value: [line for line in value.split("\n") if line.strip()],
    "alternative_name_history": lambda value: [line for line in value.split("\n") if line.strip()],
    "filer": int,
    "postal_code": lambda value: postal.normalize(value) or value,
    "sex": lambda value: "" if value == BLANK else value,
}


def filing(sheet: "Sheet") -> Filing:
    """Build the filing from what is valid so far."""
    today = timezone.localdate()
    document: Document = {"flow": Flow.CARD_SPECIAL, "oldAddress": {}, "newAddress": {}}
    document |= {
        place.lstrip("/"): today
        for name, place in PLACES["when"].items()
        if name in ("planned_out_on", "living_from") and name in sheet.when.fields
    }
    for name, places in PLACES.items():
        fill(document, places, getattr(sheet, name))
    for side in ("oldAddress", "newAddress"):
        complete(document[side])
    if sheet.stays:
        document["newAddress"] = dict(document["oldAddress"])
    document["kind"] = kind_of(sheet.kind.typed("kind"), document)
    if document["kind"] is not Kind.DOMESTIC:
        document["flow"] = Flow.NOT_APPLICABLE
    if document["kind"] is Kind.WARD_TO_WARD:  # filed once, at the new ward: no day of moving out is planned
        document.pop("plannedOutOn", None)
    first = sheet.people[0]
    document["movers"] = [mover(index + 1, form, first) for index, form in enumerate(sheet.people)]
    return msgspec.convert(document, Filing)


def kind_of(chosen: str, document: Document) -> Kind:
    """The kind; a move between two wards of one designated city is another one (Act Art. 38)."""
    if chosen in Kind.__members__ and chosen != Kind.WARD_TO_WARD:
        return Kind(chosen)
    sides = [document[side].get("localGovernmentCode", "") for side in ("oldAddress", "newAddress")]
    former = heirs.successor(sides[0], timezone.localdate()) if all(sides) else None
    sides[0] = former.pk if former else sides[0]
    cities = set(Municipality.objects.filter(pk__in=sides).values_list("parent_code", flat=True))
    apart = len(set(sides)) == 2 and len(cities) == 1 and "" not in cities
    return Kind.WARD_TO_WARD if apart else Kind.DOMESTIC


def fill(document: Document, places: Mapping[str, str], form: PageForm) -> None:
    """Put the valid answers of a form where they belong; what is blank keeps the default."""
    form.is_valid()
    for name, pointer in places.items():
        value = form.cleaned_data.get(name)
        if value in (None, ""):
            continue
        *path, last = pointer.lstrip("/").split("/")
        inner = document
        for step in path:
            inner = inner.setdefault(step, {})
        inner[last] = TURNED[name](value) if name in TURNED else value


def complete(address: Document) -> None:
    """Write the address as one text too; that is the one that counts."""
    office = Municipality.objects.filter(pk=address.get("localGovernmentCode", "")).first()
    if office is None:
        return
    address |= {"prefecture": office.prefecture, "cityAndCounty": f"{office.within}{office.name}"}
    parts = [address.get(name, "") for name in ("streetAddress", "cityBlock", "buildingNameEtc")]
    building = f"　{parts[2]}" if parts[2] else ""
    address["fullAddress"] = f"{office.full_name}{parts[0]}{parts[1]}{building}"


def mover(ordinal: int, form: PersonForm, first: PersonForm) -> Document:
    """Build one mover."""
    found: Document = {"ordinal": ordinal}
    fill(found, PERSON, form)
    answers = form.cleaned_data
    if answers.get("same_registry"):
        fill(found, {name: place for name, place in PERSON.items() if place.startswith("/registry")}, first)
    found["dateOfBirth"] = birth(answers)
    found["relationFrom"], found["relationTo"] = relation(answers, "from"), relation(answers, "to")
    if answers.get("full_name_kana"):
        found["familyKanaStatus"] = found["givenKanaStatus"] = KanaStatus.DECLARED
    return found


def relation(answers: Answers, side: str) -> list[str]:
    """The chain of words."""
    words = [str(answers.get(name, "")) for name in relation_names(side)]
    return [word for word in words if word and word != UNKNOWN]


def birth(answers: Answers) -> UncertainDate | None:
    """The date of birth from its parts; ``None`` while there is too little of it.

    Citizens are recorded by era, foreign residents by Western years (standard 1.1.1), however it was typed.
    """
    year = birth_year(answers)
    month, day = answers.get("birth_month"), answers.get("birth_day")
    partly, text = answers.get("birth_partly"), str(answers.get("birth_text") or "")
    if not partly and None in (year, month, day):
        return None
    calendar = Calendar.WAREKI if answers.get("nationality") == "JPN" else Calendar.WESTERN
    precision = precision_of(year, month, day)
    known = UncertainDate(year=year, month=month, day=day, precision=precision, calendar=calendar, display_text=text)
    if not text:
        with suppress(UnfitError):  # before the first era nothing is known to print; the check says so
            text = calendars.in_words(known) if partly else other_era(answers, known)
    return msgspec.structs.replace(known, display_text=text)


def precision_of(year: int | None, month: int | None, day: int | None) -> Precision:
    """How far the parts are known, from the year down."""
    if year is None:
        return Precision.NONE
    if month is None:
        return Precision.YEAR
    return Precision.MONTH if day is None else Precision.DAY


def birth_year(answers: Answers) -> int | None:
    """The Western year; the first year of an era may be written 元."""
    typed, calendar = str(answers.get("birth_year") or "").strip(), answers.get("birth_era")
    if typed == "元":
        typed = "1"
    if not re.fullmatch(r"\d{1,4}", typed):
        return None
    era = next((era for era in calendars.eras() if era.name == calendar), None)
    return era.western(int(typed)) if era else int(typed)


def other_era(answers: Answers, known: UncertainDate) -> str:
    """The text, if the era that was chosen is not the one the parts alone would be printed with."""
    chosen = str(answers.get("birth_era"))
    if chosen == WESTERN or known.calendar is Calendar.WESTERN:
        return ""
    written = str(answers.get("birth_year")).strip()
    text = f"{chosen}{'元' if written in ('元', '1') else int(written)}年{known.month}月{known.day}日"
    return calendars.from_words(text).display_text


def field_of(sheet: "Sheet", pointer: str) -> tuple[PageForm | None, str]:
    """The form and field that a problem is about."""
    if pointer == CARD:
        return sheet.people[-1], "presents_card"
    person = re.match(r"/movers/(\d+)(/.*)", pointer)
    if person:
        return sheet.people[int(person[1])], nearest(PERSON | SEVERAL, person[2])
    for name, places in PLACES.items():
        found = nearest(places, pointer)
        if found:
            return getattr(sheet, name), found
    side = {"/oldAddress/fullAddress": sheet.old, "/newAddress/fullAddress": sheet.new}.get(pointer)
    return side, "town" if side else ""


def nearest(places: Mapping[str, str], pointer: str) -> str:
    """The field whose place is the pointer or the longest beginning of it; an empty text for none."""
    inside = [(place, name) for name, place in places.items() if f"{pointer}/".startswith(f"{place}/")]
    return max(inside, default=("", ""), key=lambda pair: len(pair[0]))[1]
