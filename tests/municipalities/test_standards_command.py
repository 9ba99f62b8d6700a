"""``manage.py standards``: drafts from vendors' files, differences, losses and exports, on real folders."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from lxml import html

from municipalities import standard
from municipalities.checks import check
from municipalities.drafting.match import fold, synonyms
from municipalities.drafting.sniff import UnreadableError, sniff
from municipalities.exports import probes
from municipalities.exports.comparison import compare
from municipalities.exports.losses import UNRECORDED, Kind, of_layout, of_notice
from municipalities.standard import load
from municipalities.standard.sources import leaves, sources
from tests.samples import ONE

HEADER = "届出番号,届出日,宛先団体コード,連番,漢字氏名,氏名カナ,生年月日,性別区分,旧住所,旧住所郵便番号,新住所,処理端末"
PERSON = "00TEST00000017,5080310,131016,1,見本　太郎,ﾐﾎﾝ ﾀﾛｳ,3550505,1,北海道函館市見本町,0400001,東京都千代田区,T01"
SAMPLE = f"{HEADER}\r\n{PERSON}\r\n"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Copies of the standards, beside which a draft may be written."""
    to = tmp_path / "standards"
    shutil.copytree(standard.STANDARDS, to)
    monkeypatch.setattr(standard, "STANDARDS", to)
    for cached in (load, standard.tables_of):
        cached.cache_clear()
    yield to
    for cached in (load, standard.tables_of):
        cached.cache_clear()


def run(*arguments: str, **options: object) -> str:
    out = io.StringIO()
    call_command("standards", *arguments, stdout=out, stderr=io.StringIO(), no_color=True, **options)
    return out.getvalue()


def new(tmp_path: Path, content: bytes, *more: str, name: str = "vendor") -> str:
    path = tmp_path / "vendor.csv"
    path.write_bytes(content)
    return run("new", name, "--from", str(path), *more)


# --- new ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "mark", "delimiter"),
    [
        ("utf-8", b"", ","),
        ("utf-8", b"\xef\xbb\xbf", "\t"),
        ("utf-16-le", b"\xff\xfe", ","),
        ("utf-16-le", b"", "|"),
        ("cp932", b"", ";"),
        ("euc_jp", b"", ","),
        ("iso2022_jp", b"", ","),
    ],
)
def test_encoding_and_delimiter_are_found(encoding: str, mark: bytes, delimiter: str) -> None:
    text = SAMPLE.replace(",", delimiter).replace(
        "ﾐﾎﾝ ﾀﾛｳ", "ミホン　タロウ" if encoding == "iso2022_jp" else "ﾐﾎﾝ ﾀﾛｳ"
    )
    found = sniff(mark + text.encode(encoding))
    assert (found.encoding, found.byte_order_mark, found.delimiter) == (encoding, bool(mark), delimiter)
    assert [item.name for item in found.items] == HEADER.split(",")
    assert found.items[4].samples == ("見本　太郎",)
    assert (found.line_end, found.quoting, found.records) == ("crlf", "minimal", 1)


def test_what_is_no_text_is_refused() -> None:
    for content in (b"", b"\x00\x01\x02", b"\x81\n", b"\xfe\xff\x00a"):
        with pytest.raises(UnreadableError):
            sniff(content)


def test_a_draft_places_what_it_knows_and_says_what_it_does_not(folders: Path, tmp_path: Path) -> None:
    told = new(tmp_path, SAMPLE.encode("cp932"))
    layout = load("vendor")
    rows = {item.name: item for item in layout.items}
    assert list(rows)[:12] == HEADER.split(",")
    assert rows["届出日"].source == "filed_on"
    assert rows["旧住所郵便番号"].source == "old_address.postal_code"
    assert (rows["漢字氏名"].source, rows["氏名カナ"].convert) == ("mover.full_name", "half_kana")
    assert (rows["届出日"].convert, rows["生年月日"].convert) == ("gyymmdd", "gyymmdd")
    assert rows["性別区分"].codes == "sex"
    assert (rows["処理端末"].source, rows["処理端末"].note) == ("", "not placed; longest sample: 3 characters")
    assert all(item.width == 0 for item in layout.items)  # no width is guessed
    assert {item.source for item in layout.items} >= {"notice_id", "type", "role", "version"}
    assert (layout.encoding, layout.provisional) == ("cp932", True)
    assert "cp932, comma-separated" in told
    assert "処理端末" in told[told.index("Not placed") : told.index("Values of the record")]
    assert "contact" in told[told.index("Values of the record") :]
    assert "contact" in layout.omits


def test_a_draft_becomes_a_standard_with_a_sample(folders: Path, tmp_path: Path) -> None:
    new(tmp_path, SAMPLE.encode("cp932"))
    assert [message.id for message in check("vendor")] == ["municipalities.E002"]
    run("export", "vendor", "--as", "sample", "--output", str(folders / "vendor" / "sample.csv"))
    assert check("vendor") == []
    assert "1 standards load" in run("check", "vendor")
    assert "見本" in run("show", "vendor", "--sample")


def test_a_code_table_nobody_has_is_named_cell_by_cell(folders: Path, tmp_path: Path) -> None:
    told = new(tmp_path, f"{HEADER}\n{PERSON.replace(',1,北海道', ',おとこ,北海道')}\n".encode())
    assert "vendor/codes/sex.csv, row 2, column theirs" in told
    assert "seen: おとこ" in (folders / "vendor" / "fields.csv").read_text(encoding="utf-8")
    with pytest.raises(CommandError, match="1 of 1"):
        run("check", "vendor")
    assert "gif_json" in run("list")  # a draft in the way of nobody


def test_over_a_base_only_what_differs_is_written(folders: Path, tmp_path: Path) -> None:
    base = load("juki_list_csv")
    names = [item.name for item in base.items if item.name != "備考"]
    names[names.index("氏名")] = "漢字氏名"
    names.insert(names.index("氏名フリガナ"), names.pop(names.index("旧氏")))
    new(tmp_path, "\t".join([*names, "端末"]).encode("utf-16-le"), "--base", "juki_list_csv")
    layout = load("vendor")
    assert [item.name for item in layout.items] == [*names, "端末"]
    found = compare(base, layout)
    assert (found.added, found.dropped, [moved.item for moved in found.moved]) == (["端末"], ["備考"], ["旧氏"])
    assert [(changed.item, set(changed.columns)) for changed in found.changed] == [("氏名", {"name", "note"})]
    assert set(found.omits) == {"remarks"}
    assert found.codes == []
    assert len((folders / "vendor" / "fields.csv").read_text(encoding="utf-8").splitlines()) == 4
    assert not (folders / "vendor" / "codes").exists()


def test_a_layout_sheet_gives_the_sizes(folders: Path, tmp_path: Path) -> None:
    sheet = "No,項目名,バイト数,備考\n1,受付番号,20,\n2,漢字氏名,60,全角\n3,枝番,2,\n"
    new(tmp_path, sheet.encode("cp932"))
    layout = load("vendor")
    assert [(item.name, item.width) for item in layout.items][:3] == [("受付番号", 20), ("漢字氏名", 60), ("枝番", 2)]
    assert layout.items[1].note.startswith("全角")


def test_names_that_are_refused(folders: Path, tmp_path: Path) -> None:
    for name in ("juki_list_csv", "../vendor", "Vendor"):
        with pytest.raises(CommandError):
            new(tmp_path, SAMPLE.encode(), name=name)
    with pytest.raises(CommandError, match="--from"):
        run("new", "vendor")


@pytest.mark.parametrize("name", standard.names())
def test_every_standard_is_recognised_by_its_own_header(name: str, folders: Path, tmp_path: Path) -> None:
    """Drafted from its own sample, a CSV is what it was: every item finds its value again."""
    layout = load(name)
    kinds = {item.record for item in layout.items}
    plain = layout.format == "delimited" and layout.tables.head.dialect.header
    if not plain or len(kinds) > 1 or any(item.repeat for item in layout.items):
        pytest.skip("not one heading")
    new(tmp_path, layout.sample.read_bytes(), "--base", name)
    found = compare(layout, load("vendor"))
    assert (found.added, found.dropped, found.moved, found.changed, found.codes) == ([], [], [], [], [])


def test_the_synonyms_name_values_that_exist() -> None:
    assert set(synonyms().values()) <= set(sources())
    assert all(name == fold(name) for name in synonyms())


# --- diff, losses, exports ------------------------------------------------------------------------------


def test_differences_as_a_table_and_as_data(folders: Path) -> None:
    told = json.loads(run("diff", "juki_list_csv", "mainframe_cp932", "--json"))
    assert told["head"]["encoding"] == {"a": "utf-8", "b": "cp932"}
    changed = {row["item"]: row["columns"] for row in told["changed"]}
    assert changed["異動届出年月日"]["convert"] == {"a": "iso", "b": "gyymmdd"}
    shown = run("diff", "juki_list_csv", "mainframe_cp932")
    assert "異動届出年月日: convert" in shown
    assert compare(load("gif_json"), load("gif_json")).equal


@pytest.mark.parametrize("name", standard.names())
def test_the_losses_of_a_layout_are_what_it_omits_and_what_was_tried(name: str) -> None:
    layout = load(name)
    found = of_layout(layout)
    assert {loss.leaves[0] for loss in found if loss.kind is Kind.OMITTED} == set(layout.omits)
    assert [loss for loss in found if loss.why == UNRECORDED] == []


def test_losses_are_found_by_trying() -> None:
    found = of_layout(load("mainframe_cp932"))

    def items(kind: Kind, ours: str) -> tuple[tuple[str, str], ...]:
        return tuple(
            (item, loss.theirs) for loss in found if (loss.kind, loss.ours) == (kind, ours) for item in loss.items
        )

    assert ("漢字氏名", "吉") in items(Kind.CHANGED, "𠮷")
    assert ("漢字氏名", "50") in items(Kind.SHORT, "100")
    assert ("漢字氏名", "") in items(Kind.HELD, "邉\U000e0100")
    assert [(loss.kind, loss.ours) for loss in of_layout(load("gif_json"))] == [(Kind.HELD, "\ue000")]
    assert "邉" in run("show", "mainframe_cp932", loss=True)
    assert json.loads(run("show", "mainframe_cp932", loss=True, json=True))


def test_the_losses_of_a_notice_are_its_own() -> None:
    found = of_notice(load("mainframe_cp932"), ONE)
    assert {loss.leaves[0] for loss in found if loss.kind is Kind.OMITTED} >= {
        "contact.email",
        "old_address.street_address_id",
    }
    assert any((loss.kind, loss.ours, loss.theirs) == (Kind.CHANGED, "見本　𠮷郎", "見本　吉郎") for loss in found)
    assert of_notice(load("gif_json"), ONE) == ()


def test_every_text_and_number_of_the_record_has_a_longest_value() -> None:
    for leaf in leaves():
        source = sources()[leaf]
        if source.kind in {"text", "number"} and source.domain is None:
            assert probes.length_of(source).most, leaf
    assert load("gif_json").read(load("gif_json").write(probes.whole()).content) == probes.whole()


def test_a_page_to_print_stands_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    run("export", "mainframe_cp932", "--as", "page", "--output", str(path))
    page: Any = html.fromstring(path.read_bytes())
    assert "@media print" in page.findtext(".//style")
    assert not page.xpath("//link | //script | //img")
    items = load("mainframe_cp932").items
    rows = [[cell.text_content().strip() for cell in row] for row in page.xpath("(//table)[1]/tbody/tr")]
    assert [row[1] for row in rows] == [item.name for item in items]
    assert [int(row[4]) for row in rows] == [item.width for item in items]
    assert [int(row[2]) for row in rows[1:]] == [int(row[3]) + 1 for row in rows[:-1]]
    assert load("mainframe_cp932").reason in page.text_content()


def test_an_export_needs_a_form() -> None:
    with pytest.raises(CommandError, match="--as json"):
        run("export", "gif_json")
    with pytest.raises(CommandError, match="use JSON Schema"):
        run("export", "gif_json", "--as", "table-schema")
