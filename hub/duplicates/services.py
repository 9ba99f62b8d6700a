"""Find persons who are filed twice, let one registration win, and take in what a clerk found out.

No filing is refused, merged or delayed for it, and no filer is told: neither that there is another filing nor
where it goes (S05, S07). The resident-record standard has no «do not accept» (3.5): a clerk decides.
"""

from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection
from django.utils import timezone

from hub.actors import HUB, Actor, acting
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.duplicates.models import Case, Finding, Mark, Member
from hub.relocations import facts, journey, people
from hub.relocations.filing import Filing
from hub.relocations.models import Mover, Relocation
from hub.rows import Reader, Writer

#: States of a filing that contradict no other: it has come to an end.
ENDED = ("WITHDRAWN", "REJECTED", "CANCELLED", "SETTLED", "COMPLETE")
#: States in which a mover's move-out is not registered (any more).
NOT_REGISTERED = ("PENDING", "DELIVERED", "PROVISIONAL", "RETURNED", "REJECTED", "WITHDRAWN", "CANCELLED")


MARKS = Writer(Mark)
#: These persons in other filings that have not ended.
OTHERS = Reader(
    Mark,
    "WHERE mark = ANY(%s::bytea[]) AND relocation_id <> %s AND NOT EXISTS ("
    "SELECT FROM relocations_relocation AS filed"
    " WHERE filed.id = duplicates_mark.relocation_id AND filed.state = ANY(%s))",
)


def look(relocation: Relocation, filing: Filing, gone: Collection[int], **_: Any) -> None:
    """Remember the marks of this version and open a case for each person in another filing that has not ended."""
    marks = {place: mark for place, mark in people.marks(relocation, filing).items() if place[1] not in gone}
    if relocation.version > 1:
        Mark.objects.filter(relocation=relocation).delete()
    town = people.keeper_now(relocation)
    here = {mark: number for (code, number), mark in marks.items() if code in (town, people.keeper(filing))}
    # Two filings of one person at the same moment wait for each other here, so that the second sees the first.
    _in_turn(here)
    found: dict[bytes, list[Mark]] = {}
    for other in OTHERS(list(here), relocation.pk, list(ENDED)):
        found.setdefault(bytes(other.mark), []).append(other)
    MARKS(
        [
            Mark(relocation=relocation, municipality_id=code, ordinal=number, mark=mark)
            for (code, number), mark in marks.items()
        ]
    )
    for mark, marked in found.items():
        _join(town, mark, [*marked, Mark(relocation=relocation, ordinal=here[mark], mark=mark)])


#: What a person's mark is made of.
MARKED = frozenset({"movers.full_name", "movers.date_of_birth", "movers.sex"})


def look_again(relocation: Relocation, filing: Filing, by: str, changed: frozenset[str], **_: Any) -> None:
    """Look once more when a town corrected who somebody is, or where they are (receiver of ``signals.corrected``)."""
    if by == journey.MOVED or (by != journey.AMENDED and changed & MARKED):  # an amendment is stored as a filing is
        look(relocation, filing, facts.withdrawn(facts.read(relocation)))


def _in_turn(marks: Iterable[bytes]) -> None:
    """Take a lock for each mark until the transaction ends, in one order everywhere."""
    keys = sorted(int.from_bytes(mark[:8], "big", signed=True) for mark in marks)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])


def _join(town: str, mark: bytes, marks: list[Mark]) -> None:
    """Open the case, or find the one that is open, and add who is not in it."""
    case = Case.objects.exclude(finding=Finding.DIFFERENT).filter(municipality=town, mark=mark).first()
    if case is None:
        case = Case.objects.create(municipality_id=town, mark=mark)
        audit.record(audit.Act("duplicate.found", f"duplicate:{case.pk}", {"municipality": town}))
    before = set(case.members.values_list("relocation_id", flat=True))
    for one in marks:
        if one.relocation_id not in before:
            before.add(one.relocation_id)
            Member.objects.create(
                case=case,
                municipality_id=town,
                relocation_id=one.relocation_id,
                ordinal=one.ordinal,
                registered=_is_registered(one.relocation_id, one.ordinal, town),
            )
    case.size = len(before)
    case.save(update_fields=["size"])


def _is_registered(relocation_id: Any, ordinal: int, town: str) -> bool:
    origin = Mover.objects.filter(relocation=relocation_id, ordinal=ordinal, municipality=town, role="origin")
    return origin.exclude(state__in=NOT_REGISTERED).exists()


#: The cases of movers at a town that are not decided to be different persons, locked in one order.
CASES = Reader(
    Case,
    "WHERE id IN (SELECT case_id FROM duplicates_member"
    " WHERE relocation_id = %s AND ordinal = ANY(%s) AND municipality_id = %s)"
    " AND finding <> 'DIFFERENT' ORDER BY id FOR UPDATE",
)


def one_wins(relocation: Relocation, report: Any, municipality: str, ordinals: list[int], **_: Any) -> None:
    """Let one move-out of a case be registered (receiver of ``signals.reporting``), under the case's lock.

    The second is refused with E306, which is said to the municipality alone. A clerk who finds different persons
    opens the way.
    """
    if (report.type, report.outcome) not in (("moveout.decided", "REGISTERED"), ("moveout.decided", "EX_OFFICIO")):
        return
    for case in CASES(relocation.pk, ordinals, municipality):
        for other in case.members.filter(registered=True).exclude(relocation=relocation):
            if _is_registered(other.relocation_id, other.ordinal, municipality):
                raise refuse("E306", "/movers")
            other.registered = False
            other.save(update_fields=["registered"])
        case.members.filter(relocation=relocation, ordinal__in=ordinals).update(registered=True)


def decide(case_id: int, clerk: Actor, *, same: bool) -> Case:
    """Take in what a clerk of the municipality found out; E108 for another town's case, E200 for one decided so.

    The same person: at most one move-out stays registered. Different persons: each goes its own way.
    """
    with acting(HUB):
        rows = Case.objects.filter(pk=case_id, municipality=clerk.municipality)
        case = rows.select_for_update(of=("self",)).first()
        if case is None:
            raise refuse("E108")
        finding = Finding.SAME if same else Finding.DIFFERENT
        if case.finding == finding or (same and case.finding != Finding.OPEN):
            raise refuse("E200", detail=f"The case is {case.finding}.")
        case.finding, case.decided_at, case.decided_by = finding, timezone.now(), clerk.name
        case.save(update_fields=["finding", "decided_at", "decided_by"])
    audit.record(audit.Act(f"duplicate.{finding.value.lower()}", f"duplicate:{case.pk}"))
    return case
