"""What is due about deadlines, done by the beat: a fact like any other, from which the journey goes on.

Where the reading of the law is uncertain (``when_uncertain`` in ``data/clocks.csv``), a clerk is alerted and nothing
is decided.
"""

from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from hub.actors import HUB, acting
from hub.relocations import alerts, facts, journey, services, timers
from hub.relocations.clocks import Clock, table
from hub.relocations.models import Deadline, DeadlineState, Relocation
from hub.relocations.notes import Notes
from hub.relocations.timers import ONE_DAY
from municipalities.notice import Flow
from municipalities.openings import opening

#: Days after which is looked again, while the holidays of a deadline's year are not published yet.
AGAIN = 7 * ONE_DAY


@dataclass(frozen=True, slots=True)
class Fired:
    """How many deadlines were looked at, and whether more are waiting."""

    count: int
    more: bool


def fire(limit: int = 200) -> Fired:
    """Do what is due about deadlines today, each in a transaction of its own; doing it again does nothing.

    A relocation that somebody else is changing right now is left for the next time.
    """
    today = timezone.localdate()
    with acting(HUB):
        due = Deadline.objects.filter(state=DeadlineState.RUNNING, acts_on__lte=today).order_by("acts_on", "pk")
        waiting = list(due.values_list("pk", "relocation_id")[: limit + 1])
    for pk, relocation_id in waiting[:limit]:
        with acting(HUB):
            free = Relocation.objects.filter(pk=relocation_id).select_for_update(of=("self",), skip_locked=True)
            relocation = free.first()
            row = Deadline.objects.filter(pk=pk, state=DeadlineState.RUNNING, acts_on__lte=today).first()
            if relocation is not None and row is not None:
                _fire(relocation, row, today)
    return Fired(min(len(waiting), limit), len(waiting) > limit)


def _fire(relocation: Relocation, row: Deadline, today: date) -> None:
    clock, rows = table()[row.clock], facts.read(relocation)
    left, met = timers.left(row, journey.pasts(facts.situation(relocation, rows)))
    if not left:
        timers.end(row, DeadlineState.MET if met else DeadlineState.SUPERSEDED)
    elif today < timers.last_look(clock, row.due_on, row.rolled_due_on):
        _warn(relocation, rows, row, left, today)
    elif not _is_over(row, clock, today):
        alerts.tell(relocation, [row.municipality_id], "A420", left, timers.about(row.clock, row.starts_on))
    else:
        _pass(relocation, rows, row, left)


def _warn(relocation: Relocation, rows: facts.Rows, row: Deadline, left: list[int], today: date) -> None:
    """Remind the citizen, on the page; the next look is at the next reminder or when the last day is over."""
    clock = table()[row.clock]
    row.acts_on = clock.warned_on(row.starts_on, today) or timers.last_look(clock, row.due_on, row.rolled_due_on)
    row.save(update_fields=["acts_on"])
    notes = Notes(relocation, rows)
    notes.add("deadline.near", row.municipality_id, clock=row.clock, movers=left)
    services.go_on(relocation, rows, notes)


def _is_over(row: Deadline, clock: Clock, today: date) -> bool:
    """Tell whether it is past any reading of the last day; else note when to look again."""
    if row.rolled_due_on is None:
        row.rolled_due_on = clock.rolled(row.starts_on, opening(row.municipality_id))
    if row.rolled_due_on is not None and today > row.rolled_due_on:
        return True
    row.acts_on = row.rolled_due_on + ONE_DAY if row.rolled_due_on else today + AGAIN
    row.save(update_fields=["acts_on", "rolled_due_on"])
    return False


def _pass(relocation: Relocation, rows: facts.Rows, row: Deadline, left: list[int]) -> None:
    clock = table()[row.clock]
    timers.end(row, DeadlineState.PASSED)
    if clock.alert:
        alerts.tell(relocation, [row.municipality_id], clock.alert, left, timers.about(row.clock, row.starts_on))
    notes = Notes(relocation, rows)
    notes.add("deadline.passed", row.municipality_id, clock=row.clock, movers=left)
    if clock.fires:
        rows.acts.append(notes.add(clock.fires, movers=left))
        if clock.fires == "special.lapsed":
            services.change_flow(relocation, rows, notes, Flow.PAPER_CERT, left)
    services.go_on(relocation, rows, notes)
