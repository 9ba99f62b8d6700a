"""S22 to S30: destinations, diversions, repeats (domain reference 7)."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from hub.actors import HUB, acting
from hub.deliveries import lanes
from hub.deliveries.models import Delivery
from hub.relocations import successions
from hub.relocations.models import Relocation
from municipalities.models import Municipality, Succession
from municipalities.notice import Address, Flow, Kind, Role, Scope
from tests.scenarios.stage import (
    HANAKO,
    KANAGAWA,
    TARO,
    TSURUMI,
    A,
    B,
    C,
    R,
    Stage,
    born,
    day,
    move,
    person,
    place,
)

pytestmark = pytest.mark.django_db


def test_s22_the_citizen_knows_the_municipality_alone(stage: Stage) -> None:
    story = stage.file(move(TARO, new_address=place(B, "")))
    planned = story.notice(B, "arrival.planned").new_address
    assert planned is not None
    assert (planned.local_government_code, planned.city_block, planned.full_address) == (B, "", "東京都千代田区")
    story.moved_out()
    # The address is completed at the counter and told by the town that registered it.
    story.moved_in()
    completed = place(B, "試験町３番４号").full_address
    story.report(B, "correction.notified", changes=[{"pointer": "/newAddress/fullAddress", "value": completed}])
    told = story.notice(A, "correction.notified").new_address
    assert told is not None
    assert told.full_address == completed
    assert story.told(A).count("movein.notice") == 1
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"


def test_s23_who_was_planned_for_b_appears_at_c(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    appears: dict[str, Any] = {
        "changes": [{"pointer": "/newAddress", "value": msgspec.to_builtins(place(C, "見本町９番９号"))}]
    }
    story.report(C, "arrival.diverted", **appears)
    # B's working copy is taken back, C gets it, and the way with the card stays open.
    assert story.states(B) == ["DIVERTED"] * 3
    assert story.told(B) == ["arrival.planned", "arrival.prefill", "certificate.recalled"]
    assert story.told(C) == ["arrival.prefill"]
    assert story.row.flow == Flow.CARD_SPECIAL
    assert story.refused(B, "movein.decided", "REGISTERED")["code"] == "E200"
    story.report(C, "movein.decided", "REGISTERED")
    notice = story.notice(A, "movein.notice")
    assert (notice.destination, notice.new_address.local_government_code if notice.new_address else "") == (C, C)
    # The destination that was planned stays on record beside the confirmed one.
    assert story.row.destination_id == B
    assert story.notice(A, "moveout.submitted").destination == B
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    assert story.states(C) == ["CLOSED"] * 3
    assert "那覇市" in story.page()


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
    first.moved_in()
    assert second.told(B) == ["moveout.submitted"]
    stage.at("2026-04-05")
    second.moved_out(B)
    second.moved_in(C)
    # The notice of the second move is B's; A has its own of the first, whatever became of it, and never C's.
    assert second.told(B)[-1] == "movein.notice"
    assert second.told(A) == []
    assert first.told(A) == ["moveout.submitted", "movein.notice"]
    for story, left in ((first, A), (second, B)):
        story.confirmed(left)
        story.entered()
        assert story.state == "SETTLED"


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
    assert second.state == "SETTLED"
    assert second.states(B) == ["CONFIRMED"]


def test_s26_an_unfiled_stay_is_told_to_both_towns(stage: Stage) -> None:
    story = stage.file(move(origin=B, destination=C, last_registered=A))
    # Nobody is registered at B: no move-out is filed, no certificate awaited.
    assert story.told(B) == []
    assert story.told(C) == ["arrival.planned", "arrival.prefill"]
    story.moved_in(C)
    for code, role in ((B, Role.ORIGIN), (A, Role.LAST_REGISTERED)):
        notice = story.notice(code, "movein.notice")
        assert (notice.role, notice.last_registered, notice.origin) == (role, A, B)
        story.confirmed(code)
    story.entered()
    assert story.state == "SETTLED"
    assert story.told(A) == story.told(B) == ["movein.notice"]


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
    assert story.state == "SETTLED"
    assert story.events("flow.changed") == [{"flow": "PAPER_CERT"}]


def test_s28_from_ward_to_ward_with_one_filing(stage: Stage) -> None:
    ward: dict[str, Any] = {"kind": Kind.WARD_TO_WARD, "flow": Flow.NOT_APPLICABLE, "planned_out_on": None}
    story = stage.file(move(origin=TSURUMI, destination=KANAGAWA, **ward))
    # No move-out, no certificate; the ward entered has everything at once, both households included.
    assert story.told(TSURUMI) == []
    assert story.told(KANAGAWA) == ["arrival.planned", "arrival.prefill"]
    prefill = story.notice(KANAGAWA, "arrival.prefill")
    assert (prefill.kind, prefill.flow) == (Kind.WARD_TO_WARD, Flow.NOT_APPLICABLE)
    assert "カードで転入届ができる最後の日" not in story.page()  # no clock of the card runs
    story.moved_in(KANAGAWA)
    assert story.told(TSURUMI) == ["movein.notice"]
    story.confirmed(TSURUMI)
    story.entered()
    assert story.state == "SETTLED"
    assert not [action for action in story.audit() if action.startswith("certificate")]


def test_s30_from_abroad_a_child_that_was_never_registered(stage: Stage) -> None:
    child = person(2, "見本　未来", "子", date_of_birth=born(2023))
    abroad = Address(country="FRA", full_address="1 rue Exemple, Paris")
    story = stage.file(
        move(
            HANAKO,
            child,
            kind=Kind.OVERSEAS_IN,
            flow=Flow.NOT_APPLICABLE,
            planned_out_on=None,
            old_address=abroad,
            last_registered=A,
            scope=Scope.WHOLE,
        )
    )
    assert story.row.origin_id is None
    assert story.told(B) == ["arrival.planned", "arrival.prefill"]
    prefill = story.notice(B, "arrival.prefill")
    assert (prefill.origin, prefill.last_registered) == ("", A)
    assert prefill.old_address is not None
    assert prefill.old_address.country == "FRA"
    # What the register is entered from: the family register is told for each of them.
    assert [mover.registry.local_government_code if mover.registry else "" for mover in prefill.movers] == [R, R]
    story.moved_in()
    story.entered()
    assert story.state == "SETTLED"
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
    # B uses the former number again, which the hub neither asks for nor keeps; the name stays as it was filed.
    story.report(B, "movein.decided", "REGISTERED", returnee="SAME")
    assert (story.alerts(B), story.states(B)) == ([], ["NOTIFIED"])
    assert [event["returnee"] for event in story.events("returnee.known")] == ["LIKELY", "SAME"]
    assert story.notice(A, "movein.notice").movers[0].full_name == HANAKO.full_name
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"


def merged(first_day: str) -> None:
    """B merges into C on that day."""
    Municipality.objects.filter(pk=B).update(valid_to=day(first_day) - timedelta(days=1))
    Succession.objects.create(predecessor_id=B, successor_id=C, on=day(first_day))


def test_s29_the_destination_merges_into_another_town_during_the_move(stage: Stage) -> None:
    merged("2026-04-01")
    story = stage.file(move(TARO, HANAKO, planned_out_on=day("2026-03-31"), living_from=day("2026-04-03")))
    with acting(HUB):
        lanes.pause([B], paused=True)
    story.moved_out()
    # The announcement went to B; the working copy waits for it.
    assert (story.told(B), story.states(B)) == (["arrival.planned"], ["ANNOUNCED"] * 2)
    stage.town(C)
    stage.at("2026-04-01", "00:10")
    assert (story.told(B), story.told(C)) == (["arrival.planned"], ["arrival.prefill"])
    assert story.notice(C, "arrival.prefill").destination == C
    # What had happened at B counts at C, and C goes on from there; B has no part any more.
    assert (story.states(B), story.states(C)) == ([], ["PREPARED"] * 2)
    assert story.row.destination_id == C
    assert (story.alerts(C), story.alerts(B)) == (["A421"], [])
    assert story.deadline("C14")[2] == "RUNNING"
    # However often and by whomever it is looked at again, nothing is sent twice.
    assert [successions.follow() for _ in range(2)] == [0, 0]
    stage.post()
    audit = story.audit()
    assert (audit["leg.succeeded"], audit["arrival.prefill.queued"], audit["delivery.superseded"]) == (1, 2, 1)
    assert "東京都千代田区から手続を引き継ぎました" in story.page()
    desk = stage.clerk(C).get(f"/admin/relocations/relocation/{story.relocation.pk}/change/")
    assert (desk.status_code, "leg.succeeded" in desk.content.decode()) == (200, True)
    assert story.refused(B, "arrival.visited")["code"] == "E108"
    story.moved_in(C)
    story.confirmed()
    story.entered()
    assert story.state == "SETTLED"
    assert story.notice(A, "movein.notice").destination == C
    assert [notice.type for notice in story.inbox(B)] == ["arrival.planned"]


def test_s29_who_takes_over_is_asked_where_several_succeed(stage: Stage) -> None:
    merged("2026-04-01")
    Succession.objects.create(predecessor_id=B, successor_id=R, on=day("2026-04-01"), part="試験町")
    story = stage.file(move(TARO, planned_out_on=day("2026-03-31"), living_from=day("2026-04-03")))
    with acting(HUB):
        lanes.pause([B], paused=True)
    story.moved_out()
    stage.at("2026-04-01", "00:10")
    with acting(HUB):
        lanes.pause([B], paused=False)
    stage.post()
    # Nothing is sent to either, and an operator is to decide.
    assert (story.told(B), story.told(C)) == (["arrival.planned"], [])
    assert story.alerts(B) == ["A413"]
    with acting(HUB):
        held = Delivery.objects.get(relocation_id=story.relocation.pk, type="arrival.prefill")
        assert (held.state, held.code) == ("held", "A413")
    assert successions.follow() == 0
