"""A town's own private-use characters: written as its bytes, read back, and never passed on unknown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from municipalities.characters import PRIVATE, Gaiji, GaijiError, Repertoire, Undecided, length
from municipalities.characters.mj import sequences
from municipalities.characters.repertoires import TABLES

SAMPLE = Gaiji.load(TABLES / "gaiji_sample.csv")
WIDE = Repertoire("cp932", "wide", gaiji=SAMPLE)
UTF16 = Repertoire("utf-16-le", gaiji=SAMPLE)
TARGETS = (Repertoire("cp932", gaiji=SAMPLE), WIDE, UTF16, Repertoire("utf-8", "", "jisx0208", SAMPLE))


@pytest.mark.parametrize(("filed", "data"), [("𠮷", b"\xf0\x40"), ("邉\U000e010f", b"\xf0\x42"), ("𡈽", b"\xf9\xfc")])
def test_a_gaiji_is_written_as_its_bytes_and_comes_back(filed: str, data: bytes) -> None:
    fitted = WIDE.fit(f"見本{filed}")
    assert fitted.data == "見本".encode("cp932") + data
    assert (fitted.back, fitted.rule) == (f"見本{filed}", "")
    assert WIDE.read(fitted.data.decode("cp932")) == f"見本{filed}"
    assert length(fitted.data.decode("cp932")) == 3


def test_all_of_a_town_s_private_area_has_its_bytes() -> None:
    """U+E000 to U+E757 ↔ F040 to F9FC, each of them."""
    kanji = [one for one in sequences() if len(one) == 1][:1880]
    full = Repertoire("cp932", gaiji=Gaiji("full", {chr(0xE000 + at): one for at, one in enumerate(kanji)}))
    encode = full.encoder()
    assert [full.fit(one).data for one in kanji] == [
        bytes([lead, trail]) for lead in range(0xF0, 0xFA) for trail in (*range(0x40, 0x7F), *range(0x80, 0xFD))
    ]
    assert not any(map(encode, kanji))  # also those that CP932 has itself: the town's table goes before
    with pytest.raises(ValueError, match=r"cp932 has no place for U\+E758"):
        Repertoire("cp932", gaiji=Gaiji("beyond", {"\ue000": "𠮷", "\ue758": "𠮟"}))
    with pytest.raises(ValueError, match=r"euc_jp has no place for U\+E000"):
        Repertoire("euc_jp", gaiji=SAMPLE)


def test_an_unknown_private_character_is_a_question_until_it_is_decided() -> None:
    came = "見本\ue000\ue123"
    for repertoire in (Repertoire("cp932"), Repertoire("utf-8"), WIDE):
        with pytest.raises(Undecided, match=r"U\+E123") as refused:
            repertoire.read(came)
        assert refused.value.code == "E130"
        question = refused.value.questions[-1]
        assert (question.text, question.cluster, question.target) == (came, "\ue123", repertoire.name)
        assert repertoire.read(came, {(repertoire.name, came): "見本𠮷花"}) == "見本𠮷花"
        with pytest.raises(Undecided):
            repertoire.read(came, {(repertoire.name, came): "見本𠮷\ue124"})
    assert question.draft == "見本𠮷\ue123"


@settings(deadline=None)  # tables are made on first use
@given(
    st.lists(st.one_of(st.sampled_from([*SAMPLE.private, *SAMPLE.meaning]), st.characters(exclude_categories=()))).map(
        "".join
    ),
    st.sampled_from(TARGETS),
)
def test_no_private_character_passes_in_either_direction(text: str, target: Repertoire) -> None:
    quick = target.encoder()(text)
    try:
        fitted = target.fit(text)
    except Undecided:
        assert quick is None
    else:
        assert quick is None or quick == fitted.data
        assert not PRIVATE.search(fitted.back)
        assert target.read(fitted.data.decode(target.encoding)) == fitted.back
        assert (fitted.back == text) == (fitted.rule == "")
    unknown = set(PRIVATE.findall(text)) - SAMPLE.meaning.keys()
    try:
        read = target.read(text)
    except Undecided as refused:
        asked = {question.cluster for question in refused.questions}
    else:
        asked = set(PRIVATE.findall(read))
    assert asked == unknown


@pytest.mark.parametrize("spelling", ["half", "half_kana"])
def test_a_gaiji_has_no_place_in_a_half_width_item(spelling: str) -> None:
    with pytest.raises(Undecided):
        Repertoire("cp932", spelling, gaiji=SAMPLE).fit("𠮷")


def test_the_same_character_beside_others_is_not_taken_for_a_gaiji() -> None:
    assert UTF16.fit("邉邉\U000e0100邉\U000e0105").data.decode("utf-16-le") == "邉\ue001邉\U000e0105"
    assert WIDE.name == "cp932+gaiji:sample/wide"


HEADER = "private,sequence,note\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "own.csv, row 1"),
        ("code,sequence,note\n", "own.csv, row 1"),
        (HEADER + "U+E000,U+20BB7\n", "own.csv, row 2: 2 cells"),
        (HEADER + "U+4E00,U+20BB7,\n", "own.csv, row 2, column private"),
        (HEADER + "E000,U+20BB7,\n", "own.csv, row 2, column private"),
        (HEADER + "U+E000 U+E001,U+20BB7,\n", "own.csv, row 2, column private"),
        (HEADER + "U+E000,U+20BB7,\nU+E001,,\n", "own.csv, row 3, column sequence"),
        (HEADER + "U+E000,吉田,\n", "own.csv, row 2, column sequence"),
        (HEADER + "U+E000,U+110000,\n", "own.csv, row 2, column sequence"),
        (HEADER + "U+E000,U+D842,\n", "own.csv, row 2, column sequence"),
        (HEADER + "U+E000,U+E001,\n", "own.csv, row 2, column sequence"),
        (HEADER + "U+E000,U+20BB7,\nU+E000,U+20B9F,\n", r"own.csv, row 3, column private: U\+E000 stands in row 2"),
        (HEADER + "U+E000,U+20BB7,\nU+E001,𠮷,\n", r"own.csv, row 3, column sequence: U\+20BB7 stands in row 2"),
    ],
)
def test_a_mistake_in_a_table_of_gaiji_is_named(text: str, named: str) -> None:
    with pytest.raises(GaijiError, match=named):
        Gaiji.parse("own", text, "own.csv")


def test_a_table_made_otherwise_is_checked_too() -> None:
    for wrong in ({"A": "𠮷"}, {"\ue000": "𠮷", "\ue001": "𠮷"}, {"\ue000": "\ue001"}):
        with pytest.raises(GaijiError):
            Gaiji("own", wrong)
    assert Gaiji.parse("own", HEADER + "\ue000,邉\U000e0100,as itself\n").meaning == {"\ue000": "邉\U000e0100"}
