"""S22 to S30: destinations, diversions, repeats (domain reference 7)."""

from typing import Any

import msgspec
import pytest

from hub.actors import HUB, acting
from hub.relocations.models import Relocation
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
