"""The tables of a standard, read: its items, its code tables, and which values of the record they carry."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from municipalities.characters import Gaiji
from municipalities.convert import CONVERTERS, Converter
from municipalities.standard.head import RECORDS, Head
from municipalities.standard.sources import LINKS, VIEWS, Source, Subject, leaves


class TableError(ValueError):
    """A table of a standard is wrong: where, and what would be right."""

    def __init__(self, where: str, problem: str, right: str = "") -> None:
        super().__init__(f"{where}: {problem}" + (f"; {right}" if right else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One item of a record layout: a row of ``fields.csv``."""

    name: str
    source: str
    convert: str
    codes: str
    width: int
    note: str
    where: str  #: file and row it stands in
    record: str = ""  #: the kind of record it stands in; "" when the file has one kind
    required: bool = False  #: a blank is refused
    constant: str = ""  #: a text that always stands here
    repeat: int = 0  #: how many times it stands in one record, once per mover
    slot: int = 0  #: which of them, from 1


@dataclass(frozen=True, slots=True)
class Tables:
    """A folder as it was read, over the one it extends."""

    name: str
    head: Head
    settings: Mapping[str, Any]  #: the head before its defaults, for those who extend it
    fields: tuple[Field, ...]
    codes: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str]  #: where each code table stands
    subject: Subject
    file: str = "fields.csv"
    answers: "Tables | None" = None  #: the items of the file that a town sends back
    gaiji: Gaiji | None = None  #: private-use characters of the town that the layout was made for

    def laid_out(self) -> dict[str, list[Field]]:
        """The items of each kind of record, in its order; what repeats stands as often as it does."""
        default = "household" if any(field.repeat for field in self.fields) else "person"
        found: dict[str, list[Field]] = {}
        for kind in RECORDS:
            of_kind = [field for field in self.fields if (field.record or default) == kind]
            if of_kind:
                found[kind] = list(_repeated(of_kind))
        return found


def _repeated(fields: list[Field]) -> Iterator[Field]:
    """The rows with ``repeat`` stand together, once for each mover."""
    block = [field for field in fields if field.repeat]
    for field in fields:
        if not field.repeat:
            yield field
        elif field is block[0]:
            for slot in range(1, field.repeat + 1):
                for row in block:
                    yield replace(row, name=row.name.replace("#", str(slot)), slot=slot)


def converter(field: Field, source: Source) -> Converter:
    """The converter of an item; a code is a text."""
    kinds = CONVERTERS[field.convert]
    return kinds[source.kind] if source.kind in kinds else CONVERTERS["text"]["text"]


def ours_name(value: str) -> str:
    """How a code table names our value: a member by its name, a word by itself."""
    return str(getattr(value, "name", value))


def carried(fields: Iterable[Field], subject: Subject) -> set[str]:
    """The values that can be read back: a pair of views carries a part, four words a relationship."""
    named = {field.source for field in fields if field.source and _readable(field, subject)}
    shown: dict[str, set[str]] = {}
    for view, (part, _) in VIEWS.items():
        members = {f"{part}{name.removeprefix(view)}" for name in named if name.startswith(f"{view}.")}
        shown[part] = shown.get(part, members) & members
    found = named.union(*shown.values())
    for source in list(found):
        stem, _, last = source.rpartition(".")
        if last == "1" and {f"{stem}.{index}" for index in range(1, LINKS + 1)} <= found:
            found.add(stem)
        if source in subject.sources and subject.sources[source].kind == "uncertain":
            found |= {f"{source}.{part}" for part in ("year", "month", "day")}
    return found & set(subject.leaves())


def _readable(field: Field, subject: Subject) -> bool:
    return converter(field, subject.sources[field.source]).read is not None


def omitted(omits: Mapping[str, str], values: Iterable[str] = ()) -> set[str]:
    """The values that the layout does not carry; naming a part means all of it."""
    return {leaf for leaf in values or leaves() if any(leaf == name or leaf.startswith(f"{name}.") for name in omits)}
