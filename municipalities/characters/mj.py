"""The list of MJ characters (MJ文字情報一覧表) and what its shrink map (MJ縮退マップ) names for each of them.

The table is kept as one block of bytes, about 3 MB, and searched: as Python objects it would take ten times as much.
"""

import lzma
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

TABLE = Path(__file__).parent.parent / "data" / "characters" / "mj" / "characters.tsv.xz"
CANDIDATE = re.compile("([^A-Z])([A-Z]+)")


@dataclass(frozen=True, slots=True)
class Glyph:
    """One shape of the list, as a character or a variation sequence names it."""

    name: str  #: MJ文字図形名, as MJ030211
    family_register: bool  #: it has a number among the family register's characters (戸籍統一文字)
    juki_net: bool  #: it has a code among the Juki-net's (住基ネット統一文字)
    jis_x_0213: bool  #: it has a place there, if need be together with other shapes
    jis_x_0212: bool
    candidates: tuple[tuple[str, str], ...]  #: what may stand for it, with the letters of ``bases.csv``


@lru_cache(4096)
def glyph(sequence: str) -> Glyph | None:
    """The shape that a character, with its selector if it has one, stands for; None if the list lacks it.

    >>> glyph("𠮷").name, glyph("神\ufe00").name, glyph("神\U000e0103").name, glyph("\ufa19").name, glyph("A")
    ('MJ032129', 'MJ030211', 'MJ030211', 'MJ030211', None)
    """
    block, starts = _table()
    wanted = sequence.encode("utf-8", "surrogatepass") + b"\t"
    found = bisect_left(starts, wanted, key=lambda start: block[start : start + len(wanted)])
    if found == len(starts) or not block.startswith(wanted, starts[found]):
        return None
    line = block[starts[found] : block.index(b"\n", starts[found])].decode()
    _, name, marks, candidates = line.split("\t")
    return Glyph(
        name=f"MJ{name}",
        family_register="F" in marks,
        juki_net="J" in marks,
        jis_x_0213="3" in marks,
        jis_x_0212="2" in marks,
        candidates=tuple(CANDIDATE.findall(candidates)),
    )


def sequences() -> Iterator[str]:
    """Every character and variation sequence of the list."""
    block, _ = _table()
    return (line.partition(b"\t")[0].decode() for line in block.splitlines())


@cache
def _table() -> tuple[bytes, "array[int]"]:
    """The lines, sorted by code points, and where each begins."""
    block = lzma.decompress(TABLE.read_bytes())
    starts, start = array("I"), 0
    for line in block.splitlines(keepends=True):
        starts.append(start)
        start += len(line)
    return block, starts
