"""Files with several kinds of record, repeated items, constants, required items, and variants of them."""

import re
from pathlib import Path

import msgspec
import pytest

from municipalities.errors import UnfitError
from municipalities.notice import Mover, Notice
from municipalities.standard import Standard, TableError
from tests.municipalities.small import LEAST, folder, read, rows, small
from tests.samples import NOBODY, named

TWO = named("見本　太郎", "試験　花子")
KINDS = "name,source,convert,width,record,constant"
#: Header, household, persons and trailer with counts, as they leave a mainframe.
RECORDS = """
区分,,,1,header,H
件数,count.records,,4,header
区分,,,1,household,1
通知ID,notice_id,,36,household
種別,type,,20,household
受付番号,receipt_no,,20,household
版,version,number,3,household
宛先,recipient,,6,household
役割,role,,15,household
区分,,,1,person,2
枝番,mover.ordinal,number,2,person
氏名,mover.full_name,wide,20,person
連番,count.number,number,3,person
区分,,,1,trailer,9
人数,count.persons,number,3,trailer
世帯数,count.households,number,2,trailer
明細数,count.details,number,4,trailer
"""
FIXED = 'format = "fixed_width"\nencoding = "cp932"\n'
CSV = 'format = "delimited"\nencoding = "cp932"\n[dialect]\nheader = false\n'


def carried(notice: Notice) -> Notice:
    """The notice as such a small layout carries it."""
    movers = tuple(Mover(ordinal=mover.ordinal, full_name=mover.full_name) for mover in notice.movers)
    members = ("notice_id", "type", "receipt_no", "version", "recipient", "role")
    return Notice(**{name: getattr(notice, name) for name in members}, movers=movers)


def refusal(layout: Standard, content: bytes) -> str:
    with pytest.raises(UnfitError) as refused:
        layout.read(content)
    assert refused.value.code == "E100"
    return refused.value.detail


def test_records_of_fixed_width_stand_in_their_order_with_their_counts(tmp_path: Path) -> None:
    layout = small(tmp_path, FIXED + '[dialect]\nline_end = "crlf"\n', rows(RECORDS, KINDS))
    written = layout.write(TWO)
    header, household, taro, hanako, trailer, end = written.content.decode("cp932").split("\r\n")
    assert (header, trailer, end) == ("H0005", "9002010003", "")
    assert household.startswith(
        "101970000-0000-7000-8000-000000000003arrival.prefill     00TEST00000033      001131016"
    )
    assert (taro, hanako) == ("201見本　太郎　　　　　003", "202試験　花子　　　　　004")
    assert written.records == 2
    assert layout.read(written.content) == carried(TWO)


def test_records_are_told_apart_and_counted(tmp_path: Path) -> None:
    for head in (FIXED, FIXED + '[dialect]\nline_end = "lf"\n', CSV):
        layout = small(tmp_path, head, rows(RECORDS, KINDS))
        content = layout.write(TWO).content
        assert layout.read(content) == carried(TWO)
        assert layout.read(layout.write(NOBODY).content) == carried(NOBODY)
    assert [line[:4] for line in content.decode("cp932").splitlines()] == ['"H",', '"1",', '"2",', '"2",', '"9",']


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [lines[0], lines[1], lines[2], lines[4]], "5 records, but there are 4"),
        (lambda lines: [*lines[:3], lines[3].replace('"4"', '"5"'), lines[4]], "number"),
        (lambda lines: [*lines[:4], lines[4].replace('"2"', '"3"')], "3 persons, but there are 2"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "not in their order"),
        (lambda lines: lines[:4], "no record «trailer»"),
        (lambda lines: [lines[0], *lines], "2 records «header»"),
        (lambda lines: [*lines[:4], "7,x", lines[4]], "no known kind"),
        (lambda lines: [*lines[:4], '"9"', lines[4]], "1 items, not 4"),
        (lambda lines: [lines[0], *lines[2:]], "no record «household»"),
    ],
)
def test_a_file_that_lost_or_mixed_records_is_refused(tmp_path: Path, change, told: str) -> None:  # type: ignore[no-untyped-def]
    layout = small(tmp_path, CSV, rows(RECORDS, KINDS))
    lines = layout.write(TWO).content.decode("cp932").splitlines()
    assert told in refusal(layout, "\r\n".join([*change(lines), ""]).encode("cp932"))


PLACES = f"""
{LEAST}
世帯員#番号,mover.ordinal,number,,,2
世帯員#氏名,mover.full_name,,,10,2
枚,count.part
"""
PLACED = "name,source,convert,codes,width,repeat"


def test_movers_stand_in_the_places_of_their_household(tmp_path: Path) -> None:
    layout = small(tmp_path, 'format = "delimited"\n', rows(PLACES, PLACED))
    header, record, end = layout.write(TWO).content.decode().split("\r\n")
    assert header.endswith('"世帯員1番号","世帯員1氏名","世帯員2番号","世帯員2氏名","枚"')
    assert record.endswith('"1","見本　太郎","2","試験　花子","1"')
    assert end == ""
    for notice in (NOBODY, named("見本"), TWO):
        assert layout.read(layout.write(notice).content) == carried(notice)
    three = named("見本", "試験", "例")
    with pytest.raises(UnfitError, match="3 movers do not fit into 2") as refused:
        layout.write(three)
    assert refused.value.code == "E131"


def test_movers_beyond_the_places_go_on_in_a_further_record(tmp_path: Path) -> None:
    layout = small(tmp_path, 'format = "delimited"\ncontinues = true\n', rows(PLACES, PLACED))
    five = named(*"一二三四五")
    content = layout.write(five).content
    assert layout.read(content) == carried(five)
    lines = content.decode().splitlines()
    assert [line.rpartition(",")[2] for line in lines[1:]] == ['"1"', '"2"', '"3"']
    gap = content.decode().replace('"2","二"', '"",""')
    assert "番号 is blank" in refusal(layout, gap.encode())


def test_a_required_item_may_not_be_blank(tmp_path: Path) -> None:
    items = rows(
        f"{LEAST}\n枝番,mover.ordinal,number\n氏名,mover.full_name,,,40,1\n備考,remarks,,,,1",
        "name,source,convert,codes,width,required",
    )
    layout = small(tmp_path, 'format = "delimited"\n', items)
    full = msgspec.structs.replace(TWO, remarks="試験")
    content = layout.write(full).content
    for blank, item in ((TWO, "備考"), (msgspec.structs.replace(named(""), remarks="x"), "氏名")):
        with pytest.raises(UnfitError) as refused:
            layout.write(blank)
        assert (refused.value.code, refused.value.pointer) == ("E310", item)
    assert "備考 is blank" in refusal(layout, content.decode().replace('試験"\r', '"\r').encode())


# --- variants -------------------------------------------------------------------------------------------

BASE = f"{LEAST}\n枝番,mover.ordinal,number\n氏名,mover.full_name\n備考,remarks"


def names(layout: Standard) -> str:
    return " ".join(item.name for item in layout.items)


def test_a_variant_places_moves_replaces_and_drops_rows(tmp_path: Path) -> None:
    base = small(tmp_path, 'format = "delimited"\n', rows(BASE), "base")
    assert names(base) == "通知ID 種別 受付番号 版 宛先 役割 枝番 氏名 備考"
    changed = "姓名,mover.full_name,,,80,氏名\n版,version,number,,3\n役割,role,,,,-\n末尾,,,,5"
    head = 'format = "delimited"\nextends = "base"\ndrops = ["氏名", "備考"]\n[omits]\nremarks = "no item"\n'
    layout = small(tmp_path, head, rows(changed, "name,source,convert,codes,width,after"), "variant")
    assert names(layout) == "役割 通知ID 種別 受付番号 版 宛先 枝番 姓名 末尾"
    assert layout.read(layout.write(TWO).content) == carried(TWO)
    again = 'extends = "variant"\n[omits]\nremarks = ""\n'
    assert "備考" in names(small(tmp_path, again, rows("備考,remarks"), "again"))


def test_a_variant_keeps_what_it_does_not_say_of_the_dialect(tmp_path: Path) -> None:
    small(tmp_path, 'format = "delimited"\n[dialect]\ndelimiter = ";"\nheader = false\n', rows(BASE), "base")
    layout = small(tmp_path, 'extends = "base"\n[dialect]\nline_end = "lf"\n', [], "variant")
    assert layout.write(NOBODY).content.endswith(b'"destination";"";"";""\n')


#: standard.toml of a variant, its rows, and what is told
WRONG = [
    ('drops = ["名"]', "", "town/standard.toml, drops: the base has no item «名»; did you mean «氏名»"),
    ("", "版,version,number,,,,,,,名", "row 2, column after: there is no item «名» before it; did you mean «氏名»"),
    ("", "氏名,mover.full_name,,,,body", "row 2, column record: «body» is not known; use one of header"),
    ("", "氏名,mover.full_name,,,,,2", "row 2, column required: «2» is not known; use one of 1"),
    ("", "氏名,mover.full_name,,,,,,x", "row 2, column constant: a constant has no source"),
    ("", "記号,,,,,,1", "row 2, column required: an item without a source is always blank"),
    ("", "記号,,,,1,,,ab", "item 記号, column width: 1 is too small; the constant needs 2"),
    ("", "氏名,mover.full_name,,,,,,,3", "item 氏名, column name: an item that repeats needs its number; 氏名#"),
    ("", "番号,count.parts,iso", "row 2, column convert: «iso» cannot write a number"),
    ('[dialect]\ndelimiter = "::"', "", "«::» cannot set items apart"),
    ('[dialect]\nquoting = "some"', "", "quoting «some» is not known; use one of all, minimal, none"),
    ('[dialect]\nline_end = "none"', "", "records without line ends"),
    ("[dialect]\nbyte_order_mark = true", "", ""),
    ('encoding = "cp932"\n[dialect]\nbyte_order_mark = true', "", "a byte order mark belongs to"),
    ('encoding = "latin-1"', "", "encoding «latin-1» is not known; use one of utf-8"),
    ('unit = "utf16"', "", "unit utf16 counts what utf-16-le writes"),
    ("symbol = 300", "", "delimited has no symbols; remove symbol"),
    ('format = "symbols"', "", "a symbol needs its size in bytes"),
    ('format = "sheet"', "", "a sheet needs «root» and «movers»"),
    ("totals = {items = 8}", "", "items = 8, but the tables have 9; correct the one that is wrong"),
    ("totals = {rows = 0}", "版,version,number,,5", "rows = 0, but the tables have 1"),
    ("totals = {lines = 8}", "", "«lines» is not counted; use one of rows, items, width"),
    ('encoding = "iso2022_jp"\n[dialect]\nheader=true', "氏名①,,", "«①» cannot be written in the heading"),
    ('characters = "jisx9999"', "", "cannot be narrowed to «jisx9999»"),
]


@pytest.mark.parametrize(("head", "changed", "told"), WRONG)
def test_a_mistake_in_a_variant_is_named(tmp_path: Path, head: str, changed: str, told: str) -> None:
    small(tmp_path, 'format = "delimited"\n', rows(BASE), "base")
    columns = "name,source,convert,codes,width,record,required,constant,repeat,after"
    try:
        small(tmp_path, f'extends = "base"\n{head}\n', rows(changed, columns))
        found = ""
    except TableError as error:
        found = str(error)
    assert told in found if told else not found, found


#: rows of a file with records, in place of which others stand, and what is told
MIXED = [
    ("区分,,,1,trailer,9", "区分,,,1,trailer,2", "nothing tells record person from trailer"),
    (
        "氏名,mover.full_name,wide,20,person",
        "氏名,mover.full_name,wide,20,household",
        "«mover.full_name» stands once per mover; use person",
    ),
    ("区分,,,1,header,H\n", "", "nothing tells record header from household; give both a constant item"),
]


@pytest.mark.parametrize(("old", "new", "told"), MIXED)
def test_records_that_nobody_could_read_are_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in RECORDS
    with pytest.raises(TableError, match=re.escape(told)):
        read(folder(tmp_path, CSV, rows(RECORDS.replace(old, new), KINDS)))


def test_one_heading_cannot_name_several_records(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="say header = false"):
        read(folder(tmp_path, 'format = "delimited"\n', rows(RECORDS, KINDS)))
