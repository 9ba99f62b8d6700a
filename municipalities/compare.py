"""Compares what two standards make of one notice, through the canonical record; says no word of its content.

A town that changes its standard wants to know before the day: what would be refused, which items would be lost
or gained, whose characters would be replaced otherwise. Every difference names an item, never a value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec

from municipalities.characters import NOTHING_DECIDED, Decisions, Fallback, Question
from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.standard import Standard, Written
from municipalities.standard.sources import Source, leaves, sources

#: The number of a mover inside a pointer.
NUMBER = re.compile(r"/[0-9]+(?=/|$)")


class Kind(StrEnum):
    """How the second standard differs from the first."""

    REFUSED = "refused"  #: it cannot write what the first can (E130, E131, E132)
    UNREADABLE = "unreadable"  #: what it wrote cannot be read back
    CHANGED = "changed"  #: the item is read back as another value than by the first
    LOST = "lost"  #: the first carries the item, it does not
    GAINED = "gained"  #: it carries the item as it was filed, the first does not
    FALLBACK = "fallback"  #: it replaces characters of the item, the first does not or by others
    ACCEPTED = "accepted"  #: it can write what the first refuses


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One difference: an item of the record (``mover.full_name``) or, of a refusal, of the layout."""

    kind: Kind
    item: str
    code: str = ""  #: the error catalogue's, of a refusal


@dataclass(frozen=True, slots=True)
class _Trial:
    """One standard's attempt at a notice."""

    written: Written | None
    read: Notice | None
    refusals: frozenset[Difference]


def compare(
    notice: Notice, first: Standard, second: Standard, decided: Decisions = NOTHING_DECIDED
) -> tuple[Difference, ...]:
    """How the second standard's record of this notice differs from the first's; nothing if both say the same."""
    present, following = _attempt(notice, first, decided), _attempt(notice, second, decided)
    found = set(following.refusals)
    if present.refusals:
        found = {Difference(Kind.ACCEPTED, one.item, one.code) for one in present.refusals - following.refusals}
    elif not following.refusals and present.read is not None and following.read is not None:
        found |= set(_between(notice, present, following))
    return tuple(sorted(found))


def _attempt(notice: Notice, layout: Standard, decided: Decisions) -> _Trial:
    try:
        written = layout.write(notice, decided)
    except UnfitError as error:
        return _Trial(None, None, frozenset(_refusals(error, layout.questions(notice, decided))))
    try:
        return _Trial(written, layout.read(written.content), frozenset())
    except UnfitError as error:
        unreadable = Difference(Kind.UNREADABLE, NUMBER.sub("/*", error.pointer), error.code)
        return _Trial(written, None, frozenset({unreadable}))


def _refusals(error: UnfitError, questions: Iterable[Question]) -> Iterator[Difference]:
    """All that is open at once; what no person can decide (a value without a code) has no question."""
    open_ = [Difference(Kind.REFUSED, one.item, "E130" if one.cluster else "E131") for one in questions]
    yield from open_
    if error.code not in {one.code for one in open_}:
        yield Difference(Kind.REFUSED, NUMBER.sub("/*", error.pointer), error.code)


def _between(notice: Notice, present: _Trial, following: _Trial) -> Iterator[Difference]:
    """Item by item: both read back, beside what was filed."""
    one, other, filed = (_values(record) for record in (present.read, following.read, notice))
    replaced = _replaced(following.written)
    for place in one.keys() | other.keys() | filed.keys():
        first, second, original = (values.get(place) for values in (one, other, filed))
        if first == second:
            continue
        if second == original:
            yield Difference(Kind.GAINED, place[1])
        elif place in replaced:
            yield Difference(Kind.FALLBACK, place[1])
        else:
            yield Difference(Kind.CHANGED if place in other else Kind.LOST, place[1])


Place = tuple[int, str]  #: which mover (0 = the notice itself) and which item


def _values(notice: Notice | None) -> dict[Place, Any]:
    """Everything a record says, by place; what has its default says nothing."""
    if notice is None:
        return {}
    found: dict[Place, Any] = {}
    for number, owner in enumerate((notice, *notice.movers)):
        for source, default in _items(of_mover=number > 0):
            part = source.part.get(owner)
            if part is not None and (value := getattr(part, source.attribute)) != default:
                found[number, source.text] = value
    return found


@cache
def _items(*, of_mover: bool) -> tuple[tuple[Source, Any], ...]:
    """The items of a mover or of the notice itself, each with its default."""
    found = []
    for source in (sources()[text] for text in leaves()):
        if source.part.of_mover is of_mover:
            defaults = {member.name: member.default for member in msgspec.structs.fields(source.part.record)}
            found.append((source, defaults[source.attribute]))
    return tuple(found)


def _replaced(written: Written | None) -> frozenset[Place]:
    """The places whose characters were replaced."""
    fallbacks = written.fallbacks if written else ()
    return frozenset(place for fallback in fallbacks for place in _places(fallback))


def _places(fallback: Fallback) -> Iterator[Place]:
    """What a pointer of the ledger points to; a part that is written as a whole is all of its items."""
    path, number = fallback.path, 0
    if path.startswith("/movers/"):
        _, _, position, *rest = path.split("/")
        path, number = "/" + "/".join(rest), int(position) + 1
    known = _pointers(of_mover=number > 0)
    while path and path not in known:  # one word of an item
        path = path.rpartition("/")[0]
    for text in known.get(path, ()):
        yield number, text


@cache
def _pointers(*, of_mover: bool) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for source, _ in _items(of_mover=of_mover):
        for pointer in {source.pointer, source.part.pointer} - {""}:
            found[pointer] = (*found.get(pointer, ()), source.text)
    return found
