"""Rows of a model through statements written once, for what every call reads or writes.

A queryset is built, resolved and compiled anew at each use, which costs several times the statement itself. What is
written here is still the model's own table and columns, and what comes back are its instances.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

import msgspec
from django.db import connection
from django.db.models import Field, Model

M = TypeVar("M", bound=Model)

Converter = Callable[[Any], Any]


class Reader(Generic[M]):
    """Whole rows of a model: ``rest`` is what follows the table's name in the statement.

    >>> from hub.relocations.models import Leg
    >>> Reader(Leg, "WHERE relocation_id = %s").statement.endswith(" FROM relocations_leg WHERE relocation_id = %s")
    True
    """

    def __init__(self, model: type[M], rest: str, without: Collection[str] = ()) -> None:
        self.model, self.rest, self.without = model, rest, frozenset(without)

    @cached_property
    def _fields(self) -> list["Field[Any, Any]"]:
        return [field for field in self.model._meta.concrete_fields if field.name not in self.without]

    @cached_property
    def statement(self) -> str:
        """The statement, with ``%s`` for each parameter."""
        columns = ", ".join(f'"{self.model._meta.db_table}"."{field.column}"' for field in self._fields)
        return f"SELECT {columns} FROM {self.model._meta.db_table} {self.rest}"  # noqa: S608 - a model's own names

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self._fields]

    @cached_property
    def _converters(self) -> list[tuple[int, Converter]]:
        """Which columns are not yet what the model holds, and how they become so."""
        return [
            (place, partial(_converted, convert))
            for place, field in enumerate(self._fields)
            for convert in field.get_db_converters(connection)
        ]

    def __call__(self, *parameters: Any) -> list[M]:
        """Return the rows."""
        with connection.cursor() as cursor:
            cursor.execute(self.statement, parameters)
            found = cursor.fetchall()
        if self._converters:
            found = [list(row) for row in found]
            for row in found:
                for place, convert in self._converters:
                    row[place] = convert(row[place])
        from_db, alias, names = self.model.from_db, connection.alias, self._names
        return [from_db(alias, names, row) for row in found]

    def first(self, *parameters: Any) -> M | None:
        """Return the first row, or ``None``."""
        return next(iter(self(*parameters)), None)


class Writer(Generic[M]):
    """New rows of a model, many in one statement and in one parameter; ``rest`` may say what a conflict means."""

    def __init__(self, model: type[M], rest: str = "") -> None:
        self.model, self.rest = model, rest

    @cached_property
    def _fields(self) -> list["Field[Any, Any]"]:
        numbered = self.model._meta.auto_field
        return [field for field in self.model._meta.concrete_fields if field is not numbered]

    @cached_property
    def statement(self) -> str:
        """The statement, with ``%s`` for the rows."""
        table, columns = self.model._meta.db_table, ", ".join(f'"{field.column}"' for field in self._fields)
        numbered = self.model._meta.auto_field
        returned = f' RETURNING "{numbered.column}"' if numbered and not self.rest else ""
        return (
            f"INSERT INTO {table} ({columns}) SELECT {columns}"  # noqa: S608 - a model's own names
            f" FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) {self.rest}{returned}"
        )

    def __call__(self, rows: Sequence[M]) -> None:
        """Write them; each then knows its number and that it is stored. None of the rows is saved by signals."""
        if not rows:
            return
        values = [{str(field.column): field.pre_save(row, True) for field in self._fields} for row in rows]
        with connection.cursor() as cursor:
            cursor.execute(self.statement, [sent(values)])
            numbers = cursor.fetchall() if cursor.description else []
        for row, (number,) in zip(rows, numbers, strict=False):
            row.pk = number
        for row in rows:
            row._state.adding, row._state.db = False, connection.alias


def _converted(convert: Callable[..., Any], value: Any) -> Any:
    return convert(value, None, connection)


def sent(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as one JSON parameter, for ``jsonb_populate_recordset`` or ``jsonb_to_recordset``.

    >>> from datetime import date
    >>> from uuid import UUID
    >>> sent([{"day": date(2026, 4, 1), "id": UUID(int=1), "body": b"\\x00\\xff"}])
    '[{"day":"2026-04-01","id":"00000000-0000-0000-0000-000000000001","body":"\\\\\\\\x00ff"}]'
    """
    plain = [
        {
            name: f"\\x{bytes(value).hex()}" if isinstance(value, (bytes, memoryview)) else value
            for name, value in row.items()
        }
        for row in rows
    ]
    return _encoder.encode(plain).decode()


_encoder = msgspec.json.Encoder()
