"""The mutation test over the tables: seeded mistakes of every kind in every standard are caught, every one.

A mistake is caught when the folder does not load, or when it no longer writes and reads its golden samples, or when
a notice does not come back from it. ``MUTATIONS=all`` seeds all of them instead of a few of each kind.
"""

import os
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from municipalities import standard
from municipalities.errors import UnfitError
from municipalities.standard import Standard, TableError, compiled, load
from municipalities.standard.folder import read_folder
from tests.golden import DECIDED, GOLDEN
from tests.municipalities.digests import digest, known
from tests.municipalities.mutations import KINDS, Folder, Mutant, sampled
from tests.municipalities.test_standards import expected
from tests.samples import HARD, ONE, OTHER

MOST = 10_000 if os.environ.get("MUTATIONS") == "all" else 4
NAMES = standard.names()


SAME = "the same layout"
NOTICES = (GOLDEN, ONE, OTHER, *HARD.values())


def written(layout: Standard) -> list[bytes]:
    """What a layout makes of many notices; nothing of one that it cannot hold."""
    return [layout.write(notice, DECIDED).content for notice in NOTICES if not layout.questions(notice, DECIDED)]


def verdict(mutant: Mutant, scratch: Path) -> str:
    """Why it was found; nothing if it was not. What writes every notice as before is no mistake but the same layout:
    in a variant the order of rows that replace others says nothing, nor in a document that of members of two parts.
    """
    folder = mutant.folder.write(scratch)
    original = load(folder.name)
    golden = original.sample.read_bytes()
    try:
        layout = compiled(read_folder(folder, standard.tables_of))
        if layout.write(GOLDEN, DECIDED).content != golden:
            return "the golden sample is written otherwise"
        if layout.read(golden) != original.read(golden):
            return "the golden sample is read otherwise"
        other = layout.write(OTHER, DECIDED)
        if sha256(other.content).hexdigest() != known()[folder.name]:
            return "the second golden sample is written otherwise"
        if layout.read(other.content) != expected(layout, OTHER, other):
            return "a notice comes back otherwise"
        return SAME if written(layout) == written(original) else ""
    except (TableError, UnfitError) as error:
        return str(error)


@pytest.mark.parametrize("name", NAMES)
def test_every_seeded_mistake_is_caught(
    name: str, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    folder = Folder.read(standard.STANDARDS / name)
    caught, total, missed = Counter[str](), Counter[str](), []
    for kind, mutants in KINDS.items():
        for mutant in sampled(list(mutants(folder)), MOST):
            found = verdict(mutant, tmp_path)
            total[kind] += found != SAME
            caught[kind] += found not in {"", SAME}
            missed += [f"{kind}: {mutant.what}"] if not found else []
    record_testsuite_property(f"caught in {name}", f"{caught.total()}/{total.total()}")
    assert not missed, f"caught {caught.total()} of {total.total()}"
    assert total.total() > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_second_golden_sample_is_written_as_it_was_signed_off(name: str) -> None:
    assert digest(load(name)) == known()[name]


def test_every_kind_of_mistake_can_be_seeded_somewhere() -> None:
    folders = [Folder.read(standard.STANDARDS / name) for name in NAMES]
    assert {kind for kind, mutants in KINDS.items() if any(any(mutants(folder)) for folder in folders)} == set(KINDS)
