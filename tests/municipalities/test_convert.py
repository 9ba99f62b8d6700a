"""Converters: what is written is read back, in every form; what a form cannot hold is refused."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from municipalities.calendars import OUTSIDE
from municipalities.convert import CONVERTERS, Converter
from municipalities.errors import UnfitError
from municipalities.notice import UncertainDate

OF_DAYS = sorted(name for name, kinds in CONVERTERS.items() if "date" in kinds)
OF_UNCERTAIN = sorted(name for name, kinds in CONVERTERS.items() if "uncertain" in kinds and kinds["uncertain"].read)
ALERTING = sorted(name for name in OF_UNCERTAIN if CONVERTERS[name]["uncertain"].alert)


def back(way: Converter, value: Any) -> Any:
    """What a receiver reads of a value."""
    assert way.read is not None
    return way.read(way.write(value))


def test_every_form_of_dates_is_there() -> None:
    assert set(OF_DAYS) == {
        *("iso", "gif", "slashes", "ymd", "ymd_9", "gyymmdd", "ggyymmdd"),
        *("era_letter", "era_dots", "era_slashes", "era_lower", "era_words"),
    }
    assert OF_UNCERTAIN == OF_DAYS


@pytest.mark.parametrize(
    ("name", "day", "unknown"),
    [
        ("iso", "2026-03-28", "0000-00-00"),
        ("gif", "2026-03-28", "9999-99-99"),
        ("slashes", "2026/03/28", "0000/00/00"),
        ("ymd", "20260328", "00000000"),
        ("ymd_9", "20260328", "99999999"),
        ("gyymmdd", "5080328", "0000000"),
        ("ggyymmdd", "05080328", "00000000"),
        ("era_letter", "R080328", "0000000"),
        ("era_dots", "R08.03.28", "000.00.00"),
        ("era_slashes", "R08/03/28", "000/00/00"),
        ("era_lower", "r08.03.28", "000.00.00"),
        ("era_words", "令和8年3月28日", "年月日不詳"),
    ],
)
def test_each_form_as_it_is_written(name: str, day: str, unknown: str) -> None:
    kinds = CONVERTERS[name]
    assert kinds["date"].write(date(2026, 3, 28)) == day
    assert kinds["uncertain"].write(UncertainDate(year=2026, month=3, day=28)) == day
    assert kinds["uncertain"].write(UncertainDate()) == unknown


@pytest.mark.parametrize("name", OF_DAYS)
@given(day=st.dates(date(1869, 1, 1), date(2099, 12, 31)))
def test_every_day_comes_back(name: str, day: date) -> None:
    way = CONVERTERS[name]["date"]
    assert back(way, day) == day
    assert not way.length or len(way.write(day)) == way.length


@pytest.mark.parametrize("name", OF_UNCERTAIN)
@given(
    year=st.none() | st.integers(1869, 2099),
    month=st.none() | st.integers(1, 13),
    day=st.none() | st.integers(1, 31),
)
def test_every_part_comes_back(name: str, year: int | None, month: int | None, day: int | None) -> None:
    """Unknown parts and days that do not exist (13月31日) included."""
    way = CONVERTERS[name]["uncertain"]
    assert back(way, UncertainDate(year=year, month=month, day=day)) == {"year": year, "month": month, "day": day}


@pytest.mark.parametrize("name", OF_DAYS)
def test_zeros_and_nines_are_no_day(name: str) -> None:
    """Old systems fill a date they do not have; a day that is half known is no day at all."""
    way = CONVERTERS[name]["date"]
    assert way.read is not None
    written = CONVERTERS[name]["uncertain"].write(UncertainDate())
    assert way.read(written) is None
    assert name == "era_words" or way.read(written.translate(str.maketrans("09", "90"))) is None
    with pytest.raises(ValueError, match=r"out of range|must be in"):
        way.read(CONVERTERS[name]["uncertain"].write(UncertainDate(year=1945, month=3)))


@pytest.mark.parametrize("name", sorted({*OF_UNCERTAIN} - {"era_words"}))
@pytest.mark.parametrize(("month", "day"), [(0, 1), (99, 1), (-1, 1), (1, 0), (1, 99)])
def test_parts_that_look_unknown_are_refused(name: str, month: int, day: int) -> None:
    with pytest.raises(UnfitError) as refused:
        CONVERTERS[name]["uncertain"].write(UncertainDate(year=2000, month=month, day=day))
    assert refused.value.code == "E132"


@pytest.mark.parametrize("name", ALERTING)
def test_a_day_of_two_eras_keeps_the_name_on_paper(name: str) -> None:
    way = CONVERTERS[name]["uncertain"]
    said = UncertainDate(year=1912, month=7, day=30, display_text="明治45年7月30日")
    assert back(way, said) == {"year": 1912, "month": 7, "day": 30, "displayText": "明治45年7月30日"}
    assert way.alert is not None
    assert not way.alert(way.write(said))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("gyymmdd", "4320401"),
        ("ggyymmdd", "04320401"),
        ("era_letter", "H320401"),
        ("era_dots", "H32.04.01"),
        ("era_slashes", "H32/04/01"),
        ("era_lower", "h32.04.01"),
        ("era_words", "平成32年4月1日"),
    ],
)
def test_a_year_past_its_era_is_read_and_told(name: str, typed: str) -> None:
    kinds = CONVERTERS[name]
    assert kinds["date"].read is not None
    assert kinds["uncertain"].read is not None
    assert kinds["date"].read(typed) == date(2020, 4, 1)
    assert kinds["uncertain"].read(typed)["displayText"] == "平成32年4月1日"
    assert [kinds[kind].alert(typed) for kind in ("date", "uncertain")] == [OUTSIDE] * 2  # type: ignore[misc]


def test_all_eras_alert() -> None:
    assert sorted(name for name in OF_UNCERTAIN if "era" in name or "gyymmdd" in name) == ALERTING


@pytest.mark.parametrize("name", ["flag", "flag_2", "flag_words"])
def test_yes_and_no_come_back(name: str) -> None:
    way = CONVERTERS[name]["flag"]
    assert [back(way, value) for value in (True, False)] == [True, False]
    assert way.read is not None
    with pytest.raises(ValueError, match="expected"):
        way.read("")


@pytest.mark.parametrize("name", ["iso", "ymd"])
def test_moments_come_back(name: str) -> None:
    moment = datetime.fromisoformat("2026-04-02T01:30:05Z")
    assert back(CONVERTERS[name]["moment"], moment) == moment


@pytest.mark.parametrize("text", ["2026-04-02T01:30:05", "2026-04-02T01:30:05.5+09:00"])
def test_a_moment_that_digits_do_not_hold_is_refused(text: str) -> None:
    with pytest.raises(UnfitError):
        CONVERTERS["ymd"]["moment"].write(datetime.fromisoformat(text))
