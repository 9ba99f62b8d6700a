"""Which value of the record a vendor's item holds, by its name: as a standard has it, by a synonym, or nearly."""

import csv
import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from municipalities.drafting.sniff import Named
from municipalities.standard import Field, Standard
from municipalities.standard.sources import VIEWS, parts

SYNONYMS = Path(__file__).parent.parent / "data" / "synonyms.csv"

#: How alike two names must be to be offered, of 1: below it the offers are mostly wrong.
ALIKE = 0.75

NOT_PLACED = "not placed"

#: Names of items are compared without what vendors write differently; names of persons never are.
FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    ord(mark): None for mark in "　 _＿-－―・･,、/()（）[]［］「」"
}


@dataclass(frozen=True, slots=True)
class Match:
    """A vendor's item with what was found for it."""

    item: Named
    source: str = ""
    like: Field | None = None  #: the item of a standard that is written the same way
    standard: str = ""  #: whose item that is
    how: str = NOT_PLACED

    @property
    def sure(self) -> bool:
        return bool(self.source) and not self.how.startswith("near")


def fold(name: str) -> str:
    """A name of an item as it is compared.

    >>> fold("転出先住所（予定）＿郵便番号") == fold("転出先住所 予定_郵便番号")
    True
    """
    return name.translate(FOLD).lower()


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that names of items are compared with."""

    exact: "Names"
    folded: "Names"
    synonyms: Mapping[str, str]


#: A name → the items that bear it, with their standards; those of the value that most of them carry come first.
Names = Mapping[str, list[tuple[Field, str]]]


def known(layouts: Sequence[Standard], base: str) -> Known:
    """The items of these standards; those that the hub leaves blank only of the base, whose items come first."""
    bearers: dict[str, list[tuple[Field, str]]] = {}
    for layout in layouts:
        for item in layout.items:
            if not item.repeat and (item.source or layout.name == base):
                bearers.setdefault(item.name, []).append((item, layout.name))
    folded: dict[str, list[tuple[Field, str]]] = {}
    for name, items in bearers.items():
        folded.setdefault(fold(name), []).extend(items)
    return Known(_ordered(bearers, base), _ordered(folded, base), synonyms())


def _ordered(bearers: Names, base: str) -> Names:
    found = {}
    for name, items in bearers.items():
        votes = Counter(item.source for item, _ in items)
        found[name] = sorted(items, key=lambda pair: (pair[1] != base, -votes[pair[0].source]))
    return found


@cache
def _table() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Names and what they mean, as the table has them: of items, of parts, of members of a class."""
    rows: dict[str, list[tuple[str, str]]] = {"item": [], "part": [], "member": []}
    with SYNONYMS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["kind"]].append((row["name"], row["source"]))
    return rows


@cache
def part_names() -> Mapping[str, str]:
    """The first name of each part."""
    return {source: name for name, source in reversed(_table()["part"])}


@cache
def synonyms() -> Mapping[str, str]:
    """Folded name → source; a part's names are put before those of its members."""
    found = {fold(name): source for name, source in _table()["item"]}
    for before, part in _table()["part"]:
        for after, member in _table()["member"]:
            record, _, attribute = member.partition(".")
            if parts()[part].record.__name__ == record:
                found.setdefault(fold(before + after), f"{part}.{attribute}")
                found.setdefault(fold(f"{before}の{after}"), f"{part}.{attribute}")
    return found


def match(items: Sequence[Named], names: Known) -> list[Match]:
    """Every item with its value; each value once, but for items that a standard, too, writes for the eyes."""
    found: dict[str, Match] = {}
    taken: set[str] = set()
    for way in (_exact, _folded, _synonym, _near):
        for item in items:
            results = way(item, names) if item.name not in found else iter(())
            if result := next((result for result in results if _free(result, taken)), None):
                found[item.name] = result
                taken.add(result.source or item.name)
    return [_one_view(found.get(item.name) or Match(item), taken) for item in items]


def _free(result: Match, taken: set[str]) -> bool:
    """Whether the value stands nowhere yet, neither by itself nor as planned and confirmed."""
    if result.source in taken or not result.source:
        return result.how.startswith("as in")
    part, _, member = result.source.rpartition(".")
    others = {VIEWS[part][0]} if part in VIEWS else {view for view, (shown, _) in VIEWS.items() if shown == part}
    return not any(f"{other}.{member}" in taken for other in others)


def _one_view(result: Match, taken: set[str]) -> Match:
    """A layout that has only the planned address, or only the confirmed one, has the new one."""
    part, _, member = result.source.rpartition(".")
    if part not in VIEWS:
        return result
    shown = VIEWS[part][0]
    pair = {f"{view}.{member}" for view, (of, _) in VIEWS.items() if of == shown}
    return result if pair <= taken else replace(result, source=f"{shown}.{member}")


def _exact(item: Named, names: Known) -> Iterator[Match]:
    yield from _borne(item, names.exact.get(item.name, ()), "as in {standard}")


def _folded(item: Named, names: Known) -> Iterator[Match]:
    yield from _borne(item, names.folded.get(fold(item.name), ()), "as «{name}» in {standard}")


def _borne(item: Named, bearers: Sequence[tuple[Field, str]], how: str) -> Iterator[Match]:
    """One match for each value that items of this name carry; where there are several, that is said."""
    first: dict[str, tuple[Field, str]] = {}
    for like, standard in bearers:
        first.setdefault(like.source, (like, standard))
    for source, (like, standard) in first.items():
        said = how.format(name=like.name, standard=standard)
        others = [other for other in first if other != source]
        elsewhere = f"; elsewhere {', '.join(others)}: confirm" if others and standard != bearers[0][1] else ""
        yield Match(item, source, like, standard, said + elsewhere)


def _synonym(item: Named, names: Known) -> Iterator[Match]:
    if source := names.synonyms.get(fold(item.name)):
        like, standard = _alike(source, names)
        yield Match(item, source, like, standard, "synonym")


def _near(item: Named, names: Known) -> Iterator[Match]:
    everything = {name: items[0][0].source for name, items in names.folded.items() if items[0][0].source}
    everything |= names.synonyms
    for name in difflib.get_close_matches(fold(item.name), everything, n=3, cutoff=ALIKE):
        like, standard = names.folded[name][0] if name in names.folded else _alike(everything[name], names)
        yield Match(item, everything[name], like, standard, f"near «{like.name if like else name}»: confirm")


def _alike(source: str, names: Known) -> tuple[Field | None, str]:
    bearers = (pair for items in names.exact.values() for pair in items)
    return next(((like, standard) for like, standard in bearers if like.source == source), (None, ""))
