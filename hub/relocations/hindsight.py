"""Follow-on procedures and reminders as a filer is shown them who is shown nothing later (``frozen``)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from hub.procedures import hindsight
from hub.procedures import services as procedures
from hub.procedures.states import OPEN, State
from hub.relocations import facts, followon, journey, onward, timers
from hub.relocations.clocks import table
from hub.vault import services as vault
from municipalities.opening import Opening
from municipalities.openings import openings

if TYPE_CHECKING:
    from hub.relocations import frozen


def is_owed(then: "frozen.Look", at: datetime) -> bool:
    """Tell whether a procedure that the law orders was open, or would be by what was answered since."""
    listed, _told = as_it_stood(then, at)
    return any(one.task is not None and one.finding.rule.duty and one.task.state in OPEN for one in listed)


def reminded(then: "frozen.Look", at: datetime) -> list[Mapping[str, Any]]:
    """Return of which clocks the filer is reminded, and for whom; each as its event says it.

    What came by then, and since then what comes by the calendar when nothing more happens: a reminder that does not
    come would tell that somebody appeared.
    """
    relocation, today = then.relocation, timezone.localdate()
    with acting(HUB):
        events = relocation.events.filter(type="deadline.near", at__lte=at)
        found = list(events.values_list("detail", flat=True))
        running = list(timers.wanted(relocation, then.rows, then.filing))
    after = max(timezone.localdate(then.filed_at), timezone.localdate(at) - timers.ONE_DAY)
    pasts = journey.pasts(replace(facts.situation(relocation, then.rows), today=timezone.localdate(at)))
    for row in running:
        day = table()[row.clock].warned_on(row.starts_on, after)
        left, _met = timers.left(row, pasts)
        if left and day is not None and day <= today:
            found.append({"clock": row.clock, "movers": left})
    return found


def as_it_stood(then: "frozen.Look", at: datetime) -> tuple[list[followon.Listed], list[Delivery]]:
    """Return what ``listed`` does of how it stood, and what departments would have been told since.

    What the filer has answered since is shown as of any filing at that point; nothing is stored, nobody is told.
    """
    relocation, filing = then.relocation, then.filing
    with acting(HUB):
        key = vault.open_one(relocation.pk)
        leaving = {mover.ordinal: mover.leaves_on for mover in filing.movers}
        case = procedures.Case(
            relocation.pk,
            relocation.receipt_no,
            relocation.owner,
            followon.move_of(filing, then.states, then.rows, key),
            key,
            followon.gates_of(then.states, filing.planned_out_on, leaving, timezone.localdate(at)),
            followon.gone_of(then.states),
        )
        told: list[Delivery] = []

        def tell(changed: procedures.Changed, when: datetime) -> None:
            groups = [("task.opened", tasks) for tasks in followon._together(followon._carried(changed.opened))]
            groups += [("task.cancelled", tasks) for tasks in followon._together(changed.cancelled)]
            for type_, tasks in groups:
                row = Delivery(type=type_, role=tasks[0].side, municipality_id=tasks[0].municipality_id)
                row.created_at = row.due_at = when
                told.append(row)
                for task in tasks if type_ == "task.opened" else ():
                    task.delivery_id = row.pk

        found = hindsight.as_it_stood(case, at, tell)
        calendars = openings({one.municipality for one in found.findings if one.municipality})
        onward.hand_over(told, timezone.now())
    handed = {row.pk for row in (*then.rows.deliveries, *told) if row.sent_at}
    for task in found.tasks.values():
        if task.state == State.READY and task.delivery_id in handed:
            task.state = State.SENT
    listed = [
        followon.Listed(
            one, found.tasks.get((one.rule.name, one.ordinal)), one.due_on(calendars.get(one.municipality, Opening()))
        )
        for one in found.findings
    ]
    return listed, told
