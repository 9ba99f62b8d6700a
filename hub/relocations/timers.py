"""Deadlines as rows: started by what is filed and said, stopped by what happens. ``firing`` does what is due."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from django.utils import timezone

from hub.relocations import facts, journey
from hub.relocations.clocks import Clock, table
from hub.relocations.filing import Filing
from hub.relocations.models import Deadline, DeadlineState, Mover, Relocation
from hub.relocations.tables import Need
from hub.rows import Reader, Writer
from municipalities.notice import Flow, Kind, Role
from municipalities.openings import opening, openings

ONE_DAY = timedelta(days=1)
RUNNING = Reader(Deadline, f"WHERE relocation_id = %s AND state = '{DeadlineState.RUNNING.value}'")
STARTED = Writer(Deadline, "ON CONFLICT DO NOTHING")


#: Days that a filing itself says; clocks that start from others start when those come.
PLANNED = ("planned_out_on", "arrived_on", "visit_on")


def start(relocation: Relocation, rows: facts.Rows, filing: Filing) -> None:
    """Start the clocks that the filing starts; those of an earlier version count no longer."""
    due = {(row.municipality_id, row.clock, row.starts_on): row for row in wanted(relocation, rows, filing)}
    for row in relocation.deadlines.filter(state=DeadlineState.RUNNING) if relocation.version > 1 else ():
        if (row.municipality_id, row.clock, row.starts_on) not in due and table()[row.clock].starts in PLANNED:
            end(row, DeadlineState.SUPERSEDED)
    STARTED(list(due.values()))
    if relocation.version > 1:  # a day that counts again
        for row in relocation.deadlines.filter(state=DeadlineState.SUPERSEDED):
            if (row.municipality_id, row.clock, row.starts_on) in due:
                end(row, DeadlineState.RUNNING)


def wanted(relocation: Relocation, rows: facts.Rows, filing: Filing) -> Iterator[Deadline]:
    """Yield the clocks that the filing itself starts, for whom its legs still count; none is stored."""
    people = {mover.ordinal: mover for mover in filing.movers}
    openings({row.municipality_id for row in rows.movers})  # remembered: one query for all of them
    towns: dict[str, list[Mover]] = {}
    for row in rows.movers:
        if row.state not in journey.ELSEWHERE:
            towns.setdefault(row.role, []).append(row)
    for clock in table().values():
        groups: dict[tuple[str, date], list[int]] = {}
        for row in towns.get(clock.role, []):
            mover = people[row.ordinal]
            applies = clock.applies(Kind(relocation.kind), Flow(row.flow))
            if not applies or not clock.concerns(mover.nationality):
                continue
            event = {
                "planned_out_on": mover.leaves_on or filing.planned_out_on,
                "arrived_on": mover.arrives_on or filing.living_from,
                "visit_on": filing.visit_on,
            }.get(clock.starts)
            if event is not None:
                groups.setdefault((row.municipality_id, event), []).append(row.ordinal)
        for (town, event), ordinals in groups.items():
            yield running(relocation, clock, town, event, ordinals)


def running(relocation: Relocation, clock: Clock, town: str, event: date, ordinals: list[int]) -> Deadline:
    """Return a clock that runs at a town from a day on."""
    due, rolled = clock.last_day(event), clock.rolled(event, opening(town))
    return Deadline(
        relocation=relocation,
        municipality_id=town,
        clock=clock.clock,
        ordinals=ordinals,
        starts_on=event,
        due_on=due,
        rolled_due_on=rolled,
        acts_on=clock.warned_on(event, timezone.localdate()) or last_look(clock, due, rolled),
    )


def about(clock: str, event: date) -> str:
    """Return what an alert of a clock is about: movers whose days differ have one each."""
    return f"{clock} {event.isoformat()}"


def last_look(clock: Clock, due: date, rolled: date | None) -> date:
    """Return the day after the last one; as it falls, where it is not certain whether a closed day counts."""
    uncertain = clock.when_uncertain == "alert" and rolled != due
    return (due if uncertain or rolled is None else rolled) + ONE_DAY


def begin(relocation: Relocation, clock: Clock, town: str, event: date, ordinals: list[int]) -> None:
    """Start a clock at a town for these movers too; one that had stopped on the same day runs again.

    One that has run out stays so: its clerk was told.
    """
    row = running(relocation, clock, town, event, ordinals)
    same = relocation.deadlines.filter(municipality=town, clock=clock.clock, starts_on=event).first()
    if same is not None:
        same.ordinals = sorted({*same.ordinals, *ordinals})
        same.state = DeadlineState.PASSED if same.state == DeadlineState.PASSED else DeadlineState.RUNNING
    (same or row).save()


def follow(relocation: Relocation, pasts: Mapping[int, journey.Past]) -> None:
    """Stop the clocks that were met, or whose movers have nothing to do there any more."""
    over: dict[DeadlineState, list[int]] = {}
    for row in RUNNING(relocation.pk):
        open_, met = left(row, pasts)
        if not open_:
            over.setdefault(DeadlineState.MET if met else DeadlineState.SUPERSEDED, []).append(row.pk)
    for state, rows in over.items():
        relocation.deadlines.filter(pk__in=rows).update(state=state)


#: States of a leg in which no deadline of it counts any more.
OVER = frozenset({"WITHDRAWN", "CANCELLED", "REJECTED", "CLOSED_EX_OFFICIO"}) | journey.ELSEWHERE


def left(row: Deadline, pasts: Mapping[int, journey.Past]) -> tuple[list[int], bool]:
    """Return the movers for whom it still runs, and whether anybody met it."""
    clock = table()[row.clock]
    role, still, met = Role(clock.role), [], False
    for ordinal in row.ordinals:
        past = pasts[ordinal]
        if ("registry.change", "DEATH") in past.happened or _rejected(past, role, row.municipality_id):
            continue  # nobody is waited for, warned or reminded of
        if clock.met_by and _met(past, clock.met_by, row.municipality_id):
            met = True
        elif clock.flows and past.flow not in clock.flows and ("special.lapsed", "") not in past.happened:
            continue  # the certificate goes another way, and not because days went by as they were planned
        elif past.states.get((role, row.municipality_id)) not in OVER:
            still.append(ordinal)
    return still, met


def _met(past: journey.Past, met_by: tuple[str, str], town: str) -> bool:
    """Tell whether what stops a clock has happened; a card that a town saw whose entry was cancelled counts there."""
    if not past.met(Need(*met_by)):
        return False
    return not met_by[1] or any((one.type, one.outcome) == met_by and one.municipality == town for one in past.facts)


#: States of a destination where nobody has appeared yet.
AWAITED = frozenset({"NONE", "ANNOUNCED", "PREPARED", "OVERDUE", "SPECIAL_LAPSED"})


def _rejected(past: journey.Past, role: Role, town: str) -> bool:
    """Tell whether the town that is left rejected the move-out, and nobody has appeared where they wanted to go."""
    awaited = role is Role.DESTINATION and past.states.get((role, town)) in AWAITED
    return awaited and any(leg[0] is Role.ORIGIN and state == "REJECTED" for leg, state in past.states.items())


def end(row: Deadline, state: DeadlineState) -> None:
    row.state = state
    row.save(update_fields=["state"])
