"""Tasks written down, many in one statement, each with its step; what a task may not become the triggers refuse."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from hub import actors
from hub.procedures.models import Task
from hub.procedures.states import Reason, State

ADD = """
WITH made AS (
    INSERT INTO procedures_task (id, relocation_id, receipt_no, owner, municipality_id, side, ordinal, rule,
           rule_version, procedure, generation, department, gate, due_on, opens_on, asks, state, reason, inputs,
           created_at, changed_at)
    SELECT t.id, %(relocation)s, %(receipt_no)s, %(owner)s, t.town, t.side, t.ordinal, t.rule, t.version, t.procedure,
           t.generation, t.department, t.gate, t.due_on, t.opens_on, t.asks, 'PENDING', '', t.inputs, %(now)s, %(now)s
      FROM unnest(%(ids)s::uuid[], %(towns)s::varchar[], %(sides)s::varchar[], %(ordinals)s::int[],
                  %(rules)s::varchar[], %(versions)s::int[], %(procedures)s::varchar[], %(generations)s::int[],
                  %(departments)s::varchar[], %(gates)s::varchar[], %(due)s::date[], %(opens)s::date[],
                  %(asks)s::varchar[], %(inputs)s::bytea[])
           AS t(id, town, side, ordinal, rule, version, procedure, generation, department, gate, due_on, opens_on,
                asks, inputs)
    RETURNING id
)
INSERT INTO procedures_step (task_id, at, state, reason, note, actor_kind)
SELECT id, %(now)s, 'PENDING', '', '', %(kind)s FROM made
"""


def add(made: Sequence[Task]) -> None:
    """Write new tasks of one relocation with their first steps, in one statement."""
    if not made:
        return
    one, now = made[0], timezone.now()
    for task in made:
        task.created_at = task.changed_at = now
    _execute(
        ADD,
        made,
        now,
        relocation=one.relocation_id,
        receipt_no=one.receipt_no,
        owner=one.owner,
        sides=[task.side for task in made],
        ordinals=[task.ordinal for task in made],
        rules=[task.rule for task in made],
        procedures=[task.procedure for task in made],
        generations=[task.generation for task in made],
        **_filled(made),
    )


def _filled(tasks: Sequence[Task]) -> dict[str, list[Any]]:
    """Return, as columns, what ``_fill`` fills."""
    return {
        "towns": [task.municipality_id for task in tasks],
        "versions": [task.rule_version for task in tasks],
        "departments": [task.department for task in tasks],
        "gates": [task.gate for task in tasks],
        "due": [task.due_on for task in tasks],
        "opens": [task.opens_on for task in tasks],
        "asks": [str(task.asks) for task in tasks],
        "inputs": [bytes(task.inputs) for task in tasks],
    }


def _execute(statement: str, tasks: Sequence[Task], now: datetime, **parameters: Any) -> None:
    kind = actors.current().kind.value
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": [task.pk for task in tasks], "now": now, "kind": kind, **parameters})


# One statement however many tasks; what may not change of a task, the table's triggers refuse all the same.
REVISE = """
WITH revised AS (
    UPDATE procedures_task AS task
       SET municipality_id = r.town, rule_version = r.version, department = r.department, gate = r.gate,
           due_on = r.due_on, opens_on = r.opens_on, asks = r.asks, inputs = r.inputs, changed_at = %(now)s
      FROM unnest(%(ids)s::uuid[], %(towns)s::varchar[], %(versions)s::int[], %(departments)s::varchar[],
                  %(gates)s::varchar[], %(due)s::date[], %(opens)s::date[], %(asks)s::varchar[], %(inputs)s::bytea[])
           AS r(id, town, version, department, gate, due_on, opens_on, asks, inputs)
     WHERE task.id = r.id
    RETURNING task.id, task.state, task.reason
)
INSERT INTO procedures_step (task_id, at, state, reason, note, actor_kind)
SELECT id, %(now)s, state, reason, 'revised', %(kind)s FROM revised
"""


def revise(tasks: Sequence[Task], now: datetime) -> None:
    """Write what ``_filled`` names anew for tasks that no town was told of."""
    _execute(REVISE, tasks, now, **_filled(tasks))


GO = """
WITH gone AS (
    UPDATE procedures_task
       SET state = %(state)s, reason = %(reason)s, changed_at = %(now)s,
           opened_at = CASE WHEN %(opens)s THEN %(now)s ELSE opened_at END
     WHERE id = ANY(%(ids)s)
    RETURNING id
)
INSERT INTO procedures_step (task_id, at, state, reason, note, actor_kind)
SELECT id, %(now)s, %(state)s, %(reason)s, '', %(kind)s FROM gone
"""


def go(tasks: Sequence[Task], state: State, reason: Reason = Reason.NONE) -> None:
    """Take each task to this state, with its step; the database refuses one that the table does not have."""
    if not tasks:
        return
    now, opens = timezone.now(), state == State.READY
    for task in tasks:
        task.state, task.reason, task.changed_at = state, reason, now
        if opens:
            task.opened_at = now
    _execute(GO, tasks, now, state=state.value, reason=reason.value, opens=opens)


TOLD = """
UPDATE procedures_task AS task SET delivery_id = told.delivery
  FROM unnest(%s::uuid[], %s::uuid[]) AS told(id, delivery)
 WHERE task.id = told.id
"""


def told(by_delivery: Mapping[UUID, Sequence[Task]]) -> None:
    """Note which deliveries open these tasks."""
    pairs = [(task.pk, delivery) for delivery, tasks in by_delivery.items() for task in tasks]
    if pairs:
        with connection.cursor() as cursor:
            cursor.execute(TOLD, [[task for task, _ in pairs], [delivery for _, delivery in pairs]])
