"""What differs between two standards: of the layout, item by item and column by column, and in the code tables."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from municipalities.exports.items import row, told
from municipalities.standard import Field, Standard


class Pair(msgspec.Struct, frozen=True):
    """A value of both."""

    a: Any
    b: Any


class Changed(msgspec.Struct, frozen=True):
    """An item that both have, with the columns that differ; ``name`` differs where only the name was changed."""

    item: str
    columns: dict[str, Pair]


class Moved(msgspec.Struct, frozen=True):
    """An item that stands elsewhere: after which one."""

    item: str
    after: Pair


class Codes(msgspec.Struct, frozen=True):
    """A code table's rows that differ: our value → their code in both, nothing where one has no such row."""

    table: str
    rows: dict[str, Pair]


class Comparison(msgspec.Struct, frozen=True):
    """Everything that differs, in the order in which a reader wants to know it."""

    a: str
    b: str
    head: dict[str, Pair]
    added: list[str]
    dropped: list[str]
    moved: list[Moved]
    changed: list[Changed]
    omits: dict[str, Pair]
    codes: list[Codes]

    @property
    def equal(self) -> bool:
        return not any((self.head, self.added, self.dropped, self.moved, self.changed, self.omits, self.codes))


def compare(a: Standard, b: Standard) -> Comparison:
    """What changes for someone who knows ``a`` and gets ``b``."""
    old, new = ({key(item): item for item in layout.items} for layout in (a, b))
    renamed = _renamed(old, new)
    common = {name: renamed.get(name, name) for name in old if renamed.get(name, name) in new}
    return Comparison(
        a=a.name,
        b=b.name,
        head=_pairs(told(a.tables.head), told(b.tables.head)),
        added=[name for name in new if name not in common.values()],
        dropped=[name for name in old if name not in common],
        moved=list(_moved(common, list(old), list(new))),
        changed=list(_changed(old, new, common)),
        omits=_pairs(a.omits, b.omits),
        codes=list(_codes(a.codes, b.codes)),
    )


def key(item: Field) -> str:
    """An item's name, with its kind of record where there are several."""
    return f"{item.record}:{item.name}" if item.record else item.name


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Pair]:
    names = dict.fromkeys(chain(a, b))
    return {name: Pair(a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name)}


def _renamed(old: Mapping[str, Field], new: Mapping[str, Field]) -> dict[str, str]:
    """Items of another name that are the only one to carry the same value in both."""

    def alone(items: Mapping[str, Field], other: Mapping[str, Field]) -> dict[str, str]:
        sources = [item.source for item in items.values()]
        left = {item.source: name for name, item in items.items() if name not in other}
        return {source: name for source, name in left.items() if source and sources.count(source) == 1}

    before, after = alone(old, new), alone(new, old)
    return {before[source]: after[source] for source in before.keys() & after.keys()}


def _moved(common: Mapping[str, str], old: Sequence[str], new: Sequence[str]) -> Iterator[Moved]:
    """Items outside the longest order that both share."""
    ours = [common[name] for name in old if name in common]
    theirs = [name for name in new if name in set(ours)]
    kept = set(in_order(theirs, {name: place for place, name in enumerate(ours)}))
    for name in (name for name in theirs if name not in kept):
        at, to = ours.index(name), theirs.index(name)
        yield Moved(name, Pair(ours[at - 1] if at else "", theirs[to - 1] if to else ""))


def in_order(names: Sequence[str], place: Mapping[str, int]) -> list[str]:
    """The longest run of names, gaps allowed, whose places grow.

    >>> in_order("bacd", {"a": 0, "b": 1, "c": 2, "d": 3})
    ['a', 'c', 'd']
    """
    runs: list[list[str]] = []  # the run of each length that ends lowest
    for name in names:
        at = bisect_left([place[run[-1]] for run in runs], place[name])
        runs[at : at + 1] = [[*(runs[at - 1] if at else ()), name]]
    return runs[-1] if runs else []


def _changed(old: Mapping[str, Field], new: Mapping[str, Field], common: Mapping[str, str]) -> Iterator[Changed]:
    for name, other in common.items():
        if columns := _pairs(row(old[name]), row(new[other])):
            yield Changed(name, columns)


def _codes(a: Mapping[str, Mapping[str, str]], b: Mapping[str, Mapping[str, str]]) -> Iterator[Codes]:
    for table in dict.fromkeys(chain(a, b)):
        if rows := _pairs(a.get(table, {}), b.get(table, {})):
            yield Codes(table, rows)
