"""Deadlines as rows: started by what is filed and said, stopped by what happens. ``firing`` does what is due."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from django.utils import timezone

from hub.relocations import facts, journey
from hub.relocations.clocks import Clock, table
from hub.relocations.filing import Filing
from hub.relocations.models import Deadline, DeadlineState, Relocation
from hub.rows import Reader, Writer
from municipalities.notice import Flow, Kind, Role
from municipalities.openings import opening, openings

ONE_DAY = timedelta(days=1)
RUNNING = Reader(Deadline, f"WHERE relocation_id = %s AND state = '{DeadlineState.RUNNING.value}'")
STARTED = Writer(Deadline, "ON CONFLICT DO NOTHING")


def start(relocation: Relocation, rows: facts.Rows, filing: Filing) -> None:
    """Start the clocks that the filing starts; those of an earlier version count no longer."""
    wanted = {(row.municipality_id, row.clock, row.starts_on): row for row in _wanted(relocation, rows, filing)}
    for row in relocation.deadlines.filter(state=DeadlineState.RUNNING) if relocation.version > 1 else ():
        if (row.municipality_id, row.clock, row.starts_on) not in wanted and row.clock != "C90":
            end(row, DeadlineState.SUPERSEDED)
    STARTED(list(wanted.values()))
    if relocation.version > 1:  # a day that counts again
        for row in relocation.deadlines.filter(state=DeadlineState.SUPERSEDED):
            if (row.municipality_id, row.clock, row.starts_on) in wanted:
                end(row, DeadlineState.RUNNING)


def _wanted(relocation: Relocation, rows: facts.Rows, filing: Filing) -> Iterator[Deadline]:
    people = {mover.ordinal: mover for mover in filing.movers}
    openings({row.municipality_id for row in rows.movers})  # remembered: one query for all of them
    towns: dict[str, list[tuple[str, int]]] = {}
    for row in rows.movers:
        if row.state not in journey.ELSEWHERE:
            towns.setdefault(row.role, []).append((row.municipality_id, row.ordinal))
    for clock in table().values():
        if not clock.applies(Kind(relocation.kind), Flow(relocation.flow)):
            continue
        groups: dict[tuple[str, date], list[int]] = {}
        for town, ordinal in towns.get(clock.role, []):
            mover = people[ordinal]
            if not clock.concerns(mover.nationality):
                continue
            event = {
                "planned_out_on": mover.leaves_on or filing.planned_out_on,
                "arrived_on": mover.arrives_on or filing.living_from,
                "visit_on": filing.visit_on,
            }.get(clock.starts)
            if event is not None:
                groups.setdefault((town, event), []).append(ordinal)
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


def last_look(clock: Clock, due: date, rolled: date | None) -> date:
    """Return the day after the last one; as it falls, where it is not certain whether a closed day counts."""
    uncertain = clock.when_uncertain == "alert" and rolled != due
    return (due if uncertain or rolled is None else rolled) + ONE_DAY


def begin(relocation: Relocation, clock: Clock, town: str, event: date, ordinals: list[int]) -> None:
    """Start a clock at a town for these movers too."""
    row = running(relocation, clock, town, event, ordinals)
    same = relocation.deadlines.filter(municipality=town, clock=clock.clock, starts_on=event).first()
    if same is not None:
        same.ordinals = sorted({*same.ordinals, *ordinals})
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
        if clock.met_by and (clock.met_by, "") in past.happened:
            met = True
        elif past.states.get((role, row.municipality_id)) not in OVER:
            still.append(ordinal)
    return still, met


def end(row: Deadline, state: DeadlineState) -> None:
    row.state = state
    row.save(update_fields=["state"])
