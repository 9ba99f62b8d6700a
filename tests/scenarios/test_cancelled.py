"""A move-in that was cancelled: what comes late about it, what follows elsewhere, and what happens when nothing does."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.utils import timezone

from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.procedures.models import Task
from hub.protection import services as protection
from hub.relocations import changing, services
from hub.relocations.filing import Filer
from municipalities.notice import Address, Flow, Kind, Role
from tests.hub.visitor import Page
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
    Story,
    day,
    move,
    place,
)

pytestmark = pytest.mark.django_db

CANCELLED = "転入の登録が取り消されました"


def cancelled(stage: Stage, outcome: str = "CANCEL_AMENDED", **changes: Any) -> Story:
    """Both are registered at B, everybody is told and has entered it; then B cancels."""
    story = stage.file(move(TARO, HANAKO, **changes))
    story.moved_out()
    story.moved_in()
    story.entered()
    story.report(B, "cancel.decided", outcome)
    return story


def appears(story: Story, code: str) -> None:
    """They appear at another town, which registers them."""
    address = msgspec.to_builtins(place(code, "見本町９番９号"))
    story.stage.town(code)
    story.report(code, "arrival.diverted", changes=[{"pointer": "/newAddress", "value": address}])
    story.report(code, "movein.decided", "REGISTERED")


def test_what_comes_late_about_a_cancelled_move_in_moves_nobody(stage: Stage) -> None:
    story = cancelled(stage)
    assert (story.told(A)[-1], story.told(R)[-1]) == ("movein.cancelled", "movein.cancelled")
    assert (story.state, story.states(A), story.states(R)) == ("AWAITING_ARRIVAL", ["EFFECTIVE"] * 2, ["REVOKED"] * 2)
    late = story.refused(A, "movein.notice_applied")
    assert (late["code"], late["remedy"]) == ("E201", "何もする必要はありません。新しい版が有効です。")
    assert "cancelled" in late["detail"]
    assert story.refused(R, "appendix.mismatch")["code"] == "E201"
    assert (story.state, story.states(A), story.states(R)) == ("AWAITING_ARRIVAL", ["EFFECTIVE"] * 2, ["REVOKED"] * 2)
    # The register says twice that it entered something: the notice, late, and its cancellation.
    story.entered()
    assert story.refused(R, "appendix.applied")["code"] == "E201"
    assert story.states(R) == ["CANCELLED"] * 2
    page = story.page()
    assert CANCELLED in page
    assert "転入の登録が取り消されました。取り消した市区町村の窓口で、今後の手続を確認してください。" in page
    # The town that was left enters them again; it is its turn now (O7).
    story.report(A, "cancel.decided", "CANCEL_ADD")
    assert (story.state, story.states(A)) == ("CANCELLED", ["CANCELLED"] * 2)
    assert CANCELLED not in story.page()


def test_a_confirmation_on_its_way_is_taken_back_with_the_move_in(stage: Stage) -> None:
    """A had confirmed before it is told: until then it is confirmed there, and the filing says so no more."""
    story = stage.file(move(TARO))
    story.moved_out()
    story.moved_in()
    story.confirmed()
    assert story.state == "ARRIVED"
    assert stage.town(B).post(story, "cancel.decided", "CANCEL_REMOVE").status_code == 201
    assert (story.state, story.states(A)) == ("AWAITING_ARRIVAL", ["CONFIRMED"])
    assert story.refused(A, "movein.notice_applied")["code"] == "E201"
    stage.post()
    assert (story.state, story.states(A)) == ("AWAITING_ARRIVAL", ["EFFECTIVE"])


def test_cancelled_and_registered_elsewhere_everybody_is_told_anew(stage: Stage) -> None:
    story = cancelled(stage, "CANCEL_REMOVE")
    story.entered()
    assert story.states(R) == ["CANCELLED"] * 2
    appears(story, C)
    assert (story.states(B), story.states(C)) == (["CANCELLED"] * 2, ["NOTIFIED"] * 2)
    assert story.told(A) == ["moveout.submitted", "movein.notice", "movein.cancelled", "movein.notice"]
    assert story.told(R) == ["appendix.notice", "movein.cancelled", "appendix.notice"]
    assert [story.notice(A, "movein.notice").destination, story.notice(R, "appendix.notice").destination] == [C, C]
    assert "certificate.recalled" not in story.told(B)
    assert (story.state, story.states(R)) == ("ARRIVED", ["NOTICE_SENT"] * 2)
    assert CANCELLED not in story.page()
    story.confirmed()
    story.confirmed()  # once more, for the first notice: it changes nothing
    story.entered()
    assert (story.state, story.states(A), story.states(C)) == ("COMPLETE", ["CONFIRMED"] * 2, ["CLOSED"] * 2)
    # C cancels too, and everybody is told again.
    story.report(C, "cancel.decided", "CANCEL_REMOVE")
    assert (story.told(A).count("movein.cancelled"), story.told(R).count("movein.cancelled")) == (2, 2)
    assert (story.state, story.states(A), story.states(R)) == ("AWAITING_ARRIVAL", ["EFFECTIVE"] * 2, ["REVOKED"] * 2)
    story.entered()
    story.report(A, "cancel.decided", "CANCEL_ADD")
    assert story.state == "CANCELLED"


def test_follow_on_procedures_go_where_the_movers_go(stage: Stage) -> None:
    story = stage.file(move())
    story.moved_out()
    story.moved_in()
    opened = story.tasks(B)
    assert opened
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    assert story.tasks(B, "task.cancelled") == opened
    appears(story, C)
    assert story.tasks(C) == opened


def test_one_of_two_is_cancelled_and_goes_on_elsewhere(stage: Stage) -> None:
    story = stage.file(move(TARO, HANAKO))
    story.moved_out()
    story.moved_in()
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"
    story.report(B, "cancel.decided", "CANCEL_REMOVE", movers=[2])
    assert (story.state, story.states(A)) == ("AWAITING_ARRIVAL", ["CONFIRMED", "EFFECTIVE"])
    assert [mover.ordinal for mover in story.notice(A, "movein.cancelled").movers] == [2]
    story.confirmed(movers=[1])
    assert story.refused(A, "movein.notice_applied")["code"] == "E201"
    assert CANCELLED in story.page()
    story.report(A, "cancel.decided", "CANCEL_ADD", movers=[2])
    assert story.state == "COMPLETE"


def test_a_town_of_an_unfiled_stay_is_told_anew(stage: Stage) -> None:
    story = stage.file(move(TARO, last_registered=C, flow=Flow.PAPER_CERT))
    story.moved_in()
    story.confirmed(C)
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    assert (story.told(C), story.states(C)) == (["movein.notice", "movein.cancelled"], ["CANCELLED"])
    assert story.refused(C, "movein.notice_applied")["code"] == "E201"
    appears(story, R)
    assert story.told(C) == ["movein.notice", "movein.cancelled", "movein.notice"]
    assert story.states(C) == ["NOTIFIED"]
    story.confirmed(C)
    assert story.states(C) == ["CONFIRMED"]


def test_cancelled_before_the_register_was_told(stage: Stage) -> None:
    """R fetches nothing meanwhile. A's decision takes back what had not left; what had, is taken back by a notice."""
    story = stage.file(move(TARO))
    story.moved_out()
    story.moved_in()
    town = stage.towns.pop(R)
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    story.report(A, "cancel.decided", "CANCEL_ADD")
    stage.towns[R] = town
    stage.post()
    assert story.told(R) == ["appendix.notice", "movein.cancelled"]
    assert (story.state, story.states(R)) == ("CANCELLED", ["REVOKED"])


@pytest.mark.parametrize("days", [("2026-03-10", "2026-09-06", "2026-09-07")])
def test_cancelled_and_nobody_arrives_the_origin_is_alerted(stage: Stage, days: tuple[str, str, str]) -> None:
    """The clock had stopped with the move-in; it runs anew from the day of the cancellation."""
    start, last, after = days
    stage.at(start)
    story = cancelled(stage)
    story.entered()
    assert story.deadline("NON_ARRIVAL")[2] == "MET"
    assert story.deadline("REOPENED") == (day(last), day(last), "RUNNING")
    stage.at(last)
    assert (story.alerts(A), story.states(A)) == (["A427"], ["EFFECTIVE"] * 2)
    stage.at(after)
    assert (story.alerts(A), story.states(A)) == (["A427", "A428"], ["NON_ARRIVAL"] * 2)
    assert (story.state, story.deadline("REOPENED")[2]) == ("NON_ARRIVAL", "PASSED")
    assert CANCELLED in story.page()
    assert "A428 転入が取り消され" in Page(stage.clerk(A).get("/admin/relocations/alert/").content.decode()).text
    # Whoever appears after all is told of as ever; the way with the card is long over.
    story.report(A, "certificate.paper_issued")
    appears(story, C)
    assert (story.state, story.states(A)) == ("ARRIVED", ["EFFECTIVE"] * 2)
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"


def test_the_clock_stops_and_runs_again_on_the_same_day(stage: Stage) -> None:
    story = cancelled(stage)
    appears(story, C)
    assert story.deadline("REOPENED")[2] == "MET"
    story.report(C, "cancel.decided", "CANCEL_REMOVE")
    assert story.deadline("REOPENED")[2] == "RUNNING"
    story.report(A, "cancel.decided", "CANCEL_ADD")
    assert story.deadline("REOPENED")[2] == "SUPERSEDED"


def test_a_move_abroad_that_is_cancelled_is_told_once(stage: Stage) -> None:
    abroad = msgspec.structs.replace(place(A), local_government_code="", country="FRA", full_address="Paris")
    story = stage.file(
        move(TARO, kind=Kind.OVERSEAS_OUT, flow=Flow.NOT_APPLICABLE, living_from=None, new_address=abroad)
    )
    story.report(A, "moveout.reviewing")
    story.report(A, "moveout.decided", "REGISTERED")
    assert story.told(R) == ["appendix.notice"]
    story.report(A, "cancel.decided", "CANCEL_ADD")
    assert story.told(R) == ["appendix.notice", "movein.cancelled"]
    story.entered()
    assert story.refused(R, "appendix.applied")["code"] == "E201"
    assert (story.state, story.states(R, Role.DOMICILE)) == ("CANCELLED", ["CANCELLED"])


def restored(story: Story, code: str = B, **more: Any) -> None:
    """The cancellation was the mistake: the town enters them again by the visit that there was."""
    story.report(code, "arrival.visited", **more)
    story.report(code, "movein.decided", "REGISTERED", **more)


def test_cancelled_by_mistake_the_same_town_registers_them_again(stage: Stage) -> None:
    story = stage.file(move(flow=Flow.PAPER_CERT))
    story.moved_out()
    story.moved_in()
    story.confirmed()
    story.entered()
    opened = story.tasks(B)
    assert (story.state, bool(opened)) == ("SETTLED", True)
    stage.at("2026-03-24")
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    assert (story.state, story.alerts(A), CANCELLED in story.page()) == ("AWAITING_ARRIVAL", ["A427"], True)
    assert story.tasks(B, "task.cancelled") == opened
    # A decision that comes late, or twice, registers nobody: a visit is reported first, that of then or another (O2).
    late = story.refused(B, "movein.decided", "REGISTERED")
    assert (late["code"], late["detail"]) == ("E200", "The leg is CANCELLED.")
    stage.at("2026-03-25")
    again: dict[str, Any] = {"legal_date": "2026-03-10"}
    story.report(B, "arrival.visited", visited_on="2026-03-10", **again)
    assert (story.state, story.states(B), story.states(A)) == (
        "AWAITING_ARRIVAL",
        ["AT_COUNTER"] * 3,
        ["EFFECTIVE"] * 3,
    )
    # It is for B's clerk to know what it is: restored, or filed anew. By the day of the visit it is in time.
    assert story.alerts(B) == ["A430"]
    assert CANCELLED not in story.page()
    # Nobody is registered yet: until they are A is told nothing new, and may still enter them again itself.
    assert (story.told(A)[-1], story.told(R)[-1], story.alerts(A)) == ("movein.cancelled", "movein.cancelled", ["A427"])
    story.report(B, "movein.decided", "REGISTERED", **again)
    assert (story.state, story.states(B), story.alerts(A)) == ("ARRIVED", ["NOTIFIED"] * 3, [])
    assert story.told(A)[-2:] == ["movein.cancelled", "movein.notice"]
    assert story.told(R) == ["appendix.notice", "movein.cancelled", "appendix.notice"]
    first, second = (notice for notice in story.inbox(A) if notice.type == "movein.notice")
    assert first.notice_id != second.notice_id
    assert (second.destination, second.actual_in_on) == (B, day("2026-03-10"))
    assert story.deadline("REOPENED")[2] == "MET"
    # Registered again it is A's turn no more (O7), and procedures are opened anew.
    assert story.refused(A, "cancel.decided", "CANCEL_ADD")["code"] == "E200"
    assert story.tasks(B) == opened
    with acting(HUB):
        tasks = Task.objects.filter(relocation_id=story.relocation.pk, municipality=B)
        live = tasks.exclude(state="SUPERSEDED")
        assert {task.generation for task in live} == {2}
        assert {task.state for task in tasks.filter(generation=1)} == {"SUPERSEDED"}
        assert live.count() == tasks.filter(generation=1).count()
    story.confirmed()
    story.entered()
    assert (story.state, story.states(A), story.states(B)) == ("SETTLED", ["CONFIRMED"] * 3, ["CLOSED"] * 3)
    audit = story.audit()
    assert (audit["movein.decided"], audit["cancel.decided"], audit["movein.notice.queued"]) == (2, 1, 2)
    assert "certificate.recalled" not in story.told(B)


def test_one_of_two_is_registered_again_and_a_repeated_report_has_no_further_effect(stage: Stage) -> None:
    story = cancelled(stage)
    visit: dict[str, Any] = {"id": str(uuid4()), "movers": [2]}
    answers = [stage.town(B).post(story, "arrival.visited", **visit).status_code for _ in range(2)]
    decided: dict[str, Any] = {"id": str(uuid4()), "movers": [2]}
    answers += [stage.town(B).post(story, "movein.decided", "REGISTERED", **decided).status_code for _ in range(2)]
    stage.post()
    assert answers == [201, 200, 201, 200]
    assert (story.states(B), story.told(A).count("movein.notice")) == (["CANCELLED", "NOTIFIED"], 2)
    assert [mover.ordinal for mover in story.notice(A, "movein.notice").movers] == [2]
    # The other one stays where A enters them again; both ends are reached.
    assert story.alerts(A) == ["A427"]
    story.report(A, "cancel.decided", "CANCEL_ADD", movers=[1])
    assert story.alerts(A) == []
    story.confirmed(movers=[2])
    story.entered(movers=[2])
    story.entered(movers=[1])
    assert (story.state, story.states(A)) == ("COMPLETE", ["CANCELLED", "CONFIRMED"])


def test_whom_the_origin_entered_again_no_destination_registers_by_this_filing(stage: Stage) -> None:
    story = cancelled(stage)
    story.report(A, "cancel.decided", "CANCEL_ADD", movers=[1])
    problem = story.refused(B, "arrival.visited", movers=[1])
    assert (problem["code"], "another filing" in problem["detail"]) == ("E200", True)
    for type_ in ("arrival.visited", "arrival.diverted"):
        address: dict[str, Any] = {"changes": [{"pointer": "/newAddress", "value": msgspec.to_builtins(place(B))}]}
        assert story.refused(B, type_, **(address if type_ == "arrival.diverted" else {}))["code"] == "E200"
    # At the counter it is still A's to decide, and then B's no more.
    story.report(B, "arrival.visited", movers=[2])
    story.report(A, "cancel.decided", "CANCEL_ADD", movers=[2])
    assert (story.states(B), story.state) == (["CANCELLED"] * 2, "CANCELLED")
    assert story.refused(B, "movein.decided", "REGISTERED", movers=[2])["code"] == "E200"
    assert story.refused(B, "arrival.visited", movers=[2])["code"] == "E200"


@pytest.mark.parametrize("how", ["withdrawn", "entered again", "died"])
def test_what_was_taken_back_is_taken_up_by_no_other_town(stage: Stage, how: str) -> None:
    story = stage.file(move(TARO))
    if how == "withdrawn":
        story.withdraw()
    else:
        story.moved_out()
    if how == "entered again":
        story.report(A, "cancel.decided", "CANCEL_ADD")
    elif how == "died":
        story.report(R, "registry.change", "DEATH")
    before = (story.state, story.states(A), story.states(B))
    stage.town(C)
    address = msgspec.to_builtins(place(C, "見本町９番９号"))
    problem = story.refused(C, "arrival.diverted", changes=[{"pointer": "/newAddress", "value": address}])
    reason = ("E301", "death") if how == "died" else ("E200", "another filing")
    assert (problem["code"], reason[1] in problem["detail"]) == (reason[0], True)
    assert story.refused(B, "arrival.visited")["code"] == reason[0]
    assert ((story.state, story.states(A), story.states(B)), story.states(C)) == (before, [])


def test_nobody_is_registered_at_two_destinations(stage: Stage) -> None:
    story = cancelled(stage)
    stage.town(C)
    address = msgspec.to_builtins(place(C, "見本町９番９号"))
    there: dict[str, Any] = {"changes": [{"pointer": "/newAddress", "value": address}]}
    story.report(C, "arrival.diverted", movers=[1], **there)
    # Whom C has at its counter or in its register, B does not have.
    assert story.refused(B, "arrival.visited", movers=[1])["code"] == "E200"
    story.report(C, "movein.decided", "REGISTERED", movers=[1])
    assert story.refused(B, "arrival.visited", movers=[1])["code"] == "E200"
    # Who stayed has the address that was filed: B registers them by the visit that is reported anew.
    story.report(B, "arrival.visited", movers=[2])
    story.report(B, "movein.decided", "REGISTERED", movers=[2])
    assert (story.states(B), story.states(C)) == (["CANCELLED", "NOTIFIED"], ["NOTIFIED"])
    here: dict[str, Any] = {
        "changes": [{"pointer": "/newAddress", "value": msgspec.to_builtins(place(B, "試験町８番"))}]
    }
    assert story.refused(B, "arrival.diverted", movers=[1], **here)["code"] == "E200"
    # C cancels in its turn: now the other may be at B after all, which says where, for the filing says C's address.
    story.report(C, "cancel.decided", "CANCEL_REMOVE", movers=[1])
    assert story.state == "AWAITING_ARRIVAL"
    problem = story.refused(B, "arrival.visited", movers=[1])
    assert (problem["code"], "arrival.diverted" in problem["detail"]) == ("E200", True)
    story.report(B, "arrival.diverted", movers=[1], **here)
    story.report(B, "movein.decided", "REGISTERED", movers=[1])
    assert (story.state, story.states(B), story.states(C)) == ("ARRIVED", ["NOTIFIED"] * 2, ["CANCELLED"])
    notice = story.notice(A, "movein.notice")
    assert (notice.destination, notice.new_address) == (B, place(B, "試験町８番"))
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"


def test_a_destination_that_decides_late_cannot_register_who_is_registered_elsewhere(stage: Stage) -> None:
    """At B's counter before the move-out was decided, and amended to C, which registers them first."""
    story = stage.file(move(TARO, flow=Flow.PAPER_CERT))
    story.report(B, "arrival.visited")
    with acting(HUB):
        filing = services.filing_of(story.row)
    stage.town(C)
    changing.amend(story.relocation.pk, msgspec.structs.replace(filing, new_address=place(C)), story.citizen.actor)
    stage.post()
    story.moved_out()
    story.moved_in(C)
    problem = story.refused(B, "movein.decided", "REGISTERED")
    assert (problem["code"], "O7" in problem["detail"]) == ("E200", True)
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"


def test_who_asked_for_the_cancellation_may_ask_once_more(stage: Stage) -> None:
    story = stage.file(move(TARO))
    story.moved_out()
    story.moved_in()
    story.withdraw()
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    assert (story.told(B).count("cancel.requested"), story.told(A).count("cancel.requested")) == (1, 1)
    story.withdraw()  # both were asked: it is A's turn
    assert (story.told(B).count("cancel.requested"), story.told(A).count("cancel.requested")) == (1, 1)
    restored(story)
    assert story.told(B).count("cancel.requested") == 1
    for _ in range(2):
        story.withdraw()
    assert story.told(B).count("cancel.requested") == 2


def test_filed_anew_after_the_days_of_the_card_paper_is_needed(stage: Stage) -> None:
    """Who moves in only later is judged by the days of that visit (Order Art. 24-2)."""
    story = cancelled(stage, "CANCEL_REMOVE")
    stage.at("2026-04-10")  # day 31 from the planned day
    story.report(B, "arrival.visited", legal_date="2026-04-08", card_shown=True)
    assert story.row.flow == Flow.PAPER_CERT
    assert story.alerts(B) == ["A408", "A430"]
    assert story.refused(B, "movein.decided", "REGISTERED", legal_date="2026-04-08")["code"] == "E200"
    story.report(A, "certificate.paper_issued")
    story.report(B, "movein.decided", "REGISTERED", legal_date="2026-04-08")
    assert story.notice(A, "movein.notice").actual_in_on == day("2026-04-08")


def test_the_ninety_days_of_the_card_that_ran_out_stay_so(stage: Stage) -> None:
    stage.at("2026-03-10")
    story = stage.file(move(TARO))
    story.moved_out()
    story.moved_in(legal_date="2026-03-10")
    story.confirmed()
    stage.at("2026-06-09")
    assert (story.deadline("C90")[2], story.alerts(B)) == ("PASSED", ["A409"])
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    story.report(B, "arrival.visited", legal_date="2026-03-10", visited_on="2026-03-10")
    story.report(B, "movein.decided", "REGISTERED", legal_date="2026-03-10")
    assert (story.deadline("C90")[2], story.states(B)) == ("PASSED", ["NOTIFIED"])


@pytest.mark.parametrize("kind", [Kind.IN_CITY, Kind.WARD_TO_WARD, Kind.OVERSEAS_IN])
def test_where_no_move_out_is_filed_a_cancelled_entry_is_made_again_too(stage: Stage, kind: Kind) -> None:
    towns: dict[Kind, dict[str, Any]] = {
        Kind.IN_CITY: {"origin": B, "destination": B},
        Kind.WARD_TO_WARD: {"origin": TSURUMI, "destination": KANAGAWA},
        Kind.OVERSEAS_IN: {"old_address": Address(country="FRA", full_address="Paris")},
    }
    changes: dict[str, Any] = {"kind": kind, "flow": Flow.NOT_APPLICABLE, "planned_out_on": None, **towns[kind]}
    story = stage.file(move(TARO, **changes))
    where = str(story.row.destination_id)
    story.moved_in(where)
    story.report(where, "cancel.decided", "CANCEL_AMENDED")
    assert (story.state, story.told(R)[-1]) == ("CANCELLED", "movein.cancelled")
    restored(story, where)
    assert (story.state, story.told(R)[-1]) == ("ARRIVED", "appendix.notice")
    if kind is Kind.WARD_TO_WARD:
        story.confirmed(TSURUMI)
    story.entered()
    assert story.state == "COMPLETE"


def test_a_hidden_filing_is_registered_again_and_its_filer_is_shown_nothing_of_it(stage: Stage) -> None:
    filed = move(TARO, HANAKO, filer=Filer(consents_held=(1, 2)))
    story = stage.file(filed)
    story.moved_out()
    story.moved_in()
    before = story.page()
    clerk = Actor(ActorKind.CLERK, A, "901", PROTECTS)
    with acting(clerk):
        ends = timezone.localdate() + timedelta(days=300)
        protection.set_for_filed(
            clerk, story.receipt_no, 2, contact_office="市民課", expires_on=ends, provisional=False
        )
    stage.post()
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    shown, frozen = story.row.frozen_state, story.row.frozen_at
    restored(story)
    assert (story.states(B), story.told(A)[-1], story.state) == (["NOTIFIED"] * 2, "movein.notice", "ARRIVED")
    # What everybody concerned is told under protection, the filer is not: the page is that of the measure's day.
    assert frozen is not None
    assert (story.row.frozen_state, story.page()) == (shown, before)
    story.confirmed()
    story.entered()
    assert (story.state, story.page()) == ("COMPLETE", before)
