"""The collection of layouts and their golden samples: which there are, and what became of the hard names in each."""

import pytest

from municipalities import standard
from municipalities.standard import load
from tests.golden import DECIDED, GOLDEN, LATIN, NABE
from tests.municipalities.test_layouts import rows

NAMES = standard.names()
VARIANTS = [name for name in NAMES if load(name).extends]


# --- the collection -------------------------------------------------------------------------------------


def test_the_families_are_there() -> None:
    own = set(NAMES) - set(VARIANTS)
    assert len(NAMES) - len([name for name in VARIANTS if name.startswith("vendor_")]) >= 14
    assert len([name for name in VARIANTS if name.startswith("vendor_")]) >= 8
    assert {load(name).format for name in own} == {"delimited", "fixed_width", "symbols", "sheet", "xml", "json"}
    assert {load(name).encoding for name in NAMES} == {
        *("utf-8", "utf-16-le", "cp932", "euc_jp", "iso2022_jp", "shift_jis_2004")
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_names_its_source_and_says_what_is_a_guess(name: str) -> None:
    """No official file with item ids, codes and sizes was seen for any of them yet: all say so."""
    layout = load(name)
    assert len(layout.source) > 20
    assert layout.provisional
    assert len(layout.reason) > 20


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_has_the_changed_rows_only(name: str) -> None:
    base = {(row.get("record", ""), row["name"]): row for row in rows(load(name).extends)}
    for row in rows(name):
        said = {column: cell for column, cell in row.items() if cell and column not in {"after", "note"}}
        known = base.get((row.get("record", ""), row["name"]), {})
        assert any(known.get(column, "") != cell for column, cell in said.items()) or row.get("after"), row


# --- golden samples -------------------------------------------------------------------------------------

#: What is read back of 髙橋　𠮷子 and of 渡邉 (with a selector) 神 (U+FA19) 子, by the characters a layout has.
AS_FILED = ("髙橋　𠮷子", NABE)
CP932 = ("髙橋　吉子", "渡邉　\ufa19子")
READ_BACK = {
    **dict.fromkeys(("mainframe_cp932", "mainframe_records_cp932", "vendor_a_juki_list", "vendor_c_mainframe"), CP932),
    **dict.fromkeys(("vendor_d_mainframe", "vendor_g_migration", "vendor_i_household", "vendor_j_records"), CP932),
    "jisx0213_csv": ("高橋　吉子", "渡邉　\ufa19子"),
    "unix_eucjp_csv": ("高橋　吉子", "渡邉　神子"),
    "vendor_f_unix": ("高橋　吉子", "渡邉　神子"),
    "counter_sheet": ("高橋　吉子", "渡邉　神子"),
    "vendor_h_mj": ("髙橋　𠮷子", "渡邉　\ufa19子"),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_sample_holds_the_hard_names_or_what_was_decided_for_them(name: str) -> None:
    movers = load(name).read(load(name).sample.read_bytes()).movers
    assert tuple(mover.full_name for mover in movers[:2]) == READ_BACK.get(name, AS_FILED)
    assert (len(LATIN), movers[2].full_name_roman) == (60, LATIN)
    birth = movers[0].date_of_birth
    assert birth is not None
    wide = load(name).format == "fixed_width"
    assert (birth.year, birth.display_text) == (1945, "昭和２０年頃" if wide else "昭和20年頃")


@pytest.mark.parametrize("name", NAMES)
def test_every_change_of_the_golden_sample_is_recorded(name: str) -> None:
    written = load(name).write(GOLDEN, DECIDED)
    recorded = {(fallback.original, fallback.written) for fallback in written.fallbacks if fallback.rule}
    for filed, back in zip(AS_FILED, READ_BACK.get(name, AS_FILED), strict=True):
        assert filed == back or (filed, back) in recorded
