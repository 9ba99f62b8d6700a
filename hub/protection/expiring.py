"""That a measure's term ends within a month (A407): clerks of the role are told, and nothing ends by it.

Told are those of the town that set it, and of the towns of a move that protect by its word: who moved asks where they
live now. What is due by a day is a row: losing a run loses nothing, repeating it adds nothing. The alert stands until
the measure is extended or ended, past the last day too.
"""

import calendar
import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from hub import actors
from hub.protection.models import Expiry, Guarded, Measure, State
from hub.relocations import effects, heirs, tables
from hub.relocations.models import Guard, Mover

DATA = Path(__file__).parent / "data" / "clocks.csv"
#: The clock of the table that tells when to ask whether a measure is extended.
EXTENSION = "EXTENSION"
LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Clock:
    """So many months after a day of the measure (before it, where negative) a clerk is alerted.

    ``asks``: roles in a guarded move whose towns are asked too.
    """

    months: int
    alert: str
    asks: frozenset[str]


@cache
def clocks() -> Mapping[str, Clock]:
    """Return the clocks by name."""
    with DATA.open(encoding="utf-8", newline="") as file:
        return {
            row["clock"]: Clock(int(row["months"]), row["alert"], frozenset(row["asks"].split()))
            for row in csv.DictReader(file)
        }


def shifted(day: date, months: int) -> date:
    """Return the corresponding day so many months on; the last of that month where it has none.

    >>> shifted(date(2027, 3, 31), -1)
    datetime.date(2027, 2, 28)
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def nearest(today: date) -> date:
    """Return the latest last day of a measure about which a clerk is to be asked today.

    >>> nearest(date(2027, 2, 27)), nearest(date(2027, 2, 28))
    (datetime.date(2027, 3, 27), datetime.date(2027, 3, 31))
    """
    months = clocks()[EXTENSION].months
    day = today - months * LONGEST_MONTH
    while shifted(day, months) > today:
        day -= timedelta(days=1)
    return day


def watch() -> int:
    """Raise the alerts that are due today; returns how many are new."""
    with actors.acting(actors.HUB):
        today, new = timezone.localdate(), []
        due = list(Measure.objects.exclude(state=State.ENDED).filter(expires_on__lte=nearest(today)).order_by("pk"))
        before = _asked_before(due)
        moves = _moves(due)
        for measure in due:
            known = before.setdefault((measure.pk, measure.expires_on), set())
            towns: dict[str, UUID | None] = {measure.municipality_id: None, **moves.get(measure.pk, {})}
            for town, relocation in towns.items():
                # One question for a town and those in whose place it stands.
                if town not in known and known.isdisjoint(heirs.kept(town, today)):
                    known.add(town)
                    new.append(_question(measure, town, relocation))
        Expiry.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _question(measure: Measure, town: str, relocation: UUID | None) -> Expiry:
    return Expiry(
        measure=measure,
        municipality_id=town,
        relocation_id=relocation,
        contact_office=measure.contact_office,
        expires_on=measure.expires_on,
        code=clocks()[EXTENSION].alert,
    )


def _asked_before(measures: Collection[Measure]) -> dict[tuple[int, date], set[str]]:
    """Return which towns were asked already, by measure and last day."""
    found: dict[tuple[int, date], set[str]] = {}
    for row in Expiry.objects.filter(measure__in=measures):
        found.setdefault((row.measure_id, row.expires_on), set()).add(row.municipality_id)
    return found


#: States of a town that was told nothing, or that has nothing to do with the person any more.
APART = effects.PAST | frozenset(tables.START.values())


def _moves(measures: Collection[Measure]) -> Mapping[int, Mapping[str, UUID]]:
    """Return by measure the towns that protect by its word in a move of the person, each with the last such move."""
    guarded: dict[tuple[UUID, int], list[int]] = {}
    for row in Guarded.objects.filter(measure__in=measures):
        guarded.setdefault((row.relocation_id, row.ordinal), []).append(row.measure_id)
    found: dict[int, dict[str, UUID]] = {}
    movers = Mover.objects.filter(
        relocation__in={relocation for relocation, _ in guarded},
        role__in=clocks()[EXTENSION].asks,
        leg__guard=Guard.TOLD,
    )
    for mover in movers.exclude(state__in=APART).order_by("relocation"):
        for number in guarded.get((mover.relocation_id, mover.ordinal), ()):
            found.setdefault(number, {})[mover.municipality_id] = mover.relocation_id
    return found


def settle(measure: Measure) -> None:
    """Settle what was asked about a measure, in every town: it was extended, or ended."""
    by = actors.current().name
    with actors.acting(actors.HUB):  # who extends it does not see what other towns were asked
        open_ = Expiry.objects.filter(measure=measure, settled_at=None)
        open_.update(settled_at=timezone.now(), settled_by=by)
