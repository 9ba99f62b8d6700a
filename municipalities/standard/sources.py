"""The canonical record as ``fields.csv`` names it: parts, their members, and the few views of them."""

import csv
import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from operator import attrgetter
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import msgspec

from municipalities.notice import Address, Mover, Notice, Record, UncertainDate

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
    kind: str  #: text, enum, number, flag, date, words, word, uncertain, part
    key: str = ""  #: JSON name of the member
    index: int = 0  #: which word, from 1
    enum: type[StrEnum] | None = None
    optional: bool = False  #: whether it may be None

    @property
    def pointer(self) -> str:
        return f"{self.part.pointer}/{self.key}" if self.key else self.part.pointer

    @property
    def domain(self) -> frozenset[str] | None:
        """Every value it may take, where that is a closed list."""
        if self.enum is not None:
            return frozenset(self.enum)
        name = VOCABULARIES.get(self.text.rpartition(".")[0] if self.index else self.text)
        return vocabularies()[name] if name else None


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
    return {str: "text", int: "number", bool: "flag", date: "date"}[hint], None, False


@cache
def parts() -> Mapping[str, Part]:
    """Every part by the name its sources begin with."""
    found = {"": Part("", Notice, (), False, lambda notice: notice, "")}
    found["mover"] = Part("mover", Mover, (), True, lambda mover: mover, "mover")
    for owner in (found[""], found["mover"]):
        for attribute, key, (kind, record, _) in _members(owner.record):
            if kind == "part":
                name = f"{owner.name}.{attribute}" if owner.name else attribute
                found[name] = Part(name, record, (key,), owner.of_mover, attrgetter(attribute), name)
    for name, (shown, get) in VIEWS.items():
        part = found[shown]
        found[name] = Part(name, part.record, part.path, part.of_mover, get, shown)
    return found


def _members(record: type[Record]) -> Iterator[tuple[str, str, tuple[str, Any, bool]]]:
    hints = get_type_hints(record)
    for member in msgspec.structs.fields(record):
        yield member.name, member.encode_name, _kind(hints[member.name])


@cache
def sources() -> Mapping[str, Source]:
    """Everything that a source cell may name."""
    found: dict[str, Source] = {}
    for name, part in parts().items():
        if part.path:
            kind = "uncertain" if part.record is UncertainDate else "part"
            found[name] = Source(name, part, "", kind)
        for attribute, key, (kind, inner, optional) in _members(part.record):
            if kind in {"part", "movers"}:
                continue
            text = f"{name}.{attribute}" if name else attribute
            enum = inner if kind == "enum" else None
            found[text] = Source(text, part, attribute, kind, key, 0, enum, optional)
            for index in range(1, LINKS + 1) if kind == "words" else ():
                word = f"{text}.{index}"
                found[word] = Source(word, part, attribute, "word", key, index)
    return found


def leaves() -> Iterator[str]:
    """Every value that can be filed, by its name; views and single words are not values of their own."""
    for text, source in sources().items():
        if source.attribute and not source.index and source.part.name not in VIEWS:
            yield text


def near(word: str, known: Iterator[str] | Mapping[str, object]) -> str:
    """A question that helps with a slip of the pen: «did you mean …?»."""
    close = difflib.get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(f'«{name}»' for name in close)}?" if close else ""
