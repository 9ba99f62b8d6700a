"""Dialects, encodings, sheets, symbols and documents of small standards; decisions, private-use characters, answers."""

import csv
import io
import unicodedata
import zlib
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from municipalities.characters import Gaiji, Question, Undecided, length
from municipalities.errors import UnfitError
from municipalities.formats import sheet, symbols
from municipalities.notice import Mover, Notice, UncertainDate
from municipalities.standard import Answer, AnswerKind, TableError, compiled, load
from tests.municipalities.small import LEAST, folder, read, rows, small
from tests.municipalities.test_standard_records import TWO, carried, refusal
from tests.municipalities.test_standards import every_standard, expected
from tests.samples import ONE, named

ITEMS = rows(f"{LEAST}\n枝番,mover.ordinal,number\n氏名,mover.full_name\n備考,remarks")


def remarked(text: str) -> Notice:
    return msgspec.structs.replace(TWO, remarks=text)


# --- dialects and encodings -----------------------------------------------------------------------------

DIALECTS = [
    ("utf-8", ",", "all", True, "\r\n", False),
    ("utf-8", "\\t", "minimal", True, "\n", True),
    ("cp932", ";", "minimal", False, "\n", False),
    ("euc_jp", ",", "all", True, "\n", False),
    ("utf-16-le", "\\t", "none", True, "\r\n", True),
    ("shift_jis_2004", "|", "none", False, "\r\n", False),
    ("iso2022_jp", ",", "minimal", True, "\r\n", False),
]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_another_reader_finds_what_a_dialect_says(
    tmp_path: Path, dialect: tuple[str, str, str, bool, str, bool]
) -> None:
    """The csv module, told the dialect by hand, reads the same items."""
    encoding, sign, quoting, header, end, mark = dialect
    ends = {"\r\n": "crlf", "\n": "lf"}[end]
    head = (
        f'format = "delimited"\nencoding = "{encoding}"\n[dialect]\ndelimiter = "{sign}"\nquoting = "{quoting}"\n'
        f'header = {str(header).lower()}\nline_end = "{ends}"\nbyte_order_mark = {str(mark).lower()}\n'
    )
    layout = small(tmp_path, head, ITEMS)
    notice = remarked("東京" if quoting == "none" else '東京"都",;|\t改\r\n行')
    content = layout.write(notice).content
    text = content.decode(encoding)
    assert text.startswith("\ufeff") is mark
    assert text.endswith(end)
    lines = csv.reader(
        io.StringIO(text.removeprefix("\ufeff"), newline=""),
        delimiter=sign.replace("\\t", "\t"),
        quoting=csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL,
    )
    found = list(lines)
    assert found[0][0] == ("通知ID" if header else notice.notice_id)
    assert found[-1][-2:] == ["試験　花子", notice.remarks]
    assert layout.read(content) == msgspec.structs.replace(carried(notice), remarks=notice.remarks)
    assert layout.content_type.endswith(f"charset={layout.charset}")


def test_what_cannot_be_set_apart_is_a_question(tmp_path: Path) -> None:
    layout = small(tmp_path, 'format = "delimited"\n[dialect]\nquoting = "none"\n', ITEMS)
    notice = remarked("一,二")
    with pytest.raises(Undecided, match=r"備考: U\+002C cannot stand in this format") as refused:
        layout.write(notice)
    [asked] = layout.questions(notice)
    assert refused.value.questions == (asked,)
    assert (asked.pointer, asked.text, asked.cluster) == ("/remarks", "一,二", ",")
    written = layout.write(notice, {(asked.target, asked.text): "一、二"})
    assert [(f.original, f.written, f.rule) for f in written.fallbacks] == [("一,二", "一、二", "decided by a clerk")]
    assert layout.read(written.content).remarks == "一、二"
    with pytest.raises(Undecided):
        layout.write(notice, {(asked.target, asked.text): "一,三"})


@pytest.mark.parametrize(
    ("encoding", "width", "name", "filled"),
    [
        ("cp932", 10, "見本", "見本　　　"),
        ("euc_jp", 10, "槗本", "槗本　　 "),  # JIS X 0212 takes three bytes: a single space is left over
        ("utf-16-le", 10, "𠮷本", "𠮷本　　"),
    ],
)
def test_items_of_fixed_width_are_filled_in_bytes(
    tmp_path: Path, encoding: str, width: int, name: str, filled: str
) -> None:
    least = [row | {"width": "80"} for row in rows(f"{LEAST}\n枝番,mover.ordinal,number")]
    items = [*least, *rows(f"氏名,mover.full_name,wide,,{width}")]
    layout = small(tmp_path, f'format = "fixed_width"\nencoding = "{encoding}"\n', items)
    notice = named(name)
    content = layout.write(notice).content
    assert content[-width:].decode(encoding) == filled
    assert len(content) == 7 * 80 + width
    assert layout.read(content) == carried(notice)


def test_widths_count_what_the_layout_says(tmp_path: Path) -> None:
    """𠮷 with a selector: one character, four code units of UTF-16, eight bytes."""
    name = "𠮷\U000e0100"
    for unit, size in (("characters", 1), ("utf16", 4), ("bytes", 8)):
        for width in (size - 1, size):
            items = [*ITEMS[:-2], *rows(f"氏名,mover.full_name,,,{width or ''}")]
            layout = small(tmp_path, f'format = "delimited"\nencoding = "utf-16-le"\nunit = "{unit}"\n', items)
            if width in {size, 0}:
                assert layout.read(layout.write(named(name)).content) == carried(named(name))
                continue
            with pytest.raises(UnfitError, match=f"氏名: {size} {unit} do not fit into {width}") as refused:
                layout.write(named(name))
            assert refused.value.code == "E131"


# --- decisions ------------------------------------------------------------------------------------------


def test_a_text_that_is_too_long_is_shortened_by_a_clerk_only(tmp_path: Path) -> None:
    layout = small(tmp_path, 'format = "delimited"\nencoding = "cp932"\n', [*ITEMS[:-1], *rows("備考,remarks,,,4")])
    notice = remarked("一二三四五")
    [asked] = layout.questions(notice)
    assert asked == Question("/remarks", "備考", "一二三四五", "", "cp932", (), "一二三四五")
    with pytest.raises(Undecided) as refused:
        layout.write(notice, {("cp932", "一二三四五"): "五四三二一"})
    assert refused.value.code == "E131"
    assert "一" not in str(refused.value)
    written = layout.write(notice, {("cp932", "一二三四五"): "一二…五"})
    assert written.fallbacks[0].rule == "decided by a clerk; 文字溢れ"
    assert layout.read(written.content).remarks == "一二…五"


@pytest.mark.parametrize(
    ("text", "chosen", "rule"),
    [
        ("𠮷二三四五", "吉二…五", "decided by a clerk; 文字溢れ"),
        ("𠮷二三四", "吉二三四", "decided by a clerk"),
        ("斉\U000e0103二三", "斉二三", "decided by a clerk"),  # a selector takes no place of its own
        ("辻\U000e0100\U0002b746二三四", "辻々四", "decided by a clerk; 文字溢れ"),
    ],
)
@pytest.mark.parametrize("form", ["delimited", "fixed_width"])
def test_a_text_that_is_unwritable_and_too_long_keeps_its_mark(
    form: str, text: str, chosen: str, rule: str, tmp_path: Path
) -> None:
    """S40: one decision answers both; that the text was shortened is not forgotten."""
    head, width = f'format = "{form}"\nencoding = "cp932"\n', 8 if form == "fixed_width" else 4
    items = [row | ({"width": "80"} if form == "fixed_width" else {}) for row in ITEMS[:-1]]
    layout = small(tmp_path, head, [*items, *rows(f"備考,remarks,,,{width}")])
    [fallback] = layout.write(remarked(text), {("cp932", text): chosen}).fallbacks
    assert (fallback.written, fallback.rule) == (chosen, rule)


def test_all_questions_of_a_notice_are_asked_at_once() -> None:
    layout = load("mainframe_cp932")
    movers = (*named("見本　𠮟子", "渡邉\U000e010f　𠮟").movers,)
    notice = msgspec.structs.replace(ONE, movers=movers, remarks="試\u0e01験", contact_office="一" * 60)
    asked = layout.questions(notice)
    assert [(question.pointer, question.cluster) for question in asked] == [
        ("/contactOffice", ""),
        ("/remarks", "\u0e01"),
        ("/movers/0/fullName", "𠮟"),
        ("/movers/1/fullName", "邉\U000e010f"),
        ("/movers/1/fullName", "𠮟"),
    ]
    decided = {(question.target, question.text): "見本" for question in asked}
    written = layout.write(notice, decided)
    assert layout.questions(notice, decided) == ()
    assert layout.read(written.content) == expected(layout, notice, written)


def test_private_characters_are_read_by_the_towns_own_table_or_asked(tmp_path: Path) -> None:
    path = folder(tmp_path, 'format = "delimited"\nencoding = "cp932"\n', ITEMS)
    plain = compiled(read(path))
    (path / "gaiji.csv").write_text(
        "private,sequence,note\nU+E000,U+20BB7,\nU+E001,U+8FBB U+E0101,\n", encoding="utf-8"
    )
    layout = compiled(read(path))
    notice = remarked("𠮷と辻\U000e0101")
    content = layout.write(notice).content
    assert layout.write(notice).fallbacks == ()
    assert "\ue000と\ue001".encode("cp932") in content
    assert layout.read(content).remarks == notice.remarks
    with pytest.raises(Undecided) as asked:
        plain.read(content)
    assert [(one.pointer, one.cluster) for one in asked.value.questions] == [
        ("/remarks", "\ue000"),
        ("/remarks", "\ue001"),
    ]
    other = compiled(read(path), Gaiji("other", {"\ue000": "𠮟", "\ue001": "𣘺"}))
    assert other.read(content).remarks == "𠮟と𣘺"
    (path / "gaiji.csv").write_text("private,sequence,note\nU+0041,U+20BB7,\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"town/gaiji.csv: gaiji.csv, row 2, column private"):
        read(path)


# --- sheets and symbols ---------------------------------------------------------------------------------

SHEET = 'format = "sheet"\nencoding = "{}"\nroot = "転入のお知らせ"\nmovers = "異動者"\n'


@pytest.mark.parametrize("encoding", ["utf-8", "iso2022_jp"])
def test_a_sheet_survives_mail(tmp_path: Path, encoding: str) -> None:
    layout = small(tmp_path, SHEET.format(encoding), ITEMS)
    notice = remarked("　始まり\\n " + "東京都千代田区" * 20 + "\n二行目: 「値」　")
    content = layout.write(notice).content
    text = content.decode(encoding)
    for line in text.split("\r\n"):
        wide = sum(unicodedata.east_asian_width(one) in "WFA" for one in line)
        assert len(line) + wide <= 76
    mailed = "\n".join(line.rstrip() + "  " for line in text.split("\r\n")).encode(encoding)
    for received in (content, mailed, mailed + b"\n\n"):
        assert layout.read(received) == msgspec.structs.replace(carried(notice), remarks=notice.remarks)
    assert "氏名: 見本　太郎" in text
    assert "【異動者 2/2】" in text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("【異動者 1/2】\r\n枝番: 1\r\n", "", "the number of its lines"),
        ("転入のお知らせ", "転出のお知らせ", "must begin with"),
        ("氏名: 見本　太郎", "枝番: 1", "line 10 is no item, or stands twice"),
        ("氏名: 見本　太郎", "氏名 見本　太郎", "line 10 is no item"),
        ("【異動者 2/2】", "【異動者 3/3】", "異動者 2 is expected"),
        ("見本　太郎", "見本\\q太郎", "a backslash"),
        ("役割: ", "役目: ", "役目 is not an item of this layout"),
    ],
)
def test_a_sheet_that_was_cut_or_changed_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    layout = small(tmp_path, SHEET.format("utf-8"), ITEMS)
    text = layout.write(TWO).content.decode()
    assert old in text
    assert told in refusal(layout, text.replace(old, new).encode())


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.text(
    "見\\ \u3000n\n\r\U000e0100あa{}u", max_size=200
)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_any_text_comes_back_from_a_sheet_and_from_symbols(text: str) -> None:
    form = sheet.Form("題", "節", "utf-8", "\r\n")
    tree = {"値": text, "節": [{"値": text}]}
    back = sheet.parse(sheet.render(tree, form), form)
    assert (back.get("値", ""), back["節"][0].get("値", "")) == (text, text)
    assert symbols.parse(symbols.render(text, "utf-8", 64, 99)).decode() == text


def test_symbols_are_read_in_any_order_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    head = 'format = "symbols"\nsymbol = 120\n[dialect]\nquoting = "none"\nheader = false\n'
    layout = small(tmp_path, head, ITEMS)
    notice = remarked("辻\U000e0101" * 40)
    first, *tails = layout.write(notice).content.removesuffix(b"\r\n").split(b"\r\nS1 ")
    parts = [first + b"\r\n", *(b"S1 " + tail + b"\r\n" for tail in tails)]
    assert len(parts) > 3
    assert all(len(part) <= 122 for part in parts)
    for part in parts:
        piece = part[symbols.LENGTH :].decode()
        assert length(piece) == len(piece.replace("\U000e0101", ""))  # no selector stands alone
        assert not piece.startswith("\U000e0101")
    mixed = sorted(parts, key=zlib.crc32)
    assert layout.read(b"".join(mixed)) == msgspec.structs.replace(carried(notice), remarks=notice.remarks)
    total = len(parts)
    foreign = layout.write(TWO).content.split(b"\r\n")[0] + b"\r\n"
    assert f"symbol 2 of {total} is missing" in refusal(layout, b"".join([parts[0], *parts[2:]]))
    assert f"symbol 1 of {total} stands twice" in refusal(layout, b"".join([parts[0], *parts]))
    assert "belongs to other symbols" in refusal(layout, b"".join([*parts, foreign]))
    damaged = [*parts[:2], parts[2][:-4] + b"xx\r\n", *parts[3:]]
    assert f"symbol 3 of {total} is damaged" in refusal(layout, b"".join(damaged))
    assert "no symbol begins" in refusal(layout, b"x" + parts[0])
    with pytest.raises(UnfitError, match="there may be 16") as refused:
        layout.write(remarked("長" * 1000))
    assert refused.value.code == "E131"


# --- documents ------------------------------------------------------------------------------------------


def test_a_document_has_attributes_nested_movers_and_constants(tmp_path: Path) -> None:
    head = (
        'format = "xml"\nroot = "g:通知"\nmovers = "g:世帯/g:者"\n[namespaces]\ng = "urn:g"\nxsi = "urn:xsi"\n'
        '[attributes]\nversion = "1.0"\n"xsi:schemaLocation" = "urn:g \\"g.xsd\\""\n'
    )
    text = (
        f"{LEAST}\n世帯/印,,,,,,甲\n枝番,mover.ordinal,number\n種,,,,,person,住民\n氏名,mover.full_name\n備考,remarks"
    )
    items = rows(text, "name,source,convert,codes,width,record,constant")
    items = [row | {"name": "/".join(f"g:{step}" for step in row["name"].split("/"))} for row in items]
    layout = small(tmp_path, head, items)
    content = layout.write(TWO).content
    document = etree.fromstring(content)
    assert dict(document.attrib.items()) == {"version": "1.0", "{urn:xsi}schemaLocation": 'urn:g "g.xsd"'}
    household = document.find("{urn:g}世帯")
    assert household is not None
    assert [child.tag.removeprefix("{urn:g}") for child in household] == ["印", "者", "者"]
    assert [child.tag.removeprefix("{urn:g}") for child in household[1]] == ["枝番", "種", "氏名"]
    assert layout.read(content) == carried(TWO)
    assert layout.read(layout.write(named()).content) == carried(named())
    assert "g:世帯/g:印 is not «甲»" in refusal(layout, content.replace("甲".encode(), "乙".encode()))
    assert "g:種 is not «住民»" in refusal(layout, content.replace("住民".encode(), "外".encode()))
    assert "version" in refusal(layout, content.replace(b'version="1.0" x', b'version="2.0" x'))
    assert "is not known" in refusal(layout, content.replace(b'version="1.0" x', b'versio="1.0" x'))


def test_a_control_character_is_a_question_where_the_format_cannot_hold_it(tmp_path: Path) -> None:
    layout = small(tmp_path, 'format = "xml"\nroot = "r"\nmovers = "m"\n', ITEMS)
    notice = remarked("鐘\x07")
    [asked] = layout.questions(notice)
    assert asked.cluster == "\x07"
    assert layout.read(layout.write(notice, {(asked.target, asked.text): "鐘"}).content).remarks == "鐘"


# --- answers --------------------------------------------------------------------------------------------

ANSWERS = (
    Answer(notice_id="01970000-0000-7000-8000-000000000001", kind=AnswerKind.RECEIVED),
    Answer(
        notice_id="01970000-0000-7000-8000-000000000002",
        kind=AnswerKind.RETURNED,
        errors=("E302", "E310"),
        legal_date=date(2026, 4, 2),
        received_at=datetime(2026, 4, 2, 1, 30, tzinfo=UTC),
    ),
)


@every_standard
def test_a_towns_answers_are_read_by_its_own_table(name: str) -> None:
    layout = load(name)
    if layout.answers is None:
        with pytest.raises(UnfitError, match="no file of answers"):
            layout.write_answers(ANSWERS)
        return
    for answers in (ANSWERS, ANSWERS[:1], ()):
        found = layout.read_answers(layout.write_answers(answers))
        omits = layout.tables.head.answers.omits
        assert [answer.kind for answer in found] == [answer.kind for answer in answers]
        for member in ("notice_id", "errors", "legal_date", "received_at"):
            if member not in omits:
                assert [getattr(one, member) for one in found] == [getattr(one, member) for one in answers]


def test_an_unknown_answer_is_a_question_and_a_table_of_answers_is_checked(tmp_path: Path) -> None:
    path = folder(
        tmp_path, 'format = "delimited"\n[answers.omits]\nlegal_date = "no"\nreceived_at = "no"\nerrors = "no"\n', ITEMS
    )
    answers = rows("通知ID,notice_id\n回答,kind,,answer")
    folder(tmp_path, "", answers, file="answers.csv")
    with pytest.raises(TableError, match=r"town/answers.csv, row 3, column codes: there is no table «answer»"):
        read(path)
    (path / "codes").mkdir()
    codes = [f"{kind.name},{number}" for number, kind in enumerate(AnswerKind)]
    (path / "codes/answer.csv").write_text("\n".join(["ours,theirs", *codes, ""]), encoding="utf-8")
    layout = compiled(read(path))
    content = layout.write_answers(ANSWERS)
    assert content.decode().splitlines()[1] == f'"{ANSWERS[0].notice_id}","0"'
    with pytest.raises(UnfitError, match="table «answer»") as refused:
        layout.read_answers(content.replace(b'"3"', b'"7"'))
    assert refused.value.code == "E132"
    folder(tmp_path, "", answers[1:], file="answers.csv")
    with pytest.raises(TableError, match=r"town/answers.csv: nothing carries notice_id"):
        read(path)


def test_a_date_beyond_its_era_is_read_and_told(tmp_path: Path) -> None:
    items = [
        *ITEMS,
        *rows(
            "生年月日,mover.date_of_birth,gyymmdd\n精度,mover.date_of_birth.precision\n暦,mover.date_of_birth.calendar\n表記,mover.date_of_birth.display_text"
        ),
    ]
    layout = small(tmp_path, 'format = "delimited"\n', items)
    birth = msgspec.convert({"year": 2020, "month": 4, "day": 1}, UncertainDate)
    content = layout.write(msgspec.structs.replace(TWO, movers=(Mover(ordinal=1, date_of_birth=birth),))).content
    assert layout.alerts(content) == ()
    [alert] = layout.alerts(content.replace(b"5020401", b"4320401"))
    assert alert.item == "生年月日"
    assert "era" in alert.detail


def test_each_text_of_a_list_is_a_question_of_its_own() -> None:
    layout = load("gif_json")
    mover = msgspec.structs.replace(ONE.movers[0], alternative_name_history=("一\ue000", "二", "三\ue001"))
    asked = layout.questions(msgspec.structs.replace(ONE, movers=(mover,)))
    assert [question.pointer for question in asked] == [f"/movers/0/alternativeNameHistory/{place}" for place in (0, 2)]
