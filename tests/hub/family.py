"""A family of two who moves from Hakodate to Chiyoda: what they answer, and the way through the form to each page."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, Actor, ActorKind, acting
from hub.consents import services as consents
from hub.consents.models import Request
from hub.relocations.models import Relocation
from tests.conftest import HAKODATE
from tests.hub.visitor import Visitor

#: As typed: a character beyond the basic plane, a full-width space inside and one at the end.
TARO = "見本　𠮷郎　"


def days(number: int) -> str:
    """A day from today, as a browser sends it."""
    return (timezone.localdate() + timedelta(days=number)).isoformat()


WHEN = {"planned_out_on": days(5), "living_from": days(6), "flow": "CARD_SPECIAL"}
PERSON = {
    "full_name": TARO,
    "full_name_kana": "ミホン　ヨシロウ",
    "birth_era": "昭和",
    "birth_year": "５５",
    "birth_month": "4",
    "birth_day": "1",
    "sex": "1",
    "relation_from_1": "世帯主",
    "relation_to_1": "世帯主",
    "presents_card": "on",
}
HANAKO = PERSON | {
    "full_name": "見本　花子",
    "full_name_kana": "",
    "relation_from_1": "妻",
    "relation_to_1": "妻",
    "sex": "2",
    "birth_era": "平成",
    "birth_year": "元",
}
HOUSEHOLD = {"scope": "WHOLE", "left_head_name": TARO, "joined_head_name": TARO}
CONTACT = {"capacity": "SELF", "phone": "03-0000-0000", "remarks": "手話通訳を希望します。\n見本です。"}


def citizen(name: str = "citizen") -> User:
    """A citizen with an account."""
    return User.objects.create(username=name)


def to_when(visitor: Visitor, kind: str = "MOVE") -> None:
    """The page after the kind."""
    visitor.open("/file/")
    visitor.press(kind=kind)


def to_places(visitor: Visitor) -> None:
    """The page of the addresses."""
    to_when(visitor)
    visitor.press(**WHEN)


def to_person(visitor: Visitor) -> None:
    """The first person's page."""
    to_places(visitor)
    visitor.press("find:old", old__postal_code="040-0001")
    visitor.press("find:new", new__postal_code="１００－００１３")
    visitor.press(old__block="１２番３号", new__block="2丁目1番2号")


def to_household(visitor: Visitor) -> None:
    """The page after both persons."""
    to_person(visitor)
    visitor.press("choose:person", registry_prefecture="北海道")
    visitor.press("add", **PERSON, registry_municipality=HAKODATE, registry_domicile="見本町1番地")
    person = {name: value for name, value in HANAKO.items() if name != "presents_card"}
    visitor.press(**person, same_registry="on")


def to_check(visitor: Visitor) -> None:
    """The last page."""
    to_household(visitor)
    visitor.press(**HOUSEHOLD)
    visitor.press(**CONTACT)


def file(visitor: Visitor) -> Relocation:
    """Go all the way and file, and let everyone who is asked agree."""
    to_check(visitor)
    visitor.press("submit")
    assert visitor.answer.status_code == 302
    with acting(HUB):
        relocation = Relocation.objects.get(receipt_no=visitor.answer["Location"].split("/")[2])
    agree(relocation)
    return relocation


def agree(relocation: Relocation) -> None:
    """Everyone who is asked opens the link with an account of their own and agrees."""
    for row in waiting(relocation):
        other = Client(HTTP_HOST="127.0.0.1")
        other.force_login(User.objects.create(username=f"asked-{row.pk}"))
        assert other.post(link_of(row), {"go": "agree"}).status_code == 302


def waiting(relocation: Relocation) -> list[Request]:
    """Those who were asked and have not answered."""
    with acting(HUB):
        rows = Request.objects.filter(relocation=relocation, answer="PENDING").select_related("relocation")
        return list(rows.order_by("ordinal"))


def link_of(row: Request) -> str:
    """A fresh link for somebody who was asked, as the filer is given it."""
    kind, _, name = row.relocation.owner.partition(":")
    return f"/consents/{consents.make_link(row.pk, Actor(ActorKind(kind), name=name))[1]}/"
