"""Eras and uncertain dates: boundary days, impossible days, and texts that must come back."""

import csv
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from municipalities import calendars
from municipalities.calendars import TABLE, Form, era_of, eras, from_digits, from_words, in_digits, in_words, outside
from municipalities.errors import UnfitError
from municipalities.notice import Calendar, Precision, UncertainDate

DIGIT = Form("digit")
FORMS = [
    DIGIT,
    Form("code"),
    Form("letter"),
    Form("letter", "."),
    Form("letter", "/"),
    Form("letter", ".", lower=True),
]

#: The fourteen patterns of unknown dates of the resident-record standard (1.1.8).
PATTERNS = [
    ("令和3年頃", 2021, None, None),
    ("令和3年4月頃", 2021, 4, None),
    ("令和3年4月5日頃", 2021, 4, 5),
    ("推定令和3年4月5日", 2021, 4, 5),
    ("推定令和3年4月", 2021, 4, None),
    ("令和3年春", 2021, None, None),
    ("令和3年4月上旬", 2021, 4, None),
    ("令和3年4月中旬頃", 2021, 4, None),
    ("年月日不詳", None, None, None),
    ("令和3年 月日不詳", 2021, None, None),
    ("令和3年4月 日不詳", 2021, 4, None),
    ("令和3年4月5日から6月7日頃までの間", 2021, 4, 5),
    ("令和3年4月推定5日から7日までの間", 2021, 4, None),
    ("令和3年4月5日頃から7日頃までの間", 2021, 4, 5),
]


@pytest.mark.parametrize(("text", "year", "month", "day"), PATTERNS)
def test_every_pattern_of_the_standard_comes_back(text: str, year: int, month: int, day: int) -> None:
    known = from_words(text)
    assert (known.year, known.month, known.day) == (year, month, day)
    assert in_words(known) == text


def test_each_era_follows_the_one_before() -> None:
    """The last day is the eve of the next era, or (Meiji, Taisho) its first day: both names are lawful."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, following in pairwise(rows):
        gap = date.fromisoformat(following["starts"]) - date.fromisoformat(row["last"])
        assert gap == timedelta(days=0 if row["name"] in {"明治", "大正"} else 1)
    assert len({row[sign] for row in rows for sign in ("digit", "letter", "code")}) == 3 * len(rows)


@pytest.mark.parametrize(
    ("day", "digits", "words"),
    [
        (date(1912, 7, 29), "1450729", "明治45年7月29日"),
        (date(1912, 7, 30), "2010730", "大正元年7月30日"),
        (date(1926, 12, 24), "2151224", "大正15年12月24日"),
        (date(1926, 12, 25), "3011225", "昭和元年12月25日"),
        (date(1989, 1, 7), "3640107", "昭和64年1月7日"),
        (date(1989, 1, 8), "4010108", "平成元年1月8日"),
        (date(2019, 4, 30), "4310430", "平成31年4月30日"),
        (date(2019, 5, 1), "5010501", "令和元年5月1日"),
    ],
)
def test_boundary_days(day: date, digits: str, words: str) -> None:
    assert in_digits(DIGIT, day.year, day.month, day.day) == digits
    back = from_digits(DIGIT, digits)
    assert (back.year, back.month, back.day, back.display_text) == (day.year, day.month, day.day, "")
    known = UncertainDate(year=day.year, month=day.month, day=day.day)
    assert in_words(known) == words
    assert from_words(words) == known


@pytest.mark.parametrize(("text", "digits"), [("明治45年7月30日", "1450730"), ("大正15年12月25日", "2151225")])
def test_a_day_of_two_eras_keeps_the_one_on_paper(text: str, digits: str) -> None:
    known = from_words(text)
    assert known.display_text == text
    assert in_digits(DIGIT, known.year, known.month, known.day, known.display_text) == digits
    assert from_digits(DIGIT, digits) == known
    assert not outside(known)


def test_days_that_do_not_exist_are_kept() -> None:
    assert from_words("平成元年2月29日") == UncertainDate(year=1989, month=2, day=29)


@pytest.mark.parametrize(
    ("form", "typed", "parts", "text"),
    [
        (DIGIT, "3640108", (1989, 1, 8), "昭和64年1月8日"),
        (DIGIT, "4320401", (2020, 4, 1), "平成32年4月1日"),
        (DIGIT, "4329900", (2020, None, None), "平成32年 月日不詳"),
        (Form("code"), "04320401", (2020, 4, 1), "平成32年4月1日"),
        (Form("letter", "."), "S64.12.31", (1989, 12, 31), "昭和64年12月31日"),
        (Form("letter", "/"), "h32/4/1", (2020, 4, 1), "平成32年4月1日"),
    ],
)
def test_a_year_past_its_era_is_read_as_the_day_and_told(
    form: Form, typed: str, parts: tuple[int | None, ...], text: str
) -> None:
    known = from_digits(form, typed)
    assert (known.year, known.month, known.day) == parts
    assert known.display_text == text
    assert outside(known)
    assert (from_words(text).year, from_words(text).month, from_words(text).day) == parts


def test_half_a_year_of_two_eras_keeps_the_one_that_was_typed() -> None:
    known = from_digits(DIGIT, "4319900")
    assert (known.year, known.month, known.day, known.display_text) == (2019, None, None, "平成31年 月日不詳")
    assert not outside(known)


def test_an_era_is_never_counted_on() -> None:
    """«昭和101年» may be read, and is told; what is written names the era of the day."""
    known = from_words("昭和101年3月1日")
    assert (known.year, known.month, known.day) == (2026, 3, 1)
    assert outside(known)
    assert in_digits(DIGIT, known.year, known.month, known.day, known.display_text) == "5080301"
    assert calendars.in_parts(known) == "令和8年3月1日"


def test_a_year_of_three_digits_is_not_cut() -> None:
    with pytest.raises(UnfitError) as refused:
        in_digits(DIGIT, 2117)
    assert refused.value.code == "E132"


def test_what_is_no_date_is_kept_as_text() -> None:
    assert from_words("戦前") == UncertainDate(precision=Precision.NONE, display_text="戦前")


def test_before_the_first_era_there_is_no_code() -> None:
    with pytest.raises(UnfitError) as refused:
        era_of(1867, 12, 31)
    assert refused.value.code == "E132"


@pytest.mark.parametrize(
    ("form", "text"),
    [(DIGIT, text) for text in ("", "608032", "6080328", "R080328", "50803281", "５０８０３２８", "0080328")]
    + [(Form("code"), text) for text in ("06080328", "5080328", "00080328")]
    + [(Form("letter", "."), text) for text in ("X08.03.28", "R08.03", "R8年3月28日", "R008.03.28")],
)
def test_era_digits_that_cannot_be_read(form: Form, text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|not in eras"):
        from_digits(form, text)


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        (DIGIT, ["0000000", "9999999"]),
        (Form("code"), ["00000000", "99999999"]),
        (Form("letter", "."), ["000.00.00", "999.99.99"]),
    ],
)
def test_zeros_and_nines_are_unknown(form: Form, texts: list[str]) -> None:
    assert in_digits(form, None) == texts[0]
    assert [from_digits(form, text) for text in texts] == [UncertainDate(precision=Precision.NONE)] * 2


def test_an_era_without_its_year_is_kept_as_text() -> None:
    known = from_digits(DIGIT, "3000328")
    assert (known.year, known.month, known.day, known.display_text) == (None, 3, 28, "昭和年不詳3月28日")


@given(
    st.integers(1869, 2099),
    st.none() | st.integers(1, 12),
    st.integers(1, 31),
    st.sampled_from(list(Calendar)),
)
def test_words_and_digits_come_back(year: int, month: int | None, day: int, calendar: Calendar) -> None:
    parts = (year, month, day if month else None)
    precision = Precision.DAY if month else Precision.YEAR
    known = UncertainDate(year=year, month=month, day=parts[2], precision=precision, calendar=calendar)
    assert from_words(in_words(known)) == known
    for form in FORMS:
        written = in_digits(form, *parts)
        back = from_digits(form, written)
        assert (back.year, back.month, back.day, back.display_text) == (*parts, "")
        assert len(written) == form.length


@given(st.text(max_size=20))
def test_any_text_comes_back(text: str) -> None:
    known = from_words(text)
    assert in_words(known) == (text or "年月日不詳")


def test_a_new_era_is_a_row(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resident-record standard 1.3.6: a change of era is a matter of parameters."""
    newest = eras()[0]
    table = TABLE.read_text(encoding="utf-8").replace("2019-05-01,,", "2019-05-01,2050-12-31,")
    copy = TABLE.__class__(str(tmp_path)) / "eras.csv"
    copy.write_text(table + "見本,X,6,06,2051-01-01,,\n", encoding="utf-8")
    monkeypatch.setattr(calendars, "TABLE", copy)
    eras.cache_clear()
    try:
        assert in_digits(DIGIT, 2051, 1, 1) == "6010101"
        assert era_of(2050, 12, 31).name == newest.name
    finally:
        monkeypatch.undo()
        eras.cache_clear()
