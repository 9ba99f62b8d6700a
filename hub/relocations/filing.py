"""The filing: what a citizen or a partner front hands in, and every check before anything is stored.

Records are decoded and type-checked by msgspec; ``check`` then applies the rules of the law and of the
catalogue and returns every problem at once, each with a pointer (RFC 6901) into what was sent.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from hub import numbers, records
from hub.catalogue import Problem
from municipalities.notice import (
    Address,
    Contact,
    Flow,
    HouseholdJoined,
    HouseholdLeft,
    Kind,
    Mover,
    Precision,
    Record,
    Scope,
    UncertainDate,
)

#: Largest household one filing may move.
MOVERS = 20
#: Longest text of any field; the resident record's own items are shorter (list of items, 3.5).
TEXT = 300


class Capacity(StrEnum):
    """In what capacity the filer files (Act Arts. 26 and 27)."""

    SELF = "SELF"
    HEAD = "HEAD"
    MEMBER = "MEMBER"
    STATUTORY_AGENT = "STATUTORY_AGENT"
    VOLUNTARY_AGENT = "VOLUNTARY_AGENT"
    FACILITY_STAFF = "FACILITY_STAFF"


class Filer(Record, frozen=True):
    """Who files."""

    capacity: Capacity = Capacity.SELF
    same_household: bool = True
    #: 代理権を証する書類: what the agent will show at the counter.
    authority_documents: tuple[str, ...] = ()


class Filing(Record, frozen=True, kw_only=True):
    """One relocation as filed. JSON in GIF's names (camelCase); unknown members are refused."""

    kind: Kind
    flow: Flow
    scope: Scope = Scope.WHOLE
    planned_out_on: date  #: 転出予定年月日
    living_from: date  #: 住み始める日
    visit_on: date | None = None  #: planned visit to the destination's counter
    filer: Filer = Filer()
    old_address: Address
    new_address: Address
    household_left: HouseholdLeft = HouseholdLeft()
    household_joined: HouseholdJoined = HouseholdJoined()
    movers: Annotated[tuple[Mover, ...], msgspec.Meta(min_length=1, max_length=MOVERS)]
    contact: Contact = Contact()
    remarks: str = ""

    @property
    def origin(self) -> str:
        """Code of the municipality that is left."""
        return self.old_address.local_government_code

    @property
    def destination(self) -> str:
        """Code of the municipality that is entered."""
        return self.new_address.local_government_code


_decoder = msgspec.json.Decoder(Filing)


def decode(body: bytes) -> Filing:
    """Read a filing; raises ``Refusal`` as ``records.decode`` does."""
    return records.decode(_decoder, body)


def check(filing: Filing, today: date, is_municipality: Callable[[str], bool]) -> list[Problem]:
    """Return every problem of a filing; an empty list means that it can be taken in.

    ``is_municipality`` tells whether a code is a register office that exists today.
    """
    if filing.kind is not Kind.DOMESTIC or filing.flow not in (Flow.CARD_SPECIAL, Flow.PAPER_CERT):
        where = "/kind" if filing.kind is not Kind.DOMESTIC else "/flow"
        return [Problem("E101", where)]
    return [
        *_codes(filing, is_municipality),
        *_dates(filing, today),
        *_people(filing, today),
        *_household(filing),
        *_texts(filing),
    ]


def _codes(filing: Filing, is_municipality: Callable[[str], bool]) -> Iterator[Problem]:
    for pointer, code in _all_codes(filing):
        if not is_municipality(code):
            yield Problem("E120", pointer, "The code is not that of a municipality or ward that exists today.")
    if filing.origin == filing.destination:
        yield Problem("E307", "/newAddress/localGovernmentCode")


def _all_codes(filing: Filing) -> Iterator[tuple[str, str]]:
    yield "/oldAddress/localGovernmentCode", filing.origin
    yield "/newAddress/localGovernmentCode", filing.destination
    for index, mover in enumerate(filing.movers):
        if mover.registry is not None:
            yield f"/movers/{index}/registry/localGovernmentCode", mover.registry.local_government_code


def _dates(filing: Filing, today: date) -> Iterator[Problem]:
    opens, closes = filing.living_from - timedelta(days=30), filing.living_from + timedelta(days=10)
    if not opens <= today <= closes:
        yield Problem("E304", "/livingFrom", f"The window is from {opens} to {closes}.")
    if not today - timedelta(days=14) <= filing.planned_out_on <= today + timedelta(days=365):
        yield Problem("E308", "/plannedOutOn")
    if filing.visit_on is not None and not today <= filing.visit_on <= today + timedelta(days=365):
        yield Problem("E308", "/visitOn")


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


def _people(filing: Filing, today: date) -> Iterator[Problem]:
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
    if not any(mover.presents_card for mover in filing.movers) and filing.flow is Flow.CARD_SPECIAL:
        yield Problem("E310", "/movers/0/presentsCard", "The card flow needs one mover who presents a card.")


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


def _household(filing: Filing) -> Iterator[Problem]:
    left = filing.household_left
    if not 0 <= left.remaining_count <= 99:
        yield Problem("E104", "/householdLeft/remainingCount")
    if (filing.scope is Scope.WHOLE) != (left.remaining_count == 0):
        yield Problem("E104", "/scope", "WHOLE means that nobody remains, PART that somebody does.")
    # Order rule O6: the head changes before the head leaves, when two or more remain.
    if left.head_moves and left.remaining_count >= 2 and not left.new_head_name.strip():
        yield Problem("E302", "/householdLeft/newHeadName")
    filer = filing.filer
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
