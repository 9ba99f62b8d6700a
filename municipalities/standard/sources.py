"""The canonical record as ``fields.csv`` names it: parts, their members, and the few views of them.

A table of items is about a subject: the notice with its movers, or the answers that a town sends back.
"""

import csv
import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import msgspec

from municipalities.notice import Address, Mover, Notice, Record, UncertainDate
from municipalities.standard.answers import Answer, Answers

VOCABULARY = Path(__file__).parent.parent / "data" / "vocabularies.csv"

#: Members that are texts but hold only words of a closed list (``vocabularies.csv``).
VOCABULARIES = {
    "type": "notice",
    "mover.relation_from": "relation",
    "mover.relation_to": "relation",
    "mover.residence.category": "residence",
}

#: What every layout must carry: a town answers by these.
REQUIRED = ("notice_id", "type", "receipt_no", "version", "recipient", "role", "mover.ordinal")

#: The longest relationship (resident-record standard 1.1.11).
LINKS = 4


def planned(notice: Notice) -> Address | None:
    """転出先住所（予定）: the new address until the destination has decided."""
    return notice.new_address if notice.actual_in_on is None else None


def confirmed(notice: Notice) -> Address | None:
    """転出先住所（確定）: the new address once the destination has said since when."""
    return None if notice.actual_in_on is None else notice.new_address


#: A view is a part under another name; each pair together carries the part.
VIEWS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "planned_address": ("new_address", planned),
    "confirmed_address": ("new_address", confirmed),
}


class Counts(Record, frozen=True):
    """What a record says of its file; counted when writing, and checked when reading."""

    records: int = 0  #: in the file
    details: int = 0  #: of them without header and trailer
    households: int = 0  #: household records
    persons: int = 0  #: movers
    number: int = 0  #: of this record in the file, from 1
    part: int = 0  #: of this household record among those of the household, from 1
    parts: int = 0  #: how many there are


@dataclass(frozen=True, slots=True)
class Part:
    """A record inside the notice: the notice itself, an address, a mover, a mover's coverage …"""

    name: str
    record: type[Record]
    path: tuple[str, ...]  #: JSON names, from the notice or from the mover
    of_mover: bool
    get: Callable[[Any], Any]  #: from the notice or from the mover; None when it was not filed
    target: str  #: the name of the part that a view shows, else the name

    @property
    def pointer(self) -> str:
        return "".join(f"/{step}" for step in self.path)


@dataclass(frozen=True, slots=True)
class Source:
    """What a source cell names: a member of a part, one word of a member, or a part itself."""

    text: str
    part: Part
    attribute: str  #: "" for the part itself
    kind: str  #: text, enum, number, flag, date, moment, words, word, uncertain, part
    key: str = ""  #: JSON name of the member
    index: int = 0  #: which word, from 1
    enum: type[StrEnum] | None = None
    optional: bool = False  #: whether it may be None

    @property
    def pointer(self) -> str:
        index = f"/{self.index - 1}" if self.index else ""
        return f"{self.part.pointer}/{self.key}{index}" if self.key else self.part.pointer

    @property
    def counted(self) -> bool:
        return self.part.record is Counts

    @property
    def domain(self) -> frozenset[str] | None:
        """Every value it may take, where that is a closed list."""
        if self.enum is not None:
            return frozenset(self.enum)
        name = VOCABULARIES.get(self.text.rpartition(".")[0] if self.index else self.text)
        return vocabularies()[name] if name else None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a table of items is about: one record in which others repeat."""

    record: type[Record]
    many: str  #: attribute and JSON name of those that repeat
    key: str  #: the source by which one of them is known to be there
    required: tuple[str, ...]
    sources: Mapping[str, Source]

    def leaves(self) -> Iterator[str]:
        """Every value there can be, by its name; views, single words and counts are not values of their own."""
        for text, source in self.sources.items():
            if source.attribute and not source.index and source.part.name not in VIEWS and not source.counted:
                yield text


@cache
def vocabularies() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    with VOCABULARY.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["vocabulary"], set()).add(row["word"])
    return {name: frozenset(words) for name, words in found.items()}


def _kind(hint: Any) -> tuple[str, Any, bool]:
    """The kind of a member's type, its class if it has one, and whether it may be None."""
    options = [option for option in get_args(hint) if option is not type(None)]
    if isinstance(hint, UnionType) and len(options) == 1:
        kind, inner, _ = _kind(options[0])
        return kind, inner, True
    if options:
        return "words" if options[0] is str else "movers", None, False
    if issubclass(hint, Record):
        return "part", hint, False
    if issubclass(hint, StrEnum):
        return "enum", hint, False
    return {str: "text", int: "number", bool: "flag", date: "date", datetime: "moment"}[hint], None, False


@cache
def parts() -> Mapping[str, Part]:
    """Every part of the notice by the name its sources begin with."""
    found = {"": Part("", Notice, (), False, _itself, ""), "mover": Part("mover", Mover, (), True, _itself, "mover")}
    for owner in (found[""], found["mover"]):
        for attribute, key, (kind, record, _) in _members(owner.record):
            if kind == "part":
                name = f"{owner.name}.{attribute}" if owner.name else attribute
                found[name] = Part(name, record, (key,), owner.of_mover, attrgetter(attribute), name)
    for name, (shown, get) in VIEWS.items():
        part = found[shown]
        found[name] = Part(name, part.record, part.path, part.of_mover, get, shown)
    return found


def _itself(record: Any) -> Any:
    return record


def _members(record: type[Record]) -> Iterator[tuple[str, str, tuple[str, Any, bool]]]:
    hints = get_type_hints(record)
    for member in msgspec.structs.fields(record):
        yield member.name, member.encode_name, _kind(hints[member.name])


def _sources(owners: Mapping[str, Part]) -> Iterator[Source]:
    for name, part in owners.items():
        if part.path:
            kind = "uncertain" if part.record is UncertainDate else "part"
            yield Source(name, part, "", kind)
        for attribute, key, (kind, inner, optional) in _members(part.record):
            if kind in {"part", "movers"}:
                continue
            text = f"{name}.{attribute}" if name else attribute
            enum = inner if kind == "enum" else None
            yield Source(text, part, attribute, kind, key, 0, enum, optional)
            for index in range(1, LINKS + 1) if kind == "words" else ():
                yield Source(f"{text}.{index}", part, attribute, "word", key, index)


COUNT = {"count": Part("count", Counts, (), False, _itself, "count")}


@cache
def sources() -> Mapping[str, Source]:
    """Everything that a source cell of ``fields.csv`` may name."""
    return {source.text: source for source in _sources({**parts(), **COUNT})}


def leaves() -> Iterator[str]:
    """Every value that can be filed, by its name."""
    return notices().leaves()


@cache
def notices() -> Subject:
    """The subject of ``fields.csv``."""
    return Subject(Notice, "movers", "mover.ordinal", REQUIRED, sources())


@cache
def answers() -> Subject:
    """The subject of ``answers.csv``."""
    found = _sources({"": Part("", Answer, (), True, _itself, ""), **COUNT})
    return Subject(Answers, "answers", "notice_id", ("notice_id", "kind"), {source.text: source for source in found})


def near(word: str, known: Iterator[str] | Mapping[str, object]) -> str:
    """A question that helps with a slip of the pen: «did you mean …?»."""
    close = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(f'«{name}»' for name in close)}?" if close else ""
