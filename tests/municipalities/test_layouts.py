"""What is special of each family of layouts, seen with tools that know nothing of the engine."""

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from municipalities import standard
from municipalities.calendars import OUTSIDE
from municipalities.errors import UnfitError
from municipalities.standard import STANDARDS, load
from municipalities.standard.sources import vocabularies
from tests.golden import DECIDED, GOLDEN
from tests.municipalities.notices import chains, notices
from tests.samples import NOBODY, ONE

NAMES = standard.names()


def rows(name: str) -> list[dict[str, str]]:
    """The table of a folder, none if it changes no row."""
    path = STANDARDS / name / "fields.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def sample(name: str) -> bytes:
    return load(name).sample.read_bytes()


# --- relationships and notices without movers ------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(chain=chains(5, 6))
def test_a_longer_relationship_is_carried_whole_or_refused(chain: tuple[str, ...]) -> None:
    """Never cut: whether it is 縁故者 instead, a clerk decides in the filing."""
    for name in NAMES:
        mover = replace(ONE.movers[0], relation_from=chain, relation_to=chain)
        layout, notice = load(name), replace(ONE, movers=(mover,))
        if layout.format in {"json", "xml"}:
            back = layout.read(layout.write(notice).content).movers[0]
            assert (back.relation_from, back.relation_to) == (chain, chain)
            continue
        with pytest.raises(UnfitError) as refused:
            layout.write(notice)
        assert refused.value.code == "E131"


# --- rows of texts --------------------------------------------------------------------------------------

#: name → encoding, delimiter, line end, whether there is a heading, what stands before it
DELIMITED = {
    "juki_list_csv": ("utf-8", ",", b"\r\n", True, b""),
    "juki_list_3_csv": ("utf-8", ",", b"\r\n", True, b""),
    "juki_list_diff_csv": ("utf-8", ",", b"\r\n", True, b""),
    "migration_layout_csv": ("utf-8", ",", b"\r\n", True, b""),
    "unix_eucjp_csv": ("euc_jp", ",", b"\n", True, b""),
    "utf16_ivs_csv": ("utf-16-le", ",", b"\r\x00\n\x00", True, b"\xff\xfe"),
    "gaiji_cp932_csv": ("cp932", ",", b"\r\n", True, b""),
    "jisx0213_csv": ("shift_jis_2004", ",", b"\n", True, b""),
    "household_csv": ("utf-8", ",", b"\n", True, b"\xef\xbb\xbf"),
    "vendor_a_juki_list": ("cp932", "\t", b"\r\n", False, b""),
    "vendor_b_juki_list": ("utf-8", ",", b"\n", True, b"\xef\xbb\xbf"),
    "vendor_f_unix": ("euc_jp", "|", b"\n", True, b""),
    "vendor_g_migration": ("cp932", ",", b"\r\n", False, b""),
    "vendor_h_mj": ("utf-8", ";", b"\r\n", True, b"\xef\xbb\xbf"),
    "vendor_i_household": ("cp932", "\t", b"\r\n", True, b""),
}


def test_all_delimited_layouts_are_looked_at() -> None:
    assert set(DELIMITED) == {name for name in NAMES if load(name).format == "delimited"}


@pytest.mark.parametrize("name", DELIMITED)
def test_rows_are_read_by_a_plain_reader(name: str) -> None:
    encoding, delimiter, line_end, heading, mark = DELIMITED[name]
    content = sample(name)
    assert content.startswith(mark)
    assert content.endswith(line_end)
    text = content[len(mark) :].decode(encoding)
    found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    body = found[heading:]
    assert len({len(row) for row in found}) == 1
    assert len(body) == (2 if "household" in name else len(GOLDEN.movers))
    assert all(GOLDEN.receipt_no in row for row in body)
    if heading and not load(name).extends and "household" not in name:
        assert found[0] == [row["name"] for row in rows(name)]


def test_a_household_of_many_goes_on_on_a_further_sheet() -> None:
    movers = tuple(replace(ONE.movers[0], ordinal=number) for number in range(1, 6))
    notice = replace(ONE, movers=movers, person_count=5)
    layout = load("household_csv")
    content = layout.write(notice).content
    found = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [(row["用紙番号"], row["用紙枚数"]) for row in found] == [("1", "3"), ("2", "3"), ("3", "3")]
    assert [row["異動者1_記載順位"] for row in found] == ["1", "3", "5"]
    assert found[2]["異動者2_記載順位"] == ""
    assert [mover.ordinal for mover in layout.read(content).movers] == list(range(1, 6))
    lines = content.split(b"\n")
    with pytest.raises(UnfitError):
        layout.read(b"\n".join([*lines[:2], *lines[3:]]))  # a sheet is lost


def test_the_difference_file_tells_what_is_done_to_the_row() -> None:
    text = sample("juki_list_diff_csv").decode()
    first, second, third = csv.DictReader(io.StringIO(text, newline=""))
    assert [row["処理連番"] for row in (first, second, third)] == ["1", "2", "3"]
    assert (first["ファイル種別"], first["連携通知種別"], first["操作区分"]) == ("D", "movein.notice", "2")


def test_era_codes_of_two_digits() -> None:
    row = next(csv.DictReader(io.StringIO(sample("migration_layout_csv").decode(), newline="")))
    assert (row["届出年月日"], row["生年月日"]) == ("05080310", "03200000")


def test_selectors_and_pairs_stand_whole_in_utf_16() -> None:
    content = sample("utf16_ivs_csv")
    assert "\u9089\U000e0100".encode("utf-16-le") in content
    assert "髙橋　𠮷子".encode("utf-16-le") in content


def test_the_towns_own_characters_stand_in_the_private_area() -> None:
    """U+E000 is 𠮷 and U+E001 is 邉 with its selector in the invented table of the folder."""
    content = sample("gaiji_cp932_csv")
    assert "髙橋　".encode("cp932") + b"\xf0\x40" + "子".encode("cp932") in content
    assert "渡".encode("cp932") + b"\xf0\x41" in content
    changed = load("gaiji_cp932_csv").write(GOLDEN, DECIDED).fallbacks
    assert [fallback.path for fallback in changed] == ["/remarks"]  # the wave dash and the minus sign


# --- fixed width ----------------------------------------------------------------------------------------


def offsets(name: str, record: str, base: str = "") -> dict[str, slice]:
    """Where each item stands, worked out from the tables alone."""
    table = {(row.get("record", ""), row["name"]): int(row["width"]) for row in rows(base or name)}
    table |= {(row.get("record", ""), row["name"]): int(row["width"]) for row in (rows(name) if base else [])}
    found, start = {}, 0
    for (kind, item), width in table.items():
        if kind == record:
            found[item] = slice(start, start + width)
            start += width
    return found


@pytest.mark.parametrize(
    ("name", "base", "end"),
    [("mainframe_records_cp932", "", b""), ("vendor_j_records", "mainframe_records_cp932", b"\r\n")],
)
def test_records_of_a_mainframe_file(name: str, base: str, end: bytes) -> None:
    content = sample(name)
    size = 3300 + len(end)
    records = [content[start : start + size] for start in range(0, len(content), size)]
    assert [record[:1] for record in records] == [b"H", b"S", b"K", b"K", b"K", b"T"]
    assert all(record.endswith(end) and len(record) == size for record in records)
    header, household, person, trailer = (
        {item: record[place] for item, place in offsets(name, kind, base).items()}
        for kind, record in zip(("header", "household", "person", "trailer"), (*records[:3], records[-1]), strict=True)
    )
    assert header["レコード件数"] == trailer["レコード件数"] == b"000006"
    assert (trailer["世帯件数"], trailer["個人件数"]) == (b"000001", b"000003")
    assert household["受付番号"] == person["受付番号"] == GOLDEN.receipt_no.encode().ljust(20)
    assert person["漢字氏名"] == "髙橋　吉子".encode("cp932") + b"\x81\x40" * 45
    assert person["カナ氏名"] == "ﾀｶﾊｼ ﾖｼｺ".encode("cp932").ljust(100)
    assert person["英字氏名"] == b"TAKAHASHI YOSHIKO".ljust(100)
    assert person["生年月日"] == (b"S200000" if base else b"19459999")
    assert household["届出日"] == b"20260310"


def test_a_lost_record_is_noticed() -> None:
    content = sample("mainframe_records_cp932")
    layout = load("mainframe_records_cp932")
    for start in range(0, len(content), 3300):
        with pytest.raises(UnfitError):
            layout.read(content[:start] + content[start + 3300 :])
    assert layout.read(layout.write(NOBODY).content).movers == ()


@pytest.mark.parametrize(
    ("name", "end", "cells"),
    [
        ("mainframe_cp932", b"", {"届出日": b"5080310", "生年月日": b"3200000", "予備": b" " * 20}),
        ("vendor_c_mainframe", b"\r\n", {"届出日": b"20260310", "生年月日": b"19459999"}),
    ],
)
def test_records_of_one_kind(name: str, end: bytes, cells: dict[str, bytes]) -> None:
    base = load(name).extends
    places = offsets(name, "", base)
    if base:  # it drops the filler at the end
        del places["予備"]
    size = max(place.stop for place in places.values()) + len(end)
    content = sample(name)
    assert len(content) == 3 * size
    assert content[size - len(end) : size] == end
    assert {item: content[places[item]] for item in cells} == cells


def test_constants_are_written_and_checked() -> None:
    content = sample("vendor_d_mainframe")
    assert content.startswith(b"D100701")
    with pytest.raises(UnfitError) as refused:
        load("vendor_d_mainframe").read(b"D2" + content[2:])
    assert refused.value.code == "E100"


# --- symbols --------------------------------------------------------------------------------------------


def test_symbols_hold_what_they_can_and_are_read_in_any_order() -> None:
    layout = load("certificate_qr")
    movers = tuple(replace(mover, ordinal=number) for number, mover in enumerate([*GOLDEN.movers] * 3, 1))
    whole = layout.write(replace(GOLDEN, movers=movers)).content
    symbols = whole.split(b"\r\n")[:-1]
    assert len(symbols) > 3
    assert all(len(symbol) <= 800 for symbol in symbols)
    assert all(symbol.decode("utf-8") for symbol in symbols)  # no character is cut
    shuffled = symbols.copy()
    random.Random(1).shuffle(shuffled)
    back = layout.read(b"\r\n".join([*shuffled, b""]))
    assert back == layout.read(whole)
    assert [mover.full_name for mover in back.movers] == [mover.full_name for mover in movers]
    for number, symbol in enumerate(symbols, 1):
        with pytest.raises(UnfitError, match=f"symbol {number} of {len(symbols)} is missing"):
            layout.read(b"\r\n".join([*(other for other in symbols if other is not symbol), b""]))


# --- sheets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "encoding"), [("counter_sheet", "iso2022_jp"), ("counter_sheet_utf8", "utf-8")])
def test_a_sheet_goes_through_mail_and_says_things_in_words(name: str, encoding: str) -> None:
    content = sample(name)
    lines = content.decode(encoding).split("\r\n")
    assert encoding == "utf-8" or max(content) < 0x80
    assert all(len(line.encode(encoding)) <= 998 for line in lines)
    assert {"通知の種類: 転入の連絡", "届出日: 令和8年3月10日", "宛先の立場: 転出地"} <= set(lines)
    assert {"生年月日: 昭和20年 月日不詳", "生年月日の表記: 昭和20年頃", "性別: 女"} <= set(lines)
    assert "生年月日: 1988年2月29日" in lines
    assert lines.count("【異動者 2/3】") == 1
    wrapped = b"\r\n".join(line + b"  " for line in content.split(b"\r\n"))  # mail leaves blanks at the ends
    assert load(name).read(wrapped) == load(name).read(content)


# --- XML ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(Path(STANDARDS) / "gif_core_xml" / "schema" / "notice.xsd")))


def test_the_golden_sample_is_valid_by_the_core_data_model(schema: etree.XMLSchema) -> None:
    document = etree.fromstring(sample("gif_core_xml"))
    schema.assertValid(document)
    spaces = {"n": "urn:hikkoshi-hub:gif:notice:1", "pd": "http://xxx/xxx/gif/xxx"}
    births = [mover.findtext("n:person/pd:dateOfBirth", None, spaces) for mover in document.findall("n:mover", spaces)]
    assert births == [None, "1912-07-30", "1988-02-29"]  # a year alone is no xsd:date


@settings(max_examples=40, deadline=None)
@given(notice=notices())
def test_whatever_is_filed_is_valid_by_the_core_data_model(schema: etree.XMLSchema, notice: object) -> None:
    schema.assertValid(etree.fromstring(load("gif_core_xml").write(notice).content))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["<pd:sex>1</pd:sex>", "<pd:dateOfBirth>1945-00-00</pd:dateOfBirth>"])
def test_the_schema_refuses_what_the_model_does_not_have(schema: etree.XMLSchema, wrong: str) -> None:
    text = sample("gif_core_xml").decode()
    start = text.index("<pd:dateOfBirth>")
    stop = text.index("</pd:dateOfBirth>") + len("</pd:dateOfBirth>")
    assert not schema.validate(etree.fromstring((text[:start] + wrong + text[stop:]).encode()))


def test_a_vendors_own_namespace_and_version() -> None:
    document = etree.fromstring(sample("vendor_e_regional_xml"))
    assert document.tag == "{urn:vendor-e:notice}転出入通知"
    assert document.get("版") == "2.0"
    names = document.findall("{urn:vendor-e:person}異動者/{urn:vendor-e:person}氏名漢字")
    assert [name.text for name in names] == [mover.full_name for mover in GOLDEN.movers]


# --- codes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if "relation" in load(name).codes])
def test_relationships_have_one_code_each(name: str) -> None:
    table = load(name).codes["relation"]
    assert set(table) == vocabularies()["relation"]
    assert len(set(table.values())) == len(table)


@settings(max_examples=20, deadline=None)
@given(word=st.sampled_from(["孫", "祖父", "準世帯主", "使用人"]))
def test_a_forbidden_relationship_has_no_code_anywhere(word: str) -> None:
    """The delivery is held, and the table is named (1.1.11 forbids these words)."""
    for name in NAMES:
        layout = load(name)
        if "relation" not in layout.codes:
            continue
        mover = replace(ONE.movers[0], relation_to=(word,))
        with pytest.raises(UnfitError, match="table «relation»") as refused:
            layout.write(replace(ONE, movers=(mover,)))
        assert refused.value.code == "E132"
        assert word not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("juki_list_csv", '"12","20"', '"55","20"'),
        ("unix_eucjp_csv", ",TS,", ",XX,"),
        ("vendor_g_migration", ",S,特別永住者", ",Q,特別永住者"),
        ("vendor_e_regional_xml", "<人:性別>2</人:性別>", "<人:性別>8</人:性別>"),
        ("counter_sheet", "性別: 女", "性別: 女性"),
        ("gif_json", '"kind":"domestic"', '"kind":"elsewhere"'),
    ],
)
def test_an_unknown_code_becomes_a_question(name: str, old: str, new: str) -> None:
    layout = load(name)
    encoding = layout.encoding
    content = sample(name).decode(encoding).replace(old, new).encode(encoding)
    assert content != sample(name)
    with pytest.raises(UnfitError, match="a code is not in table «") as refused:
        layout.read(content)
    assert refused.value.code == "E132"


# --- dates that no calendar has --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written", "typed"),
    [
        ("mainframe_cp932", b"5080310", b"4380310"),
        ("vendor_d_mainframe", b"05080310", b"04380310"),
        ("vendor_f_unix", b"R08/03/10", b"h38/3/10"),
        ("gaiji_cp932_csv", b"R08.03.10", b"H38.03.10"),
        ("counter_sheet_utf8", "届出日: 令和8年3月10日".encode(), "届出日: 平成38年3月10日".encode()),
    ],
)
def test_a_year_past_its_era_is_read_as_the_day_and_told(name: str, written: bytes, typed: bytes) -> None:
    """Old systems went on counting 平成; nobody is told of a date that is as it should be."""
    layout, content = load(name), sample(name)
    assert not layout.alerts(content)
    counted = content.replace(written, typed)
    assert counted != content
    assert layout.read(counted) == layout.read(content)
    alerts = layout.alerts(counted)
    assert {alert.detail for alert in alerts} == {OUTSIDE}
    assert {alert.item for alert in alerts} <= {"届出日", "TODOKEDE_BI"}
