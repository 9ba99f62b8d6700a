"""The form for every kind of filing: it asks what the kind needs and nothing else, and files it as that kind."""

from typing import Any

import pytest
from django.test import Client

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from hub.relocations import services
from hub.relocations.models import Alert, Relocation
from municipalities.notice import Kind, PreferredName
from tests.conftest import CHIYODA, HAKODATE, NAHA
from tests.hub.family import CONTACT, HOUSEHOLD, PERSON, WHEN, citizen, days, to_when
from tests.hub.visitor import Visitor

pytestmark = pytest.mark.django_db

ABROAD = {"country": "FRA", "abroad": "1 rue Exemple\nParis"}
#: Postal codes: two towns, two wards of Sapporo.
TOKYO, NORTH, SAPPORO, SAPPORO_NORTH = "1000013", "0400001", "0600042", "0010010"
#: By what is chosen: postal code or address abroad on each side, the kind that is filed, who is told first.
KINDS: dict[str, tuple[str, Any, Any, Kind, set[tuple[str, str]]]] = {
    "another town": (
        "MOVE",
        NORTH,
        TOKYO,
        Kind.DOMESTIC,
        {("moveout.submitted", HAKODATE), ("arrival.planned", CHIYODA)},
    ),
    "another ward": ("MOVE", SAPPORO, SAPPORO_NORTH, Kind.WARD_TO_WARD, {("arrival.planned", "011029")}),
    "within a town": ("IN_CITY", NORTH, NORTH, Kind.IN_CITY, {("arrival.planned", HAKODATE)}),
    "abroad": ("OVERSEAS_OUT", NORTH, ABROAD, Kind.OVERSEAS_OUT, {("moveout.submitted", HAKODATE)}),
    "from abroad": ("OVERSEAS_IN", ABROAD, TOKYO, Kind.OVERSEAS_IN, {("arrival.planned", CHIYODA)}),
    "household": ("HOUSEHOLD_CHANGE", NORTH, None, Kind.HOUSEHOLD_CHANGE, {("arrival.planned", HAKODATE)}),
}


@pytest.fixture
def visitor(client: Client) -> Visitor:
    """A citizen who has signed in."""
    client.force_login(citizen())
    return Visitor(client)


def answer(visitor: Visitor, button: str = "next", **answers: str) -> None:
    """Answer what this page asks of it, and go on."""
    asked = {
        name: value for name, value in answers.items() if name in visitor.page.values or name in visitor.page.options
    }
    visitor.press(button, **asked)


def to_persons(visitor: Visitor, chosen: str, old: Any, new: Any) -> None:
    """Answer kind, days and addresses."""
    to_when(visitor, chosen)
    answer(visitor, **WHEN)
    for side, place in (("old", old), ("new", new)):
        if isinstance(place, str):
            visitor.press(f"find:{side}", **{f"{side}__postal_code": place})
        elif place:
            visitor.fill(**{f"{side}__{name}": value for name, value in place.items()})
    for side, place, block in (("old", old, "1番1号"), ("new", new, "2番2号")):
        if isinstance(place, str):
            visitor.fill(**{f"{side}__block": block})
    visitor.press()


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_filed_and_shown(name: str, visitor: Visitor) -> None:
    chosen, old, new, kind, told = KINDS[name]
    to_persons(visitor, chosen, old, new)
    finish(visitor)
    with acting(HUB):
        relocation = Relocation.objects.get()
        filed = services.filing_of(relocation)
        sent = set(Delivery.objects.values_list("type", "municipality"))
    assert (relocation.kind, filed.kind) == (kind.value, kind)
    # Where no move-out is decided, the working copy goes with the announcement.
    first = {("arrival.prefill", town) for _, town in told} if kind not in (Kind.DOMESTIC, Kind.OVERSEAS_OUT) else set()
    assert sent == told | first
    assert (filed.planned_out_on is None) is (kind not in (Kind.DOMESTIC, Kind.OVERSEAS_OUT))
    assert (filed.living_from is None) is (kind is Kind.OVERSEAS_OUT)
    for language in ("ja", "en"):
        visitor.client.cookies["django_language"] = language
        for path in ("/", f"/relocations/{relocation.receipt_no}/", f"/relocations/{relocation.receipt_no}/withdraw/"):
            page = visitor.open(path)
            assert visitor.answer.status_code == 200
            assert relocation.receipt_no in page.text


def test_only_the_questions_of_the_kind_are_asked(visitor: Visitor) -> None:
    to_when(visitor, "OVERSEAS_OUT")
    assert {"living_from", "visit_on", "flow"}.isdisjoint({*visitor.page.values, *visitor.page.options})
    to_when(visitor, "HOUSEHOLD_CHANGE")
    assert {"planned_out_on", "flow"}.isdisjoint({*visitor.page.values, *visitor.page.options})
    answer(visitor, **WHEN)
    assert not [name for name in visitor.page.values if name.startswith("new-")]


def test_a_childs_card_alone_is_refused_before_any_person_is_asked_about(visitor: Visitor) -> None:
    """S08: the counter is named, and nothing is kept."""
    to_when(visitor)
    page = visitor.press(**WHEN | {"flow": "CHILD_CARD"})
    assert "15歳未満" in page.text
    assert "窓口" in page.text
    assert "planned_out_on" in page.values
    with acting(HUB):
        assert not Relocation.objects.exists()


def test_a_municipality_alone_is_enough_for_the_new_address(visitor: Visitor) -> None:
    """S22."""
    to_when(visitor)
    visitor.press(**WHEN)
    visitor.press("find:old", old__postal_code=NORTH)
    visitor.fill(old__block="1番1号", new__prefecture="東京都")
    visitor.press("choose:new")
    page = visitor.press(new__municipality=CHIYODA)
    assert "full_name" in page.values


def test_a_foreign_resident_says_alias_history_days_and_which_name_counts(visitor: Visitor) -> None:
    """S32, S33: an alias with its history; without proof of kinship the relationship is 縁故者."""
    to_persons(visitor, "MOVE", NORTH, TOKYO)
    foreign = PERSON | {
        "nationality": "USA",
        "residence_category": "mid_long_term",
        "full_name": "MIHON TARO",
        "alternative_name": "見本　太郎",
        "preferred_name": "ALIAS",
        "alternative_name_history": "2019-05-01 012025 記載 見本　太郎",
        "leaves_on": days(7),
        "relation_to_1": "縁故者",
    }
    answer(visitor, **foreign)
    answer(visitor, **HOUSEHOLD)
    answer(visitor, **CONTACT, counsel_wanted="on")
    visitor.press("submit")
    with acting(HUB):
        filed = services.filing_of(Relocation.objects.get())
        told = list(Alert.objects.filter(code="A412").values_list("municipality", flat=True))
    assert told == [CHIYODA]
    mover = filed.movers[0]
    assert (mover.preferred_name, mover.relation_to) == (PreferredName.ALIAS, ("縁故者",))
    assert mover.alternative_name_history == ("2019-05-01 012025 記載 見本　太郎",)
    assert mover.leaves_on is not None
    assert filed.counsel_wanted


def test_an_unfiled_stay_before_this_move_is_said_in_plain_words(visitor: Visitor) -> None:
    """S26: still registered in Naha, though the person lives in Hakodate."""
    to_when(visitor)
    visitor.press(**WHEN)
    assert "前回の引越しの届出がまだのとき" in visitor.page.text
    assert "follows" not in visitor.page.options  # nothing is filed yet
    for side, code in (("old", NORTH), ("new", TOKYO)):
        visitor.press(f"find:{side}", **{f"{side}__postal_code": code, f"{side}__block": "1番1号"})
    page = visitor.press(last_registered_prefecture="沖縄県")
    assert "id_last_registered_municipality_error" in page.ids
    visitor.press(last_registered_municipality=NAHA)
    finish(visitor)
    with acting(HUB):
        relocation = Relocation.objects.get()
        assert services.filing_of(relocation).last_registered == NAHA
        assert relocation.legs.filter(role="last_registered", municipality=NAHA).exists()
    to_when(visitor, "IN_CITY")
    visitor.press(living_from=days(6))
    assert "last_registered_prefecture" not in visitor.page.options


def test_a_second_move_says_which_open_one_it_follows(visitor: Visitor) -> None:
    """S24: what is filed here and not registered yet is offered, to nobody but its filer."""
    to_persons(visitor, "MOVE", NORTH, TOKYO)
    finish(visitor)
    with acting(HUB):
        first = Relocation.objects.get()
    to_when(visitor)
    visitor.press(**WHEN)
    assert visitor.page.options["follows"] == ["", first.receipt_no]
    for side, code in (("old", TOKYO), ("new", NORTH)):
        visitor.press(f"find:{side}", **{f"{side}__postal_code": code, f"{side}__block": "1番1号"})
    visitor.press(follows=first.receipt_no)
    finish(visitor)
    with acting(HUB):
        second = Relocation.objects.get(follows=first)
    assert f"前の引越し（{first.receipt_no}）" in visitor.open(f"/relocations/{second.receipt_no}/").text
    other = Visitor(Client(HTTP_HOST="127.0.0.1"))
    other.client.force_login(citizen("another"))
    to_when(other)
    assert "follows" not in other.press(**WHEN).options


def finish(visitor: Visitor) -> None:
    """Answer everything after the addresses, and file."""
    visitor.press("choose:person", registry_prefecture="北海道")
    answer(visitor, **PERSON, registry_municipality=HAKODATE)
    answer(visitor, **HOUSEHOLD)
    answer(visitor, **CONTACT)
    visitor.press("submit")
    assert visitor.answer.status_code == 302, visitor.page.text
