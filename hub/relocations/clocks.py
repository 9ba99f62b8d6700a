"""The clocks of the law and of practice (``data/clocks.csv``): from when, how long, on which day they run out.

The first day is not counted (Civil Code (民法) Art. 140); a last day on which the municipality is closed gives way
to the next open one where the table says so (Local Autonomy Act (地方自治法) Art. 4-2(4)). Days are those of Japan.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from hub.relocations import tables
from municipalities.notice import Flow, Kind
from municipalities.opening import Opening, UnknownHolidaysError


@dataclass(frozen=True, slots=True)
class Clock:
    """One row of the table; an empty set of kinds or flows means all of them.

    ``movers``: whom it concerns, everyone or ``foreigners``. ``warns``: days of it on which the citizen is reminded.
    ``met_by``: the message that stops it with its outcome (empty: any; with one it is the word of the clock's own
    town), or a condition of gates. ``fires``: the fact that its end makes.
    ``alert``: what a clerk is told then.
    ``when_uncertain``: what happens between the last day as it falls and the open day after it: ``alert`` or nothing.
    """

    clock: str
    kinds: frozenset[Kind]
    flows: frozenset[Flow]
    movers: str
    role: str
    starts: str
    days: int
    first_day_counts: bool
    rolls: bool
    met_by: tuple[str, str] | None
    warns: tuple[int, ...]
    fires: str
    alert: str
    when_uncertain: str
    source: str

    def applies(self, kind: Kind, flow: Flow) -> bool:
        """Tell whether it runs for such a move."""
        return bool(self.role) and (not self.kinds or kind in self.kinds) and (not self.flows or flow in self.flows)

    def concerns(self, nationality: str) -> bool:
        """Tell whether it runs for a mover of this nationality."""
        return not self.movers or nationality != "JPN"

    def warned_on(self, event: date, after: date) -> date | None:
        """Return the next day after that one on which the citizen is reminded; ``None`` when there is none.

        >>> table()["C14"].warned_on(date(2026, 4, 1), date(2026, 4, 11))
        datetime.date(2026, 4, 14)
        """
        days = (event + timedelta(days=number - self.first_day_counts) for number in self.warns)
        return next((day for day in days if day > after), None)

    def last_day(self, event: date) -> date:
        """Return the last day, counted from the event.

        >>> table()["C14"].last_day(date(2026, 3, 28))
        datetime.date(2026, 4, 11)
        """
        return event + timedelta(days=self.days - self.first_day_counts)

    def rolled(self, event: date, opening: Opening) -> date | None:
        """Return the last day by the town's calendar; ``None`` where its holidays are not known yet."""
        if not self.rolls:
            return self.last_day(event)
        try:
            return opening.due_on(event, self.days - self.first_day_counts)
        except UnknownHolidaysError:
            return None


@cache
def table() -> Mapping[str, Clock]:
    """Return the clocks by name."""
    return {row["clock"]: _clock(row) for row in tables.rows("clocks.csv")}


def _clock(row: dict[str, str]) -> Clock:
    return Clock(
        clock=row["clock"],
        kinds=frozenset(map(Kind, row["kinds"].split())),
        flows=frozenset(map(Flow, row["flows"].split())),
        movers=row["movers"],
        role=row["role"],
        starts=row["starts"],
        days=int(row["days"]),
        first_day_counts=row["first_day_counts"] == "yes",
        rolls=row["rolls"] == "rolls",
        met_by=_message(row["met_by"]),
        warns=tuple(map(int, row["warns"].split())),
        fires=row["fires"],
        alert=row["alert"],
        when_uncertain=row["when_uncertain"],
        source=row["source"],
    )


def _message(cell: str) -> tuple[str, str] | None:
    type_, _, outcome = cell.partition(" ")
    return (type_, outcome) if cell else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the clocks of one mover start from: how the certificate travels, and days by ``starts`` of the table."""

    ordinal: int
    flow: Flow
    starts: Mapping[str, date | None]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A clock that runs: its name, from when, the last day as it falls (not rolled), and for which movers."""

    clock: str
    starts_on: date
    due_on: date
    ordinals: tuple[int, ...]


def deadlines(kind: Kind, plans: Collection[Plan]) -> Iterator[Deadline]:
    """Yield the clocks that run, each once for all movers for whom it starts on the same day."""
    for clock in table().values():
        groups: dict[date, list[int]] = {}
        for plan in plans:
            event = plan.starts.get(clock.starts)
            if event is not None and clock.applies(kind, plan.flow) and not clock.movers:
                groups.setdefault(event, []).append(plan.ordinal)
        for event, ordinals in sorted(groups.items()):
            yield Deadline(clock.clock, event, clock.last_day(event), tuple(ordinals))


def window(living_from: date) -> tuple[date, date]:
    """Return the first and the last day of the online window for this day of starting to live there."""
    return table()["OPENS"].last_day(living_from), table()["C10"].last_day(living_from)
