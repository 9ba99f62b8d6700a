"""From a filing back to what would be typed for it: ``mapping`` read the other way, for who changes what was filed."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from hub.citizens.draft import USUAL, Answers, Draft
from hub.citizens.forms import relation_names
from hub.citizens.mapping import PERSON, PLACES, Document
from hub.citizens.options import BLANK, MOVE, NO, UNKNOWN, WESTERN, YES
from hub.relocations.filing import Filing
from municipalities import calendars
from municipalities.errors import UnfitError
from municipalities.models import Municipality
from municipalities.notice import Kind, Mover, Precision, UncertainDate

#: Who this is in the filing; a field of no form, so that no page changes it. Somebody new has none.
ORDINAL = "ordinal"
#: Answers that are typed otherwise than they are filed: the other way of ``mapping.TURNED``.
TYPED: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("head_moves", "joined_existing", "same_household"), lambda value: YES if value else NO),
    **dict.fromkeys(("authority_documents", "alternative_name_history"), "\n".join),
    "no_contact": lambda value: "" if value else "on",
    "sex": lambda value: value or BLANK,
}


def draft_of(filing: Filing, movers: Sequence[Mover]) -> Draft:
    """Return the draft that these movers of a filing would have been typed as."""
    document = msgspec.to_builtins(filing)
    answers = dict(USUAL)
    for name, places in PLACES.items():
        prefix = f"{name}-" if name in ("old", "new") else ""
        answers |= {f"{prefix}{field}": typed(document, field, pointer) for field, pointer in places.items()}
    answers["kind"] = MOVE if filing.kind in (Kind.DOMESTIC, Kind.WARD_TO_WARD) else filing.kind.value
    numbers = [mover.ordinal for mover in movers]
    answers["filer"] = str(numbers.index(filing.filer.ordinal) + 1 if filing.filer.ordinal in numbers else 1)
    for side, code in (
        ("old-", filing.origin),
        ("new-", filing.destination),
        ("last_registered_", filing.last_registered),
    ):
        answers[f"{side}prefecture"] = prefecture(code)
    people = [person(mover) for mover in movers]
    return Draft(secrets.token_urlsafe(16), answers, people, reviewed=True, amends=True)


def typed(document: Document, field: str, pointer: str) -> str:
    """Return one answer as the text that a page would send."""
    value: Any = document
    for step in pointer.lstrip("/").split("/"):
        value = value.get(step) if value is not None else None
    if value is None:
        return ""
    if field in TYPED:
        return TYPED[field](value)
    if isinstance(value, bool):
        return "on" if value else ""
    return str(value)


def prefecture(code: str) -> str:
    """Return the prefecture of a municipality, as the list of prefectures has it."""
    office = Municipality.objects.filter(pk=code).first()
    return office.prefecture if office else ""


def person(mover: Mover) -> Answers:
    """Return one person's answers; each has the own family register, though it was typed once for all."""
    document = msgspec.to_builtins(mover)
    answers = {field: typed(document, field, pointer) for field, pointer in PERSON.items()}
    answers[ORDINAL] = str(mover.ordinal)
    answers["registry_prefecture"] = prefecture(answers["registry_municipality"])
    for side, words in (("from", mover.relation_from), ("to", mover.relation_to)):
        answers |= dict(zip(relation_names(side), words or (UNKNOWN,), strict=False))
    return answers | birth(mover.date_of_birth)


def birth(known: UncertainDate | None) -> Answers:
    """Return a date of birth in its parts: in the era it is printed with, else in Western years."""
    if known is None:
        return {}
    try:
        words = known.display_text or calendars.in_words(known)
    except UnfitError:  # before the first era
        words = ""
    era, year = WESTERN, str(known.year or "")
    if known.precision is Precision.DAY:
        names = "|".join(one.name for one in calendars.eras())
        printed = re.match(rf"({names})(元|\d+)年", words)
        if printed:
            era, year = printed[1], printed[2]
    parts = {"birth_era": era, "birth_year": year}
    parts |= {"birth_month": str(known.month or ""), "birth_day": str(known.day or "")}
    if known.precision is not Precision.DAY:
        parts |= {"birth_partly": "on", "birth_text": known.display_text}
    return parts
