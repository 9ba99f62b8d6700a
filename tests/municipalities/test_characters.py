"""Characters: what comes back, what is substituted and recorded, and what is refused."""

import csv
import re
from dataclasses import replace
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from municipalities.characters import (
    CLUSTER,
    DECIDED,
    NOTHING_DECIDED,
    PRIVATE,
    Decisions,
    Fitted,
    Question,
    Repertoire,
    Undecided,
    candidates,
    equal_by_fallback,
    glyph,
    length,
    mj_names,
    same_by_mj,
)
from municipalities.characters.held import surely, survives
from municipalities.characters.mj import TABLE, sequences
from municipalities.characters.repertoires import TABLES
from municipalities.characters.spellings import SINGLE, SPELLINGS, VOICED, from_half_kana, to_half_kana

CP932 = Repertoire("cp932")
WIDE = Repertoire("cp932", "wide")
KANA = Repertoire("cp932", "half_kana")
HALF = Repertoire("cp932", "half")
JISX0208 = Repertoire("iso2022_jp")
JISX0213 = Repertoire("shift_jis_2004")
JISX0212 = Repertoire("euc_jp")
MJ = Repertoire("utf-16-le", characters="mj")
UNICODE = Repertoire("utf-8")
ENCODINGS = ("cp932", "shift_jis", "shift_jis_2004", "euc_jp", "iso2022_jp", "utf-8", "utf-16-le")
ALL = (
    *(Repertoire(encoding, spelling) for encoding in ENCODINGS for spelling in SPELLINGS),
    *(Repertoire("utf-8", "", characters) for characters in ("cp932", "jisx0208", "jisx0213", "jisx0212", "mj")),
    Repertoire("utf-16-le", "wide", "mj"),
    Repertoire("utf-16-le", "half_kana", "jisx0213"),
)

#: How many characters and sequences of the list a target lacks: without a candidate, with one, with several.
NONE_ONE_SEVERAL = {
    "cp932": (32741, 20734, 4173),
    "jisx0208": (33508, 20626, 3874),
    "jisx0213": (23983, 23657, 6672),
    "jisx0212": (22302, 24251, 5654),
}

EVERY = "".join(map(chr, range(0x110000)))
BASES = ["邉", "斉", "辻", "神", "葛", "見", "か", "A"]
SELECTORS = ["\ufe00", "\ufe01", "\U000e0100", "\U000e0101", "\U000e0103", "\U000e010f", "\u3099", "\u309a", "\u0301"]
#: Any text at all, and again and again what names are made of and what goes wrong.
TEXTS = st.lists(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from(
            [
                *"髙﨑𠮷𠮟㐂槗德〜～−－‖∥¥\\~ゎヰ゛ガｶﾞA1 　\ufa19\ufa10\ufa11\ue000\ue0f3\U000f0000\ud800\udc00\x1b\n\ufeff"
            ]
        ),
        st.sampled_from(sorted(sequences())),
        st.tuples(st.sampled_from(BASES), st.sampled_from(SELECTORS)).map("".join),
    ),
    max_size=8,
).map("".join)


@pytest.mark.parametrize("character", [*"髙﨑濵德栁黑瀨靑邉邊神塚㈱①～－∥"])
def test_cp932_holds_its_extensions_and_compatibility_ideographs(character: str) -> None:
    assert WIDE.encoder()(character) == character.encode("cp932")
    assert WIDE.fit(character).back == character


def test_each_repertoire_holds_what_it_is_said_to_hold() -> None:
    """Which encodings hold which characters, with wave dash, minus and double line both ways."""
    held = {
        CP932: "髙﨑濵德栁黑瀨靑邉邊\ufa19\ufa10～－∥",
        JISX0213: "﨑𠮟𡈽𣘺㐂濵德栁黑瀨邉邊\ufa19\ufa10〜−‖－∥ゔヷ",
        JISX0212: "濵槗邉邊〜−‖",
        JISX0208: "邉邊〜−‖",
        MJ: "髙﨑𠮷𠮟𡈽𣘺㐂濵德栁黑瀨靑槗邉邊\ufa19\ufa10〜−‖～－∥ゔヷ",
    }
    every = set("".join(held.values()))
    for repertoire, characters in held.items():
        assert {one for one in every if repertoire.holds(one)} == set(characters), repertoire.name
        assert repertoire.holds("斉\U000e0103") == (repertoire is MJ)
        assert not repertoire.holds("辻\U000e0101")  # a sequence of other collections
    assert "𠮷".encode("euc_jis_2004", "ignore") == b""
    assert survives("槗", "euc_jis_2004")  # why JIS X 0213 is not tested with this codec


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
        ("斉\U000e0102", "斉", "同じMJ文字図形"),
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
        ("邉\U000e010f", ["邉", "辺", "邊"]),  # several, each with a basis; the same shape first
        ("邉\U000e0100", ["邉"]),  # a selector of another collection: only a person may drop it
        ("\u5030", ["俊"]),  # 別字 of circular 2842: the table names them to be told apart, not to be folded
        ("𠮟", []),
        ("\ue0f3", []),  # private use: each vendor's own (never passed on)
        ("\ud800", []),
        ("か\u3099", []),  # a combining mark
        ("한", []),
    ],
)
def test_without_one_lawful_candidate_a_person_decides(filed: str, shown: list[str]) -> None:
    """The question carries the choices and their legal bases as data, and a whole text for each of them."""
    with pytest.raises(Undecided) as refused:
        WIDE.fit(f"見本𠮷{filed}")
    assert refused.value.code == "E130"
    [question] = refused.value.questions
    assert (question.text, question.cluster, question.target) == (f"見本𠮷{filed}", filed, "cp932/wide")
    assert [other.written for other in question.candidates] == shown
    assert all(other.bases for other in question.candidates)
    assert sum(other.legal for other in question.candidates) != 1
    assert [question.proposal(other) for other in question.candidates] == [f"見本吉{other}" for other in shown]
    assert all(WIDE.holds(question.proposal(other)) for other in question.candidates)
    refused.value.detail.encode()  # a message can always be written down
    assert "見本" not in refused.value.detail + repr(question)
    placed = refused.value.at("/movers/0/name", "氏名")
    assert placed.detail.startswith("氏名: ")
    assert placed.questions[0].pointer == "/movers/0/name"


def test_what_a_person_decided_is_written_for_that_name_and_that_target_alone() -> None:
    decided = {("cp932/wide", "見本𠮟"): "見本叱", ("cp932/wide", "見本"): "試験"}
    fitted = WIDE.fit("見本𠮟", decided)
    assert (fitted.back, fitted.data, fitted.rule) == ("見本叱", "見本叱".encode("cp932"), DECIDED)
    assert WIDE.fit("見本", decided).back == "見本"  # nothing to decide: the item holds it
    for repertoire, text in ((WIDE, "試験𠮟"), (CP932, "見本𠮟")):
        with pytest.raises(Undecided):
            repertoire.fit(text, decided)


@pytest.mark.parametrize("unfit", ["見本𠮷", "見本A", "", "見本\ue000"])
def test_a_decision_that_the_target_cannot_hold_is_refused(unfit: str) -> None:
    with pytest.raises(Undecided, match="decided") as refused:
        WIDE.fit("見本𠮷", {("cp932/wide", "見本𠮷"): unfit})
    [question] = refused.value.questions
    assert [other.written for other in question.candidates] == ["吉"]


def test_nothing_is_normalized() -> None:
    """NFC and NFKC would both turn this 神 into another name."""
    name = "\ufa19"
    assert normalize("NFC", name) != name
    assert WIDE.fit(name).back == JISX0213.fit(name).back == MJ.fit(name).back == name


def test_the_tables_are_sound() -> None:
    """Every letter has its table, every substitution changes what its target lacks into what it holds."""
    with (TABLES / "bases.csv").open(encoding="utf-8", newline="") as file:
        letters = {row["letter"] for row in csv.DictReader(file)}
    every = list(sequences())
    assert every == sorted(set(every))
    shapes = {known.name: known for known in map(glyph, every) if known}
    assert sum(known.family_register for known in shapes.values() if known.name < "MJ09") > 55_000
    assert sum(known.juki_net for known in shapes.values()) > 19_500
    named = {written for known in shapes.values() for written, _ in known.candidates}
    assert set("".join(bases for known in shapes.values() for _, bases in known.candidates)) == letters
    assert all(map(glyph, named))
    assert TABLE.stat().st_size < 500_000
    assert "CC BY-SA 2.1 JP" in (TABLE.parent / "ORIGIN.md").read_text(encoding="utf-8")
    counts = {}
    for target in (CP932, JISX0208, JISX0213, JISX0212):
        found = [len(candidates(one, target)) for one in every if not target.holds(one)]
        counts[target.name] = (found.count(0), found.count(1), sum(other > 1 for other in found))
    assert counts == NONE_ONE_SEVERAL


def test_substitutions_are_what_their_target_holds() -> None:
    targets = {repertoire.name: repertoire for repertoire in ALL if not repertoire.spelling}
    targets |= {"wide": WIDE, "half": HALF, "half_kana": KANA}
    with (TABLES / "substitutions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            source, written = (chr(int(row[column], 16)) for column in ("source", "written"))
            assert not targets[row["repertoire"]].holds(source), row
            assert targets[row["repertoire"]].holds(written), row


def test_every_kanji_of_the_national_sets_is_in_the_list_of_mj_characters() -> None:
    kanji = [chr(code) for code in (*range(0x3400, 0xA000), *range(0xF900, 0xFB00), *range(0x20000, 0x2B000))]
    for repertoire in (CP932, JISX0208, JISX0212, JISX0213):
        held = [one for one in kanji if repertoire.holds(one)]
        assert len(held) > 6_000
        assert all(map(glyph, held)), repertoire.name


def test_every_half_width_kana_comes_back() -> None:
    for full in [*SINGLE.values(), *VOICED.values(), "　"]:
        assert from_half_kana(to_half_kana(full)) == full
        assert KANA.fit(full).back == full
    assert KANA.encoder()("ガギグ　ヴァ") == "ｶﾞｷﾞｸﾞ ｳﾞｧ".encode("cp932")


@pytest.mark.parametrize(
    ("filed", "back"),
    [
        ("ヰヱヮ", "イエワ"),
        ("みほん", "ミホン"),
        ("ゎ", "ワ"),
        ("カ゛", "ガ"),
        ("ｶﾞ", "ガ"),
        ("ミ ホ", "ミ　ホ"),
        ("ＡＢ", "AB"),
    ],
)
def test_kana_that_changes_is_seen_in_what_comes_back(filed: str, back: str) -> None:
    fitted = KANA.fit(filed)
    assert fitted.back == back
    assert fitted.rule
    assert len(fitted.data) == len(fitted.data.decode("cp932"))  # nothing of full width


def test_a_selector_is_never_parted_from_its_character() -> None:
    assert CLUSTER.findall("渡邉\U000e0100𠮷") == ["渡", "邉\U000e0100", "𠮷"]
    assert length("渡邉\U000e0100𠮷") == 3
    assert CLUSTER.findall("e\u0301\u0302A") == ["e\u0301\u0302", "A"]
    assert length("か\u3099e\u0301\u0302") == 2


# --- the same name, and a name that comes back ----------------------------------------------------------


def test_names_are_compared_by_shape() -> None:
    assert same_by_mj("神\ufe00谷", "\ufa19谷")
    assert same_by_mj("斉\U000e0102", "斉")
    assert not same_by_mj("\ufa19谷", "神谷")
    assert not same_by_mj("斉\U000e0103", "斉")
    assert mj_names("髙ミ") == ("MJ028902", "ミ")


@pytest.mark.parametrize(
    ("filed", "came_back", "repertoire", "same"),
    [
        ("髙橋　𠮷子", "髙橋　吉子", WIDE, True),
        ("髙橋　𠮷子", "高橋　吉子", WIDE, False),  # CP932 holds 髙: this is another spelling of the name
        ("髙橋　𠮷子", "高橋　吉子", JISX0213, True),
        ("髙橋　𠮷子", "高橋　吉子", JISX0212, True),  # what a signature certificate shows
        ("渡邉\U000e010f", "渡辺", WIDE, True),  # one of several lawful ones
        ("渡邉\U000e0100", "渡邉", WIDE, False),  # nobody has decided that
        ("\u5030", "俊", WIDE, False),
        ("１〜２", "１～２", WIDE, True),
        ("カ゛", "ガ", KANA, True),
        ("見本", "試験", WIDE, False),
        ("見本𠮷", "見本", WIDE, False),
    ],
)
def test_a_fallback_that_comes_back_is_the_filed_name(
    filed: str, came_back: str, repertoire: Repertoire, same: bool
) -> None:
    assert equal_by_fallback(filed, came_back, repertoire) is same


def test_a_decided_name_that_comes_back_is_the_filed_name() -> None:
    decided = {(WIDE.name, "渡邉\U000e0100"): "渡邊"}
    assert equal_by_fallback("渡邉\U000e0100", "渡邊", WIDE, decided)
    assert not equal_by_fallback("渡邉\U000e0100", "渡辺", WIDE, decided)


# --- all of Unicode, every repertoire -------------------------------------------------------------------


def fitted_or_asked(
    repertoire: Repertoire, text: str, decided: Decisions = NOTHING_DECIDED
) -> Fitted | tuple[Question, ...]:
    try:
        return repertoire.fit(text, decided)
    except Undecided as refused:
        return refused.questions


@settings(deadline=None)  # tables are made on first use
@given(TEXTS, st.sampled_from(ALL))
def test_a_text_comes_back_or_comes_back_as_recorded_or_is_refused(text: str, repertoire: Repertoire) -> None:
    """The quick way never disagrees with the careful one, and both with the bytes."""
    quick = repertoire.encoder()(text)
    if quick is not None:
        assert repertoire.holds(text)
        assert repertoire.read(quick.decode(repertoire.encoding)) == text
    fitted = fitted_or_asked(repertoire, text)
    if isinstance(fitted, tuple):
        assert quick is None
        assert fitted
        for question in fitted:
            assert question.cluster in CLUSTER.findall(text)
            assert all(repertoire.holds(other.written) for other in question.candidates)
        return
    assert fitted.data == quick or quick is None
    assert repertoire.read(fitted.data.decode(repertoire.encoding)) == fitted.back
    assert not PRIVATE.search(fitted.back)
    assert (fitted.back == text) == (fitted.rule == "")
    assert fitted.back == text or not repertoire.holds(text)


@settings(deadline=None)  # tables are made on first use
@given(TEXTS, TEXTS, st.sampled_from(ALL))
def test_a_decision_is_honoured_or_refused(text: str, chosen: str, repertoire: Repertoire) -> None:
    decided = {(repertoire.name, text): chosen}
    fitted = fitted_or_asked(repertoire, text, decided)
    if isinstance(fitted, tuple):
        assert not repertoire.holds(text)
        assert not chosen or not repertoire.holds(chosen)
        return
    assert fitted.back == (text if repertoire.holds(text) else chosen)
    assert equal_by_fallback(text, fitted.back, repertoire, decided)


@settings(deadline=None)  # tables are made on first use
@given(st.text(st.sampled_from(sorted(one for one in sequences() if len(one) == 1)), max_size=6), st.sampled_from(ALL))
def test_a_lawful_fallback_is_recognized_when_it_comes_back(text: str, repertoire: Repertoire) -> None:
    fitted = fitted_or_asked(repertoire, text)
    if isinstance(fitted, tuple):
        back = fitted[0].draft
        for question in fitted:
            lawful = [other for other in question.candidates if other.legal]
            back = replace(question, draft=back).proposal(lawful[0]) if lawful else back
    else:
        back = fitted.back
    assert equal_by_fallback(text, back, repertoire)


@pytest.mark.parametrize("repertoire", ALL, ids=lambda repertoire: f"{repertoire.encoding}-{repertoire.name}")
def test_what_is_quickly_taken_comes_back_for_every_character_there_is(repertoire: Repertoire) -> None:
    """All of them in one text, and each by itself; where they are tens of thousands, in lines."""
    pattern = surely(repertoire.encoding, repertoire.spelling, repertoire.characters, frozenset())
    taken, encode = "".join(pattern.findall(EVERY)), repertoire.encoder()
    assert len(taken) > 60
    assert not PRIVATE.search(taken)
    size = 1 if len(taken) < 20_000 else 64
    for text in (taken, *(taken[start : start + size] for start in range(0, len(taken), size))):
        data = encode(text)
        assert data is not None
        assert repertoire.read(data.decode(repertoire.encoding)) == text


def test_what_cannot_go_together_is_refused() -> None:
    for wrong in (("cp932", "", "mj"), ("utf-8", "", "latin"), ("utf-8", "italic", "")):
        with pytest.raises(ValueError, match=r"cannot be narrowed|no spelling"):
            Repertoire(*wrong)


def test_the_name_of_a_target_tells_what_it_holds() -> None:
    names = [repertoire.name for repertoire in (WIDE, KANA, JISX0208, JISX0213, JISX0212, MJ, UNICODE)]
    assert names == ["cp932/wide", "cp932/half_kana", "jisx0208", "jisx0213", "jisx0212", "mj", "unicode"]
