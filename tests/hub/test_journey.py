"""The journey as a pure function: repeatable, never ahead of a gate, and its tables agree with each other."""

import io
import re
from datetime import date
from typing import Any

import msgspec
import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import catalogue, words
from hub.catalogue import Problem, Refusal
from hub.relocations import clocks, journey, notices, tables
from hub.relocations.facts import ACTS
from hub.relocations.journey import Fact, LegFacts, Situation
from hub.relocations.models import RelocationState
from municipalities.notice import Flow, Kind, Mover, Notice, Role

TODAY = date(2026, 4, 1)
TOWNS = {Role.ORIGIN: "012025", Role.DESTINATION: "131016", Role.DOMICILE: "221406", Role.LAST_REGISTERED: "011002"}
#: What the journey knows without a message: acts of the citizen and the hub, clocks, conditions.
NOT_MESSAGES = set(ACTS) | set(journey.CONDITIONS)
#: Everything that can ever be a fact, with each of its outcomes.
KINDS = sorted(
    {(type_, outcome) for type_ in tables.reports() for outcome in tables.outcomes(type_)}
    | {(type_, "") for type_, _ in tables.notices()}
    | {(act, "") for act in ACTS}
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Return up to three movers and anything at all that may have been said about them, in any order."""
    everyone = tuple(range(1, draw(st.integers(1, 3)) + 1))
    citizens = tuple(n for n in everyone if draw(st.booleans()))
    kind = draw(st.sampled_from(Kind))
    unfiled = kind is Kind.DOMESTIC and draw(st.booleans())
    who = {"everyone": everyone, "citizens": citizens, "unfiled": everyone if unfiled else ()}
    legs = [
        LegFacts(part.role, TOWNS[part.role], who[part.movers]) for part in tables.kinds()[kind] if who[part.movers]
    ]
    some = st.frozensets(st.sampled_from(everyone), min_size=1)
    facts = st.builds(
        lambda kind, who, town: Fact(kind[0], who, kind[1], town),
        st.sampled_from(KINDS),
        some,
        st.sampled_from(["", *TOWNS.values()]),
    )
    covered = st.dictionaries(
        st.sampled_from([(type_, role, TOWNS[role]) for type_, role in tables.notices()]), some, max_size=4
    )
    known = st.dictionaries(st.sampled_from([(role, TOWNS[role]) for role in TOWNS]), some)
    return Situation(
        kind=kind,
        told=draw(known),
        outdated=draw(known),
        prior_over=draw(st.booleans()),
        version_by=draw(st.sampled_from(["", journey.AMENDED, TOWNS[Role.ORIGIN]])),
        flows=draw(st.fixed_dictionaries({ordinal: st.sampled_from(Flow) for ordinal in everyone})),
        planned_out_on=draw(st.sampled_from([None, TODAY, date(2026, 3, 1), date(2026, 5, 1)])),
        legs=tuple(legs),
        facts=tuple(draw(st.lists(facts, max_size=25))),
        covered=draw(covered),
        today=TODAY,
    )


def told(situation: Situation, due: tuple[journey.Due, ...]) -> Situation:
    """Return the situation after what was due has been queued."""
    covered = dict(situation.covered)
    for item in due:
        key = (item.type, item.role, item.municipality)
        covered[key] = covered.get(key, frozenset()) | frozenset(item.ordinals)
    return with_(situation, covered=covered)


def with_(situation: Situation, **changes: Any) -> Situation:
    """Return a changed copy."""
    fields = {name: getattr(situation, name) for name in Situation.__dataclass_fields__}
    return Situation(**fields | changes)


def about_any(situation: Situation, said: set[tuple[str, str]], ordinal: int) -> bool:
    """Tell whether any of these was said about the mover."""
    return any(about(situation, *one, ordinal) for one in said)


def about(situation: Situation, type_: str, outcome: str, ordinal: int) -> bool:
    """Tell whether this was said about the mover."""
    return any(f.type == type_ and f.outcome == outcome and ordinal in f.ordinals for f in situation.facts)


@given(situations())
def test_repeating_adds_nothing(situation: Situation) -> None:
    first = journey.travel(situation)
    assert journey.travel(situation) == first
    again = journey.travel(told(situation, first.due))
    assert again.due == ()
    assert again.states == first.states


#: What must have been said of the mover before a notice goes, by the law and the order rules (any one of them).
GATES: dict[str, set[tuple[str, str]]] = {
    "movein.notice": {("movein.decided", "REGISTERED")},  # O3
    "withdraw.requested": {("filing.withdrawn", ""), ("leg.dropped", "")},
    "cancel.requested": {("cancel.asked", "")},
    "movein.cancelled": {("cancel.decided", said) for said in ("CANCEL_REMOVE", "CANCEL_AMENDED", "CANCEL_ADD")},
    "inquiry.nonarrival": {("arrival.absent", "")},
    "protection.route": {("protection.set", "")},
    "certificate.recalled": {("cancel.decided", "CANCEL_ADD"), ("registry.change", "DEATH"), ("arrival.diverted", "")},
}
DECIDED = {("moveout.decided", "REGISTERED"), ("moveout.decided", "EX_OFFICIO")}
#: Somebody came to the counter; who only presents the card later was there too.
VISITS = {("arrival.visited", ""), ("arrival.visited", "CARD_PRESENTED"), ("arrival.diverted", "")}


def gate_of(type_: str, situation: Situation, ordinal: int) -> set[tuple[str, str]]:
    """Return the gate of a notice, written here by hand and not read from the table under test."""
    if type_ == "arrival.prefill":  # O1; where nothing is filed at the origin, there is nothing to wait for
        unfiled = any(leg.role is Role.LAST_REGISTERED for leg in situation.legs)
        files = situation.kind in (Kind.DOMESTIC, Kind.OVERSEAS_OUT) and not unfiled
        return DECIDED if files else {("filing.acknowledged", "")}
    if type_ == "appendix.notice":  # O4
        return {("movein.decided", "REGISTERED")} | (DECIDED if situation.kind is Kind.OVERSEAS_OUT else set())
    if type_ == "correction.notified":
        return DECIDED | {("movein.decided", "REGISTERED")}
    return GATES.get(type_, {("filing.acknowledged", "")})


@given(situations())
def test_nothing_is_due_before_its_gate(situation: Situation) -> None:
    result = journey.travel(situation)
    for item in result.due:
        for ordinal in item.ordinals:
            gate = gate_of(item.type, situation, ordinal)
            assert any(about(situation, *said, ordinal) for said in gate), (item, gate)
            assert ordinal not in situation.covered.get((item.type, item.role, item.municipality), frozenset())
            if item.type in ("moveout.submitted", "arrival.planned", "arrival.prefill"):
                ended = {"WITHDRAWN", "CANCELLED", "REJECTED"} | journey.ELSEWHERE
                assert result.states[item.role, item.municipality, ordinal] not in ended
            if item.type == "moveout.submitted":
                assert situation.prior_over  # O5


@given(situations())
def test_a_move_in_needs_the_visit_and_the_certificate_of_its_flow(situation: Situation) -> None:
    """Order rule O2."""
    unfiled = any(leg.role is Role.LAST_REGISTERED for leg in situation.legs)
    needs_none = unfiled or situation.kind not in (Kind.DOMESTIC, Kind.OVERSEAS_OUT)
    for ordinal, past in journey.pasts(situation).items():
        covered = {key[0] for key, told in situation.covered.items() if ordinal in told}
        assert "movein.decided" not in covered
        visited = about_any(situation, VISITS, ordinal)
        by_card = about(situation, "certificate.available", "", ordinal)
        by_card = by_card and situation.flows[ordinal] is Flow.CARD_SPECIAL
        certified = by_card or about(situation, "certificate.paper_issued", "", ordinal) or needs_none
        assert (journey.missing(past, "movein.decided", Role.DESTINATION) == []) == (visited and certified)


@given(situations())
def test_the_origin_cancels_only_what_the_destination_has_not_registered(situation: Situation) -> None:
    """Order rule O7: nobody is recorded twice, and nobody nowhere."""
    for past in journey.pasts(situation).values():
        if any(role is Role.DESTINATION and state in journey.ARRIVED for (role, _), state in past.states.items()):
            assert journey.missing(past, "cancel.decided", Role.ORIGIN)


@given(situations())
def test_a_notice_goes_to_its_own_role_for_its_own_movers(situation: Situation) -> None:
    legs = {(leg.role, leg.municipality): set(leg.ordinals) for leg in situation.legs}
    for item in journey.travel(situation).due:
        assert (item.type, item.role) in tables.notices()
        assert set(item.ordinals) <= legs[item.role, item.municipality]


@given(situations())
def test_a_leg_only_makes_steps_of_its_table(situation: Situation) -> None:
    before = journey.travel(with_(situation, facts=())).states
    for count in range(1, len(situation.facts) + 1):
        now = journey.travel(with_(situation, facts=situation.facts[:count]))
        assert now.state in RelocationState.values
        for (role, town, ordinal), state in now.states.items():
            was = before[role, town, ordinal]
            assert was == state or (was, state) in tables.transitions(role)
        before = now.states


@given(situations(), st.data())
def test_one_mover_does_not_move_another(situation: Situation, data: st.DataObject) -> None:
    ordinal = data.draw(st.sampled_from(situation.legs[0].ordinals))
    others = with_(situation, facts=tuple(f for f in situation.facts if ordinal in f.ordinals))
    mine = {key: state for key, state in journey.travel(situation).states.items() if key[2] == ordinal}
    assert mine == {key: state for key, state in journey.travel(others).states.items() if key[2] == ordinal}


@given(situations())
@settings(max_examples=30)
def test_the_filing_is_settled_only_when_every_leg_of_every_mover_is_done(situation: Situation) -> None:
    result = journey.travel(situation)
    ended = {"WITHDRAWN", "REJECTED", "CANCELLED"}
    open_ = [
        key
        for key, state in result.states.items()
        if state not in tables.done(situation.kind, key[0]) and state not in ended | journey.ELSEWHERE
    ]
    if result.state == "SETTLED":
        over = {key[2] for key, state in result.states.items() if state in ended}
        assert {key[2] for key in open_} <= over


def test_every_message_named_in_a_table_is_in_the_catalogue() -> None:
    known = {message.type for message in tables.messages()} | NOT_MESSAGES
    named = {name.partition(" ")[0] for name in (*tables.gates(), *tables.disclosure())}
    named |= {step.on for step in tables.leg_steps()}
    named |= {need.type for groups in tables.gates().values() for group in groups for need in group}
    assert named <= known


def test_every_message_but_the_first_two_and_those_about_a_delivery_has_a_gate() -> None:
    free = {"filing.submitted", "filing.acknowledged", "resend.requested", "task.result"}
    carried = {type_ for type_, _ in tables.notices()} | set(tables.reports())
    assert carried - free == {name.partition(" ")[0] for name in tables.gates()}


def test_outcomes_named_by_gates_exist() -> None:
    for groups in tables.gates().values():
        for need in (need for group in groups for need in group if need.outcome):
            assert need.outcome in tables.outcomes(need.type)


def test_outcomes_named_by_steps_exist_and_states_named_by_messages_are_states() -> None:
    for step in tables.leg_steps():
        if step.on in tables.reports() and (step.on, step.role) not in tables.notices():
            assert step.outcome in tables.outcomes(step.on), step
    for row in tables.notice_rows():
        assert row.role is not None
        assert row.states <= {state for step in tables.transitions(row.role) for state in step}, row


def test_every_kind_and_flow_has_its_rows() -> None:
    assert set(tables.kinds()) == set(Kind)
    for kind, parts in tables.kinds().items():
        assert tables.flows(kind)
        for part in parts:
            assert part.done <= {state for step in tables.transitions(part.role) for state in step}
    assert [row["rule"] for row in tables.rows("order_rules.csv")] == [f"O{n}" for n in range(1, 13)]
    used = {row["rule"] for row in tables.rows("gates.csv")} - {""}
    assert used <= {row["rule"] for row in tables.rows("order_rules.csv")}
    for clock in clocks.table().values():
        assert {clock.fires} <= set(ACTS) | {""}


@pytest.mark.parametrize("role", list(tables.START))
def test_every_state_can_be_reached_and_has_words(role: Role) -> None:
    steps = tables.transitions(role)
    reached = [tables.START[role]]
    for state in reached:
        reached += [end for start, end in steps if start == state and end not in reached]
    assert set(reached) == {tables.START[role]} | {state for step in steps for state in step}
    assert {(role.value, state) for state in reached} == {key for key in words.LEG_STATES if key[0] == role.value}


def test_every_notice_and_report_has_words() -> None:
    assert {type_ for type_, _ in tables.notices() + tables.tasks()} == set(words.NOTICES)
    reports = {(type_, outcome) for type_ in tables.reports() for outcome in tables.outcomes(type_)}
    assert reports - {("resend.requested", "")} == set(words.REPORTS)
    assert {name for name, clock in clocks.table().items() if clock.role} == set(words.CLOCKS)


@pytest.mark.parametrize("role", list(journey.LEADING))
def test_every_state_of_a_leading_leg_counts_for_the_filing(role: Role) -> None:
    states = {state for step in tables.transitions(role) for state in step}
    assert states - journey.ELSEWHERE == set(journey.LEADING[role])
    waits = {"RETURNED", "CONSENT_PENDING"}
    assert set(journey.ORDER) | set(journey.ENDED) | waits | {journey.COMPLETE} == set(RelocationState.values)


def test_every_state_of_a_filing_stands_in_the_table_and_what_is_none_says_where_it_shows() -> None:
    rows = tables.rows("filing_states.csv")
    assert {row["state"] for row in rows if row["kept_as"] == "state"} == set(RelocationState.values)
    assert {row["state"] for row in rows if row["kept_as"] != "state"} == {"DRAFT", "DIVERTED", "PARKED"}
    assert all(row["condition"] and row["source"] for row in rows)
    assert "DIVERTED" in {state for step in tables.transitions(Role.DESTINATION) for state in step}


@given(situations())
def test_a_notice_that_says_the_flow_is_about_movers_of_one(situation: Situation) -> None:
    for item in journey.travel(situation).due:
        if "flow" in tables.allowed(item.type, item.role, situation.kind):
            assert len({situation.flows[ordinal] for ordinal in item.ordinals}) == 1


def test_the_way_with_the_card_names_the_filing_as_long_as_anybody_goes_it() -> None:
    assert tables.whole_flow([Flow.PAPER_CERT, Flow.CARD_SPECIAL]) is Flow.CARD_SPECIAL
    assert tables.whole_flow([Flow.EX_OFFICIO, Flow.PAPER_CERT]) is Flow.PAPER_CERT
    assert set(tables.FLOWS) == set(Flow)


def test_every_notice_has_a_column_of_disclosure_and_every_field_a_row() -> None:
    needed = [tables.allowed(type_, role, kind) for type_, role in tables.notices() + tables.tasks() for kind in Kind]
    assert set(tables.disclosure().values()) == set(needed)
    rows = {row["field"] for row in tables.rows("disclosure.csv")}
    fields = {field.name for field in msgspec.structs.fields(Notice)} - notices.ENVELOPE
    mover = {field.name for field in msgspec.structs.fields(Mover)} - notices.MOVER_ENVELOPE
    assert rows == fields | {f"movers.{name}" for name in mover}


def test_what_may_be_withheld_has_a_blank() -> None:
    notice = {field.name for field in msgspec.structs.fields(Notice) if field.required}
    mover = {field.name for field in msgspec.structs.fields(Mover) if field.required}
    assert notice <= notices.ENVELOPE
    assert mover <= notices.MOVER_ENVELOPE


def test_the_pages_to_read_hold_every_step_and_every_message() -> None:
    drawn, listed = io.StringIO(), io.StringIO()
    call_command("journey", "diagram", stdout=drawn)
    call_command("journey", "table", stdout=listed)
    for role in tables.START:
        part = drawn.getvalue().partition(f"## {role.value}\n")[2].partition("## ")[0]
        arrows = [line.split(":")[0] for line in part.split("\n    ")[2:] if "[*]" not in line]
        assert {tuple(arrow.split(" --> ")) for arrow in arrows} == set(tables.transitions(role))
    for row in tables.messages():
        assert f"| {row.no} | {row.type} | {row.sender} → {row.recipient} |" in listed.getvalue()


def test_the_error_catalogue_is_whole() -> None:
    """Every class, in two languages, with who acts and what to do; precedence is the code's order."""
    found = catalogue.entries()
    assert list(found) == sorted(found, key=lambda code: (code[0] == "A", code))
    assert {row.who for row in found.values()} <= {"sender", "citizen", "clerk", "operator", "hub", "ignore"}
    for code, row in found.items():
        assert all((row.title_en, row.remedy_en)), code
        assert re.search("[\u3040-\u9fff]", row.title_ja), code
        assert re.search("[\u3040-\u9fff]", row.remedy_ja), code
    assert {clock.alert for clock in clocks.table().values()} - {""} <= set(found)
    lead = Refusal(Problem("E310"), Problem("E104"), Problem("E200")).lead
    assert lead.code == "E104"
