"""Triggers by which PostgreSQL itself refuses what the hub must never do, whatever code does it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pgtrigger
from django.db import connection, models

APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
KEPT = pgtrigger.Protect(name="kept", operation=pgtrigger.Delete)


class Steps(pgtrigger.Trigger):
    """Refuses a step of a field that is not in the table; ``where`` says for which rows the table holds.

    Whether a step is lawful stands in the trigger's condition: a lawful one, and a change of any other column, calls no
    function, while ``pgtrigger.FSM`` calls one for every row that is changed.
    """

    when = pgtrigger.Before
    operation = pgtrigger.Update

    def __init__(self, name: str, steps: Iterable[tuple[str, str]], *, field: str = "state", where: str = "") -> None:
        self.steps, self.field, self.where = sorted(steps), field, where
        super().__init__(name=name)

    def get_condition(self, model: models.Model) -> Any:
        """Tell which changes the function is called for: the unlawful ones."""
        old, new = f'OLD."{self.field}"', f'NEW."{self.field}"'
        lawful = ", ".join(f"'{start}:{end}'" for start, end in self.steps)
        unlawful = f"{old} <> {new} AND {old} || ':' || {new} NOT IN ({lawful})"
        return pgtrigger.Condition(f"{self.where} AND {unlawful}" if self.where else unlawful)

    def get_func(self, model: models.Model) -> str:
        """Refuse, in the words of ``pgtrigger.FSM``."""
        return (
            f'RAISE EXCEPTION \'pgtrigger: Invalid transition of field "{self.field}" from "%" to "%" on table %\','
            f' OLD."{self.field}", NEW."{self.field}", TG_TABLE_NAME;'
        )


@contextmanager
def looking_away(*guards: str) -> Iterator[None]:
    """Let these triggers (``app.Model:name``) look away until the block ends, inside a transaction.

    A statement of its own: the library's way writes two in one, which cannot be prepared.
    """
    found = [(model._meta.db_table, guard.get_pgid(model)) for model, guard in pgtrigger.registered(*guards)]
    names = {name for table, pgid in found for name in (pgid, f"{table}:{pgid}")}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", ["{" + ",".join(sorted(names)) + "}"])
        try:
            yield
        finally:
            if not connection.needs_rollback:
                cursor.execute("SELECT set_config('pgtrigger.ignore', '{}', true)")
