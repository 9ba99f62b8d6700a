"""How an item is written, as its samples show it: the converter that reads all of them and writes them again."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from municipalities.convert import CONVERTERS, Converter
from municipalities.drafting.match import Match
from municipalities.errors import DeliveryError
from municipalities.notice import UncertainDate
from municipalities.standard import Standard
from municipalities.standard.sources import Source, sources
from municipalities.standard.tables import ours_name

HALF_KANA = re.compile("[ -~｡-ﾟ]*[｡-ﾟ][ -~｡-ﾟ]*")

#: Of converters that fit alike, or where there is no sample, the first of these is taken.
USUAL: Mapping[str, tuple[str, ...]] = {
    "date": ("iso", "ymd"),
    "uncertain": ("iso", "gyymmdd"),
    "words": ("chain",),
}


@dataclass(frozen=True, slots=True)
class Guess:
    """What stands in the row besides name and source, and what a person must look at."""

    convert: str = ""
    codes: str = ""
    table: Mapping[str, str] | None = None  #: ours → theirs, blank where it is to be filled
    words: Mapping[str, str] = field(default_factory=dict)  #: ours → what it means, for who fills the table
    doubt: str = ""


def guess(found: Match, layouts: Mapping[str, Standard], base: str) -> Guess:
    """The converter or the code table of an item."""
    if not found.source:
        return Guess()
    source = sources()[found.source]
    if source.domain is not None and source.kind != "words":
        return _coded(found, source, layouts, base)
    ways = dict(_ways(source))
    fitting = [name for name, way in ways.items() if _fits(source, way, found.item.samples)]
    if source.kind in {"text", "word"}:
        return _text(found, fitting, base)
    usual = [found.like.convert if found.like else "", *USUAL.get(source.kind, ()), *ways]
    name = next((name for name in usual if name in fitting), "")
    if not name:
        usual = [name for name in usual if name in ways]
        return Guess(convert=usual[0], doubt=f"no converter writes «{found.item.samples[0]}» so")
    known = source.kind in {"words", "part"} or found.standard == base != ""
    sure = bool(found.item.samples) or len(fitting) == 1 or known
    return Guess(convert=name, doubt="" if sure else f"no sample: {name} is a guess")


def alike(found: Sequence[Match], made: Sequence[Guess]) -> list[Guess]:
    """Days without a sample are taken to be written as most of those with one, and words of a relationship too."""
    known = [(_family(match), guess.convert, guess.codes) for match, guess in zip(found, made, strict=True)]
    sampled = Counter(one for one, match in zip(known, found, strict=True) if one[0] and match.item.samples)
    usual = {family: (convert, codes) for (family, convert, codes), _ in reversed(sampled.most_common())}
    return [
        guess if match.item.samples or _family(match) not in usual else _as(guess, *usual[_family(match)])
        for match, guess in zip(found, made, strict=True)
    ]


def _as(guess: Guess, convert: str, codes: str) -> Guess:
    """Nothing new where it is written so anyway."""
    if (guess.convert, guess.codes) == (convert, codes):
        return guess
    table = guess.table if guess.codes == codes else None
    return replace(guess, convert=convert, codes=codes, table=table, doubt="no sample: as the others of its kind")


def _family(match: Match) -> str:
    """What is written in one way all over a file."""
    if not match.source:
        return ""
    source = sources()[match.source]
    if source.kind == "word":
        return match.source.rpartition(".")[0]
    return "day" if source.kind in {"date", "uncertain"} else ""


def _ways(source: Source) -> Iterator[tuple[str, Converter]]:
    """The converters for a kind of source that write texts."""
    for name, kinds in CONVERTERS.items():
        if source.kind in kinds and kinds[source.kind].cell is str:
            yield name, kinds[source.kind]


def _fits(source: Source, way: Converter, samples: Iterable[str]) -> bool:
    """Whether it reads every sample and writes it again; zeros that say «none» speak neither for it nor against it."""
    if way.read is None:
        return True
    try:
        pairs = [(text, _value(source, way.read(text))) for text in samples]
        said = [way.write(value) == text for text, value in pairs if value is not None]
    except (ValueError, TypeError, DeliveryError):
        return False
    return all(said) and bool(said or not pairs)


def _value(source: Source, value: Any) -> Any:
    return msgspec.convert(value, UncertainDate) if source.kind == "uncertain" else value


def _text(found: Match, fitting: list[str], base: str) -> Guess:
    """Half-width kana can be seen; full width may be chance, and it changes texts: only a base says so."""
    samples = found.item.samples
    if samples and "half_kana" in fitting and all(HALF_KANA.fullmatch(text) for text in samples):
        return Guess(convert="half_kana")
    like = found.like.convert if found.like and base and found.standard == base else ""
    return Guess(convert=like if like in fitting and like != "text" else "")


# --- codes ----------------------------------------------------------------------------------------------


def _coded(found: Match, source: Source, layouts: Mapping[str, Standard], base: str) -> Guess:
    """A table of a standard that explains every code in the samples; else one to be filled."""
    samples = set(found.item.samples)
    if found.like and not found.like.codes and source.enum is None and not samples:
        return Guess(doubt="" if found.standard == base else "the hub's own words: confirm")
    for title, table in _tables(found, source, layouts):
        if samples <= set(table.values()) and (title == base or len(set(table.values())) == len(table)):
            doubt = f"codes as in {title}: confirm" if title != base else ""
            return Guess(codes=_name(found, source), table=table, doubt=doubt)
    words = _words(source, layouts)
    if source.enum is None and samples <= set(words):
        return Guess(doubt="the hub's own words: confirm")
    doubt = f"fill its codes; seen: {'、'.join(sorted(samples)[:20])}" if samples else "fill its codes"
    return Guess(codes=_name(found, source), table=dict.fromkeys(words, ""), words=words, doubt=doubt)


def _tables(found: Match, source: Source, layouts: Mapping[str, Standard]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The tables of that kind of value: of the item that matched, then any."""
    if found.like and found.like.codes:
        yield found.standard, layouts[found.standard].codes[found.like.codes]
    yield from _tables_of(source, layouts)


def _words(source: Source, layouts: Mapping[str, Standard]) -> dict[str, str]:
    """Every value of the closed list with a word for it, where a standard writes words instead of codes."""
    ours = {ours_name(word): "" for word in sorted(source.domain or ())}
    for _, table in _tables_of(source, layouts):
        if not any(code.isascii() for code in table.values() if code):
            return {word: text for word, text in table.items() if word in ours}
    return ours


def _tables_of(source: Source, layouts: Mapping[str, Standard]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name, layout in layouts.items():
        for item in layout.items:
            if item.codes and sources()[item.source].domain == source.domain:
                yield name, layout.codes[item.codes]


def _name(found: Match, source: Source) -> str:
    """The file of a table: as the standard that matched calls it, else by its member."""
    if found.like and found.like.codes:
        return found.like.codes
    return source.attribute or source.part.name.rpartition(".")[2]
