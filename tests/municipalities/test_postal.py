"""What a postal code stands for."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from municipalities import codes, loader, postal
from municipalities.models import Kind


def towns(code: str) -> list[tuple[str, str, str]]:
    return [(place.municipality_code, place.town, place.town_kana) for place in postal.find(code)]


@pytest.mark.parametrize(
    "written", ["1000013", "100-0013", "〒100-0013", "１００−００１３", "１００ー００１３", " 100 0013"]
)
def test_a_code_is_found_however_it_is_written(written: str) -> None:
    assert towns(written) == [("131016", "霞が関", "カスミガセキ")]


@pytest.mark.parametrize(
    "written", ["", "100-001", "100-00133", "abc", "0000000", "9999999", "一〇〇〇〇一三", "1000013\n1"]
)
def test_what_is_no_code_finds_nothing(written: str) -> None:
    assert postal.find(written) == ()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("0010000", [("011029", "", "")]),  # first line of the table; «not listed below»
        ("3060433", [("085464", "", "")]),  # «where a house number follows»
        ("5220317", [("254436", "一円", "イチエン")]),  # a real town of that name
        ("2060000", [("132241", "", ""), ("132250", "", "")]),  # two cities
        (
            "4411324",
            [
                ("232211", "井道", "イミチ"),
                ("232211", "内井道", "ウチイミチ"),
                ("232211", "奥井道", "オクイミチ"),
            ],
        ),
        ("6020847", [("261025", "大宮町", "オオミヤチョウ")]),  # reading was joined three times
        ("4338105", [("221384", "三方原町", "ミカタハラチョウ")]),  # 北区 of Hamamatsu until 2023
    ],
)
def test_awkward_codes(code: str, expected: list[tuple[str, str, str]]) -> None:
    assert towns(code) == expected


def test_a_tower_is_a_building_in_its_town() -> None:
    (place,) = postal.find("107-6001")
    assert (place.town, place.building) == ("赤坂", "赤坂アークヒルズ・アーク森ビル")
    assert place not in postal.places_in("131032")


def test_every_register_office_has_a_place_and_every_place_a_register_office() -> None:
    now = {
        code
        for code, row in loader.read_municipalities().items()
        if row.kind != Kind.DESIGNATED_CITY and not (row.valid_to and row.valid_to < date(2026, 10, 3))
    }
    assert set(postal.lines_by_municipality()) == now
    assert all(postal.places_in(code) for code in now)
    assert postal.places_in("221309") == ()


@given(st.sampled_from(sorted(postal.lines_by_municipality())))
def test_a_town_is_found_again_by_its_code(municipality: str) -> None:
    assert codes.is_valid(municipality)
    for place in postal.places_in(municipality)[::7]:
        assert place.municipality_code == municipality
        assert place in postal.find(f"{place.postal_code[:3]}-{place.postal_code[3:]}")
