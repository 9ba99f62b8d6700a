"""The same records as one would write them without tables that are compiled: a serializer and a CSV writer.

Each item is a serializer's field that fetches its value by a dotted path; rows go through ``csv.DictWriter``
and come back through ``csv.DictReader`` and the serializer's validation.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rest_framework import serializers

from municipalities.notice import Address, Mover, Notice
from municipalities.standard import Field, Standard
from municipalities.standard.sources import sources

#: How this design writes dates; a layout with others is not compared.
DAYS = {"iso": "%Y-%m-%d", "ymd": "%Y%m%d"}
KNOWN = {"text", "number", "flag", "present", "chain", *DAYS}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: the notice under its own names, and one mover of it."""

    notice: Notice
    mover: Mover

    def __getattr__(self, name: str) -> Any:
        return getattr(self.notice, name)

    @property
    def planned_address(self) -> Address | None:
        """The new address until the destination has decided."""
        return self.notice.new_address if self.notice.actual_in_on is None else None

    @property
    def confirmed_address(self) -> Address | None:
        """The new address afterwards."""
        return None if self.notice.actual_in_on is None else self.notice.new_address


class CodeField(serializers.Field):
    """A value with a code table."""

    def __init__(self, table: Mapping[Any, str], **options: Any) -> None:
        super().__init__(**options)
        self.table = table
        self.back = {theirs: ours for ours, theirs in table.items()}

    def to_representation(self, value: Any) -> str:
        """Return their code."""
        return self.table.get(getattr(value, "name", value), "")

    def to_internal_value(self, data: Any) -> Any:
        """Return our value."""
        if data not in self.back:
            raise serializers.ValidationError("unknown code")
        return self.back[data]


class WordField(CodeField):
    """One word of a relationship."""

    def __init__(self, table: Mapping[str, str], index: int, **options: Any) -> None:
        super().__init__(table, **options)
        self.index = index

    def to_representation(self, value: Any) -> str:
        """Return the code of that word."""
        return super().to_representation(value[self.index - 1]) if len(value) >= self.index else ""


class PresentField(serializers.CharField):
    """1 where a part was filed."""

    def to_representation(self, value: Any) -> str:
        """Return the digit."""
        return "1" if value is not None else ""


class ChainField(serializers.CharField):
    """A relationship in words."""

    def to_representation(self, value: Any) -> str:
        """Return the words joined."""
        return "の".join(value)


class BirthField(serializers.CharField):
    """A date of birth that may be partly unknown."""

    def to_representation(self, value: Any) -> str:
        """Return it with zeros for what is unknown."""
        return f"{value.year or 0:04}-{value.month or 0:02}-{value.day or 0:02}"


class DayField(serializers.DateField):
    """A day."""

    def to_representation(self, value: date) -> str:
        """Return it in the format of the layout."""
        return value.strftime(str(self.format))


class Naive:
    """Writes and reads one layout."""

    def __init__(self, layout: Standard) -> None:
        self.layout = layout
        self.names = [item.name for item in layout.items]
        self.writer = _serializer("Writer", layout, dotted=True)
        # The framework cannot put a part and its members into one dictionary.
        self.reader = _serializer("Reader", layout, dotted=False)

    @staticmethod
    def can(layout: Standard) -> bool:
        """Whether this design knows all the layout's ways of writing, and its encoding every name."""
        plain = (
            layout.format == "delimited"
            and layout.encoding == "utf-8"
            and not any(item.repeat for item in layout.items)
        )
        return plain and all(item.convert in KNOWN for item in layout.items if item.source)

    def write(self, notice: Notice) -> bytes:
        """A file of one notice."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, self.names, quoting=csv.QUOTE_ALL, restval="")
        writer.writeheader()
        for mover in notice.movers:
            row = self.writer(Entry(notice, mover)).data
            writer.writerow({name: "" if value is None else value for name, value in row.items()})
        return out.getvalue().encode(self.layout.encoding)

    def read(self, content: bytes) -> list[dict[str, Any]]:
        """The validated rows of a file."""
        rows = csv.DictReader(io.StringIO(content.decode(self.layout.encoding), newline=""))
        filled = [{name: text for name, text in row.items() if text} for row in rows]
        serializer = self.reader(data=filled, many=True)
        serializer.is_valid(raise_exception=True)
        return list(serializer.validated_data)


def _serializer(name: str, layout: Standard, *, dotted: bool) -> type[serializers.Serializer]:
    fields = {item.name: _field(layout, item, dotted=dotted) for item in layout.items if item.source}
    return type(name, (serializers.Serializer,), fields)


def _field(layout: Standard, item: Field, *, dotted: bool) -> serializers.Field:
    source = sources()[item.source]
    path = item.source.rpartition(".")[0] if source.index else item.source
    options: dict[str, Any] = {"allow_null": True, "required": False} | ({"source": path} if dotted else {})
    if source.index:
        return WordField(dict(layout.codes[item.codes]), source.index, **options)
    if item.codes:
        return CodeField(dict(layout.codes[item.codes]), **options)
    if source.kind == "uncertain":
        return BirthField(**options)
    if item.convert == "flag":
        return CodeField({True: "1", False: "0"}, **options)
    if item.convert in DAYS:
        return DayField(format=DAYS[item.convert], input_formats=[DAYS[item.convert]], **options)
    if item.convert == "number":
        return serializers.IntegerField(**options)
    if item.convert in {"present", "chain"}:
        return PresentField(**options) if item.convert == "present" else ChainField(**options)
    return serializers.CharField(max_length=item.width or None, allow_blank=True, trim_whitespace=False, **options)
