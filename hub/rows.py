"""Rows of a model through statements written once, for what every call reads or writes.

A queryset is built, resolved and compiled anew at each use, which costs several times the statement itself. What is
written here is still the model's own table and columns, and what comes back are its instances.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property, partial
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Field, Model

M = TypeVar("M", bound=Model)

Converter = Callable[[Any], Any]

#: What a field of a model is decoded as, by its kind.
JSON_TYPES: Mapping[str, Any] = {
    "BigAutoField": int,
    "BinaryField": bytes,
    "CharField": str,
    "DateField": date,
    "DateTimeField": datetime,
    "UUIDField": UUID,
    "JSONField": Any,
    "PositiveSmallIntegerField": int,
}
BYTES = "translate(encode({}, 'base64'), chr(10), '')"


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
        return self.instances(found)

    def instances(self, rows: Iterable[Sequence[Any]]) -> list[M]:
        """Return instances from rows of values as the model holds them."""
        from_db, alias, names = self.model.from_db, connection.alias, self._names
        return [from_db(alias, names, row) for row in rows]

    @cached_property
    def as_lists(self) -> str:
        """The statement with each row as one list in JSON, in the same order; bytes in base 64, without line ends."""
        table = self.model._meta.db_table
        columns = (
            BYTES.format(f'"{table}"."{field.column}"')
            if field.get_internal_type() == "BinaryField"
            else f'"{table}"."{field.column}"'
            for field in self._fields
        )
        return f"SELECT json_build_array({', '.join(columns)}) FROM {table} {self.rest}"  # noqa: S608 - as above

    @cached_property
    def types(self) -> tuple[Any, ...]:
        """What each column is decoded as."""
        kinds = [JSON_TYPES[getattr(field, "target_field", field).get_internal_type()] for field in self._fields]
        return tuple(kind | None if field.null else kind for kind, field in zip(kinds, self._fields, strict=True))

    def first(self, *parameters: Any) -> M | None:
        """Return the first row, or ``None``."""
        return next(iter(self(*parameters)), None)


class Together:
    """What several readers read, in one statement: it costs little more than one of them.

    The rows come as JSON, which is decoded straight into what the models hold (``JSON_TYPES``).
    """

    def __init__(self, *readers: Reader[Any]) -> None:
        self.readers = readers

    @cached_property
    def statement(self) -> str:
        """The statement, with ``%s`` for each parameter of each reader."""
        lists = (f"(SELECT coalesce(json_agg(row), '[]') FROM ({one.as_lists}) AS of(row))" for one in self.readers)  # noqa: S608
        return f"SELECT json_build_array({', '.join(lists)})::text"

    @cached_property
    def _decoder(self) -> "msgspec.json.Decoder[Any]":
        rows = [list[tuple[one.types]] for one in self.readers]  # type: ignore[name-defined]
        return msgspec.json.Decoder(tuple[tuple(rows)])  # type: ignore[misc]

    def __call__(self, *parameters: Any) -> list[list[Any]]:
        """Return the rows of each reader."""
        with connection.cursor() as cursor:
            cursor.execute(self.statement, parameters)
            [text] = cursor.fetchone()
        found = self._decoder.decode(text)
        return [one.instances(rows) for one, rows in zip(self.readers, found, strict=True)]


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
