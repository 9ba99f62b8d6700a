"""Which code is valid today for one of the past.

A former address, a last municipality of registration and a domicile of record may be named by the code that was valid
when somebody lived there: whoever keeps the register now is told, and the record keeps the code as it was filed. Where
the area was divided, or where somebody wants to go, the code of today is needed; the refusal (E120) says which it is.
Codes are public; of the successors of a municipality that was divided the filer knows the right one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import msgspec
from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext

from hub.catalogue import Problem
from hub.relocations.checks import check, codes
from hub.relocations.filing import Filing
from municipalities.models import Kind, Municipality, Succession, predecessors
from municipalities.notice import Mover


@dataclass(frozen=True, slots=True)
class Heir:
    """A register office of today, since when it stands in place of the code, and for which part of the area."""

    office: Municipality
    on: date
    part: str

    def __str__(self) -> str:
        part = f": {self.part}" if self.part else ""
        return f"{self.office.pk} ({self.office.full_name}{part})"


@dataclass(frozen=True, slots=True)
class Places:
    """What the codes of a filing are today."""

    #: Register offices, each with the code of the designated city whose ward it is, else an empty text.
    offices: Mapping[str, str]
    #: For a code of the past the one that stands alone in its place.
    now: Mapping[str, str]


OFFICES = """
SELECT code, parent_code FROM municipalities_municipality
 WHERE code = ANY(%s) AND kind <> %s
   AND (valid_from IS NULL OR valid_from <= %s) AND (valid_to IS NULL OR valid_to >= %s)
"""


def places(filing: Filing, today: date) -> Places:
    """Look the codes of a filing up; of one that is valid today nothing more is asked."""
    named = {code for _, code in codes(filing)}
    with connection.cursor() as cursor:
        cursor.execute(OFFICES, [sorted(named), Kind.DESIGNATED_CITY.value, today, today])
        offices: dict[str, str] = dict(cursor.fetchall())
    found = {code: office for code in named - offices.keys() if (office := successor(code, today)) is not None}
    offices |= {office.pk: office.parent_code for office in found.values()}
    return Places(offices, {code: office.pk for code, office in found.items()})


def addressed(filing: Filing, now: Mapping[str, str]) -> Filing:
    """Return a filing with the codes of who keeps the registers now: what it is sent by, not what is told.

    ``now``: for a code of the past the one that has its place.
    """
    if not now:
        return filing
    old, new = filing.old_address, filing.new_address
    return msgspec.structs.replace(
        filing,
        old_address=msgspec.structs.replace(old, local_government_code=_now(old.local_government_code, now)),
        new_address=msgspec.structs.replace(new, local_government_code=_now(new.local_government_code, now)),
        last_registered=_now(filing.last_registered, now),
        movers=tuple(_addressed(mover, now) for mover in filing.movers),
    )


def _addressed(mover: Mover, now: Mapping[str, str]) -> Mover:
    if mover.registry is None:
        return mover
    code = _now(mover.registry.local_government_code, now)
    return msgspec.structs.replace(mover, registry=msgspec.structs.replace(mover.registry, local_government_code=code))


def _now(code: str, now: Mapping[str, str]) -> str:
    return now.get(code, code)


def problems(filing: Filing, today: date, places: Places, gone: Collection[int] = ()) -> list[Problem]:
    """As ``checks.check``, by what the codes are today.

    Where a code of the past is used and not taken, the advice says which is valid.
    """
    there = msgspec.structs.replace(addressed(filing, places.now), new_address=filing.new_address)
    found, named = check(there, today, places.offices, gone), dict(codes(filing))
    return [
        replace(problem, advice=advice(named[problem.pointer], today)) if problem.code == "E120" else problem
        for problem in found
    ]


def advice(code: str, today: date) -> str:
    """Return in words which code is valid since when in place of this one; empty where the tables know of none."""
    found = sorted(heirs(code, today), key=lambda heir: heir.office.pk)
    if not found:
        return ""
    day = date_format(max(heir.on for heir in found))
    if len(found) == 1:
        return gettext("Use %(code)s, valid since %(day)s.") % {"code": found[0], "day": day}
    each = " / ".join(map(str, found))
    return gettext("The area was divided on %(day)s. Use the code of the part: %(codes)s.") % {
        "day": day,
        "codes": each,
    }


def heirs(code: str, today: date) -> Iterator[Heir]:
    """Yield who stands in place of a code today; nobody for one that is valid itself or that never was."""
    for office in Municipality.objects.leaf().successors(code, today).exclude(pk=code):
        rows = list(Succession.objects.filter(successor=office, on__lte=today).order_by("-on"))
        own = next((row for row in rows if row.predecessor_id == code), None)
        yield Heir(office, (own or rows[0]).on, own.part if own else "")


def successor(code: str, today: date) -> Municipality | None:
    """Return who stands alone in place of a code of the past; ``None`` for several, for nobody, for a valid code."""
    found = list(Municipality.objects.leaf().successors(code, today)[:2])
    return found[0] if len(found) == 1 and found[0].pk != code else None


def kept(code: str, today: date) -> list[str]:
    """Return the codes in whose place this municipality stands alone, and its own.

    ``hub_keeps`` says the same to row-level security.
    """
    found = ((before, successor(before, today)) for before in predecessors([code], today) if before != code)
    return [code, *(before for before, heir in found if heir is not None and heir.pk == code)]


def former(prefecture: str, today: date) -> list[Municipality]:
    """Return the municipalities of the past of a prefecture in whose place one stands alone."""
    rows: Iterable[Municipality] = Municipality.objects.leaf().filter(prefecture=prefecture, valid_to__lt=today)
    return [row for row in rows if successor(row.pk, today) is not None]
