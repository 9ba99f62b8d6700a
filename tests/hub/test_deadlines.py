"""Every clock at its edges: the day before, the day, the day after; and what its end makes of a relocation."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from hub.actors import HUB, acting
from hub.procedures import ages
from hub.relocations import alerts, changing, clocks, firing, history
from hub.relocations.clocks import table
from hub.relocations.corrections import Change
from hub.relocations.filing import Filing
from hub.relocations.models import Alert, Deadline, Relocation
from municipalities.models import Connection
from municipalities.notice import Flow, Precision, Residence, Role, Scope, UncertainDate
from municipalities.opening import JST, Exceptional, Opening
from tests.conftest import CHIYODA, HAKODATE, clerk
from tests.hub import journeys
from tests.hub.test_changes import refused, report, run, state, states, three

pytestmark = pytest.mark.django_db

#: clock, first day, last day as it falls, last day by an ordinary calendar; counted by hand with a printed calendar.
LAST_DAYS = [
    ("C14", "2026-03-28", "2026-04-11", "2026-04-13"),  # Saturday: the Monday after
    ("C14", "2026-03-31", "2026-04-14", "2026-04-14"),
    ("C14", "2026-04-19", "2026-05-03", "2026-05-07"),  # Golden Week: 3 to 6 May, the 6th in the place of the 3rd
    ("C14", "2026-04-18", "2026-05-02", "2026-05-07"),  # the Saturday before it
    ("C14", "2026-12-15", "2026-12-29", "2027-01-04"),  # turn of the year
    ("C14", "2026-12-14", "2026-12-28", "2026-12-28"),  # the last day before it
    ("C14", "2028-02-15", "2028-02-29", "2028-02-29"),  # a leap year has the day
    ("C14", "2027-02-15", "2027-03-01", "2027-03-01"),  # a common year has not
    ("C14", "2026-08-31", "2026-09-14", "2026-09-14"),  # over the end of a month
    ("C14", "2026-09-07", "2026-09-21", "2026-09-24"),  # 21 to 23 September: two holidays and the day between
    ("C30", "2026-03-01", "2026-03-31", "2026-03-31"),
    ("C30", "2026-03-31", "2026-04-30", "2026-04-30"),
    ("C30", "2026-04-03", "2026-05-03", "2026-05-07"),
    ("C30", "2027-01-30", "2027-03-01", "2027-03-01"),
    ("C30", "2028-01-30", "2028-02-29", "2028-02-29"),
    ("SPECIAL14", "2026-04-01", "2026-04-15", "2026-04-15"),
    ("C90", "2026-04-01", "2026-06-30", "2026-06-30"),
    ("C90", "2025-12-02", "2026-03-02", "2026-03-02"),
    ("NON_ARRIVAL", "2026-03-31", "2026-09-27", "2026-09-27"),  # no statutory period: it does not roll
]


@pytest.mark.parametrize(("clock", "event", "falls", "rolled"), LAST_DAYS)
def test_the_last_day_of_each_clock(clock: str, event: str, falls: str, rolled: str) -> None:
    row, first = table()[clock], date.fromisoformat(event)
    assert row.last_day(first) == date.fromisoformat(falls)
    assert row.rolled(first, Opening()) == date.fromisoformat(rolled)


def test_a_local_closed_day_moves_it_and_a_typhoon_does_not() -> None:
    tuesday = date(2026, 6, 23)
    closed = Opening(exceptions={tuesday: Exceptional(by_ordinance=True)})
    storm = Opening(exceptions={tuesday: Exceptional()})
    event = tuesday - timedelta(days=14)
    assert table()["C14"].rolled(event, closed) == date(2026, 6, 24)
    assert table()["C14"].rolled(event, storm) == tuesday
    assert table()["C14"].rolled(date(2030, 12, 25), Opening()) is None  # nobody knows those holidays yet


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-03-02T23:59:59+09:00", False),
        ("2026-03-03T00:00:00+09:00", True),  # 30 days before 2 April
        ("2026-03-02T15:00:00+00:00", True),  # the same midnight by the clock in London
        ("2026-04-12T23:59:59+09:00", True),  # day 10 (S15)
        ("2026-04-12T14:59:59+00:00", True),
        ("2026-04-13T00:00:00+09:00", False),
    ],
)
def test_the_online_window_is_cut_off_at_midnight_in_japan(moment: str, open_: bool) -> None:
    first, last = clocks.window(date(2026, 4, 2))
    assert (first <= datetime.fromisoformat(moment).astimezone(JST).date() <= last) == open_


@pytest.mark.parametrize(
    ("born", "years", "complete"),
    [
        ("2008-04-01", 18, "2026-03-31"),  # a year is complete with the day before the birthday
        ("2008-04-02", 18, "2026-04-01"),
        ("2008-02-29", 18, "2026-02-28"),
        ("2008-02-29", 16, "2024-02-28"),
        ("2011-01-01", 15, "2025-12-31"),
        ("2008-03-01", 18, "2026-02-28"),
    ],
)
def test_ages_by_the_law(born: str, years: int, complete: str) -> None:
    birth, day = date.fromisoformat(born), date.fromisoformat(complete)
    assert ages.reached_on(birth, years) == day
    known = UncertainDate(birth.year, birth.month, birth.day)
    assert [ages.is_surely_under(known, years, day + timedelta(days=shift)) for shift in (-1, 0, 1)] == [
        True,
        False,
        False,
    ]
    vague = UncertainDate(year=birth.year, precision=Precision.YEAR, display_text="頃")
    assert not ages.is_surely_under(vague, years, date(1999, 1, 1))


# --- What the end of a clock makes of a relocation ------------------------------------------------------


@pytest.fixture(autouse=True)
def _connected_long_ago(db: None) -> None:
    """Towns were connected before the days that these tests travel to."""
    Connection.objects.update(valid_from=date(2020, 1, 1))


#: A Sunday; planned and moved in as the cases say.
FILED = datetime(2026, 3, 22, 10, 0, tzinfo=JST)


def filed(planned: str, living: str, visit: str = "2026-04-03", **more: Any) -> tuple[Relocation, Filing]:
    """A family whose move-out is registered, with the certificate sent ahead."""
    document = three(
        planned_out_on=date.fromisoformat(planned),
        living_from=date.fromisoformat(living),
        visit_on=date.fromisoformat(visit),
        **more,
    )
    relocation = journeys.file(document)
    run(relocation, document, "certificate.available")
    return relocation, document


def at(day: str) -> Any:
    """Noon of a day in Japan."""
    return time_machine.travel(datetime.fromisoformat(f"{day}T12:00:00+09:00"), tick=True)


def rows(relocation: Relocation) -> dict[str, str]:
    """The states of its deadlines."""
    with acting(HUB):
        return dict(Deadline.objects.filter(relocation=relocation).values_list("clock", "state"))


def told(relocation: Relocation) -> set[tuple[str, str]]:
    """Codes of its alerts, with whom."""
    with acting(HUB):
        return set(Alert.objects.filter(relocation=relocation).values_list("code", "municipality"))


@pytest.mark.parametrize(
    ("planned", "living", "quiet", "uncertain", "lapsed"),
    [
        ("2026-03-31", "2026-04-01", "2026-04-15", None, "2026-04-16"),  # S14 (a): 14 days after moving in
        ("2026-03-08", "2026-03-28", "2026-04-07", None, "2026-04-08"),  # S14 (b): 30 days after the planned day
        ("2026-03-27", "2026-03-28", "2026-04-11", "2026-04-12", "2026-04-14"),  # S13: a Saturday, the 13th counts
    ],
)
def test_the_flow_with_the_card_lapses_at_the_earlier_limit_and_not_while_that_is_uncertain(
    planned: str, living: str, quiet: str, uncertain: str | None, lapsed: str
) -> None:
    with time_machine.travel(FILED, tick=True):
        relocation, _ = filed(planned, living, visit="2026-05-20")
    with at(quiet):
        firing.fire()
        assert states(relocation, Role.DESTINATION) == ["PREPARED"] * 3
        assert told(relocation) == set()
    if uncertain:
        with at(uncertain):
            firing.fire()
            firing.fire()
            assert states(relocation, Role.DESTINATION) == ["PREPARED"] * 3
            assert told(relocation) == {("A420", CHIYODA)}
    with at(lapsed):
        firing.fire()
        assert states(relocation, Role.DESTINATION) == ["SPECIAL_LAPSED"] * 3
        assert ("A408", CHIYODA) in told(relocation)
        before = rows(relocation)
        assert firing.fire().count == 0  # doing it again does nothing
        assert rows(relocation) == before
        with acting(HUB):
            assert Relocation.objects.get(pk=relocation.pk).flow == Flow.PAPER_CERT
        # Who comes now and moved in as planned needs the certificate on paper.
        report(relocation, CHIYODA, "arrival.visited", legal_date=date.fromisoformat(living))
        assert refused(relocation, CHIYODA, "movein.decided", "REGISTERED").lead.code == "E200"
        report(relocation, HAKODATE, "certificate.paper_issued")
        report(relocation, CHIYODA, "movein.decided", "REGISTERED")
        assert states(relocation, Role.DESTINATION) == ["NOTIFIED"] * 3


def test_who_says_at_the_counter_that_they_came_earlier_may_have_lost_the_flow_with_the_card() -> None:
    with time_machine.travel(FILED, tick=True):
        relocation, _ = filed("2026-03-31", "2026-04-01")
    with at("2026-04-14"):
        report(relocation, CHIYODA, "arrival.visited", legal_date=date(2026, 3, 27), card_shown=True)
        assert ("A408", CHIYODA) in told(relocation)
        assert refused(relocation, CHIYODA, "movein.decided", "REGISTERED").lead.code == "E200"


def test_a_visit_in_time_meets_the_clocks_and_starts_the_ninety_days() -> None:
    with time_machine.travel(FILED, tick=True):
        relocation, _ = filed("2026-03-31", "2026-04-01")
        assert rows(relocation) == dict.fromkeys(("VISIT", "C14", "SPECIAL14", "C30", "NON_ARRIVAL"), "RUNNING")
    with at("2026-04-04"):
        firing.fire()
        assert states(relocation, Role.DESTINATION) == ["OVERDUE"] * 3  # announced for the 3rd
    with at("2026-04-06"):
        for ordinal in (1, 2, 3):  # as a clerk who works person by person
            visited: dict[str, Any] = {"legal_date": date(2026, 4, 1), "card_shown": False, "movers": (ordinal,)}
            report(relocation, CHIYODA, "arrival.visited", **visited)
        found = rows(relocation)
        assert {found[clock] for clock in ("C14", "SPECIAL14", "C30")} == {"MET"}
        assert (found["VISIT"], found["C90"]) == ("PASSED", "RUNNING")
        with acting(HUB):
            assert Deadline.objects.get(relocation=relocation, clock="C90").ordinals == [1, 2, 3]
        report(relocation, CHIYODA, "movein.decided", "REGISTERED", legal_date=date(2026, 4, 1))
        report(relocation, HAKODATE, "movein.notice_applied")
        assert rows(relocation)["NON_ARRIVAL"] == "MET"
    with at("2026-07-06"):  # day 90 is a Sunday
        firing.fire()
        assert told(relocation) >= {("A420", CHIYODA)}
    with at("2026-07-07"):
        firing.fire()
        assert ("A409", CHIYODA) in told(relocation)


def test_no_move_in_notice_leads_to_an_inquiry_and_a_late_one_ends_it() -> None:
    """74: the origin's record is deleted, and nobody has registered the person since."""
    with time_machine.travel(FILED, tick=True):
        relocation, _ = filed("2026-03-31", "2026-04-01")
    with at("2026-04-01"):
        report(relocation, HAKODATE, "moveout.effective")
    with at("2026-09-28"):
        while firing.fire().more:
            pass
        firing.fire()
        assert state(relocation) == "NON_ARRIVAL"
        assert ("A411", HAKODATE) in told(relocation)
        journeys.carry()
        journeys.fetch()
        report(relocation, CHIYODA, "inquiry.replied", "NOT_ARRIVED")
        assert ("A419", HAKODATE) in told(relocation)
        report(relocation, CHIYODA, "arrival.visited")
        report(relocation, HAKODATE, "certificate.paper_issued")
        report(relocation, CHIYODA, "movein.decided", "REGISTERED")
        report(relocation, HAKODATE, "movein.notice_applied")
        assert state(relocation) == "ARRIVED"


def test_a_record_of_whom_nobody_has_registered_is_closed_ex_officio() -> None:
    with time_machine.travel(FILED, tick=True):
        relocation, _ = filed("2026-03-31", "2026-04-01")
    with at("2026-04-01"):
        report(relocation, HAKODATE, "moveout.effective")
    with at("2026-09-28"):
        while firing.fire().more:
            pass
        report(relocation, HAKODATE, "moveout.effective", "EX_OFFICIO")
        assert states(relocation, Role.ORIGIN) == ["CLOSED_EX_OFFICIO"] * 3
        assert state(relocation) == "CANCELLED"


def test_nobody_is_waited_for_after_the_move_out_was_rejected() -> None:
    """The filing has come to nothing: no reminder to the citizen, no alert to the town that was announced a visit."""
    with time_machine.travel(FILED, tick=True):
        document = three(planned_out_on=date(2026, 3, 31), living_from=date(2026, 4, 1), visit_on=date(2026, 4, 3))
        relocation = journeys.file(document)
        run(relocation, document, "moveout.reviewing")
        report(relocation, HAKODATE, "moveout.decided", "REJECTED", movers=(1, 2))
        assert rows(relocation)["C14"] == "RUNNING"  # for the third
        report(relocation, HAKODATE, "moveout.decided", "REJECTED", movers=(3,))
        found = rows(relocation)
        assert {found[clock] for clock in ("VISIT", "C14", "SPECIAL14", "C30")} == {"SUPERSEDED"}
    for day in ("2026-04-04", "2026-04-11", "2026-05-10"):
        with at(day):
            firing.fire()
    assert told(relocation) == set()
    with acting(HUB):
        assert not relocation.events.filter(type__startswith="deadline").exists()


def test_an_amended_day_supersedes_the_clock_that_ran_from_the_one_before() -> None:
    with time_machine.travel(FILED, tick=True):
        document = three(planned_out_on=date(2026, 3, 31), living_from=date(2026, 4, 1), visit_on=None)
        relocation = journeys.file(document)
        later = msgspec.structs.replace(document, living_from=date(2026, 4, 5))
        changing.amend(relocation.pk, later, journeys.CITIZEN)
        with acting(HUB):
            found = Deadline.objects.filter(relocation=relocation, clock="C14").order_by("starts_on")
            assert [(row.starts_on.day, row.state) for row in found] == [(1, "SUPERSEDED"), (5, "RUNNING")]
        changing.amend(relocation.pk, document, journeys.CITIZEN)
        with acting(HUB):
            found = Deadline.objects.filter(relocation=relocation, clock="C14").order_by("starts_on")
            assert [(row.starts_on.day, row.state) for row in found] == [(1, "RUNNING"), (5, "SUPERSEDED")]
        changing.withdraw(relocation.pk, journeys.CITIZEN)
        assert set(rows(relocation).values()) == {"SUPERSEDED"}


# --- What a town knew on a day --------------------------------------------------------------------------


def test_what_a_town_knew_on_a_day_stays_what_it_was() -> None:
    """A correction of May changes nothing of what was known in April."""
    with time_machine.travel(FILED, tick=True):
        relocation, _ = filed("2026-03-31", "2026-04-01")
    with at("2026-04-02"):
        report(relocation, CHIYODA, "arrival.visited", legal_date=date(2026, 4, 1), card_shown=True)
        report(relocation, CHIYODA, "movein.decided", "REGISTERED", legal_date=date(2026, 4, 1))
    with at("2026-05-11"):
        room = Change("/newAddress/buildingNameEtc", "見本荘２０２")
        report(relocation, CHIYODA, "correction.notified", changes=(room,))
    with acting(HUB):
        town = history.days(relocation, HAKODATE)
        assert town == [date(2026, 3, 22), date(2026, 4, 2), date(2026, 5, 11)]
        handed = len(history.known(relocation, HAKODATE, date(2026, 4, 2)).handed)
        seen = {day: history.known(relocation, HAKODATE, day).latest(1) for day in [date(2026, 3, 21), *town]}
        assert {day: row.type if row else "" for day, row in seen.items()} == {
            date(2026, 3, 21): "",
            date(2026, 3, 22): "moveout.submitted",
            date(2026, 4, 2): "movein.notice",
            date(2026, 5, 11): "correction.notified",
        }
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(clerk(HAKODATE))
    address, shown = f"/admin/relocations/relocation/{relocation.pk}/change/", '<li><a href="/admin/deliveries/'
    now, then = (client.get(address + query).content.decode().count(shown) for query in ("", "?known=2026-04-02"))
    assert then - now == handed  # tasks of departments too


# --- Alerts -------------------------------------------------------------------------------------------


def part(**left: Any) -> Filing:
    """The head leaves, two remain (S01)."""
    document = three(scope=Scope.PART)
    household = msgspec.structs.replace(document.household_left, remaining_count=2, **left)
    return msgspec.structs.replace(document, household_left=household)


def test_the_head_changes_before_the_head_leaves() -> None:
    """S01 and order rule O6: the origin registers nothing before it has done or waived the change of head."""
    document = msgspec.structs.replace(part(new_head_name=""), head_undecided=True)
    relocation = journeys.file(document)
    assert ("A414", HAKODATE) in told(relocation)
    run(relocation, document, "moveout.reviewing")
    found = refused(relocation, HAKODATE, "moveout.decided", "REGISTERED")
    assert (found.lead.code, found.lead.pointer) == ("E302", "/head_change")
    report(relocation, HAKODATE, "moveout.decided", "REGISTERED", head_change="DONE")
    with acting(HUB):
        assert Alert.objects.get(relocation=relocation, code="A414").settled_at is not None


def test_where_the_new_head_is_named_or_one_remains_nothing_is_held() -> None:
    """S02: of one who remains the town makes the head ex officio (standard 4.0.4; Order Art. 25)."""
    named = journeys.file(part(new_head_name="見本　花子"))
    assert told(named) >= {("A414", HAKODATE)}
    document = three(scope=Scope.PART)
    one = msgspec.structs.replace(document.household_left, remaining_count=1, new_head_name="")
    alone = journeys.file(msgspec.structs.replace(document, household_left=one))
    assert not {code for code, _ in told(alone)} & {"A414"}


def test_one_card_that_is_not_the_heads_is_for_the_clerk_to_judge() -> None:
    """S09."""
    document = three()
    movers = tuple(msgspec.structs.replace(mover, presents_card=mover.ordinal == 2) for mover in document.movers)
    relocation = journeys.file(msgspec.structs.replace(document, movers=movers))
    assert told(relocation) == {("A410", CHIYODA)}


def test_what_is_possible_and_unusual_is_for_a_clerk_to_look_at() -> None:
    """A far day and a high age are no errors; nor is a period of stay that ends too early."""
    today, document = timezone.localdate(), three()
    far = journeys.file(msgspec.structs.replace(document, planned_out_on=today + timedelta(days=366)))
    near = journeys.file(msgspec.structs.replace(document, planned_out_on=today + timedelta(days=365)))
    assert (("A405", HAKODATE) in told(far), ("A405", HAKODATE) in told(near)) == (True, False)
    for years, unusual in ((110, True), (109, False)):
        born = UncertainDate(year=today.year - years, month=today.month, day=1)
        old = (msgspec.structs.replace(document.movers[0], date_of_birth=born), *document.movers[1:])
        relocation = journeys.file(msgspec.structs.replace(document, movers=old))
        assert (("A426", HAKODATE) in told(relocation)) is unusual
    living = document.living_from
    assert living is not None
    for days, ends in ((-1, True), (0, False)):
        stay = Residence(category="mid_long_term", status="留学", expires_on=living + timedelta(days=days))
        foreigner = msgspec.structs.replace(document.movers[0], nationality="USA", registry=None, residence=stay)
        relocation = journeys.file(msgspec.structs.replace(document, movers=(foreigner, *document.movers[1:])))
        assert (("A425", CHIYODA) in told(relocation)) is ends


def test_differences_and_mismatches_reach_the_other_town_by_name_only() -> None:
    document = three()
    relocation = journeys.file(document)
    run(relocation, document, "arrival.visited")
    report(relocation, CHIYODA, "differences.reported", differences=("/movers/0/fullNameKana",))
    assert refused(relocation, CHIYODA, "differences.reported", differences=("見本　太郎",)).lead.code == "E104"
    with acting(HUB):
        row = Alert.objects.get(relocation=relocation, code="A415")
    assert (row.municipality_id, row.about) == (HAKODATE, "/movers/0/fullNameKana")


def test_a_clerk_sees_and_settles_the_own_towns_alerts_only() -> None:
    document = three()
    movers = tuple(msgspec.structs.replace(mover, presents_card=mover.ordinal == 2) for mover in document.movers)
    relocation = journeys.file(msgspec.structs.replace(document, movers=movers))
    with acting(HUB):
        row = Alert.objects.get(relocation=relocation)
    pages = {}
    for town in (CHIYODA, HAKODATE):
        client = Client(HTTP_HOST="127.0.0.1")
        client.force_login(clerk(town))
        pages[town] = client.get("/admin/relocations/alert/").content.decode()
        client.post("/admin/relocations/alert/", {"action": "settle", "_selected_action": [row.pk]})
    assert "A410 カードを持たない方に特例が及ぶか確認が必要です" in pages[CHIYODA]
    assert "A410" not in pages[HAKODATE]
    with acting(HUB):
        row.refresh_from_db()
        assert row.settled_at is not None
        assert row.about != alerts.UNDECIDED
    assert timezone.now() >= row.settled_at
