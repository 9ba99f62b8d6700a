"""S39 to S42: characters and data."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.urls import reverse

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery, Difference, Return
from hub.duplicates.models import Case
from hub.fidelity.models import Substitution
from hub.relocations.models import Report
from municipalities import standard
from municipalities.characters import Gaiji
from municipalities.models import Connection, GaijiTable
from municipalities.models import Gaiji as GaijiRow
from municipalities.notice import Flow, KanaStatus, Registry
from tests.conftest import connect
from tests.hub.visitor import Visitor
from tests.scenarios.stage import TARO, A, B, R, Stage, Story, move

pytestmark = pytest.mark.django_db


def named(name: str, **changes: Any) -> Any:
    """Taro under another name, in a register whose head has a plain one."""
    return msgspec.structs.replace(TARO, full_name=name, **changes)


def moved_by(name: str, **changes: Any) -> Any:
    """A move of one person of this name, in households whose heads have plain names."""
    document = move(named(name, **changes))
    left = msgspec.structs.replace(document.household_left, head_name="見本　太郎")
    joined = msgspec.structs.replace(document.household_joined, head_name="見本　太郎")
    return msgspec.structs.replace(document, household_left=left, household_joined=joined)


def returned(story: Story, code: str, type_: str, content: bytes, report: str, outcome: str = "") -> Any:
    """Post a record in the town's own layout as a report."""
    headers = {
        "Hikkoshi_Report_Id": str(uuid4()),
        "Hikkoshi_Report_Type": report,
        "Hikkoshi_Delivery": story.notice(code, type_).notice_id,
    }
    headers |= {"Hikkoshi_Report_Outcome": outcome} if outcome else {}
    layout = Connection.objects.get(municipality=code).layout()
    return story.stage.town(code).system.post("reports", content, layout.content_type, **headers)


def held(story: Story, code: str) -> Delivery:
    """What could not be written for this town."""
    with acting(HUB):
        return Delivery.objects.get(relocation_id=story.relocation.pk, municipality=code, state="held")


def asks(story: Story, code: str) -> tuple[Visitor, str]:
    """The town's clerk before the page that asks about what could not be written."""
    visitor = Visitor(story.stage.clerk(code))
    path = reverse("admin:deliveries_delivery_questions", args=[held(story, code).pk])
    visitor.open(path)
    return visitor, path


def answered(visitor: Visitor, path: str, **answers: str) -> str:
    """The clerk answers; returns the page that follows."""
    sent = {name: text for name, text in visitor.page.values.items() if text}
    sent |= {name.replace("__", "-"): text for name, text in answers.items()}
    return visitor.see(visitor.client.post(path, sent, follow=True)).text


def test_s39_each_town_gets_what_its_characters_can_hold(stage: Stage) -> None:
    name = "髙橋　𠮷子"
    for code, layout in ((A, "mainframe_cp932"), (B, "jisx0213_csv"), (R, "vendor_h_mj")):
        connect(code, layout, "pull:")
    story = stage.file(moved_by(name))
    story.moved_out()
    content, origin = story.written(A, "moveout.submitted")
    assert "髙橋　吉子".encode("cp932") in content
    assert origin.movers[0].full_name == "髙橋　吉子"
    content, destination = story.written(B, "arrival.prefill")
    assert destination.movers[0].full_name == "高橋　吉子"
    assert "高橋　吉子" in content.decode("shift_jis_2004")
    story.moved_in()
    assert story.written(R, "appendix.notice")[1].movers[0].full_name == name
    # What is canonical is unchanged, and each replacement is on record with its rule.
    assert story.notice(A, "movein.notice").movers[0].full_name == name
    with acting(HUB):
        rows = Substitution.objects.filter(relocation_id=story.relocation.pk, path="/movers/0/fullName")
        assert {row.municipality_id for row in rows} == {A, B}
    # On its way back from A the fallback overwrites nothing: it is what A was told.
    own = Connection.objects.get(municipality=A).layout()
    back = own.write(story.written(A, "movein.notice")[1]).content
    assert returned(story, A, "movein.notice", back, "movein.notice_applied").status_code == 201
    story.entered()
    with acting(HUB):
        assert not Difference.objects.exists()
    assert story.state == "COMPLETE"
    # The citizen is told what a town's system could not hold.
    assert "「𠮷」" in story.page().replace("«", "「").replace("»", "」")
    # The certificate of a card has neither character: whoever files by it is the same person, and keeps that spelling.
    first, by_card = (stage.file(moved_by(one), one) for one in (name, "高橋　吉子"))
    assert by_card.notice(A, "moveout.submitted").movers[0].full_name == "高橋　吉子"
    with acting(HUB):
        case = Case.objects.get()
        assert {row.relocation_id for row in case.members.all()} == {first.relocation.pk, by_card.relocation.pk}


@pytest.mark.parametrize(
    ("card", "came", "differs"),
    [
        (True, "髙橋　𠮷子", False),  # what a card cannot hold; it has the lawful substitutes
        (True, "髙橋　吉子", False),
        (True, "髙橋　京子", True),
        (False, "髙橋　𠮷子", True),  # typed so, by nobody who presents a card
    ],
)
def test_s39_a_name_that_came_from_the_card_is_no_difference_where_the_register_has_the_character(
    stage: Stage, card: bool, came: str, differs: bool
) -> None:
    connect(A, "vendor_h_mj", "pull:")
    flow = Flow.CARD_SPECIAL if card else Flow.PAPER_CERT
    document = moved_by("高橋　吉子", presents_card=card)
    story = stage.file(msgspec.structs.replace(document, flow=flow))
    record = story.written(A, "moveout.submitted")[1]
    mover = msgspec.structs.replace(record.movers[0], full_name=came)
    content = Connection.objects.get(municipality=A).layout().write(msgspec.structs.replace(record, movers=(mover,)))
    assert returned(story, A, "moveout.submitted", content.content, "moveout.reviewing").status_code == 201
    with acting(HUB):
        assert list(Difference.objects.values_list("path", flat=True)) == ["/movers/0/fullName"] * differs
    # What was filed stays as it was filed.
    assert story.notice(B, "arrival.planned").movers[0].full_name == "高橋　吉子"


def test_s40_a_name_too_long_is_shortened_by_a_person_between_whole_characters(stage: Stage) -> None:
    connect(A, "juki_list_csv", "pull:")
    # 100 characters are 200 code points here: what counts is what one reads as one character, the first is U+FA19.
    fits, one, too_long = ("\ufa19" + "斉\U000e0103" * number for number in (99, 1, 100))
    story = stage.file(moved_by(fits))
    assert story.written(A, "moveout.submitted")[1].movers[0].full_name == fits
    longer = stage.file(moved_by(too_long), "another")
    assert longer.told(A) == []
    assert held(longer, A).code == "E131"
    visitor, path = asks(longer, A)
    assert "文字溢れ" in visitor.page.text
    assert "受け手の項目の桁数を超えています" in answered(visitor, path, other__0=too_long + "郎")
    answered(visitor, path, other__0=one)
    stage.post()
    # What the clerk wrote, selector and compatibility ideograph and all; what was filed is unchanged.
    assert longer.written(A, "moveout.submitted")[1].movers[0].full_name == one
    assert longer.notice(A, "moveout.submitted").movers[0].full_name == too_long
    assert longer.notice(B, "arrival.planned").movers[0].full_name == too_long
    with acting(HUB):
        row = Substitution.objects.get(relocation_id=longer.relocation.pk, municipality=A, path="/movers/0/fullName")
    assert "文字溢れ" in row.rule


def test_s41_a_private_character_is_translated_by_the_towns_table_or_asked(stage: Stage) -> None:
    table = GaijiTable.objects.create(name="hakodate", title="見本の外字表")
    GaijiRow.objects.create(table=table, private="\ue001", sequence="邉\U000e0100")
    connect(A, "gaiji_cp932_csv", "pull:")
    Connection.objects.filter(municipality=A).update(gaiji=table)
    story = stage.file(moved_by("渡邉\U000e0100　花子"))
    content, record = story.written(A, "moveout.submitted")
    assert "\ue001".encode("cp932") in content
    assert record.movers[0].full_name == "渡邉\U000e0100　花子"  # and back by the same table
    # What comes back holds a private character that the hub's table of this town lacks.
    own = standard.load("gaiji_cp932_csv", Gaiji("own", {"\ue001": "邉\U000e0100", "\ue0f3": "﨑\U000e0100"}))
    mover = msgspec.structs.replace(record.movers[0], full_name="渡邉\U000e0100　﨑\U000e0100子")
    unknown = own.write(msgspec.structs.replace(record, movers=(mover,))).content
    answer = returned(story, A, "moveout.submitted", unknown, "moveout.reviewing")
    assert (answer.status_code, answer.json()["code"], answer.json()["characters"]) == (202, "E130", "U+E0F3")
    assert story.states(A) == ["DELIVERED"]
    with acting(HUB):
        waits = Return.objects.get()
        assert not Report.objects.exists()
    page = Visitor(stage.clerk(A))
    asked = reverse("admin:deliveries_return_meaning", args=[waits.pk])
    assert "U+E0F3" in page.open(asked).text
    sent = dict(page.page.values)
    assert "外字が残っています" in page.see(page.client.post(asked, sent)).text
    page.client.post(asked, sent | {"text-0": "渡邉\U000e0100　﨑子"})
    stage.post()
    assert story.states(A) == ["PROVISIONAL"]
    # The town's own character left the hub in no notice, not even to itself as a private one of another table.
    for code in (A, B):
        for notice in story.inbox(code):
            assert "\ue0f3" not in msgspec.json.encode(notice).decode()


def test_s42_of_the_reading_one_half_is_certified(stage: Stage) -> None:
    connect(A, "mainframe_cp932", "pull:")
    half = {
        "full_name_kana": "ミホン　タロウ",
        "family_kana_status": KanaStatus.CERTIFIED,
        "given_kana_status": KanaStatus.UNKNOWN,
    }
    story = stage.file(moved_by("見本　太郎", registry=Registry(local_government_code=R), **half))
    story.moved_out()
    for code, type_ in ((A, "moveout.submitted"), (B, "arrival.prefill")):
        for record in (story.notice(code, type_), story.written(code, type_)[1]):
            mover = record.movers[0]
            # The declared reading is one string; which half of it is certified is told beside it.
            assert mover.full_name_kana == "ミホン　タロウ"
            assert (mover.family_kana_status, mover.given_kana_status) == (KanaStatus.CERTIFIED, KanaStatus.UNKNOWN)
    # A clerk reads beside it what the certificate prints, where the given name is left blank.
    page = reverse("admin:deliveries_delivery_notice", args=[story.notice(B, "arrival.prefill").notice_id])
    read = stage.clerk(B).get(page).content.decode()
    assert ("ミホン　【名空欄】" in read, "証明書に表示される振り仮名" in read) == (True, True)
