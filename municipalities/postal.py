"""Which municipality and towns a postal code stands for, from Japan Post's table (``data/postal.tsv.xz``).

One code may stand for several towns, and for towns of several municipalities: the citizen chooses. A
town is what goes into an address; what the table says about mail only («not listed below», «and where a
house number follows») was taken out, see ``data/postal.ORIGIN.md``.
"""

import lzma
import re
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "data" / "postal.tsv.xz"
SEPARATORS = re.compile(r"[\s〒\-‐‑‒–—―−ーｰ]")
LINE = re.compile(rb"^[0-9]{7}\t([0-9]{6})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """One town under one postal code; the town may be empty: «anywhere else in this municipality»."""

    postal_code: str
    municipality_code: str
    town: str
    town_kana: str
    #: The office tower that has this code for itself, if one has.
    building: str = ""


def normalize(postal_code: str) -> str:
    """Seven digits, or nothing if that is not what was meant.

    >>> normalize("〒００１－００１１"), normalize("060 0000"), normalize("06-0000")
    ('0010011', '0600000', '')
    """
    digits = unicodedata.normalize("NFKC", SEPARATORS.sub("", postal_code)).replace("-", "")
    return digits if re.fullmatch(r"[0-9]{7}", digits) else ""


def find(postal_code: str) -> tuple[Place, ...]:
    """The places under a postal code, however it is written; none if nobody has it.

    >>> [(place.municipality_code, place.town, place.town_kana) for place in find("100-0013")]
    [('131016', '霞が関', 'カスミガセキ')]
    """
    digits = normalize(postal_code).encode("ascii")
    if not digits:
        return ()
    begin, end = (side(lines(), digits, key=code_at) for side in (bisect_left, bisect_right))
    return tuple(map(place_at, lines()[begin:end]))


def places_in(municipality_code: str) -> tuple[Place, ...]:
    """Every town of a municipality with its postal codes; office towers are left out.

    Where no town has a name of its own (a village of one hamlet) it is the municipality's one place.

    >>> places_in("133621")
    (Place(postal_code='1000301', municipality_code='133621', town='', town_kana='', building=''),)
    """
    lines = map(place_at, lines_by_municipality().get(municipality_code, array("I")))
    places = [place for place in lines if not place.building]
    return tuple([place for place in places if place.town] or places)


@cache
def table() -> bytes:
    """The table as it is, 6 MB; objects of its 124,200 lines would take ten times that."""
    with lzma.open(TABLE) as file:
        return file.read()


@cache
def lines() -> "array[int]":
    """Where in the table each line begins; they are sorted by postal code."""
    return array("I", (line.start() for line in LINE.finditer(table())))


@cache
def lines_by_municipality() -> Mapping[str, "array[int]"]:
    """Where in the table the lines of each municipality begin."""
    starts: dict[str, array[int]] = {}
    for line in LINE.finditer(table()):
        starts.setdefault(line[1].decode("ascii"), array("I")).append(line.start())
    return starts


def code_at(start: int) -> bytes:
    """The postal code of the line that begins there."""
    return table()[start : start + 7]


def place_at(start: int) -> Place:
    """The place of the line that begins there."""
    line = table()[start : table().index(b"\n", start)].decode("utf-8")
    return Place(*(*line.split("\t"), "", "", "")[:5])
