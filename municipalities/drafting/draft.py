"""The draft of a standard: rows, code tables and omissions, worked out before anything is written."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from municipalities.drafting.guess import Guess, alike, guess
from municipalities.drafting.match import NOT_PLACED, Match, known, match, part_names
from municipalities.drafting.sniff import Named, Sniffed
from municipalities.standard import Field, Standard
from municipalities.standard.sources import REQUIRED, VIEWS, Source, leaves, notices, parts, sources
from municipalities.standard.tables import carried, omitted

OMITTED = "The vendor's file has no item for it: confirm, or name the item."
FOR_THE_EYES = "It is written for the eyes only and cannot be read back."
#: What is put behind a name that the vendor uses already, and behind that of a part to say that it was filed.
OWN, PRESENT = "_連携", "_記載有無"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of ``fields.csv``, how it was found, and what a person must look at."""

    field: Field
    how: str
    doubt: str = ""
    table: Mapping[str, str] | None = None
    words: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  #: what each of ours means, where it is to be filled


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that will stand in the folder."""

    name: str
    file: str
    sniffed: Sniffed
    base: Standard | None
    rows: tuple[Row, ...]
    codes: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Mapping[str, str]]
    omits: Mapping[str, str]

    @property
    def unplaced(self) -> list[str]:
        """Items of the vendor's that hold nothing the hub knows."""
        return [row.field.name for row in self.rows if row.how == NOT_PLACED]


def draft(name: str, file: str, sniffed: Sniffed, layouts: Mapping[str, Standard], base: Standard | None) -> Draft:
    """Work the folder out; ``layouts`` are compared with, the base first."""
    order = {base.name: base} if base else {}
    order |= layouts
    found = match(sniffed.items, known(list(order.values()), base.name if base else ""))
    found += [*_needed(found, order), *_presence(found, order)]
    made = alike(found, [guess(result, order, base.name if base else "") for result in found])
    rows = _apart([_row(result, one, base) for result, one in zip(found, made, strict=True)])
    codes = {row.field.codes: row.table for row in rows if row.table}
    words = {row.field.codes: row.words for row in rows if row.table}
    return Draft(name, file, sniffed, base, tuple(rows), codes, words, _omits(rows, base))


def _row(found: Match, made: Guess, base: Standard | None) -> Row:
    """A width is what a layout sheet says or the base has; what the samples show is only a note."""
    item, longest = found.item, max(map(len, found.item.samples), default=0)
    like = _below(found, base) if base else None
    width = item.width or (like.width if like else 0)
    size = f"longest sample: {longest} characters" if longest and not width and not made.codes else ""
    size = f"width of {like.name}" if like and width and not item.width and like.name != item.name else size
    note = "; ".join(filter(None, [item.note, "" if found.how.startswith("as in") else found.how, made.doubt, size]))
    field = Field(
        name=item.name,
        source=found.source,
        convert=made.convert,
        codes=made.codes,
        width=width,
        note=note,
        where="",
    )
    return Row(field, found.how, made.doubt, made.table, made.words)


def _below(found: Match, base: Standard) -> Field | None:
    """The base's item of that name, else of that value."""
    same = [own for own in base.items if found.source and own.source == found.source]
    return next((own for own in same if own.name == found.item.name), same[0] if same else None)


def _apart(rows: Sequence[Row]) -> list[Row]:
    """Two tables of one name and other codes get two names."""
    tables: dict[str, Mapping[str, str] | None] = {}
    found = []
    for row in rows:
        name, number = row.field.codes, 2
        while name and tables.setdefault(name, row.table) != row.table:
            name, number = f"{row.field.codes}_{number}", number + 1
        found.append(replace(row, field=replace(row.field, codes=name)))
    return found


# --- what a layout must have ----------------------------------------------------------------------------


def _needed(found: Sequence[Match], layouts: Mapping[str, Standard]) -> Iterator[Match]:
    """Items by which the town answers, at the end of the record where the vendor's file lacks them."""
    has = {result.source for result in found}
    for text in REQUIRED:
        if text not in has:
            yield _added(text, found, layouts, "added: a town answers by it")


def _presence(found: Sequence[Match], layouts: Mapping[str, Standard]) -> Iterator[Match]:
    """Items that tell a part which was filed empty from one that was not filed."""
    told: dict[str, bool] = {}
    for source in (sources()[result.source] for result in found if result.source):
        if source.part.path:
            told[source.part.name] = told.get(source.part.name, False) or _never_blank(source)
    for name in (name for name, is_told in told.items() if not is_told):
        yield _added(name, found, layouts, "added: tells an empty part from none")


def _never_blank(source: Source) -> bool:
    return source.kind in {"part", "uncertain", "flag", "number"} or (
        source.enum is not None and "" not in map(str, source.enum)
    )


def _added(text: str, found: Sequence[Match], layouts: Mapping[str, Standard], why: str) -> Match:
    """The item as the first standard of rows has it, under a name that the vendor does not use."""
    target = parts()[text].target if text in parts() else text
    views = [view for view, (part, _) in VIEWS.items() if part == target]
    for layout in layouts.values():
        like = next((item for item in layout.items if item.source in {text, target, *views}), None)
        if like and "/" not in like.name and not like.repeat:
            used = {result.item.name for result in found}
            name = like.name if like.name not in used else f"{like.name}{OWN}"
            return Match(Named(name), text, like, layout.name, why)
    return Match(Named(f"{part_names().get(text, text)}{PRESENT}"), text, None, "", why)


# --- what it cannot carry -------------------------------------------------------------------------------


def _omits(rows: Sequence[Row], base: Standard | None) -> Mapping[str, str]:
    """Every value that no row carries, a whole part by its name; an empty reason takes one of the base back."""
    fields = [replace(row.field, convert=row.field.convert or "text") for row in rows]
    below = omitted(base.omits) if base else set()
    missing = set(leaves()) - carried(fields, notices()) - below
    found: dict[str, str] = {}
    for name, part in parts().items():
        own = {leaf for leaf in leaves() if sources()[leaf].part.name == name}
        if part.path and own and own <= missing:
            found[name] = OMITTED
            missing -= own
    written = {field.source for field in fields}
    found |= {leaf: FOR_THE_EYES if leaf in written else OMITTED for leaf in leaves() if leaf in missing}
    taken_back = [name for name in base.omits if omitted({name: "x"}) & carried(fields, notices())] if base else []
    return dict.fromkeys(taken_back, "") | found
