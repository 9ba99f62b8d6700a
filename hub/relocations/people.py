"""Who the persons of a filing are to the law: of age or not, whose consent is needed, and how one is recognised."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec
from django.conf import settings

from hub.procedures.ages import reached_on
from hub.relocations.filing import Capacity, Filing
from hub.relocations.models import Relocation
from municipalities.characters import folded
from municipalities.notice import Mover, Role, Sex, UncertainDate

#: Age of majority in years (Civil Code Art. 4).
MAJORITY = 18
#: Stands for the head of the household that is joined, who is no mover.
JOINED_HEAD = 0
#: Who acts by a proof of authority that the counter checks; the adults they act for are not asked again.
BY_AUTHORITY = frozenset({Capacity.VOLUNTARY_AGENT, Capacity.FACILITY_STAFF})


def is_adult(birth: UncertainDate | None, today: date) -> bool | None:
    """Tell whether somebody is of age; ``None`` when what is known of the birth date does not decide it."""
    if birth is None or birth.year is None:
        return None
    answers = {today >= reached_on(day, MAJORITY) for day in (_earliest(birth), _latest(birth))}
    return answers.pop() if len(answers) == 1 else None


def _earliest(birth: UncertainDate) -> date:
    return _real(birth.year or 1, birth.month or 1, birth.day or 1)


def _latest(birth: UncertainDate) -> date:
    return _real(birth.year or 1, birth.month or 12, birth.day or 31)


def _real(year: int, month: int, day: int) -> date:
    """The day itself, or the last one of its month: an impossible day is lawful in the register (standard 1.1.8)."""
    for last in range(day, 0, -1):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise ValueError("not a month")


def asked(filing: Filing, today: date) -> tuple[int, ...]:
    """Return whose consent the filing needs: ordinals of adult movers, ``JOINED_HEAD`` for the head that is joined.

    Whoever files agrees by filing. Those who may be adults are asked; for an adult under guardianship the statutory
    representative agrees. What a partner front holds (``filer.consents_held``) is not asked again.
    """
    return tuple(ordinal for ordinal in _asked(filing, today) if ordinal not in filing.filer.consents_held)


def _asked(filing: Filing, today: date) -> Iterator[int]:
    filer = filing.filer
    if filing.household_joined.existing:
        yield JOINED_HEAD
    if filer.capacity in BY_AUTHORITY and not filer.same_household:
        return
    for mover in filing.movers:
        files = filer.capacity is Capacity.SELF and mover.ordinal == filer.ordinal
        represented = filer.capacity is Capacity.STATUTORY_AGENT and mover.under_guardianship
        if not files and not represented and is_adult(mover.date_of_birth, today) is not False:
            yield mover.ordinal


def keeper(filing: Filing) -> str:
    """Return the municipality whose clerks know the persons, as it was filed: the origin, or the destination."""
    return filing.origin or filing.destination


def keeper_now(relocation: Relocation) -> str:
    """Return the same by the code that is valid now: that of one of the past has clerks no more."""
    return str(relocation.origin_id or relocation.destination_id)


def marks(relocation: Relocation, filing: Filing) -> dict[tuple[str, int], bytes]:
    """Return a mark of each mover for the town left and each town entered, by town and ordinal.

    It is the same for one person of one municipality, however often that person is filed. A municipality of the past
    that is named has marks beside the one in its place; one where somebody appeared has them beside the planned one.
    """
    now = (relocation.origin_id, relocation.destination_id)
    later = relocation.legs.filter(role=Role.DESTINATION.value) if relocation.version > 1 else relocation.legs.none()
    return marks_at((*now, filing.origin, filing.destination, *later.values_list("municipality", flat=True)), filing)


def marks_at(towns: Iterable[str | None], filing: Filing) -> dict[tuple[str, int], bytes]:
    """Return the mark that each mover has at each of these towns."""
    codes = dict.fromkeys(town for town in towns if town)
    return {(code, mover.ordinal): mark_of(code, mover) for code in codes for mover in filing.movers}


def mark_of(municipality: str, mover: Mover) -> bytes:
    """Return a keyed hash (HMAC-SHA256) of name sequence, birth date and sex, salted by the municipality.

    It recognises a person who is filed twice and says nothing to who has no key; there is none across the country.
    Spaces do not count, for they are typed as one likes, nor does the case of Latin letters, for cards print capitals;
    a character that a card or another system cannot hold counts as what stands there instead (高 for 髙). Two persons
    may share a mark: what follows from it a clerk decides.
    """
    birth = mover.date_of_birth or UncertainDate()
    known = [birth.year, birth.month, birth.day] if birth.year else [birth.display_text]
    sex = mover.sex if mover.sex in (Sex.MALE, Sex.FEMALE) else ""
    text = msgspec.json.encode([municipality, folded("".join(mover.full_name.split())).upper(), known, sex])
    key = hmac.new(settings.HUB_AUDIT_KEY.encode(), b"marks of persons", hashlib.sha256).digest()
    return hmac.new(key, text, hashlib.sha256).digest()
