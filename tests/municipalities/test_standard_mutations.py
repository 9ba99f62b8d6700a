"""Seeded mistakes in the tables of every standard: each is caught by a check or by the golden sample."""

import csv
import io
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from municipalities import standard
from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.standard import Standard, TableError, compiled
from tests.golden import DECIDED
from tests.municipalities.small import read, verdict
from tests.municipalities.test_standards import changes, every_standard
from tests.samples import HARD, OTHER

#: file inside the folder, its text with the mistake, what the mistake is
Mistake = tuple[Path, str, str]
OTHER_ENCODING = {"utf-8": "cp932", "utf-16-le": "utf-8"}


def table(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def in_fields(path: Path) -> Iterator[Mistake]:
    """Each row dropped, with the source of the next, one narrower, and in the place of the next."""
    header, *rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    width = header.index("width") if "width" in header else None
    for number, row in enumerate(rows):
        before, after = rows[:number], rows[number + 1 :]
        following = rows[(number + 1) % len(rows)]
        yield path, table([header, *before, *after]), f"{row[0]}: dropped"
        yield path, table([header, *before, [row[0], following[1], *row[2:]], *after]), f"{row[0]}: misled"
        if width is not None and row[width]:
            narrow = [*row[:width], str(int(row[width]) - 1), *row[width + 1 :]]
            yield path, table([header, *before, narrow, *after]), f"{row[0]}: width -1"
        if after:
            yield path, table([header, *before, after[0], row, *after[1:]]), f"{row[0]}: swapped"


def in_codes(path: Path) -> Iterator[Mistake]:
    """Each row dropped."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for number in range(1, len(lines)):
        yield path, "".join(lines[:number] + lines[number + 1 :]), f"{path.stem}: {lines[number].strip()} dropped"


def in_encoding(path: Path, encoding: str) -> Iterator[Mistake]:
    other = OTHER_ENCODING.get(encoding, "utf-8")
    text = path.read_text(encoding="utf-8").replace(f'encoding = "{encoding}"\n', "")
    yield path, f'encoding = "{other}"\n{text}', f"{other} instead of {encoding}"


def mistakes(folder: Path) -> Iterator[Mistake]:
    if (folder / "fields.csv").exists():
        yield from in_fields(folder / "fields.csv")
    for path in sorted(folder.glob("codes/*.csv")):
        yield from in_codes(path)
    yield from in_encoding(folder / "standard.toml", standard.load(folder.name).encoding)


@cache
def probes() -> list[Notice]:
    return [OTHER, *HARD.values(), *(notice for _, notice in changes())]


def outcome(layout: Standard, notice: Notice) -> bytes | str:
    try:
        return layout.write(notice, DECIDED).content
    except UnfitError as error:
        return str(error)


def means_the_same(folder: Path) -> bool:
    """Whether a change changed nothing: whichever one value changes, both write the same.

    So it is where rows change places that replace rows of a base, or that stand in different parts of a document.
    """
    try:
        changed, before = compiled(read(folder)), standard.load(folder.name)
    except TableError:
        return False
    return all(outcome(changed, notice) == outcome(before, notice) for notice in probes())


@every_standard
def test_every_seeded_mistake_is_caught(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(standard.STANDARDS / name, tmp_path / name))
    assert verdict(folder) == ""
    total, missed = 0, []
    for path, text, mistake in list(mistakes(folder)):
        right = path.read_text(encoding="utf-8")
        path.write_text(text, encoding="utf-8")
        total += 1
        if not verdict(folder) and not means_the_same(folder):
            missed.append(mistake)
        path.write_text(right, encoding="utf-8")
    assert not missed, f"{total - len(missed)} of {total} caught"
