"""The form, as somebody without scripts uses it: file, correct what is wrong, go back and forth."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from hub.actors import HUB, acting
from hub.citizens import forms, mapping
from hub.citizens.draft import Draft
from hub.citizens.sheet import Sheet
from hub.deliveries.models import Delivery
from hub.relocations import services
from hub.relocations.models import Relocation
from municipalities.notice import Calendar, Precision, Sex
from tests.conftest import CHIYODA, HAKODATE
from tests.hub import journeys
from tests.hub.family import (
    CONTACT,
    HANAKO,
    HOUSEHOLD,
    PERSON,
    TARO,
    WHEN,
    citizen,
    days,
    file,
    to_check,
    to_household,
    to_person,
    to_places,
    to_when,
)
from tests.hub.visitor import Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(client: Client) -> Visitor:
    """A citizen who has signed in."""
    client.force_login(citizen())
    return Visitor(client)


# --- Filing --------------------------------------------------------------------------------------------


def test_a_family_files_without_scripts_and_what_was_typed_is_what_is_filed(visitor: Visitor) -> None:
    relocation = file(visitor)
    with acting(HUB):
        filed = services.filing_of(relocation)
        told = set(Delivery.objects.filter(relocation_id=relocation.pk).values_list("type", "municipality"))
    taro, hanako = filed.movers
    assert (taro.full_name, taro.full_name_kana) == (TARO, "ミホン　ヨシロウ")
    assert (taro.date_of_birth.year, taro.date_of_birth.month, taro.sex) == (1980, 4, Sex.MALE)  # type: ignore[union-attr]
    assert (hanako.date_of_birth.year, hanako.relation_to) == (1989, ("妻",))  # type: ignore[union-attr]
    assert hanako.registry == taro.registry
    assert taro.registry is not None
    assert taro.registry.local_government_code == HAKODATE
    assert filed.old_address.postal_code == "0400001"
    assert filed.new_address.full_address == "東京都千代田区霞が関2丁目1番2号"
    assert filed.old_address.full_address == "北海道函館市五稜郭町１２番３号"
    assert filed.remarks == CONTACT["remarks"]
    assert told == {("moveout.submitted", HAKODATE), ("arrival.planned", CHIYODA)}


def test_the_status_page_shows_the_receipt_number_the_towns_and_what_comes_next(visitor: Visitor) -> None:
    relocation = file(visitor)
    page = visitor.open(visitor.answer["Location"])
    assert relocation.receipt_no in page.text
    for words in (
        "北海道函館市",
        "東京都千代田区",
        TARO.strip(),
        "見本 花子",
        "次にすること",
        "転入届の法定期限",
        "本籍地の市区町村",
    ):
        assert words.replace("　", " ") in page.text.replace("　", " ")
    assert "見本" not in page.title
    assert relocation.receipt_no in visitor.open("/").text


def test_the_status_page_follows_the_towns_to_the_end(visitor: Visitor) -> None:
    relocation = file(visitor)
    with acting(HUB):
        said = journeys.course(relocation, services.filing_of(relocation))
    journeys.settle(relocation, said)
    page = visitor.open(f"/relocations/{relocation.receipt_no}/")
    for words in (
        "異動は完了しました",
        "転出届を受理しました",
        "窓口に来られました",
        "転入を登録しました",
        "戸籍の附票に記載しました",
    ):
        assert words in page.text
    assert "取り下げる" not in page.text


def test_nothing_that_was_typed_is_stored_before_it_is_filed(visitor: Visitor) -> None:
    to_check(visitor)
    assert "見本" not in "".join(str(session.get_decoded()) for session in Session.objects.all())
    with acting(HUB):
        assert not Relocation.objects.exists()
    assert "no-store" in visitor.answer["Cache-Control"]


def test_pressing_twice_files_once(visitor: Visitor) -> None:
    to_check(visitor)
    sent = visitor.page.values | {"go": "submit"}
    first, second = (visitor.client.post("/file/", sent)["Location"] for _ in range(2))
    assert first == second
    with acting(HUB):
        assert Relocation.objects.count() == 1


def test_a_form_that_was_filed_and_changed_afterwards_is_not_filed_again(visitor: Visitor) -> None:
    to_check(visitor)
    before = dict(visitor.page.values)
    visitor.press("submit")
    before["draft"] = before["draft"].replace("手話通訳", "筆談")
    answer = visitor.client.post("/file/", before | {"go": "submit"}, follow=True)
    assert "すでに受け付けています" in answer.content.decode()
    with acting(HUB):
        assert Relocation.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"draft": "{}"}, {"draft": "見本"}, {"page": "person-7"}, {"go": "delete"}, {"go": "find:x"}]
)
def test_what_no_page_of_ours_sends_is_refused(visitor: Visitor, change: dict[str, str]) -> None:
    to_places(visitor)
    answer = visitor.client.post("/file/", visitor.page.values | {"go": "next"} | change)
    assert answer.status_code == 400
    assert "要求を解釈できません" in answer.content.decode()


# --- Correcting ----------------------------------------------------------------------------------------


def test_an_empty_page_tells_what_is_missing_at_each_field(visitor: Visitor) -> None:
    to_when(visitor)
    page = visitor.press()
    assert page.title.startswith("エラー")
    for name in ("planned_out_on", "living_from"):
        assert f"id_{name}_error" in page.ids
        assert f"#id_{name}" in page.links
        assert f"id_{name}_error" in page.described[name]


#: Page reached, wrong answers, the field that must complain, words of the catalogue.
WRONG: list[tuple[Any, dict[str, str], str, str]] = [
    (None, WHEN | {"living_from": days(60)}, "living_from", "オンラインで届け出られる期間ではありません"),
    (None, WHEN | {"planned_out_on": days(-3651), "living_from": days(-5)}, "planned_out_on", "日付がありえない"),
    (None, WHEN | {"planned_out_on": "1.4."}, "planned_out_on", "日付を正しく"),
    (
        to_places,
        {"old__postal_code": "12", "new__postal_code": "1000013"},
        "old-postal_code",
        "郵便番号が見つかりません",
    ),
    (to_person, PERSON | {"full_name": "　"}, "full_name", "氏名または必要な回答"),
    (to_person, PERSON | {"birth_month": "13"}, "birth_month", "日付がありえない"),
    (to_person, PERSON | {"birth_era": "令和", "birth_year": "99"}, "birth_year", "日付がありえない"),
    (to_person, PERSON | {"relation_from_2": "子"}, "relation_from_1", "使えない続柄"),
    (to_person, PERSON | {"presents_card": ""}, "presents_card", "カードを提示する必要があります"),
    (to_person, PERSON | {"former_family_name": "1234-567890"}, "former_family_name", "保持してはならない番号"),
    (to_person, PERSON | {"nationality": "USA"}, "residence_category", "この項目を記入してください"),
    (to_person, PERSON, "registry_prefecture", "この項目を記入してください"),
    (to_household, HOUSEHOLD | {"scope": "PART"}, "scope", "項目の型が違うか"),
    (
        to_household,
        HOUSEHOLD | {"scope": "PART", "remaining_count": "2"},
        "new_head_name",
        "世帯主が転出し、二人以上が残ります",
    ),
    (to_household, HOUSEHOLD | {"remaining_count": "ふたり"}, "remaining_count", "整数"),
]


@pytest.mark.parametrize(("reach", "answers", "name", "words"), WRONG, ids=[str(case[2]) for case in WRONG])
def test_a_wrong_answer_is_told_at_its_field_and_kept(
    visitor: Visitor, reach: Any, answers: dict[str, str], name: str, words: str
) -> None:
    (reach or to_when)(visitor)
    page = visitor.press(**answers)
    assert f"id_{name}_error" in page.ids
    assert words in page.text
    assert f"#id_{name}" in " ".join(page.links)
    for field, value in answers.items():
        assert page.values.get(field.replace("__", "-"), "") == value


def test_old_and_new_municipality_may_not_be_the_same(visitor: Visitor) -> None:
    to_places(visitor)
    for side in ("old", "new"):
        visitor.press(f"find:{side}", **{f"{side}__postal_code": "0400001"})
    page = visitor.press(old__block="1")
    assert "id_new-municipality_error" in page.ids
    assert "転居届" in page.text


def test_an_individual_number_is_refused_before_it_is_stored(visitor: Visitor) -> None:
    to_household(visitor)
    visitor.press(**HOUSEHOLD)
    body = "12345678901"
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
    number = body + ("0" if rest <= 1 else str(11 - rest))
    page = visitor.press(**CONTACT | {"remarks": f"番号は{number}です"})
    assert "id_remarks_error" in page.ids
    assert "保持してはならない番号" in page.text


def test_what_is_wrong_at_the_end_is_told_with_the_way_back(visitor: Visitor) -> None:
    to_check(visitor)
    sent = visitor.page.values | {"go": "submit"}
    sent["draft"] = sent["draft"].replace(days(6), days(60))  # as if the page had been open for too long
    page = visitor.see(visitor.client.post("/file/", sent))
    assert "submit" not in page.buttons
    assert "オンラインで届け出られる期間ではありません" in page.text
    assert "id_living_from_error" in visitor.press("to:when").ids
    assert "submit" in visitor.press("to:check", living_from=days(6)).buttons


# --- Places, persons, language -------------------------------------------------------------------------


def test_several_towns_under_one_postal_code_are_offered(visitor: Visitor) -> None:
    to_places(visitor)
    page = visitor.press("find:old", old__postal_code="4520961")
    offered = [value for value in page.options["old-candidate"] if value]
    assert len(offered) > 1
    page = visitor.press("find:old", old__candidate=offered[1])
    code, town, _ = offered[1].split("|")
    assert (page.values["old-municipality"], page.values["old-town"]) == (code, town)


def test_a_municipality_can_be_chosen_without_a_postal_code(visitor: Visitor) -> None:
    to_places(visitor)
    page = visitor.press("choose:new", new__prefecture="東京都")
    assert CHIYODA in page.options["new-municipality"]
    assert "131008" not in page.options["new-municipality"]


def test_persons_are_added_visited_and_removed(visitor: Visitor) -> None:
    to_household(visitor)
    page = visitor.press("back")
    assert page.values["full_name"] == HANAKO["full_name"]
    page = visitor.press("to:person-0")
    assert page.values["full_name"] == TARO
    page = visitor.press("to:person-1")
    page = visitor.press("remove")
    assert (page.values["full_name"], page.buttons.count("to:person-1")) == (TARO, 0)


def test_a_foreign_resident_files_with_western_years_and_no_register(visitor: Visitor) -> None:
    to_person(visitor)
    answers = PERSON | {"full_name": "SAMPLE JANE", "birth_era": "western", "birth_year": "1990", "nationality": "BRA"}
    answers |= {"residence_category": "mid_long_term", "residence_status": "永住者", "relation_to_1": "?"}
    visitor.press(**answers)
    draft = Draft.read(visitor.page.values["draft"])
    mover = Sheet.of(draft).filing().movers[0]
    assert (mover.registry, mover.nationality, mover.relation_to) == (None, "BRA", ())
    assert mover.date_of_birth is not None
    assert (mover.date_of_birth.calendar, mover.date_of_birth.year) == (Calendar.WESTERN, 1990)


@pytest.mark.parametrize(
    ("parts", "year", "precision", "printed"),
    [
        ({"birth_era": "昭和", "birth_year": "20", "birth_text": "昭和20年頃"}, 1945, Precision.YEAR, "昭和20年頃"),
        ({"birth_era": "昭和", "birth_year": "20", "birth_month": "3"}, 1945, Precision.MONTH, "昭和20年3月 日不詳"),
        ({"birth_text": "不詳"}, None, Precision.NONE, "不詳"),
        (
            {"birth_era": "明治", "birth_year": "45", "birth_month": "7", "birth_day": "30"},
            1912,
            Precision.DAY,
            "明治45年7月30日",
        ),
        ({"birth_era": "平成", "birth_year": "1", "birth_month": "2", "birth_day": "29"}, 1989, Precision.DAY, ""),
    ],
)
def test_unknown_and_impossible_dates_of_birth_are_filed_as_they_are(
    parts: dict[str, str], year: int | None, precision: Precision, printed: str
) -> None:
    partly = {"birth_partly": "on"} if precision is not Precision.DAY else {}
    form = forms.PersonForm({"nationality": "JPN"} | parts | partly)
    form.is_valid()
    birth = mapping.birth(form.cleaned_data)
    assert birth is not None
    assert (birth.year, birth.precision, birth.display_text) == (year, precision, printed)


def test_the_language_changes_in_the_middle_and_nothing_is_lost(visitor: Visitor) -> None:
    to_person(visitor)
    page = visitor.press("language:en", full_name=TARO)
    assert "Date of birth" in page.text
    assert page.values["full_name"] == TARO
    assert visitor.client.cookies["django_language"].value == "en"
    assert "Moving? File it once." in visitor.open("/").text
