"""Characters: what comes back, what is substituted and recorded, and what is refused."""

import csv
import re
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from municipalities.characters import (
    CLUSTER,
    SINGLE,
    TABLES,
    VOICED,
    Repertoire,
    candidates,
    from_half_kana,
    length,
    to_half_kana,
)
from municipalities.errors import UnfitError

CP932 = Repertoire("cp932")
WIDE = Repertoire("cp932", "wide")
KANA = Repertoire("cp932", "half_kana")
HALF = Repertoire("cp932", "half")
ALL = (CP932, WIDE, KANA, HALF)


@pytest.mark.parametrize("character", [*"髙﨑濵德栁黑瀨靑邉邊神塚㈱①～－∥"])
def test_cp932_holds_its_extensions_and_compatibility_ideographs(character: str) -> None:
    assert WIDE.encoder()(character) == character.encode("cp932")
    assert WIDE.fit(character).back == character


@pytest.mark.parametrize(
    ("filed", "back", "rule"),
    [
        ("〜", "～", "wave dash"),
        ("−", "－", "minus"),
        ("‖", "∥", "parallel"),
        ("𠮷", "吉", "MJ縮退マップ.*戸籍統一文字情報"),
        ("𣘺", "橋", "MJ縮退マップ"),
        ("㐂", "喜", "MJ縮退マップ"),
        ("斉\U000e0103", "斉", "JIS包摂規準"),
        ("A-1 ", "Ａ－１　", "full width"),
        ("ｶﾞ", "カ゛", "full width"),
        ("\n", "　", "line break"),
    ],
)
def test_a_substitute_is_recorded_with_its_rule(filed: str, back: str, rule: str) -> None:
    fitted = WIDE.fit(f"見本{filed}")
    assert fitted.back == f"見本{back}"
    assert re.search(rule, fitted.rule)


@pytest.mark.parametrize(
    ("filed", "shown"),
    [
        ("邉\U000e010f", ["邉", "辺", "邊"]),  # several, each with a basis
        ("邉\U000e0100", ["邉"]),  # a selector of another collection: only a person may drop it
        ("𠮟", []),
        ("\ue0f3", []),  # private use: each vendor's own (never passed on)
        ("\ud800", []),
        ("か\u3099", []),  # a combining mark
        ("한", []),
    ],
)
def test_without_one_lawful_candidate_a_person_decides(filed: str, shown: list[str]) -> None:
    with pytest.raises(UnfitError) as refused:
        WIDE.fit(filed)
    assert refused.value.code == "E130"
    choices = refused.value.detail.partition("candidates: ")[2]
    assert all(choice in choices for choice in shown) or "none" in choices
    refused.value.detail.encode()  # a message can always be written down


def test_a_character_of_its_own_is_never_substituted_unasked() -> None:
    """別字 of circular 2842: the table names them to be told apart, not to be folded."""
    found = candidates("\u5030", "cp932")
    assert [(candidate.written, candidate.legal) for candidate in found] == [("俊", False)]
    with pytest.raises(UnfitError, match="俊"):
        WIDE.fit("\u5030")


def test_nothing_is_normalized() -> None:
    """NFC and NFKC would both turn this 神 into another name."""
    name = "\ufa19"
    assert normalize("NFC", name) != name
    assert WIDE.fit(name).back == name


def test_the_shrink_map_extract_is_sound() -> None:
    """Sources are outside CP932, candidates inside; the file stays small and names its licence."""
    path = TABLES / "mj_cp932.csv"
    with path.open(encoding="utf-8", newline="") as file, (TABLES / "bases.csv").open(encoding="utf-8") as bases:
        rows, letters = list(csv.DictReader(file)), {row["letter"] for row in csv.DictReader(bases)}
    for row in rows:
        source = "".join(chr(int(point, 16)) for point in row["source"].split("-"))
        assert not CP932.holds(source)
        assert CP932.holds(row["candidate"])
        assert set(row["bases"]) <= letters
    assert len(rows) > 29_000
    assert path.stat().st_size < 500_000
    assert "CC BY-SA 2.1 JP" in (TABLES / "ORIGIN").read_text(encoding="utf-8")


def test_every_half_width_kana_comes_back() -> None:
    for full in [*SINGLE.values(), *VOICED.values(), "　"]:
        assert from_half_kana(to_half_kana(full)) == full
        assert KANA.fit(full).back == full
    assert KANA.encoder()("ガギグ　ヴァ") == "ｶﾞｷﾞｸﾞ ｳﾞｧ".encode("cp932")


@pytest.mark.parametrize(
    ("filed", "back"),
    [("ヰヱヮ", "イエワ"), ("みほん", "ミホン"), ("カ゛", "ガ"), ("ｶﾞ", "ガ"), ("ミ ホ", "ミ　ホ"), ("ＡＢ", "AB")],
)
def test_kana_that_changes_is_seen_in_what_comes_back(filed: str, back: str) -> None:
    assert KANA.fit(filed).back == back
    assert KANA.fit(filed).rule


def test_a_selector_is_never_parted_from_its_character() -> None:
    assert CLUSTER.findall("渡邉\U000e0100𠮷") == ["渡", "邉\U000e0100", "𠮷"]
    assert length("渡邉\U000e0100𠮷") == 3


@given(st.text(st.characters(exclude_categories=()), max_size=8), st.sampled_from(ALL))
def test_decoding_gives_what_was_recorded(text: str, repertoire: Repertoire) -> None:
    """The quick way never disagrees with the careful one, and both with the bytes."""
    quick = repertoire.encoder()(text)
    if quick is not None:
        assert repertoire.read(quick.decode("cp932")) == text
    try:
        fitted = repertoire.fit(text)
    except UnfitError:
        assert quick is None
        return
    assert repertoire.read(fitted.data.decode("cp932")) == fitted.back
    assert fitted.back == text or fitted.rule


@pytest.mark.parametrize("repertoire", ALL, ids=lambda repertoire: repertoire.spelling or "any")
def test_every_character_of_the_basic_plane_comes_back_or_is_recorded_or_refused(repertoire: Repertoire) -> None:
    encode = repertoire.encoder()
    for code in range(0x10000):
        character = chr(code)
        data = encode(character)
        if data is not None:
            assert repertoire.read(data.decode("cp932")) == character
            assert not 0xE000 <= code <= 0xF8FF
