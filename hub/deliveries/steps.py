"""Writes the steps of deliveries down, many in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from hub import actors


@dataclass(frozen=True, slots=True)
class Step:
    """One step: which delivery came into which state, at which attempt; a catalogue code and a note, if any."""

    delivery: UUID
    state: str
    attempt: int
    code: str = ""
    note: str = ""


WRITE = """
INSERT INTO deliveries_event (delivery_id, at, state, attempt, code, note, actor_kind)
SELECT s.delivery, %(at)s, s.state, s.attempt, s.code, s.note, %(kind)s
  FROM unnest(%(deliveries)s::uuid[], %(states)s::varchar[], %(attempts)s::int[], %(codes)s::varchar[],
              %(notes)s::varchar[]) AS s(delivery, state, attempt, code, note)
"""


def write(steps: Sequence[Step], at: datetime) -> None:
    """Write them as steps made by who acts now."""
    if not steps:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE,
            {
                "at": at,
                "kind": actors.current().kind.value,
                "deliveries": [step.delivery for step in steps],
                "states": [step.state for step in steps],
                "attempts": [step.attempt for step in steps],
                "codes": [step.code for step in steps],
                "notes": [step.note for step in steps],
            },
        )
