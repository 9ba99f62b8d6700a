"""Small standards for tests: a folder in a temporary place that omits whatever its rows do not carry."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from municipalities import standard
from municipalities.errors import UnfitError
from municipalities.standard import Standard, TableError, compiled
from municipalities.standard.folder import COLUMNS, read_folder
from municipalities.standard.sources import leaves
from municipalities.standard.tables import Tables
from tests.golden import DECIDED, GOLDEN

HEAD = 'title = "Small"\nsource = "a test"\n'

#: What every layout must carry.
LEAST = """
通知ID,notice_id
種別,type
受付番号,receipt_no
版,version,number
宛先,recipient
役割,role
"""


def rows(text: str, columns: str = "name,source,convert,codes,width") -> list[dict[str, str]]:
    """Rows of ``fields.csv``, of which the last cells may be left out."""
    names = columns.split(",")
    return [
        dict(zip(names, [*cells, *[""] * (len(names) - len(cells))], strict=True))
        for cells in csv.reader(io.StringIO(text.strip()))
        if cells
    ]


def folder(
    place: Path, head: str, items: Iterable[dict[str, str]], name: str = "town", file: str = "fields.csv"
) -> Path:
    """Write a folder; what no row names is omitted, unless it extends another."""
    made, items = place / name, list(items)
    made.mkdir(exist_ok=True)
    with (made / file).open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(items)
    if file == "fields.csv":
        named = {row["source"] for row in items if row.get("source")}
        lacks = [leaf for leaf in leaves() if leaf not in named and leaf.rpartition(".")[0] not in named]
        omits = "\n".join(f'"{leaf}" = "not here"' for leaf in lacks)
        settings, bracket, tables = head.partition("\n[")
        own = "" if "extends" in settings else f"\n[omits]\n{omits}"
        text = f"{HEAD}{settings}\n{own}\n{bracket}{tables}\n"
        (made / "standard.toml").write_text(text, encoding="utf-8")
    return made


def read(path: Path) -> Tables:
    """The tables of a folder, over one beside it or over one of the product."""

    def base(name: str) -> Tables:
        beside = path.parent / name
        return read(beside if beside.exists() else standard.STANDARDS / name)

    return read_folder(path, base)


def small(place: Path, head: str, items: Iterable[dict[str, str]], name: str = "town") -> Standard:
    """A compiled standard of such a folder."""
    return compiled(read(folder(place, head, items, name)))


def verdict(path: Path) -> str:
    """What is found wrong with a copy of a standard: by loading it, or by its golden sample; nothing, if it is right."""
    try:
        layout = compiled(read(path))
        golden = next(path.glob("sample.*")).read_bytes()
        same = layout.write(GOLDEN, DECIDED).content == golden and layout.read(golden)
    except (TableError, UnfitError) as error:
        return str(error)
    return "" if same else "the golden sample differs"
