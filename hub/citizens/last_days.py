"""The last days that count for a citizen, as the page and the calendar file show them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from hub.citizens.phrases import day, of_some
from hub.relocations import status
from hub.relocations.clocks import Deadline, Plan, deadlines, table
from hub.relocations.filing import Filing
from hub.relocations.models import Leg, Relocation
from municipalities.models import Municipality
from municipalities.notice import Flow, Kind

#: Of which clocks the citizen was reminded, each with its movers, as this filer is shown it (``deadline.near``).
Reminders = Sequence[Mapping[str, Any]]
#: Legs with their movers' states, as this filer is shown them.
Legs = Sequence[tuple[Leg, status.States]]


@dataclass(frozen=True, slots=True)
class Clock:
    """Something that must be done by a day."""

    key: str
    title: str
    on: date
    due_on: str
    hint: str
    passed: bool
    #: How many days are left, once the citizen was reminded.
    left: str = ""


def clocks(
    relocation: Relocation,
    filing: Filing | None,
    ways: Mapping[int, Flow],
    legs: Legs,
    names: Mapping[int, str],
    near: Reminders,
) -> Iterator[Clock]:
    """The last days that count for this citizen; with names where they are not the same for everybody.

    The statutory day rolls over to an open day of the town (Local Autonomy Act Art. 4-2). Whether the card flow
    is saved by that too is not settled (Order Art. 24-2), so its day is said as it falls.
    """
    if filing:
        planned = status.plans(filing, ways, (movers for _leg, movers in legs))
    else:
        planned = [Plan(ordinal, way, {"planned_out_on": relocation.planned_out_on}) for ordinal, way in ways.items()]
    running = list(deadlines(Kind(relocation.kind), planned))
    yield from _with_the_card(running, Reminded(near, names, len(planned)))
    if relocation.destination is not None:
        for clock in running:
            if clock.clock == "C14":
                yield _by_law(relocation.destination, clock, Reminded(near, names, len(planned)))


@dataclass(frozen=True, slots=True)
class Reminded:
    """Of which clocks the citizen was reminded, for whom; with the names, and how many still move."""

    events: Reminders
    names: Mapping[int, str]
    movers: int

    def clock(self, key: str, title: str, on: date, hint: str, ordinals: Sequence[int], of: Collection[str]) -> Clock:
        """A last day as the page shows it; ``of``: the clocks whose reminders count for it."""
        if len(ordinals) < self.movers:
            key, title = f"{key}-{'-'.join(map(str, ordinals))}", of_some(title, ordinals, self.names)
        near = any(event["clock"] in of and set(ordinals) & set(event["movers"]) for event in self.events)
        return clock_of(key, title, on, hint, near=near)


def _with_the_card(running: Sequence[Deadline], reminded: Reminded) -> Iterator[Clock]:
    """The last day of the flow with the card: the earlier of two, for each mover."""
    last: dict[int, date] = {}
    for clock in running:
        for ordinal in clock.ordinals if clock.clock in ("C30", "SPECIAL14") else ():
            last[ordinal] = min(clock.due_on, last.get(ordinal, clock.due_on))
    title = gettext("Last day for the move-in filing with the card")
    hint = gettext("Afterwards a move-out certificate on paper is needed, and the card lapses if nothing is filed.")
    for on in sorted(set(last.values())):
        ordinals = [ordinal for ordinal in sorted(last) if last[ordinal] == on]
        yield reminded.clock("C30", title, on, hint, ordinals, ("C30", "C14"))


def clock_of(key: str, title: str, on: date, hint: str, *, near: bool = False) -> Clock:
    """A last day as the page shows it; ``near``: the citizen was reminded of it."""
    days = (on - timezone.localdate()).days
    left = ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days} if near and days >= 0 else ""
    return Clock(key, title, on, day(on), hint, days < 0, left)


def _by_law(town: Municipality, clock: Deadline, reminded: Reminded) -> Clock:
    """The statutory day, by the town's calendar; as it falls where the holidays are not known yet."""
    legal = table()["C14"].rolled(clock.starts_on, town.opening()) or clock.due_on
    hint = gettext("Within 14 days of starting to live there (Basic Resident Register Act, Art. 22).")
    if legal != clock.due_on:
        hint += " " + gettext("The 14th day is a closed day; the next open day counts.")
    title = gettext("Last day for the move-in filing by law")
    return reminded.clock("C14", title, legal, hint, clock.ordinals, ("C14",))
