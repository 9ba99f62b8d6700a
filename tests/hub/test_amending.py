"""Changing what was filed, as somebody without scripts does it: every answer, who moves, and who must agree again."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.citizens.amending import Amending, merged
from hub.citizens.sheet import Sheet
from hub.consents.models import Request
from hub.deliveries.models import Delivery
from hub.relocations import services
from hub.relocations.filing import Filer, Filing
from hub.relocations.models import Mover, Relocation
from municipalities.notice import Calendar, Precision, UncertainDate
from tests.conftest import CHIYODA, HAKODATE, NAHA, filing
from tests.hub import journeys
from tests.hub.family import HANAKO, TARO, agree, citizen, days, waiting
from tests.hub.visitor import Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(client: Client) -> Visitor:
    """A citizen who has signed in."""
    client.force_login(citizen())
    return Visitor(client)


def taken(visitor: Visitor) -> Relocation:
    """Two who move from Hakodate to Chiyoda, filed by the visitor; both have agreed."""
    born = (UncertainDate(1980, 4, 1), UncertainDate(1989, 5, 2))
    whole = filing(1)
    movers = tuple(
        msgspec.structs.replace(mover, full_name=name, date_of_birth=birth)
        for mover, name, birth in zip(whole.movers, (TARO, "見本　花子"), born, strict=True)
    )
    block = {
        "street_address": "霞が関",
        "city_block": "2丁目1番2号",
        "building_name_etc": "",
        "full_address": "東京都千代田区霞が関2丁目1番2号",
    }
    document = msgspec.structs.replace(
        whole,
        movers=movers,
        filer=Filer(),
        remarks="手話通訳を希望します。",
        new_address=msgspec.structs.replace(whole.new_address, **block),
    )
    user = User.objects.get(username="citizen")
    relocation, _ = services.file(document, user.actor)
    agree(relocation)
    return relocation


def filed(relocation: Relocation) -> Filing:
    """The present version."""
    with acting(HUB):
        relocation.refresh_from_db()
        return services.filing_of(relocation)


def path(relocation: Relocation) -> str:
    return f"/relocations/{relocation.receipt_no}/amend/"


def hand_over() -> None:
    """The towns have got what waits for them."""
    journeys.carry()
    journeys.fetch()


def told(relocation: Relocation, town: str, type_: str) -> list[tuple[list[int], str]]:
    """Whom the notices of a type were about, and where each stands."""
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=relocation.pk, municipality=town, type=type_)
        return [(row.ordinals, row.state) for row in rows.order_by("sequence")]


def test_answers_of_every_page_are_changed_and_shown_before_and_after(visitor: Visitor) -> None:
    relocation = taken(visitor)
    hand_over()
    page = visitor.open(path(relocation))
    assert "submit" not in page.buttons  # nothing is different yet
    assert "to:kind" not in page.buttons
    visitor.press("to:when")
    assert "オンラインで届け出られる期間" in visitor.press("to:check", living_from=days(90)).text
    visitor.press("to:check", living_from=days(8))
    visitor.press("to:places")
    visitor.press("to:check", new__block="3丁目3番3号", new__building="見本荘")
    visitor.press("to:person-1")
    visitor.press("to:check", full_name="見本　華子")
    visitor.press("to:contact")
    page = visitor.press("to:check", remarks="")
    for words in ("変更前", "変更後", "2丁目1番2号", "3丁目3番3号", "見本 花子", "見本 華子", "もう一度同意"):
        assert words in page.text, words
    visitor.press("submit")
    assert "届出を変更しました" in visitor.open(visitor.answer["Location"]).text
    now = filed(relocation)
    assert (relocation.version, now.living_from) == (2, timezone.localdate() + timedelta(days=8))
    assert now.new_address.full_address == "東京都千代田区霞が関3丁目3番3号　見本荘"
    assert [mover.full_name for mover in now.movers] == [TARO, "見本　華子"]
    # Another address: who agreed to the one before has not agreed to this one, and no town is told before.
    (row,) = waiting(relocation)
    assert (row.ordinal, relocation.state) == (2, "CONSENT_PENDING")
    assert told(relocation, HAKODATE, "filing.amended") == []
    agree(relocation)
    assert told(relocation, HAKODATE, "filing.amended") == [([1, 2], "queued")]


def test_somebody_joins_and_somebody_is_taken_out(visitor: Visitor) -> None:
    relocation = taken(visitor)
    hand_over()
    visitor.open(path(relocation))
    visitor.press("to:person-1")
    visitor.press("remove")
    child = HANAKO | {"full_name": "見本　一郎", "birth_era": "令和", "birth_year": "2", "relation_to_1": "子"}
    child |= {"relation_from_1": "子", "presents_card": "", "registry_municipality": HAKODATE}
    visitor.press("add")
    visitor.press("choose:person", registry_prefecture="北海道")
    page = visitor.press("to:check", **child)
    for words in ("一緒に引っ越さなくなった人", "見本 花子", "新しく加わる人", "見本 一郎", "世帯"):
        assert words in page.text, words
    visitor.press("submit")
    now = filed(relocation)
    assert [(mover.ordinal, mover.full_name) for mover in now.movers] == [
        (1, TARO),
        (2, "見本　花子"),
        (3, "見本　一郎"),
    ]
    with acting(HUB):
        states = dict(Mover.objects.filter(relocation=relocation, role="origin").values_list("ordinal", "state"))
        asked = set(Request.objects.filter(relocation=relocation).values_list("ordinal", "answer"))
    assert states == {1: "DELIVERED", 2: "WITHDRAWN", 3: "PENDING"}
    assert asked == {(2, "VOID")}  # who does not move is asked nothing, and a child neither
    assert told(relocation, HAKODATE, "moveout.submitted") == [([1, 2], "sent"), ([3], "queued")]
    assert told(relocation, HAKODATE, "withdraw.requested") == [([2], "queued")]
    # The next change starts from who moves now; and whoever left stays out of it.
    page = visitor.open(path(relocation))
    assert "見本 花子" not in page.text
    visitor.press("to:places")
    visitor.press("choose:new", new__prefecture="沖縄県")
    visitor.press("to:check", new__municipality=NAHA, new__postal_code="", new__town="見本", new__block="1")
    visitor.press("submit")
    assert filed(relocation).destination == NAHA
    with acting(HUB):
        here = dict(Mover.objects.filter(relocation=relocation, municipality=NAHA).values_list("ordinal", "state"))
    assert here == {1: "NONE", 3: "NONE"}
    assert told(relocation, CHIYODA, "withdraw.requested")[-1] == ([1, 2], "queued")


def test_who_files_follows_when_the_persons_before_are_taken_out(visitor: Visitor) -> None:
    relocation = taken(visitor)
    visitor.open(path(relocation))
    visitor.press("to:contact")
    visitor.press("to:check", filer="2")
    visitor.press("to:person-0")
    visitor.press("remove")
    page = visitor.press("to:check", presents_card="on")
    assert "submit" in page.buttons, page.text
    visitor.press("submit")
    now = filed(relocation)
    assert (now.filer.ordinal, now.movers[1].presents_card) == (2, True)
    assert "見本 𠮷郎" not in visitor.open(path(relocation)).text.replace("　", " ").partition("世帯")[0]


@pytest.mark.parametrize("number", ["9", "1", "0", "見本"])
def test_persons_of_no_page_of_ours_are_refused(visitor: Visitor, number: str) -> None:
    relocation = taken(visitor)
    visitor.open(path(relocation))
    draft = msgspec.json.decode(visitor.page.values["draft"])
    draft["people"][1]["ordinal"] = number
    sent = visitor.page.values | {"draft": msgspec.json.encode(draft).decode(), "go": "to:check"}
    assert visitor.client.post(path(relocation), sent).status_code == 400
    assert visitor.client.post("/file/", visitor.page.values | {"go": "submit"}).status_code == 400


def test_another_town_that_is_left_and_another_kind_are_another_filing(visitor: Visitor) -> None:
    relocation = taken(visitor)
    visitor.open(path(relocation))
    page = visitor.press("to:places")
    assert page.options["old-municipality"] == [HAKODATE]
    draft = visitor.page.values["draft"]
    sent = visitor.page.values | {"draft": draft.replace('"kind":"MOVE"', '"kind":"OVERSEAS_OUT"'), "go": "to:check"}
    visitor.see(visitor.client.post(path(relocation), sent))
    assert "取り下げて、もう一度届け出てください" in visitor.page.text
    assert filed(relocation).kind == "DOMESTIC"


def test_what_the_town_decided_meanwhile_is_not_changed_here(visitor: Visitor) -> None:
    relocation = taken(visitor)
    visitor.open(path(relocation))
    visitor.press("to:contact")
    visitor.press("to:check", remarks="別の用件です")
    with acting(HUB):
        said = journeys.course(relocation, services.filing_of(relocation))
    hand_over()
    for one in said:
        if one.notice == "moveout.submitted":
            journeys.say(relocation, one)
    answer = visitor.client.post(path(relocation), visitor.page.values | {"go": "submit"}, follow=True)
    assert "受付番号を伝えてください" in answer.content.decode()
    assert relocation.version == 1
    other = Client(HTTP_HOST="127.0.0.1")
    other.force_login(citizen("another"))
    assert other.post(path(relocation), visitor.page.values).status_code == 404


# --- Nothing that was not touched changes ---------------------------------------------------------------


def odd(number: int) -> Filing:
    """A filing with what the form cannot say in the same words."""
    whole = filing(number)
    births = [
        UncertainDate(1989, 2, 29),
        UncertainDate(1912, 7, 30, display_text="明治45年7月30日"),
        UncertainDate(1945, precision=Precision.YEAR, display_text="昭和20年頃"),
        UncertainDate(precision=Precision.NONE, display_text="不詳"),
        UncertainDate(1990, 4, 1, calendar=Calendar.WESTERN),
    ]
    movers = tuple(
        msgspec.structs.replace(mover, date_of_birth=births[index % len(births)], relation_to=("子", "子", "妻"))
        for index, mover in enumerate(whole.movers)
    )
    return msgspec.structs.replace(whole, movers=movers)


@pytest.mark.parametrize("number", range(8))
def test_a_filing_that_nobody_touches_comes_back_as_it_was(number: int) -> None:
    document = odd(number)
    relocation = journeys.file(document)
    with acting(HUB):
        amending = Amending.of(relocation)
    draft = amending.draft()
    sheet = Sheet.of(draft)
    assert amending.filing(draft, sheet) == document
    assert not [form.errors for page in sheet.pages() for form in sheet.forms(page) if form.errors]
    assert list(amending.changes(draft, sheet)) == []


def test_only_what_is_answered_otherwise_is_merged() -> None:
    document = filing(1)
    address = document.new_address
    now = msgspec.structs.replace(address, city_block="9番9号", full_address="東京都千代田区霞が関9番9号")
    base: Any = msgspec.structs.replace(address, street_address_id="")
    found = merged(address, base, msgspec.structs.replace(now, street_address_id=""))
    assert found == msgspec.structs.replace(address, city_block="9番9号", full_address=now.full_address)
