"""S22 to S30: destinations, diversions, repeats."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.protection import services as protection
from hub.relocations import changing, services, status
from hub.relocations.models import Alert, Deadline, Relocation
from municipalities.notice import Address, Flow, Kind, Notice, Role, Scope
from tests.conftest import connect, front, town
from tests.scenarios.stage import (
    HANAKO,
    ICHIRO,
    KANAGAWA,
    TARO,
    TSURUMI,
    A,
    B,
    C,
    R,
    Stage,
    Story,
    born,
    day,
    move,
    person,
    place,
)

pytestmark = pytest.mark.django_db


def test_s22_the_citizen_knows_the_municipality_alone(stage: Stage) -> None:
    story = stage.file(move(TARO, new_address=place(B, "")))
    # Accepted like any other, announced without an address; A needs none, and nothing is for a clerk to look at.
    assert (story.states(A), story.states(B), story.states(R)) == (["DELIVERED"], ["ANNOUNCED"], ["NONE"])
    assert (story.told(A), story.told(B), story.told(R)) == (["moveout.submitted"], ["arrival.planned"], [])
    assert (story.alerts(A), story.alerts(B)) == ([], [])
    planned = story.notice(B, "arrival.planned").new_address
    assert planned is not None
    assert (planned.local_government_code, planned.city_block, planned.full_address) == (B, "", "東京都千代田区")
    # B has seen it, and would rather see them on another day: the citizen reads it, and nothing follows from it.
    assert story.refused(B, "arrival.plan_ack", suggested_on="2026-03-09")["pointer"] == "/suggested_on"
    assert story.refused(A, "moveout.reviewing", suggested_on="2026-03-19")["pointer"] == "/suggested_on"
    story.report(B, "arrival.plan_ack", suggested_on="2026-03-19")
    assert "（2026年）3月19日(木)の来庁を希望しています" in story.page()
    with acting(story.citizen.actor):
        legs = status.document(story.relocation.pk)["legs"]
    assert [leg["visit_suggested_on"] for leg in legs] == [None, day("2026-03-19"), None]
    assert (story.states(B), story.told(A)) == (["ANNOUNCED"], ["moveout.submitted"])
    story.moved_out()
    # The address is completed at the counter and told by the town that registered it.
    story.moved_in()
    completed = place(B, "試験町３番４号").full_address
    story.report(B, "correction.notified", changes=[{"pointer": "/newAddress/fullAddress", "value": completed}])
    told = story.notice(A, "correction.notified").new_address
    assert told is not None
    assert told.full_address == completed
    assert story.told(A) == ["moveout.submitted", "movein.notice", "correction.notified"]
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    assert story.told(R) == ["appendix.notice", "correction.notified"]
    assert story.notice(R, "correction.notified").new_address == told
    assert story.events("filing.corrected") == [{"version": 2, "fields": ["new_address"]}]
    assert (story.alerts(A), story.alerts(B)) == ([], [])
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"
    assert "来庁を希望しています" not in story.page()


def test_s23_who_was_planned_for_b_appears_at_c(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    appears: dict[str, Any] = {
        "changes": [{"pointer": "/newAddress", "value": msgspec.to_builtins(place(C, "見本町９番９号"))}]
    }
    story.report(C, "arrival.diverted", **appears)
    # A is asked to let C have the certificate data: its clerk sees which town it is.
    assert (story.alerts(A), story.alerts(B), story.alerts(C)) == (["A431"], [], [])
    asked = story.looked_at(A, "A431")
    assert all(word in asked for word in ("転入予定地と異なる市区町村に来庁がありました", "転出証明書情報", C))
    assert story.deadline("C90")[2] == "RUNNING"  # the first filing with the card is made at C
    # B's working copy is taken back, C gets it, and the way with the card stays open.
    assert story.states(B) == ["DIVERTED"] * 3
    assert story.told(B) == ["arrival.planned", "arrival.prefill", "certificate.recalled"]
    assert story.told(C) == ["arrival.prefill"]
    assert story.row.flow == Flow.CARD_SPECIAL
    assert story.refused(B, "movein.decided", "REGISTERED")["code"] == "E200"
    room = {"pointer": "/newAddress/buildingNameEtc", "value": "見本荘２０２"}
    assert story.refused(B, "correction.notified", changes=[room])["pointer"] == "/movers"
    story.report(C, "movein.decided", "REGISTERED")
    notice = story.notice(A, "movein.notice")
    assert (notice.destination, notice.new_address.local_government_code if notice.new_address else "") == (C, C)
    # What R finds out concerns C; B, which they went past, is told nothing of them any more.
    story.report(R, "appendix.mismatch")
    story.report(R, "registry.change", "MARRIAGE", movers=[1])
    assert (story.alerts(A), story.alerts(B), story.alerts(C)) == (["A424"], [], ["A416", "A424"])
    # The destination that was planned stays on record beside the confirmed one.
    assert story.row.destination_id == B
    assert story.notice(A, "moveout.submitted").destination == B
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    assert story.states(C) == ["CLOSED"] * 3
    assert "那覇市" in story.page()


def appears(code: str, **more: Any) -> dict[str, Any]:
    """What a town says of movers who appear there and not where they planned to go."""
    return {"changes": [{"pointer": "/newAddress", "value": msgspec.to_builtins(place(code, "見本町９番９号"))}]} | more


def address(notice: Notice) -> str:
    """The municipality of the new address that a notice tells."""
    return notice.new_address.local_government_code if notice.new_address else ""


def said(story: Story, code: str, type_: str) -> list[tuple[list[int], str, str]]:
    """Of whom a town was told what by this type: the movers, their address and the town that they go to."""
    return [
        ([mover.ordinal for mover in one.movers], address(one), one.destination)
        for one in story.inbox(code)
        if one.type == type_
    ]


def test_s23_one_appears_at_c_and_the_others_keep_their_address(stage: Stage) -> None:
    story = stage.file(move(TARO, ICHIRO, msgspec.structs.replace(ICHIRO, full_name="見本　二郎")))
    story.moved_out()
    stage.town(C)
    story.report(C, "arrival.diverted", **appears(C, movers=[3]))
    assert (story.states(B), story.states(C)) == (["PREPARED", "PREPARED", "DIVERTED"], ["AT_COUNTER"])
    assert said(story, C, "arrival.prefill") == [([3], C, C)]
    # What B puts right in the address is that of those who go to B, and everybody is told each address for whose it is.
    room = "見本荘２０２"
    story.report(B, "correction.notified", changes=[{"pointer": "/newAddress/buildingNameEtc", "value": room}])
    assert said(story, A, "correction.notified") == [([1, 2], B, B), ([3], C, C)]
    rooms = {one.new_address.building_name_etc for one in story.inbox(A) if address(one) == C and one.new_address}
    assert rooms == {""}
    # A, which knows of both, says whose address it means; of whoever went past it B has none to put right.
    again: dict[str, Any] = {"changes": [{"pointer": "/newAddress/buildingNameEtc", "value": "見本荘３０３"}]}
    for wrong in (
        story.refused(A, "correction.notified", **again),
        story.refused(B, "correction.notified", movers=[3], **again),
    ):
        assert (wrong["code"], wrong["pointer"]) == ("E104", "/movers")
    story.report(B, "arrival.visited", movers=[1, 2])
    story.report(B, "movein.decided", "REGISTERED", movers=[1, 2])
    story.report(C, "movein.decided", "REGISTERED")
    for code, type_ in ((A, "movein.notice"), (R, "appendix.notice")):
        assert said(story, code, type_) == [([1, 2], B, B), ([3], C, C)]
    # Procedures go to the department of the town where each lives, with that address.
    tasks = {code: [one for one in stage.town(code).inbox if one.type == "task.opened"] for code in (B, C)}
    assert all(tasks.values())
    assert {code: {address(one) for one in told} for code, told in tasks.items()} == {B: {B}, C: {C}}
    assert {mover.ordinal for one in tasks[C] for mover in one.movers} == {3}
    page = story.page()
    assert all(name in page for name in ("東京都千代田区", "沖縄県那覇市"))
    # B cancels what it registered and enters them again: they still live where the filing says.
    story.report(B, "cancel.decided", "CANCEL_REMOVE", movers=[1, 2])
    story.moved_in(B, movers=[1, 2])
    assert said(story, A, "movein.notice")[-1] == ([1, 2], B, B)
    story.confirmed()
    story.entered()
    assert (story.state, story.states(A)) == ("SETTLED", ["CONFIRMED"] * 3)


def test_s23_an_amendment_leaves_whoever_appeared_elsewhere_there(stage: Stage) -> None:
    story = stage.file(move())
    stage.town(C)
    story.report(C, "arrival.diverted", **appears(C, movers=[3]))
    with acting(HUB):
        filing = services.filing_of(story.row)
    newer = msgspec.structs.replace(filing, new_address=place(B, "試験町９番９号"))
    changing.amend(story.relocation.pk, newer, story.citizen.actor)
    stage.post()
    assert said(story, A, "filing.amended") == [([1, 2], B, B), ([3], C, C)]
    # Those who follow later are all there: no address is left over.
    story.moved_out()
    story.report(C, "arrival.diverted", **appears(C, movers=[1, 2]))
    story.report(C, "movein.decided", "REGISTERED")
    assert said(story, A, "movein.notice") == [([1, 2, 3], C, C)]
    story.confirmed()
    story.entered()
    assert story.states(C) == ["CLOSED"] * 3


def test_s23_what_b_has_not_fetched_is_not_given_to_it(stage: Stage) -> None:
    story = stage.file(move(TARO))
    waiting = stage.towns.pop(B)
    story.moved_out()
    address = msgspec.to_builtins(place(C, "見本町９番９号"))
    stage.town(C)
    story.report(C, "arrival.diverted", changes=[{"pointer": "/newAddress", "value": address}])
    stage.towns[B] = waiting
    stage.post()
    assert (story.told(B), story.told(C)) == (["arrival.planned", "certificate.recalled"], ["arrival.prefill"])
    assert story.audit()["delivery.withdrawn"] == 1


def test_s23_of_a_protected_person_a_is_not_told_where_they_appeared(stage: Stage) -> None:
    story = stage.file(move(TARO))
    story.moved_out()
    clerk = Actor(ActorKind.CLERK, A, "901", PROTECTS)
    ends = timezone.localdate() + timedelta(days=300)
    with acting(clerk):
        protection.set_for_filed(
            clerk, story.receipt_no, 1, contact_office="市民課", expires_on=ends, provisional=False
        )
    stage.town(C)
    address = msgspec.to_builtins(place(C, "見本町９番９号"))
    story.report(C, "arrival.diverted", changes=[{"pointer": "/newAddress", "value": address}])
    with acting(HUB):
        assert Alert.objects.get(code="A431").about == ""
    # Nor what C puts right before it registers them: until the move-in notice A knows the plan alone.
    story.report(C, "correction.notified", changes=[{"pointer": "/newAddress/buildingNameEtc", "value": "秘密荘"}])
    told = msgspec.json.encode(story.notice(A, "correction.notified")).decode()
    assert not [word for word in (C, "那覇", "秘密荘") if word in told]
    assert said(story, A, "correction.notified") == [([1], B, B)]
    story.report(C, "movein.decided", "REGISTERED")
    assert said(story, A, "movein.notice") == [([1], C, C)]


def test_s24_the_second_move_waits_for_the_first(stage: Stage) -> None:
    stage.at("2026-03-20")
    first = stage.file(move(TARO))
    first.moved_out()
    stage.at("2026-03-25")
    second = stage.file(move(TARO, origin=B, destination=C, planned_out_on=day("2026-04-05"), follows=first.receipt_no))
    # B, which has not registered the person yet, is asked nothing about leaving.
    assert second.told(B) == []
    assert second.states(B) == ["PENDING"]
    assert second.refused(B, "moveout.reviewing")["code"] == "E200"
    # A fetches nothing for a while: its notice of the first move waits, and the second goes on all the same.
    late = stage.towns.pop(A)
    first.moved_in()
    assert second.told(B) == ["moveout.submitted"]
    stage.at("2026-04-05")
    second.moved_out(B)
    second.moved_in(C)
    # The notice of the second move is B's; A has its own of the first, whatever became of it, and never C's.
    assert second.told(B)[-1] == "movein.notice"
    stage.towns[A] = late
    late.system = town(A)
    assert first.told(A) == ["moveout.submitted"]
    stage.post()
    assert second.told(A) == []
    assert first.told(A) == ["moveout.submitted", "movein.notice"]
    for story, left in ((first, A), (second, B)):
        story.confirmed(left)
        story.entered()
        assert story.state == "COMPLETE"


def test_s24_a_first_move_that_is_withdrawn_is_waited_for_no_longer(stage: Stage) -> None:
    first = stage.file(move(TARO))
    second = stage.file(move(TARO, origin=B, destination=C, follows=first.receipt_no))
    assert second.told(B) == []
    assert "前の引越し" in second.page()
    assert "取りやめになりました" not in second.page()
    first.withdraw()
    assert first.state == "WITHDRAWN"
    # Whether the person is registered at B is for B to see, and the page says what else can be done.
    assert second.told(B) == ["moveout.submitted"]
    assert f"前の引越し（{first.receipt_no}）は取りやめになりました" in second.page()
    second.report(B, "moveout.reviewing")
    second.report(B, "moveout.decided", "REJECTED")
    assert second.state == "REJECTED"
    assert "取りやめになりました" not in second.page()


def test_s24_a_first_move_that_is_cancelled_is_waited_for_no_longer(stage: Stage) -> None:
    first = stage.file(move(TARO))
    first.moved_out()
    second = stage.file(move(TARO, origin=B, destination=C, follows=first.receipt_no))
    first.withdraw()
    # That it is asked for is nothing yet: A may refuse.
    assert first.told(A)[-1] == "cancel.requested"
    assert second.told(B) == []
    assert "取りやめになりました" not in second.page()
    first.report(A, "cancel.decided", "CANCEL_ADD")
    assert first.state == "CANCELLED"
    assert first.told(B)[-1] == "certificate.recalled"
    assert second.told(B) == ["moveout.submitted"]
    assert f"前の引越し（{first.receipt_no}）は取りやめになりました" in second.page()
    # The person files again, from where they are registered; B has nothing to decide.
    assert "届出を取り下げました" in second.withdraw()
    assert second.state == "WITHDRAWN"
    assert second.told(B)[-1] == "withdraw.requested"
    third = stage.file(move(TARO, origin=A, destination=C))
    third.moved_out()
    third.moved_in(C)
    third.confirmed()
    third.entered()
    assert third.state == "COMPLETE"


@pytest.mark.parametrize("by", [A, B])
def test_s24_a_first_move_that_is_rejected_is_waited_for_no_longer(stage: Stage, by: str) -> None:
    first = stage.file(move(TARO))
    second = stage.file(move(TARO, origin=B, destination=C, follows=first.receipt_no))
    if by == A:
        first.report(A, "moveout.reviewing")
        first.report(A, "moveout.decided", "REJECTED")
    else:
        first.moved_out()
        first.report(B, "arrival.visited")
        assert second.told(B) == []
        first.report(B, "movein.decided", "REJECTED")
    assert first.state == "REJECTED"
    assert second.told(B) == ["moveout.submitted"]
    assert f"前の引越し（{first.receipt_no}）は取りやめになりました" in second.page()
    # B looks whether the person is registered there, and says that they are not.
    second.report(B, "moveout.reviewing")
    second.report(B, "moveout.decided", "REJECTED")
    assert second.state == "REJECTED"
    assert second.told(C) == ["arrival.planned"]


def test_s24_a_first_move_that_is_undone_afterwards_stops_nothing_that_was_told(stage: Stage) -> None:
    """The second waited no more when B undid the first: B has both before it and decides."""
    first = stage.file(move(TARO))
    first.moved_out()
    first.moved_in()
    second = stage.file(move(TARO, origin=B, destination=C, follows=first.receipt_no))
    assert second.told(B) == ["moveout.submitted"]
    first.withdraw()
    first.report(B, "cancel.decided", "CANCEL_REMOVE")
    first.report(A, "cancel.decided", "CANCEL_ADD")
    assert first.state == "CANCELLED"
    assert second.told(B) == ["moveout.submitted"]
    assert f"前の引越し（{first.receipt_no}）は取りやめになりました" in second.page()
    second.report(B, "moveout.reviewing")
    second.report(B, "moveout.decided", "REJECTED")
    assert second.state == "REJECTED"


def test_s24_a_first_move_that_was_never_filed_at_b_is_an_unfiled_stay(stage: Stage) -> None:
    first = stage.file(move(TARO))
    first.moved_out()
    second = stage.file(move(TARO, origin=B, destination=C, follows=first.receipt_no))
    assert second.told(B) == []
    second.report(C, "arrival.visited", last_registered=A)
    second.report(C, "movein.decided", "REGISTERED")
    assert second.told(B) == ["movein.notice"]
    assert second.told(A) == ["movein.notice"]
    assert second.notice(A, "movein.notice").last_registered == A
    for code in (A, B):
        second.confirmed(code)
    second.entered()
    assert second.state == "COMPLETE"
    assert second.states(B) == ["CONFIRMED"]


def test_s26_an_unfiled_stay_is_told_to_both_towns(stage: Stage) -> None:
    story = stage.file(move(origin=B, destination=C, last_registered=A))
    # Nobody is registered at B: no move-out is filed, no certificate awaited.
    assert story.told(B) == []
    assert story.told(C) == ["arrival.planned", "arrival.prefill"]
    # What C enters as former address (B's, 未届) and as last registered: the one beside the other.
    prefill = story.notice(C, "arrival.prefill")
    assert (prefill.old_address, prefill.last_registered, prefill.origin) == (place(B), A, B)
    story.moved_in(C)
    for code, role in ((B, Role.ORIGIN), (A, Role.LAST_REGISTERED)):
        notice = story.notice(code, "movein.notice")
        assert (notice.role, notice.last_registered, notice.origin) == (role, A, B)
        story.confirmed(code)
    # So has every layout: C's own record names both, the address that was never filed and the town of the record.
    record = story.written(C, "arrival.prefill")[1]
    assert (record.origin, record.last_registered) == (B, A)
    story.entered()
    assert story.state == "SETTLED"
    assert story.told(A) == story.told(B) == ["movein.notice"]
    assert (story.told(R), story.alerts(A), story.alerts(B), story.alerts(C)) == (["appendix.notice"], [], [], [])
    assert not [word for word in story.audit() if word.startswith(("moveout", "certificate"))]


def test_s27_the_origin_had_deleted_the_record_ex_officio(stage: Stage) -> None:
    story = stage.file(move(msgspec.structs.replace(HANAKO, presents_card=True)))
    story.report(A, "moveout.reviewing")
    story.report(A, "moveout.decided", "EX_OFFICIO")
    # The card cannot be used on; the way on is paper.
    assert story.row.flow == Flow.PAPER_CERT
    assert story.refused(A, "certificate.available")["code"] == "E200"
    story.report(A, "certificate.paper_issued")
    story.moved_in()
    story.confirmed()
    assert story.states(A) == ["CONFIRMED"]
    story.entered()
    assert story.state == "COMPLETE"
    assert story.events("flow.changed") == [{"flow": "PAPER_CERT", "movers": [1]}]
    with acting(HUB):
        assert not Deadline.objects.filter(relocation=story.relocation, clock="C90").exists()
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    assert (story.alerts(A), story.alerts(B)) == ([], [])
    # The card cannot be used on: the citizen is told to apply for a new one.
    page = story.page()
    assert "マイナンバーカードの再交付の申請" in page
    assert "マイナンバーカードの継続利用" not in page


@pytest.mark.parametrize("said", ["before", "after", "never"])
def test_s27_the_origin_closed_the_record_ex_officio_and_the_notice_comes_afterwards(stage: Stage, said: str) -> None:
    """The notice is applied to the deleted record (standard 4.1.3.1.1): nobody is lost between two towns."""
    story = stage.file(move())
    story.moved_out()
    stage.at("2026-03-13")
    if said == "before":
        story.report(A, "moveout.effective")
    stage.at("2026-09-08")
    # Whether A reported the deletion on the planned day or not, nobody has come.
    if said == "after":
        story.report(A, "moveout.effective")
    assert (story.state, story.alerts(A)) == ("NON_ARRIVAL", ["A411"])
    story.report(A, "moveout.effective", "EX_OFFICIO")
    assert (story.states(A), story.state) == (["CLOSED_EX_OFFICIO"] * 3, "CANCELLED")
    stage.at("2026-10-05")
    story.report(A, "certificate.paper_issued")
    story.moved_in(legal_date="2026-10-01")
    assert story.told(A) == ["moveout.submitted", "movein.notice"]
    assert (story.states(A), story.states(B)) == (["EFFECTIVE"] * 3, ["NOTIFIED"] * 3)
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"


WARD: dict[str, Any] = {"kind": Kind.WARD_TO_WARD, "flow": Flow.NOT_APPLICABLE, "planned_out_on": None}
NISHI = "141038"


def test_s28_who_moves_between_wards_enters_no_other_city_by_that_filing(stage: Stage) -> None:
    """To another city a move-out is filed, with its certificate; to another ward of this one it is not (Act Art. 38)."""
    story = stage.file(move(origin=TSURUMI, destination=KANAGAWA, **WARD))
    refused = story.refused(B, "arrival.diverted", **appears(B))
    assert (refused["code"], refused["pointer"]) == ("E307", "/type")
    assert all(word in refused["remedy"] for word in ("転出届", "あらためての届出", "取り下げる"))
    assert (story.states(KANAGAWA), story.states(B)) == (["PREPARED"] * 3, [])
    connect(NISHI, "gif_json", "pull:")
    stage.town(NISHI)
    story.report(NISHI, "arrival.diverted", **appears(NISHI))
    story.report(NISHI, "movein.decided", "REGISTERED")
    assert (story.states(KANAGAWA), story.states(NISHI)) == (["DIVERTED"] * 3, ["NOTIFIED"] * 3)
    story.confirmed(TSURUMI)
    assert story.states(NISHI) == ["CLOSED"] * 3


def test_s28_who_moves_to_another_city_enters_no_ward_of_their_own_by_that_filing(stage: Stage) -> None:
    story = stage.file(move(TARO, origin=TSURUMI, destination=B))
    refused = story.refused(KANAGAWA, "arrival.diverted", **appears(KANAGAWA))
    assert (refused["code"], "区間異動として届け出" in refused["remedy"]) == ("E307", True)
    story.moved_out(TSURUMI)
    stage.town(C)
    story.report(C, "arrival.diverted", **appears(C))
    assert story.states(B) == ["DIVERTED"]


def test_s28_from_ward_to_ward_with_one_filing(stage: Stage) -> None:
    story = stage.file(move(origin=TSURUMI, destination=KANAGAWA, **WARD))
    # No move-out, no certificate; the ward entered has everything at once, both households included.
    assert story.told(TSURUMI) == []
    assert story.told(KANAGAWA) == ["arrival.planned", "arrival.prefill"]
    prefill = story.notice(KANAGAWA, "arrival.prefill")
    assert (prefill.kind, prefill.flow) == (Kind.WARD_TO_WARD, Flow.NOT_APPLICABLE)
    assert "カードで転入届ができる最後の日" not in story.page()  # no clock of the card runs
    with acting(HUB):
        clocks = set(Deadline.objects.filter(relocation=story.relocation).values_list("clock", flat=True))
    assert clocks == {"C14"}
    story.moved_in(KANAGAWA)
    assert story.told(TSURUMI) == ["movein.notice"]
    story.confirmed(TSURUMI)
    story.entered()
    assert story.state == "SETTLED"
    assert not [action for action in story.audit() if action.startswith("certificate")]
    # The card goes on as it is: the address is written on it with the filing, and no ninety days run.
    page = story.page()
    assert "マイナンバーカードの住所の書換え" in page
    assert "マイナンバーカードの継続利用" not in page
    # For statistics it is a move between municipalities; what it is, both wards read in the record itself.
    notice = story.notice(TSURUMI, "movein.notice")
    assert (notice.kind, notice.origin, notice.destination) == (Kind.WARD_TO_WARD, TSURUMI, KANAGAWA)
    assert (story.alerts(TSURUMI), story.alerts(KANAGAWA)) == ([], [])


def test_s30_from_abroad_a_child_that_was_never_registered(stage: Stage) -> None:
    child = person(2, "見本　未来", "子", date_of_birth=born(2023))
    abroad = Address(country="FRA", full_address="1 rue Exemple, Paris")
    document = move(
        HANAKO,
        child,
        kind=Kind.OVERSEAS_IN,
        flow=Flow.NOT_APPLICABLE,
        planned_out_on=None,
        old_address=abroad,
        last_registered=A,
        scope=Scope.WHOLE,
    )
    story = stage.file(document)
    assert story.row.origin_id is None
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    prefill = story.notice(B, "arrival.prefill")
    assert (prefill.origin, prefill.last_registered) == ("", A)
    assert prefill.old_address is not None
    assert prefill.old_address.country == "FRA"
    # What the register is entered from: the family register is told for each of them.
    assert [mover.registry.local_government_code if mover.registry else "" for mover in prefill.movers] == [R, R]
    page = story.page()
    assert all(word in page for word in ("パスポート", "戸籍謄本", "戸籍の附票の写し"))
    assert "転出証明書" not in page
    without = msgspec.structs.replace(
        document, movers=(document.movers[0], msgspec.structs.replace(child, registry=None))
    )
    problem = front().post("relocations", msgspec.to_builtins(without)).json()
    assert (problem["code"], problem["pointer"]) == ("E310", "/movers/1/registry")
    story.moved_in()
    story.entered()
    assert story.state == "COMPLETE"
    assert story.told(A) == []
    assert not [word for word in story.audit() if word.startswith(("moveout", "certificate"))]
    with acting(HUB):
        assert not Relocation.objects.get(pk=story.relocation.pk).movers.filter(role=Role.ORIGIN.value).exists()


def test_s25_a_returnee_is_recognised_by_the_town(stage: Stage) -> None:
    story = stage.file(move(HANAKO, flow=Flow.PAPER_CERT))
    assert story.refused(A, "moveout.reviewing", returnee="SAME")["pointer"] == "/returnee"
    story.moved_out()
    # Name, sex and day of birth fit a record of 2015; no number does: B's clerk is to decide, nobody else is told.
    story.report(B, "arrival.visited", returnee="LIKELY")
    assert (story.alerts(B), story.alerts(A)) == (["A401"], [])
    desk = stage.clerk(B).get("/admin/relocations/alert/", follow=True).content.decode()
    assert "A401 再転入の可能性があります" in desk
    assert "再転入" not in story.page()
    # What B's old record has otherwise is told to A, by item; which name counts is B's rule, and nothing is changed.
    story.report(B, "differences.reported", differences=["/movers/0/fullName"])
    assert (story.alerts(A), story.events("filing.corrected")) == (["A415"], [])
    assert HANAKO.full_name not in story.looked_at(A, "A415")
    # B uses the former number again, which the hub neither asks for nor keeps; the name stays as it was filed.
    story.report(B, "movein.decided", "REGISTERED", returnee="SAME")
    assert (story.alerts(B), story.states(B)) == ([], ["NOTIFIED"])
    assert [event["returnee"] for event in story.events("returnee.known")] == ["LIKELY", "SAME"]
    assert story.notice(A, "movein.notice").movers[0].full_name == HANAKO.full_name
    assert b"SAME" not in b"".join(msgspec.json.encode(notice) for notice in story.inbox(A))
    story.confirmed()
    story.entered()
    assert (story.state, story.told(R)) == ("COMPLETE", ["appendix.notice"])
    assert story.audit()["returnee.known"] == 2
