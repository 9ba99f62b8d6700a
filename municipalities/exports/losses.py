"""What of the canonical record a layout cannot carry, found by writing and reading back.

Of a layout: what it omits, where its items are too short for the longest lawful value, which of our values become
the same one of theirs, which characters and dates are written otherwise or need a clerk. Of one notice: the same,
for what was filed. What a converter or an encoding is thought to do is not repeated here: it is tried.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from municipalities.characters import NOTHING_DECIDED, Decisions, Question
from municipalities.errors import UnfitError
from municipalities.exports import probes
from municipalities.notice import Notice, UncertainDate
from municipalities.standard import Standard
from municipalities.standard.sources import LINKS, VIEWS, Source, leaves, sources
from municipalities.standard.tables import omitted

#: A change of which the layout says nothing: a fault of its tables or of the engine.
UNRECORDED = "not recorded"


class Kind(StrEnum):
    """How something does not arrive as it was filed; what is short or held stops the delivery: nothing is cut."""

    OMITTED = "omitted"  #: the layout has no item for it
    SHORT = "short"  #: a lawful value may be too long for the item (E131)
    MERGED = "merged"  #: two of our values become one of theirs
    CHANGED = "changed"  #: written otherwise, and recorded
    HELD = "held"  #: cannot be written: a person decides (E130, E132)


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that does not arrive as it was filed."""

    kind: Kind
    leaves: tuple[str, ...]  #: the values concerned, as ``fields.csv`` names them
    items: tuple[str, ...]  #: the items they stand in
    ours: str  #: what was filed, or how much may be filed
    theirs: str  #: what arrives, or how much the item takes
    why: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One notice written and read back: what came of the value that was tried."""

    arrived: Any
    code: str = ""  #: the catalogue's, when the layout refused it
    why: str = ""


def of_layout(layout: Standard) -> tuple[Loss, ...]:
    """Everything that this layout cannot carry as it may be filed; takes about a second."""
    found = [Loss(Kind.OMITTED, (name,), (), "", "", why) for name, why in layout.omits.items()]
    found += _persons(layout)
    lacks = omitted(layout.omits)
    for source in (sources()[leaf] for leaf in leaves() if leaf not in lacks):
        if source.domain is not None:
            found += _members(layout, source)
        elif source.part.record is UncertainDate and source.kind == "number":
            found += _births(layout, source) if source.attribute == "year" else ()
        else:
            found += TRIALS[source.kind](layout, source)
    return tuple(_gathered(found))


def of_notice(layout: Standard, notice: Notice, decided: Decisions = NOTHING_DECIDED) -> tuple[Loss, ...]:
    """What of this notice does not arrive as it was filed, whatever clerks decided; its texts are personal."""
    found = list(_left_out(layout, notice))
    try:
        fallbacks = layout.write(notice, decided).fallbacks
    except UnfitError as error:
        return (*found, *_held(error, layout.questions(notice, decided)))
    changed = (Loss(Kind.CHANGED, (row.path,), (), row.original, row.written, row.rule) for row in fallbacks)
    return (*found, *changed)


def _held(error: UnfitError, asked: Iterable[Question]) -> Iterator[Loss]:
    """Every question that is open; where nobody can be asked, what the layout said."""
    held = False
    for question in asked:
        held, choices = True, "、".join(candidate.written for candidate in question.candidates)
        code = "E130" if question.cluster else "E131"
        yield Loss(Kind.HELD, (question.pointer,), (question.item,), question.text, choices, code)
    if not held:
        yield Loss(Kind.HELD, (), (error.pointer,), "", "", f"{error.code}: {error.detail}")


def _left_out(layout: Standard, notice: Notice) -> Iterator[Loss]:
    for leaf in sorted(omitted(layout.omits)):
        why = next(why for name, why in layout.omits.items() if f"{leaf}.".startswith(f"{name}."))
        for value in probes.filed(notice, sources()[leaf]):
            yield Loss(Kind.OMITTED, (leaf,), (), str(value), "", why)


def _gathered(losses: Iterable[Loss]) -> Iterator[Loss]:
    """The same loss of several values as one."""
    found: dict[tuple[str, ...], list[Loss]] = {}
    for loss in losses:
        apart = loss.leaves[0] if loss.kind is Kind.OMITTED else ""
        found.setdefault((loss.kind, loss.ours, loss.theirs, loss.why, apart), []).append(loss)
    for (kind, ours, theirs, why, _), same in found.items():
        names = dict.fromkeys(leaf for loss in same for leaf in loss.leaves)
        items = dict.fromkeys(item for loss in same for item in loss.items)
        yield Loss(Kind(kind), tuple(names), tuple(items), ours, theirs, why)


# --- trials ---------------------------------------------------------------------------------------------


def _items(layout: Standard, source: Source) -> tuple[str, ...]:
    """The items in which a value stands: by itself, through a view, word by word or as a whole date."""
    views = {view for view, (part, _) in VIEWS.items() if part == source.part.name}
    texts = {source.text, *(f"{view}.{source.attribute}" for view in views)}
    texts |= {f"{source.text}.{index}" for index in range(1, LINKS + 1)}
    texts |= {source.part.name} if source.part.record is UncertainDate else set()
    return tuple(item.name for item in layout.items if item.source in texts)


def _tried(layout: Standard, source: Source, value: Any, notice: Notice | None = None) -> Trial:
    try:
        written = layout.write(probes.replaced(notice or probes.whole(), source, value))
    except UnfitError as error:
        return Trial(None, error.code, "")
    rule = "; ".join(dict.fromkeys(fallback.rule for fallback in written.fallbacks))
    return Trial(probes.value(layout.read(written.content), source), "", rule)


def _loss(layout: Standard, source: Source, kind: Kind, ours: str, trial: Trial, theirs: str = "") -> Loss:
    why = trial.code or trial.why or UNRECORDED
    return Loss(kind, (source.text,), _items(layout, source), ours, theirs, why)


def _persons(layout: Standard) -> Iterator[Loss]:
    most, notice = probes.lengths()["Notice.movers"].most, probes.whole()

    def fits(count: int) -> bool:
        movers = tuple(msgspec.structs.replace(notice.movers[0], ordinal=number) for number in range(1, count + 1))
        try:
            layout.write(msgspec.structs.replace(notice, movers=movers))
        except UnfitError:
            return False
        return True

    if (count := _largest(fits, most)) < most:
        yield Loss(Kind.SHORT, ("movers",), (), str(most), str(count), "E131")


def _largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest number that fits, if all below it fit too."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _text(layout: Standard, source: Source) -> Iterator[Loss]:
    length = probes.length_of(source)
    letter = probes.LETTERS[length.alphabet]
    count = _largest(lambda number: not _tried(layout, source, letter * number).code, length.most)
    if count < length.most:
        yield _loss(layout, source, Kind.SHORT, str(length.most), Trial(None, "E131"), str(count))
    if count < 3:
        return
    if length.alphabet in {"kanji", "kana"}:
        ended = f"{letter}\u3000"
        trial = _tried(layout, source, ended)
        if not trial.code and trial.arrived != ended:
            yield _loss(layout, source, Kind.CHANGED, f"«{ended}»", trial, f"«{trial.arrived}»")
    for character in probes.hard_characters().get(length.alphabet, ()):
        trial = _tried(layout, source, letter + character + letter)
        if trial.code:
            yield _loss(layout, source, Kind.HELD, character, trial)
        elif trial.arrived != letter + character + letter:
            yield _loss(layout, source, Kind.CHANGED, character, trial, trial.arrived[1:-1])


def _number(layout: Standard, source: Source) -> Iterator[Loss]:
    digits = probes.length_of(source).most
    count = _largest(lambda number: not _tried(layout, source, 10**number - 1).code, digits)
    if count < digits:
        yield _loss(layout, source, Kind.SHORT, "9" * digits, Trial(None, "E131"), "9" * count)


def _members(layout: Standard, source: Source) -> Iterator[Loss]:
    """A closed list: each of its members, and the longest chain of them."""
    for word in sorted(source.domain or ()):
        value: Any = (word,) if source.kind == "words" else word
        trial = _tried(layout, source, source.enum(word) if source.enum else value)
        name = str(getattr(source.enum(word), "name", word)) if source.enum else word
        if trial.code:
            yield _loss(layout, source, Kind.HELD, name or "blank", trial)
        elif trial.arrived != value:
            yield _loss(layout, source, Kind.MERGED, name, trial, str(getattr(trial.arrived, "name", trial.arrived)))
    if source.kind == "words":
        yield from _words(layout, source)


def _words(layout: Standard, source: Source) -> Iterator[Loss]:
    word = sorted(source.domain)[0] if source.domain else probes.LETTERS["kanji"]
    count = _largest(lambda number: not _tried(layout, source, (word,) * number).code, LINKS)
    if count < LINKS:
        yield _loss(layout, source, Kind.SHORT, str(LINKS), Trial(None, "E131"), str(count))


def _flag(layout: Standard, source: Source) -> Iterator[Loss]:
    for value in (False, True):
        trial = _tried(layout, source, value)
        if trial.code or trial.arrived is not value:
            kind = Kind.HELD if trial.code else Kind.MERGED
            yield _loss(layout, source, kind, str(value), trial, "" if trial.code else str(trial.arrived))


def _date(layout: Standard, source: Source) -> Iterator[Loss]:
    for day in probes.DAYS:
        trial = _tried(layout, source, day)
        if trial.code or trial.arrived != day:
            kind = Kind.HELD if trial.code else Kind.CHANGED
            yield _loss(layout, source, kind, str(day), trial, "" if trial.code else str(trial.arrived))


def _births(layout: Standard, source: Source) -> Iterator[Loss]:
    """Dates that are partly unknown, impossible or claimed by two eras; only as far as the layout has their parts."""
    lacks, whole = omitted(layout.omits), probes.whole()
    born = [leaf for leaf in leaves() if sources()[leaf].part is source.part and leaf not in lacks]
    for birth in probes.BIRTHS:
        mover = msgspec.structs.replace(whole.movers[0], date_of_birth=birth)
        notice = msgspec.structs.replace(whole, movers=(mover,))
        trial = _tried(layout, source, birth.year, notice)
        arrived = None if trial.code else layout.read(layout.write(notice).content)
        changed = [leaf for leaf in born if arrived and _of(arrived, leaf) != _of(notice, leaf)]
        if trial.code or changed:
            kind = Kind.HELD if trial.code else Kind.CHANGED
            theirs = ", ".join(f"{leaf.rpartition('.')[2]} {_of(arrived, leaf)}" for leaf in changed if arrived)
            yield _loss(layout, source, kind, _shown(birth), trial, theirs)


def _of(notice: Notice, leaf: str) -> Any:
    return probes.value(notice, sources()[leaf])


def _shown(birth: UncertainDate) -> str:
    parts = "-".join("?" if part is None else str(part) for part in (birth.year, birth.month, birth.day))
    return " ".join(filter(None, (parts, birth.display_text, birth.calendar.lower())))


#: kind of a source → how a layout is tried with it
TRIALS: dict[str, Callable[[Standard, Source], Iterator[Loss]]] = {
    "text": _text,
    "number": _number,
    "flag": _flag,
    "date": _date,
    "words": _words,
}
