"""Procedures as they stood at a moment, for a filer who is shown nothing later but what was answered since."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from hub.procedures import services
from hub.procedures.evaluation import Finding
from hub.procedures.models import AnswerSheet, Step, Task
from hub.procedures.states import OPEN, State
from municipalities.openings import openings


@dataclass(frozen=True, slots=True)
class Then:
    """Procedures as they stood at a moment, with what would have become of them by answers given since."""

    findings: list[Finding]
    #: Tasks by rule and mover, never stored.
    tasks: Mapping[tuple[str, int], Task]


def as_it_stood(case: services.Case, at: datetime, tell: Callable[[services.Changed, datetime], None]) -> Then:
    """Work out what ``update`` would have done with each of the answers given since; nothing is written.

    ``case`` is of that moment: the move as it was known, the gates that were open. ``tell`` notes deliveries in tasks.
    """
    before, tasks = services._wanted(replace(case, until=at)), _tasks(case.relocation_id, at)
    for key, task in tasks.items():
        if key in before and task.state == State.PENDING:  # revised since, perhaps
            services._fill(task, before[key], openings([before[key].municipality])[before[key].municipality])
    since = AnswerSheet.objects.filter(relocation_id=case.relocation_id, created_at__gt=at).order_by("number")
    for when in since.values_list("created_at", flat=True):
        after = services._wanted(replace(case, until=when))
        if tasks or any(case.gates.values()):
            tasks, changed = _gone_on(case, tasks, before, after)
            if changed.opened or changed.cancelled:
                tell(changed, when)
        before = after
    return Then(services.findings(case.relocation_id, case.move, case.key, case.gone), tasks)


Found = Mapping[tuple[str, int], Finding]


def _gone_on(
    case: services.Case, tasks: Mapping[tuple[str, int], Task], before: Found, after: Found
) -> tuple[dict[tuple[str, int], Task], services.Changed]:
    """Return what becomes of tasks where answers alone have changed."""
    towns = openings({one.municipality for one in after.values()})
    stale = {key for key, task in tasks.items() if _outdated(task, before.get(key), after.get(key))}
    standing = {key: task for key, task in tasks.items() if key not in stale}
    for key, one in after.items():
        if key in stale or key not in before:
            standing[key] = services._make(case, one, towns[one.municipality], 1)
        elif key in standing and standing[key].state == State.PENDING and one.inputs != before[key].inputs:
            services._fill(standing[key], one, towns[one.municipality])
    ready = [
        task for key, task in standing.items() if after.get(key) != before.get(key) and services._opens(task, case)
    ]
    cancelled = [tasks[key] for key in stale if tasks[key].delivery_id is not None and tasks[key].state in OPEN]
    for task in ready:
        task.state = State.READY
    return standing, services.Changed(tuple(ready), tuple(cancelled))


def _outdated(task: Task, before: Finding | None, after: Finding | None) -> bool:
    """As ``_stale``, where answers alone have changed."""
    if after is None:
        return before is not None
    return task.state != State.PENDING and before is not None and before.inputs != after.inputs


def _tasks(relocation_id: UUID, at: datetime) -> dict[tuple[str, int], Task]:
    """Return the tasks that stood at a moment, each with the state that it had."""
    steps = Step.objects.filter(task__relocation_id=relocation_id, at__lte=at).order_by("id")
    last = {step.task_id: (step.state, step.reason) for step in steps}
    found = {}
    for task in Task.objects.filter(pk__in=list(last)).order_by("generation"):
        task.state, task.reason = last[task.pk]
        if task.state != State.SUPERSEDED:
            found[task.rule, task.ordinal] = task
    return found
