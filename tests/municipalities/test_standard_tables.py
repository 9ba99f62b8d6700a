"""Mistakes in the tables of a standard are named; vendors' versions; the system check."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from municipalities import standard
from municipalities.checks import check
from municipalities.standard import TableError, compiled, load
from tests.municipalities.small import read, verdict
from tests.municipalities.test_standards import assert_comes_back, every_standard
from tests.samples import ONE, OTHER


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(standard.STANDARDS / name, tmp_path / name))


#: file, what is replaced, by what, and what the message must name
MISTAKES = [
    ("fields.csv", "届出日,filed_on,gyymmdd", "届出日,filed_on,gyymmd", "row 12, column convert.*gyymmdd"),
    ("fields.csv", "届出日,filed_on,", "届出日,filled_on,", "row 12, column source.*«filed_on»"),
    ("fields.csv", "届出日,filed_on,gyymmdd,,7", "届出日,filed_on,gyymmdd,,6", "row 12.*width.*needs 7"),
    ("fields.csv", "届出日,filed_on,gyymmdd,,7", "届出日,filed_on,gyymmdd,,x", "row 12, column width"),
    ("fields.csv", "届出日,filed_on,gyymmdd", "届出日,filed_on,half", "row 12, column convert.*cannot write a date"),
    ("fields.csv", "漢字氏名,mover.full_name,wide,,100", "漢字氏名,mover.full_name,wide,,99", "even number"),
    ("fields.csv", "転出予定日,", "届出日,", "«届出日» stands twice"),
    ("fields.csv", "性別,mover.sex,,sex", "性別,mover.sex,,sexx", "column codes.*«sex»"),
    ("fields.csv", "備考,remarks,wide,,400", "備考,remarks,wide,role,400", "convert.*needs none"),
    ("fields.csv", "備考,remarks,wide,,400", "備考,remarks,,role,400", "not a closed list"),
    ("fields.csv", "備考,remarks,wide,,400,", "備考,remarks,wide,,400", "cells"),
    ("fields.csv", "name,source,convert", "name,source,converter", "row 1.*use name,source,convert"),
    ("fields.csv", "旧住所有無,old_address,present,,1", "旧住所有無,,,,1", "«old_address» from none"),
    ("fields.csv", "転出予定日,planned_out_on", "転出予定日,living_from", "nothing carries planned_out_on"),
    ("codes/sex.csv", "FEMALE,2", "FEMALE,1", "sex.csv, row 4, column theirs.*twice"),
    ("codes/sex.csv", "FEMALE,2", "WOMAN,2", "no code for FEMALE"),
    ("codes/sex.csv", "FEMALE,2", "FEMALE,22", "row 4.*longer"),
    ("codes/relation.csv", "妹,84", "妹,", "a word needs a code"),
    ("standard.toml", 'encoding = "cp932"', 'encoding = "utf-8"', "."),
    ("standard.toml", 'format = "fixed_width"', 'format = "fixed"', "use one of delimited"),
    ("standard.toml", 'unit = "bytes"', 'unit = "inches"', "use one of characters, bytes"),
    ("standard.toml", "provisional = true", "provisional = false", "go together"),
    ("standard.toml", "contact =", "remarks =", "nothing carries contact"),
    ("standard.toml", "contact =", 'receipt_no = "no room"\ncontact =', "«receipt_no» cannot be omitted"),
    ("standard.toml", "contact =", 'remarks = "no room"\ncontact =', "«remarks» is carried"),
    ("standard.toml", "contact =", 'contacts = "no room"\ncontact =', "«contacts» is not a value"),
    ("standard.toml", "title =", "titel =", "titel"),
    ("standard.toml", "title =", "title", "standard.toml"),
]


@pytest.mark.parametrize(("file", "old", "new", "found"), MISTAKES)
def test_a_mistake_in_a_table_is_named(file: str, old: str, new: str, found: str, copy: Callable[[str], Path]) -> None:
    folder = copy("mainframe_cp932")
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    assert re.search(found, verdict(folder)), verdict(folder)


def test_a_vendors_version_is_the_changed_rows_only(tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    folder.mkdir()
    (folder / "standard.toml").write_text(
        'title = "A vendor"\nsource = "test"\nextends = "mainframe_cp932"\n[omits]\nremarks = "no item"\n',
        encoding="utf-8",
    )
    (folder / "fields.csv").write_text(
        "name,source,convert,codes,width\n届出日,filed_on,ymd,,8\n備考,,,,400\n", encoding="utf-8"
    )
    layout = compiled(read(folder))
    assert len(layout.items) == len(load("mainframe_cp932").items)
    assert layout.write(ONE).content[75:83] == b"20260310"
    assert_comes_back(layout, OTHER)


def test_a_name_that_is_no_standard_is_refused() -> None:
    with pytest.raises(TableError, match="did you mean «gif_json»"):
        load("gif_jsn")
    with pytest.raises(TableError, match="no such standard"):
        load("../models")


@every_standard
def test_the_system_check_finds_nothing(name: str) -> None:
    assert check(name) == []


@pytest.fixture
def elsewhere(copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of one standard that the check looks at."""
    folder = copy("gif_json")
    monkeypatch.setattr(standard, "STANDARDS", folder.parent)
    for cached in (load, standard.tables_of):
        cached.cache_clear()
    yield folder
    for cached in (load, standard.tables_of):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("fields.csv", b"name,source\n", "municipalities.E001"),
        ("sample.json", None, "municipalities.E002"),
        ("sample.json", b"{}", "municipalities.E003"),
        ("sample.json", b" ", "municipalities.E004"),
    ],
)
def test_the_system_check_says_what_is_wrong(elsewhere: Path, file: str, content: bytes | None, found: str) -> None:
    if content is None:
        (elsewhere / file).unlink()
    else:
        before = (elsewhere / file).read_bytes() if content == b" " else b""
        (elsewhere / file).write_bytes(before + content)
    assert [message.id for message in check("gif_json")] == [found]
