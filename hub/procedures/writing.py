"""Tasks written down, many in one statement, each with its step; what a task may not become the triggers refuse."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from hub import actors
from hub.procedures.models import Task
from hub.procedures.states import Reason, State
from hub.rows import sent

ADD = """
WITH made AS (
    INSERT INTO procedures_task (id, relocation_id, receipt_no, owner, municipality_id, side, ordinal, rule,
           rule_version, procedure, generation, department, gate, due_on, opens_on, asks, state, reason, inputs,
           created_at, changed_at)
    SELECT t.id, %(relocation)s, %(receipt_no)s, %(owner)s, t.town, t.side, t.ordinal, t.rule, t.version, t.procedure,
           t.generation, t.department, t.gate, t.due_on, t.opens_on, t.asks, 'PENDING', '', t.inputs, %(now)s, %(now)s
      FROM jsonb_to_recordset(%(tasks)s::jsonb)
           AS t(id uuid, town varchar, side varchar, ordinal int, rule varchar, version int, procedure varchar,
                generation int, department varchar, gate varchar, due_on date, opens_on date, asks varchar,
                inputs bytea)
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
        now,
        relocation=one.relocation_id,
        receipt_no=one.receipt_no,
        owner=one.owner,
        tasks=sent(
            _filled(task)
            | {
                "side": task.side,
                "ordinal": task.ordinal,
                "rule": task.rule,
                "procedure": task.procedure,
                "generation": task.generation,
            }
            for task in made
        ),
    )


def _filled(task: Task) -> dict[str, Any]:
    """Return which task it is and what ``_fill`` fills."""
    return {
        "id": task.pk,
        "town": task.municipality_id,
        "version": task.rule_version,
        "department": task.department,
        "gate": task.gate,
        "due_on": task.due_on,
        "opens_on": task.opens_on,
        "asks": str(task.asks),
        "inputs": task.inputs,
    }


def _execute(statement: str, now: datetime, **parameters: Any) -> None:
    kind = actors.current().kind.value
    with connection.cursor() as cursor:
        cursor.execute(statement, {"now": now, "kind": kind, **parameters})


# The ids once more as an array, so that the rows are found along the index however the planner guesses.
# One statement however many tasks; what may not change of a task, the table's triggers refuse all the same.
REVISE = """
WITH revised AS (
    UPDATE procedures_task AS task
       SET municipality_id = r.town, rule_version = r.version, department = r.department, gate = r.gate,
           due_on = r.due_on, opens_on = r.opens_on, asks = r.asks, inputs = r.inputs, changed_at = %(now)s
      FROM jsonb_to_recordset(%(tasks)s::jsonb)
           AS r(id uuid, town varchar, version int, department varchar, gate varchar, due_on date, opens_on date,
                asks varchar, inputs bytea)
     WHERE task.id = ANY(%(ids)s::uuid[]) AND task.id = r.id
    RETURNING task.id, task.state, task.reason
)
INSERT INTO procedures_step (task_id, at, state, reason, note, actor_kind)
SELECT id, %(now)s, state, reason, 'revised', %(kind)s FROM revised
"""


def revise(tasks: Sequence[Task], now: datetime) -> None:
    """Write what ``_filled`` names anew for tasks that no town was told of."""
    _execute(REVISE, now, ids=[task.pk for task in tasks], tasks=sent(map(_filled, tasks)))


GO = """
WITH gone AS (
    UPDATE procedures_task AS task
       SET state = %(state)s, reason = %(reason)s, changed_at = %(now)s,
           opened_at = CASE WHEN %(opens)s THEN %(now)s ELSE opened_at END,
           delivery_id = coalesce(told.delivery, task.delivery_id)
      FROM unnest(%(ids)s::uuid[], %(deliveries)s::uuid[]) AS told(id, delivery)
     WHERE task.id = ANY(%(ids)s::uuid[]) AND task.id = told.id
    RETURNING task.id
)
INSERT INTO procedures_step (task_id, at, state, reason, note, actor_kind)
SELECT id, %(now)s, %(state)s, %(reason)s, '', %(kind)s FROM gone
"""


def go(tasks: Sequence[Task], state: State, reason: Reason = Reason.NONE) -> None:
    """Take each task to this state, with its step; the database refuses one that the table does not have.

    The delivery that tells a department of it is written along.
    """
    if not tasks:
        return
    now, opens = timezone.now(), state == State.READY
    for task in tasks:
        task.state, task.reason, task.changed_at = state, reason, now
        if opens:
            task.opened_at = now
    ids, deliveries = [task.pk for task in tasks], [task.delivery_id for task in tasks]
    _execute(GO, now, ids=ids, deliveries=deliveries, state=state.value, reason=reason.value, opens=opens)


TOLD = """
UPDATE procedures_task AS task SET delivery_id = told.delivery
  FROM unnest(%s::uuid[], %s::uuid[]) AS told(id, delivery)
 WHERE task.id = told.id
"""


def told(tasks: Sequence[Task]) -> None:
    """Write which deliveries open tasks that were open before."""
    if tasks:
        with connection.cursor() as cursor:
            cursor.execute(TOLD, [[task.pk for task in tasks], [task.delivery_id for task in tasks]])
