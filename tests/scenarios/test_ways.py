"""Each mover's own way of the certificate, the days that count for each, and the card that is presented later."""

import re
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.urls import reverse

from hub.actors import HUB, acting
from hub.relocations import status
from hub.relocations.models import Deadline, Event
from hub.trays import services as trays
from municipalities.models import Connection
from municipalities.notice import Address, Flow, Kind, Mover
from municipalities.transports.answers import Found
from tests.scenarios.stage import FAMILY, HANAKO, ICHIRO, TARO, A, B, C, R, Stage, Story, day, move, place

pytestmark = pytest.mark.django_db

CARD, PAPER = Flow.CARD_SPECIAL.value, Flow.PAPER_CERT.value


def rows(story: Story, clock: str, code: str = "") -> list[tuple[list[int], str, str]]:
    """The deadlines of a clock, at a town alone if it is named: for whom, until when, and what became of them."""
    with acting(HUB):
        found = Deadline.objects.filter(relocation=story.relocation, clock=clock).order_by("starts_on")
        found = found.filter(municipality=code) if code else found
        return [(row.ordinals, row.due_on.isoformat(), row.state) for row in found]


def shown(mover: Mover) -> str:
    """A name as the text of a page has it, with its spaces made one."""
    return " ".join(mover.full_name.split())


def cells(page: str) -> list[str]:
    """What a page of the desk says of each mover's certificate."""
    return re.findall(r'<td class="field-way">\s*<p>([^<]*)</p>', page)


def partly_ex_officio(stage: Stage) -> Story:
    """The father had left long before: the origin records his part ex officio, and registers the others'."""
    story = stage.file(move())
    story.report(A, "moveout.reviewing")
    story.report(A, "moveout.decided", "EX_OFFICIO", movers=[1], legal_date="2026-02-01")
    story.report(A, "moveout.decided", "REGISTERED", movers=[2, 3])
    return story


def test_one_of_the_family_needs_paper_and_the_others_go_on_with_the_card(stage: Stage) -> None:
    story = partly_ex_officio(stage)
    assert story.flows() == [PAPER, CARD, CARD]
    assert story.row.flow == CARD  # as long as anybody goes the way with the card
    assert story.events("flow.changed") == [{"flow": PAPER, "movers": [1]}]
    # 13 is for those who go the way with the card alone; whoever is named besides, nothing is taken in.
    for named in ([1], [1, 2, 3]):
        problem = story.refused(A, "certificate.available", movers=named)
        assert (problem["code"], "paper" in problem["detail"]) == ("E200", True)
    story.report(A, "certificate.available", movers=[2, 3])
    # B is told of each way by itself: a notice says one for all whom it is about.
    prefills = [one for one in story.inbox(B) if one.type == "arrival.prefill"]
    assert [([mover.ordinal for mover in one.movers], one.flow) for one in prefills] == [
        ([1], Flow.PAPER_CERT),
        ([2, 3], Flow.CARD_SPECIAL),
    ]
    story.report(B, "arrival.visited", card_shown=True)
    # Who has no certificate yet is not registered; the others are.
    assert story.refused(B, "movein.decided", "REGISTERED")["code"] == "E200"
    story.report(B, "movein.decided", "REGISTERED", movers=[2, 3])
    assert story.states(B) == ["AT_COUNTER", "NOTIFIED", "NOTIFIED"]
    story.report(A, "certificate.paper_issued", movers=[1])
    story.report(B, "movein.decided", "REGISTERED", movers=[1])
    story.confirmed()
    story.entered()
    assert (story.states(A), story.states(B)) == (["CONFIRMED"] * 3, ["CLOSED"] * 3)
    audit = story.audit()
    assert (audit["certificate.available"], audit["certificate.paper_issued"]) == (1, 1)


def test_movers_of_two_ways_who_are_registered_together_are_told_of_by_two_notices(stage: Stage) -> None:
    story = partly_ex_officio(stage)
    story.report(A, "certificate.available", movers=[2, 3])
    story.report(A, "certificate.paper_issued", movers=[1])
    story.moved_in(card_shown=True)
    notices = [one for one in story.inbox(A) if one.type == "movein.notice"]
    assert [([mover.ordinal for mover in one.movers], one.flow) for one in notices] == [
        ([1], Flow.PAPER_CERT),
        ([2, 3], Flow.CARD_SPECIAL),
    ]
    # The town of the family register is not told how it travels, and of all of them at once.
    assert [[mover.ordinal for mover in one.movers] for one in story.inbox(R) if one.type == "appendix.notice"] == [
        [1, 2, 3]
    ]
    desk = stage.clerk(R).get(reverse("admin:relocations_relocation_change", args=[story.relocation.pk]))
    assert cells(desk.content.decode()) == ["—"] * 3
    # A correction afterwards, too.
    story.report(
        B, "correction.notified", changes=[{"pointer": "/newAddress/buildingNameEtc", "value": "見本荘２０２"}]
    )
    told = [one for one in story.inbox(A) if one.type == "correction.notified"]
    assert [[mover.ordinal for mover in one.movers] for one in told] == [[1], [2, 3]]


def test_the_citizen_and_the_clerks_read_whose_certificate_goes_which_way(stage: Stage) -> None:
    story = partly_ex_officio(stage)
    page = story.page()
    assert f"{shown(TARO)}：転入届の窓口へ、紙の転出証明書" in page
    others = f"{shown(HANAKO)}、{shown(ICHIRO)}："
    assert f"{others}転入届の窓口では、カードを" in page
    # Days of the way with the card are the others' alone; the clock is one row, which looks who still goes that way.
    assert page.count(others) == 2
    assert [(who, state) for who, _, state in rows(story, "C30")] == [([1, 2, 3], "RUNNING")]
    with acting(story.citizen.actor):
        document = status.document(story.relocation.pk)
    said = {leg["role"]: [mover["flow"] for mover in leg["movers"]] for leg in document["legs"]}
    assert said == {role: [PAPER, CARD, CARD] for role in ("origin", "destination", "domicile")}
    last = {one["clock"]: one["movers"] for one in document["deadlines"]}
    assert (last["C14"], last["C30"], last["SPECIAL14"]) == ([1, 2, 3], [2, 3], [2, 3])
    # At the desk: the towns that may know read it, that of the family register does not.
    for code, ways in (
        (A, ["紙の転出証明書", *["カード（特例転出）"] * 2]),
        (B, ["紙の転出証明書", *["カード（特例転出）"] * 2]),
    ):
        desk = stage.clerk(code).get(reverse("admin:relocations_relocation_change", args=[story.relocation.pk]))
        assert cells(desk.content.decode()) == ways


def test_whose_way_changed_is_not_lapsed_by_the_days_of_the_card(stage: Stage) -> None:
    """Of whom paper is needed anyway nobody is told that the way with the card ended."""
    stage.at("2026-03-20")
    story = stage.file(move(planned_out_on=day("2026-04-01"), living_from=day("2026-04-01")))
    story.report(A, "moveout.reviewing")
    story.report(A, "moveout.decided", "EX_OFFICIO", movers=[1], legal_date="2026-03-01")
    story.report(A, "moveout.decided", "REGISTERED", movers=[2, 3])
    stage.at("2026-04-16")
    assert story.states(B) == ["PREPARED", "SPECIAL_LAPSED", "SPECIAL_LAPSED"]
    assert story.flows() == [PAPER] * 3
    with acting(HUB):
        passed = Event.objects.filter(relocation=story.relocation, type="deadline.passed", detail__clock="SPECIAL14")
        assert [event.detail["movers"] for event in passed] == [[2, 3]]


@pytest.mark.parametrize(
    ("visit", "flows", "lapsed"),
    [
        ("2026-03-31", [CARD, CARD, CARD], []),  # day 30 from 1 March, the mother's own day
        ("2026-04-01", [CARD, PAPER, CARD], ["A408"]),  # day 31
        ("2026-04-09", [CARD, PAPER, CARD], ["A408"]),  # day 30 from 10 March, the day of the others
        ("2026-04-10", [PAPER, PAPER, PAPER], ["A408", "A408"]),  # day 31
    ],
)
def test_the_thirty_days_start_from_each_movers_own_day_of_leaving(
    stage: Stage, visit: str, flows: list[str], lapsed: list[str]
) -> None:
    stage.at("2026-03-01")
    mother = msgspec.structs.replace(HANAKO, leaves_on=day("2026-03-01"))
    story = stage.file(move(TARO, mother, ICHIRO, planned_out_on=day("2026-03-10"), living_from=day("2026-03-28")))
    story.moved_out()
    assert rows(story, "C30") == [([2], "2026-03-31", "RUNNING"), ([1, 3], "2026-04-09", "RUNNING")]
    page = story.page()
    assert "3月31日" in page
    assert "4月9日" in page
    stage.at(visit)
    assert story.flows() == flows
    assert [code for code in story.alerts(B) if code == "A408"] == lapsed
    # The counter judges by the same days, whoever appears together.
    story.report(B, "arrival.visited", legal_date="2026-03-28", card_shown=True)
    assert story.flows() == flows
    assert [code for code in story.alerts(B) if code == "A408"] == lapsed
    late = [ordinal for ordinal, flow in enumerate(flows, start=1) if flow == PAPER]
    if late:
        assert story.refused(B, "movein.decided", "REGISTERED", movers=late, legal_date="2026-03-28")["code"] == "E200"
    for ordinal in {1, 2, 3} - set(late):
        story.report(B, "movein.decided", "REGISTERED", movers=[ordinal], legal_date="2026-03-28")


def test_a_record_is_deleted_from_each_movers_own_day_of_leaving(stage: Stage) -> None:
    """The mother leaves before the others, the son after them; the filing's day is that of whoever says none."""
    mother = msgspec.structs.replace(HANAKO, leaves_on=day("2026-03-20"))
    son = msgspec.structs.replace(ICHIRO, leaves_on=day("2026-04-10"))
    story = stage.file(move(TARO, mother, son, planned_out_on=day("2026-04-01"), living_from=day("2026-04-01")))
    story.moved_out()
    late = {"2026-03-19": [1, 2, 3], "2026-03-20": [1, 3], "2026-04-01": [3], "2026-04-10": []}
    for today, waiting in late.items():
        stage.at(today)
        for ordinal in waiting:
            assert story.refused(A, "moveout.effective", movers=[ordinal])["code"] == "E200"
        for ordinal in {1, 2, 3} - set(waiting):
            if story.states(A)[ordinal - 1] == "REGISTERED":
                story.report(A, "moveout.effective", movers=[ordinal])
        assert [n for n, state in enumerate(story.states(A), start=1) if state == "REGISTERED"] == waiting


def test_the_register_is_told_the_day_on_which_each_mover_goes_abroad(stage: Stage) -> None:
    later = msgspec.structs.replace(HANAKO, leaves_on=day("2026-04-10"))
    abroad = Address(country="FRA", full_address="Paris")
    story = stage.file(
        move(
            *(TARO, later, ICHIRO),
            kind=Kind.OVERSEAS_OUT,
            flow=Flow.NOT_APPLICABLE,
            planned_out_on=day("2026-04-01"),
            living_from=None,
            new_address=abroad,
        )
    )
    story.report(A, "moveout.reviewing")
    story.report(A, "moveout.decided", "REGISTERED")
    told = [([one.ordinal for one in notice.movers], notice.effective_on) for notice in story.inbox(R)]
    assert told == [([1, 3], day("2026-04-01")), ([2], day("2026-04-10"))]


def test_fourteen_days_are_planned_from_each_movers_own_day_of_arriving(stage: Stage) -> None:
    stage.at("2026-03-20")
    son = msgspec.structs.replace(ICHIRO, arrives_on=day("2026-04-06"))
    story = stage.file(move(TARO, HANAKO, son, planned_out_on=day("2026-04-01"), living_from=day("2026-04-01")))
    story.moved_out()
    assert rows(story, "C14") == [([1, 2], "2026-04-15", "RUNNING"), ([3], "2026-04-20", "RUNNING")]
    stage.at("2026-04-15")
    assert story.states(B) == ["PREPARED"] * 3
    stage.at("2026-04-16")
    assert (story.states(B), story.flows()) == (["SPECIAL_LAPSED", "SPECIAL_LAPSED", "PREPARED"], [PAPER, PAPER, CARD])
    stage.at("2026-04-20")
    assert story.flows()[2] == CARD
    stage.at("2026-04-21")
    assert (story.states(B), story.flows()) == (["SPECIAL_LAPSED"] * 3, [PAPER] * 3)
    # Whose days ran out at different times has an alert of each.
    assert [code for code in story.alerts(B) if code == "A408"] == ["A408", "A408"]


def test_a_change_of_way_is_taken_back_by_a_new_version_alone(stage: Stage) -> None:
    """What a town corrects is no word of the filer about the certificate."""
    story = partly_ex_officio(stage)
    story.report(A, "correction.notified", changes=[{"pointer": "/remarks", "value": "訂正"}])
    assert story.flows() == [PAPER, CARD, CARD]
    elsewhere = {"pointer": "/newAddress", "value": msgspec.to_builtins(place(C, "見本町９番９号"))}
    story.report(C, "arrival.diverted", changes=[elsewhere], card_shown=True)
    assert story.flows() == [PAPER, CARD, CARD]
    assert story.refused(C, "movein.decided", "REGISTERED", movers=[1])["code"] == "E200"


# --- The card that is presented later --------------------------------------------------------------------------------


def visited(stage: Stage, *movers: Any) -> Story:
    """They moved in on 1 April and came without the card: it is to be shown until 30 June, a Tuesday."""
    stage.at("2026-03-25")
    story = stage.file(move(*movers, planned_out_on=day("2026-04-01"), living_from=day("2026-04-01")))
    story.moved_out()
    stage.at("2026-04-01")
    story.report(B, "arrival.visited", legal_date="2026-04-01", card_shown=False)
    everyone = list(range(1, (len(movers) or len(FAMILY)) + 1))
    assert rows(story, "C90") == [(everyone, "2026-06-30", "RUNNING")]
    return story


@pytest.mark.parametrize(("shown", "met"), [("2026-06-29", True), ("2026-06-30", True), ("2026-07-01", False)])
def test_the_card_is_presented_within_ninety_days_or_not(stage: Stage, shown: str, met: bool) -> None:
    story = visited(stage, TARO)
    story.report(B, "movein.decided", "REGISTERED", legal_date="2026-04-01")
    story.confirmed()
    stage.at(shown)
    assert story.alerts(B) == ([] if met else ["A409"])
    story.report(B, "arrival.visited", "CARD_PRESENTED")
    assert rows(story, "C90") == [([1], "2026-06-30", "MET" if met else "PASSED")]
    assert story.alerts(B) == ([] if met else ["A409"])
    stage.at("2026-07-10")
    assert story.alerts(B) == ([] if met else ["A409"])
    assert story.states(B) == ["CLOSED"]  # it moves nobody
    assert "カードの提示" in story.page()


def test_what_was_presented_in_time_and_reported_later_takes_the_alert_back(stage: Stage) -> None:
    story = visited(stage, TARO)
    stage.at("2026-07-03")
    assert (rows(story, "C90")[0][2], story.alerts(B)) == ("PASSED", ["A409"])
    for wrong in ("2026-03-31", "2026-07-04"):  # before the first filing, in the future
        problem = story.refused(B, "arrival.visited", "CARD_PRESENTED", visited_on=wrong)
        assert (problem["code"], problem["pointer"]) == ("E308", "/visited_on")
    story.report(B, "arrival.visited", "CARD_PRESENTED", visited_on="2026-06-30")
    assert (rows(story, "C90")[0][2], story.alerts(B)) == ("MET", [])


def test_each_mover_presents_a_card_of_their_own(stage: Stage) -> None:
    story = visited(stage)
    stage.at("2026-05-01")
    story.report(B, "arrival.visited", "CARD_PRESENTED", movers=[2])
    assert rows(story, "C90")[0][2] == "RUNNING"
    stage.at("2026-07-01")
    with acting(HUB):
        [alert] = story.row.alerts.filter(code="A409")
    assert alert.ordinals == [1, 3]  # not of whom the town has seen the card
    story.report(B, "arrival.visited", "CARD_PRESENTED", movers=[1, 3], visited_on="2026-06-01")
    assert (rows(story, "C90")[0][2], story.alerts(B)) == ("MET", [])


@pytest.mark.parametrize("seen_at_b", [False, True])
def test_the_card_is_presented_where_they_are_registered_after_another_town_cancelled(
    stage: Stage, seen_at_b: bool
) -> None:
    """C waits for the card of whoever it registered, whatever B had seen before it cancelled; B waits no more."""
    story = visited(stage, TARO)
    story.report(B, "movein.decided", "REGISTERED", legal_date="2026-04-01")
    if seen_at_b:
        story.report(B, "arrival.visited", "CARD_PRESENTED")
    stage.at("2026-04-02")
    story.report(B, "cancel.decided", "CANCEL_REMOVE")
    stage.town(C)
    elsewhere = {"pointer": "/newAddress", "value": msgspec.to_builtins(place(C, "見本町９番９号"))}
    story.report(C, "arrival.diverted", changes=[elsewhere], card_shown=False)
    story.report(C, "movein.decided", "REGISTERED")
    assert rows(story, "C90", C) == [([1], "2026-07-01", "RUNNING")]
    stage.at("2026-06-01")
    assert story.refused(B, "arrival.visited", "CARD_PRESENTED")["code"] == "E200"
    story.report(C, "arrival.visited", "CARD_PRESENTED")
    assert rows(story, "C90", C) == [([1], "2026-07-01", "MET")]
    # A visit that is none is refused as ever.
    assert story.refused(C, "arrival.visited")["code"] == "E200"
    stage.at("2026-07-02")
    assert "A409" not in story.alerts(C) + story.alerts(B)


def test_a_last_day_that_is_closed_is_for_a_clerk_to_judge(stage: Stage) -> None:
    """Whether a closed day extends the 90 days is uncertain: the hub says so and does not decide."""
    stage.at("2026-03-25")
    story = stage.file(move(TARO, planned_out_on=day("2026-04-06"), living_from=day("2026-04-06")))
    story.moved_out()
    stage.at("2026-04-06")
    story.report(B, "arrival.visited", legal_date="2026-04-06", card_shown=False)
    assert rows(story, "C90") == [([1], "2026-07-05", "RUNNING")]  # a Sunday
    stage.at("2026-07-06")
    story.report(B, "arrival.visited", "CARD_PRESENTED")
    assert (rows(story, "C90")[0][2], story.alerts(B)) == ("MET", ["A420"])


def test_only_who_has_appeared_can_have_presented_the_card_later(stage: Stage) -> None:
    story = stage.file(move(TARO))
    story.moved_out()
    assert story.refused(B, "arrival.visited", "CARD_PRESENTED")["code"] == "E200"
    story.report(B, "arrival.visited", card_shown=False)
    # A second visit is none: what is said again without the outcome comes too late, as ever.
    assert story.refused(B, "arrival.visited", card_shown=True)["code"] == "E200"
    assert story.refused(A, "arrival.visited", "CARD_PRESENTED")["code"] == "E108"
    wrong = story.refused(B, "arrival.visited", "CARD_PRESENTED", last_registered=C)
    assert (wrong["code"], wrong["pointer"]) == ("E104", "/last_registered")
    story.report(B, "arrival.visited", "CARD_PRESENTED", legal_date=None)
    assert rows(story, "C90")[0][2] == "MET"


def test_a_town_that_exchanges_files_says_it_in_a_file(stage: Stage) -> None:
    story = visited(stage, TARO)
    body = {"id": str(uuid4()), "type": "arrival.visited", "outcome": "CARD_PRESENTED", "receipt_no": story.receipt_no}
    early = msgspec.json.encode(body | {"id": str(uuid4()), "visited_on": "2026-03-01"})
    connection = Connection.objects.get(municipality=B)
    spoilt = trays.take(connection, Found("early.json", early, 0.0))
    assert [problem.code for _, problem in spoilt.problems] == ["E308"]
    assert spoilt.fate is trays.Fate.BAD
    taken = trays.take(connection, Found("card.json", msgspec.json.encode(body), 0.0))
    assert (taken.fate, taken.taken, taken.problems) == (trays.Fate.TAKEN, 1, [])
    assert rows(story, "C90")[0][2] == "MET"


def test_a_clerk_notes_the_card_at_the_desk(stage: Stage) -> None:
    story = visited(stage)
    stage.at("2026-06-01")
    shown = reverse("admin:relocations_relocation_change", args=[story.relocation.pk])
    page = reverse("admin:relocations_relocation_card", args=[story.relocation.pk])
    assert page in stage.clerk(B).get(shown).content.decode()
    # The town that is left waits for no card, nor does an operator.
    assert page not in stage.clerk(A).get(shown).content.decode()
    assert stage.clerk(A).get(page).status_code == 404
    desk = stage.clerk(B)
    asked = desk.get(page).content.decode()
    assert [name for name in (TARO, HANAKO, ICHIRO) if name.full_name in asked] == []
    wrong = desk.post(page, {"movers": ["1"], "presented_on": "2026-03-01"})
    assert (wrong.status_code, "errorlist" in wrong.content.decode()) == (200, True)
    assert desk.post(page, {"movers": ["9"], "presented_on": "2026-06-01"}).status_code == 200
    assert desk.post(page, {"movers": ["1", "2"], "presented_on": "2026-05-20"}).status_code == 302
    assert rows(story, "C90")[0][2] == "RUNNING"
    assert desk.post(page, {"movers": ["3"], "presented_on": "2026-06-01"}).status_code == 302
    assert rows(story, "C90")[0][2] == "MET"
    assert desk.get(page).status_code == 404  # nothing is waited for any more
    stage.at("2026-07-01")
    assert story.alerts(B) == []
