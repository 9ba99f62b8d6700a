"""Every check of a filing before anything is stored: rules of the law and of the catalogue.

All problems are returned at once, each with a pointer (RFC 6901) into what was sent.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

import msgspec

from hub import numbers
from hub.catalogue import Problem
from hub.ids import is_receipt_no
from hub.procedures import ages
from hub.relocations import clocks, tables
from hub.relocations.filing import Capacity, Filing
from municipalities.notice import Flow, Kind, Mover, Precision, Scope, UncertainDate

#: Longest text of any field; the resident record's own items are shorter (list of items, 3.5).
TEXT = 300
#: Farthest day of a visit.
FARTHEST = timedelta(days=365)
#: A day that is farther away, ahead or back, was typed wrong; what is late or far and possible is for a clerk to look
#: at (A429, A405).
IMPOSSIBLE = timedelta(days=3650)
#: From this age on a card may be used to file (city pages on the one-stop service).
CARD_AGE = 15


def check(filing: Filing, today: date, offices: Mapping[str, str], gone: Collection[int] = ()) -> list[Problem]:
    """Return every problem of a filing; an empty list means that it can be taken in.

    ``offices``: of the codes in the filing those that are register offices today, each with the code of the
    designated city whose ward it is, else an empty text. ``gone``: movers who were taken out of it.
    """
    if filing.flow not in tables.flows(filing.kind):
        return [Problem("E101", "/flow")]
    return [
        *_codes(filing, offices),
        *_route(filing, offices),
        *_dates(filing, today),
        *_people(filing, today, gone),
        *_household(filing, gone),
        *_texts(filing),
    ]


def check_document(filing: Filing, today: date) -> list[Problem]:
    """Return every problem of the persons and texts, whatever the days: of a document that a town corrected."""
    return [*_people(filing, today), *_texts(filing)]


def codes(filing: Filing) -> Iterator[tuple[str, str]]:
    """Yield every municipality that a filing names, with its pointer."""
    if filing.kind is not Kind.OVERSEAS_IN:
        yield "/oldAddress/localGovernmentCode", filing.origin
    if filing.kind is not Kind.OVERSEAS_OUT:
        yield "/newAddress/localGovernmentCode", filing.destination
    if filing.last_registered:
        yield "/lastRegistered", filing.last_registered
    for index, mover in enumerate(filing.movers):
        if mover.registry is not None:
            yield f"/movers/{index}/registry/localGovernmentCode", mover.registry.local_government_code


def _codes(filing: Filing, offices: Mapping[str, str]) -> Iterator[Problem]:
    for pointer, code in codes(filing):
        if code not in offices:
            yield Problem("E120", pointer, "The code is not that of a municipality or ward that exists today.")


def _route(filing: Filing, offices: Mapping[str, str]) -> Iterator[Problem]:
    """From where to where fits the kind (Act Arts. 22 to 25; wards of one designated city: Art. 38)."""
    kind, same = filing.kind, filing.origin == filing.destination
    if kind in (Kind.OVERSEAS_IN, Kind.OVERSEAS_OUT):
        yield from _abroad(filing)
    elif same != (kind in tables.WITHIN):
        yield Problem("E307", "/newAddress/localGovernmentCode")
    elif same:
        stays = filing.old_address.full_address == filing.new_address.full_address
        if stays != (kind is Kind.HOUSEHOLD_CHANGE):
            yield Problem("E307", "/kind", "An address that changes is IN_CITY, one that stays HOUSEHOLD_CHANGE.")
    elif (kind is Kind.WARD_TO_WARD) != _wards_of_one_city(filing, offices):
        yield Problem("E307", "/kind", "WARD_TO_WARD is a move between wards of one designated city, and only that.")
    yield from _before(filing)


def _abroad(filing: Filing) -> Iterator[Problem]:
    comes = filing.kind is Kind.OVERSEAS_IN
    name, abroad = ("oldAddress", filing.old_address) if comes else ("newAddress", filing.new_address)
    if not re.fullmatch("[A-Z]{3}", abroad.country) or abroad.country == "JPN":
        yield Problem("E310", f"/{name}/country", "The country of the address abroad (ISO 3166-1 alpha-3).")
    if abroad.local_government_code:
        yield Problem("E307", f"/{name}/localGovernmentCode", "An address abroad is in no municipality.")


def _before(filing: Filing) -> Iterator[Problem]:
    """What lay before this move: an unfiled stay, a move that is not registered yet."""
    if filing.last_registered and filing.kind not in (Kind.DOMESTIC, Kind.OVERSEAS_IN):
        yield Problem("E307", "/lastRegistered", "Only after an unfiled stay (未届), or on return from abroad.")
    if filing.last_registered and filing.last_registered == filing.origin:
        yield Problem("E307", "/lastRegistered", "Who is registered where they leave has no unfiled stay.")
    if filing.follows and not is_receipt_no(filing.follows):
        yield Problem("E108", "/follows")


def _wards_of_one_city(filing: Filing, offices: Mapping[str, str]) -> bool:
    city = offices.get(filing.origin, "")
    return city != "" and city == offices.get(filing.destination)


def _dates(filing: Filing, today: date) -> Iterator[Problem]:
    moves_out = filing.kind in (Kind.DOMESTIC, Kind.OVERSEAS_OUT)
    if filing.planned_out_on is None:
        if moves_out:
            yield Problem("E310", "/plannedOutOn")
    elif not moves_out:
        yield Problem("E104", "/plannedOutOn", "Only who moves out of a municipality plans a day for it.")
    elif abs(filing.planned_out_on - today) > IMPOSSIBLE:
        yield Problem("E308", "/plannedOutOn")
    yield from _own_days(filing, today)
    if filing.living_from is not None:
        opens, closes = clocks.window(filing.living_from)
        if not opens <= today <= closes:
            yield Problem("E304", "/livingFrom", f"The window is from {opens} to {closes}.")
    elif filing.kind is not Kind.OVERSEAS_OUT:
        yield Problem("E310", "/livingFrom")
    if filing.visit_on is not None and not today <= filing.visit_on <= today + FARTHEST:
        yield Problem("E308", "/visitOn")


def _own_days(filing: Filing, today: date) -> Iterator[Problem]:
    for index, mover in enumerate(filing.movers):
        for name, day in (("leavesOn", mover.leaves_on), ("arrivesOn", mover.arrives_on)):
            if day is not None and abs(day - today) > IMPOSSIBLE:
                yield Problem("E308", f"/movers/{index}/{name}")


#: 続柄 that a chain may consist of (resident-record standard 1.1.11); a grandchild is 子の子.
LINKS = frozenset(
    "夫 妻 夫（未届） 妻（未届） 子 子の夫 子の妻 父 母 兄 姉 弟 妹".split()  # noqa: SIM905 - reads as the standard prints it
)
#: Words that stand alone.
ALONE = frozenset({"世帯主", "縁故者", "同居人"})


def is_relation(words: tuple[str, ...]) -> bool:
    """Tell whether the words form an allowed relationship: one alone, or a chain of up to four links.

    >>> is_relation(("子", "子")), is_relation(("孫",)), is_relation(("世帯主", "子"))
    (True, False, False)
    """
    if len(words) == 1 and words[0] in ALONE:
        return True
    return 1 <= len(words) <= 4 and all(word in LINKS for word in words)


def _people(filing: Filing, today: date, gone: Collection[int] = ()) -> Iterator[Problem]:
    for index, mover in enumerate(filing.movers):
        at = f"/movers/{index}"
        if mover.ordinal != index + 1:
            yield Problem("E104", f"{at}/ordinal", "Number the movers 1, 2, 3 … in order.")
        if not mover.full_name.strip():
            yield Problem("E310", f"{at}/fullName")
        yield from _birth(mover.date_of_birth, f"{at}/dateOfBirth", today)
        yield from _citizenship(mover, at)
        for name, words in (("relationFrom", mover.relation_from), ("relationTo", mover.relation_to)):
            if words and not is_relation(words):
                yield Problem("E303", f"{at}/{name}")
    if filing.flow is Flow.CARD_SPECIAL:
        yield from _card(filing, today, gone)


def _card(filing: Filing, today: date, gone: Collection[int]) -> Iterator[Problem]:
    """One card of the household is enough; a child's card cannot file."""
    holders = [mover for mover in filing.movers if mover.presents_card and mover.ordinal not in gone]
    if not holders:
        yield Problem("E310", "/movers/0/presentsCard", "The card flow needs one mover who presents a card.")
    elif all(ages.is_surely_under(mover.date_of_birth, CARD_AGE, today) for mover in holders):
        yield Problem("E311", f"/movers/{holders[0].ordinal - 1}/presentsCard")


def _birth(birth: UncertainDate | None, at: str, today: date) -> Iterator[Problem]:
    """Unknown and impossible days are lawful (standard 1.1.8); parts out of any calendar and the future are not."""
    if birth is None:
        yield Problem("E310", at)
        return
    if birth.year is not None and not 1800 <= birth.year <= today.year:
        yield Problem("E308", f"{at}/year")
    if birth.month is not None and not 1 <= birth.month <= 12:
        yield Problem("E308", f"{at}/month")
    if birth.day is not None and not 1 <= birth.day <= 31:
        yield Problem("E308", f"{at}/day")
    parts = (birth.year, birth.month, birth.day)
    if None not in parts and parts > (today.year, today.month, today.day):
        yield Problem("E308", at)
    known = {Precision.DAY: 3, Precision.MONTH: 2, Precision.YEAR: 1, Precision.NONE: 0}[birth.precision]
    if any(part is None for part in parts[:known]):
        yield Problem("E308", at, "The precision promises parts that are missing.")
    if birth.precision is not Precision.DAY and not birth.display_text:
        yield Problem("E308", f"{at}/displayText", "An uncertain date needs the text to print.")


def _citizenship(mover: Mover, at: str) -> Iterator[Problem]:
    if mover.nationality == "JPN":
        if mover.registry is None:
            yield Problem("E310", f"{at}/registry", "A Japanese citizen has a domicile of record (本籍).")
        if mover.residence is not None:
            yield Problem("E104", f"{at}/residence", "Only foreign residents have a residence status.")
    elif not re.fullmatch("[A-Z]{3}", mover.nationality):
        yield Problem("E104", f"{at}/nationality", "Use three letters (ISO 3166-1 alpha-3), JPN or another.")
    elif mover.registry is not None:
        yield Problem("E104", f"{at}/registry", "Only Japanese citizens have a family register.")


def _household(filing: Filing, gone: Collection[int]) -> Iterator[Problem]:
    left = filing.household_left
    if not 0 <= left.remaining_count <= 99:
        yield Problem("E104", "/householdLeft/remainingCount")
    if (filing.scope is Scope.WHOLE) != (left.remaining_count == 0):
        yield Problem("E104", "/scope", "WHOLE means that nobody remains, PART that somebody does.")
    # Order rule O6: the head changes before the head leaves, when two or more remain.
    named = left.new_head_name.strip() or filing.head_undecided
    if left.head_moves and left.remaining_count >= 2 and not named:
        yield Problem("E302", "/householdLeft/newHeadName")
    filer = filing.filer
    moves = 1 <= filer.ordinal <= len(filing.movers) and filer.ordinal not in gone
    if filer.capacity is Capacity.SELF and not moves:
        yield Problem("E104", "/filer/ordinal", "The number of the mover who files.")
    outsider = filer.capacity in (Capacity.VOLUNTARY_AGENT, Capacity.FACILITY_STAFF) and not filer.same_household
    if outsider and not filer.authority_documents:
        yield Problem("E305", "/filer/authorityDocuments")
    if filing.household_joined.existing and not filing.household_joined.head_name.strip():
        yield Problem("E310", "/householdJoined/headName", "Who joins a household names its head (Act Art. 22).")


_POSTAL = re.compile(r"[0-9]{7}")
#: Fields that are numbers by nature, and are checked by their own rule.
_NUMERIC = ("/phone", "/postalCode", "/localGovernmentCode", "/streetAddressId")


def _texts(filing: Filing) -> Iterator[Problem]:
    for pointer, text in numbers.texts(msgspec.to_builtins(filing)):
        if len(text) > TEXT:
            yield Problem("E104", pointer, f"At most {TEXT} characters.")
        if any(ord(character) < 32 and character != "\n" for character in text):
            yield Problem("E104", pointer, "Control characters are not allowed.")
        if not pointer.endswith(_NUMERIC) and numbers.is_forbidden(text):
            yield Problem("E140", pointer)
    for name, address in (("oldAddress", filing.old_address), ("newAddress", filing.new_address)):
        if address.postal_code and not _POSTAL.fullmatch(address.postal_code):
            yield Problem("E121", f"/{name}/postalCode")
        if not address.full_address.strip():
            yield Problem("E310", f"/{name}/fullAddress")
