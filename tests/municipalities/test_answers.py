"""Files that towns send back: written and read by the tables of their standard, family by family."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from municipalities import standard
from municipalities.errors import UnfitError
from municipalities.standard import load
from municipalities.standard.answers import Answer, AnswerKind
from tests.golden import GOLDEN
from tests.municipalities.notices import days
from tests.samples import NOBODY, ONE

ANSWERING = [name for name in standard.names() if load(name).answers is not None]
ANSWERS = (
    Answer(
        notice_id=GOLDEN.notice_id,
        kind=AnswerKind.RECEIVED,
        received_at=datetime.fromisoformat("2026-03-10T14:05:00+09:00"),
    ),
    Answer(notice_id=ONE.notice_id, kind=AnswerKind.RETURNED, errors=("E131", "E220", "E221", "E310")),
    Answer(notice_id=NOBODY.notice_id, kind=AnswerKind.REGISTERED, legal_date=date(2026, 4, 5)),
)


def test_families_have_files_of_answers() -> None:
    assert {load(name).format for name in ANSWERING} == {"delimited", "fixed_width", "xml", "json"}
    assert {"juki_list_csv", "mainframe_cp932", "mainframe_records_cp932", "regional_xml", "gif_json"} <= set(ANSWERING)
    with pytest.raises(UnfitError) as refused:
        load("counter_sheet").read_answers(b"")
    assert refused.value.code == "E111"


@pytest.mark.parametrize("name", ANSWERING)
def test_answers_come_back(name: str) -> None:
    layout = load(name)
    assert layout.read_answers(layout.write_answers(ANSWERS)) == ANSWERS


@pytest.mark.parametrize("name", ANSWERING)
@settings(max_examples=25, deadline=None)
@given(
    answers=st.lists(
        st.builds(
            Answer,
            notice_id=st.uuids().map(str),
            kind=st.sampled_from(AnswerKind),
            errors=st.lists(st.from_regex("E[0-9]{3}", fullmatch=True), max_size=4).map(tuple),
            legal_date=st.none() | days(),
            received_at=st.none()
            | st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_answered_comes_back(name: str, answers: list[Answer]) -> None:
    layout = load(name)
    assert layout.read_answers(layout.write_answers(answers)) == tuple(answers)


def test_a_file_of_answers_byte_for_byte() -> None:
    header = "連携通知ID,処理結果区分,エラーコード1,エラーコード2,エラーコード3,エラーコード4,確定年月日,受領日時"
    rows_there = [
        [GOLDEN.notice_id, "1", "", "", "", "", "", "2026-03-10T14:05:00+09:00"],
        [ONE.notice_id, "4", "E131", "E220", "E221", "E310", "", ""],
        [NOBODY.notice_id, "3", "", "", "", "", "2026-04-05", ""],
    ]
    lines = [",".join(f'"{cell}"' for cell in row) for row in [header.split(","), *rows_there]]
    assert load("juki_list_csv").write_answers(ANSWERS).decode() == "\r\n".join([*lines, ""])
    records = [
        f"AN{GOLDEN.notice_id}1{'':40}{'':7}20260310140500{'':10}",
        f"AN{ONE.notice_id}4{'E131':10}{'E220':10}{'E221':10}{'E310':10}{'':7}{'':14}{'':10}",
        f"AN{NOBODY.notice_id}3{'':40}5080405{'':14}{'':10}",
    ]
    assert load("mainframe_cp932").write_answers(ANSWERS).decode("cp932") == "".join(records)


def test_a_lost_answer_is_noticed() -> None:
    layout = load("mainframe_records_cp932")
    content = layout.write_answers(ANSWERS)
    assert [content[start : start + 1] for start in range(0, len(content), 120)] == [b"H", b"A", b"A", b"A", b"T"]
    with pytest.raises(UnfitError):
        layout.read_answers(content[:120] + content[240:])
