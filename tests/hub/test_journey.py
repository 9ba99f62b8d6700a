"""The journey as a pure function: repeatable, never ahead of a gate, and its tables agree with each other."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import words
from hub.relocations import journey, notices, tables
from hub.relocations.journey import Fact, LegFacts, Situation
from hub.relocations.models import RelocationState
from municipalities.notice import Flow, Mover, Notice, Role

TODAY = date(2026, 4, 1)
TOWNS = {Role.ORIGIN: "012025", Role.DESTINATION: "131016", Role.DOMICILE: "221406"}
#: What the journey knows without a message: the citizen takes the filing back, a day comes.
NOT_MESSAGES = {"filing.withdrawn", "planned_date.reached", "flow.card"}
#: Everything that can ever be a fact, with each of its outcomes.
KINDS = sorted(
    {(type_, outcome) for type_ in tables.reports() for outcome in tables.outcomes(type_)}
    | {(type_, "") for type_, _ in tables.notices()}
    | {("filing.acknowledged", ""), ("filing.withdrawn", "")}
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Return up to three movers and anything at all that may have been said about them, in any order."""
    everyone = tuple(range(1, draw(st.integers(1, 3)) + 1))
    citizens = tuple(n for n in everyone if draw(st.booleans()))
    legs = [LegFacts(role, TOWNS[role], everyone, draw(st.booleans())) for role in (Role.ORIGIN, Role.DESTINATION)]
    if citizens:
        legs.append(LegFacts(Role.DOMICILE, TOWNS[Role.DOMICILE], citizens, draw(st.booleans())))
    some = st.frozensets(st.sampled_from(everyone), min_size=1)
    facts = st.builds(lambda kind, who: Fact(kind[0], who, kind[1]), st.sampled_from(KINDS), some)
    covered = st.dictionaries(
        st.sampled_from([(type_, role, TOWNS[role]) for type_, role in tables.notices()]), some, max_size=4
    )
    return Situation(
        flow=draw(st.sampled_from([Flow.CARD_SPECIAL, Flow.PAPER_CERT])),
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


@given(situations())
def test_nothing_is_due_before_its_gate(situation: Situation) -> None:
    #: O1: the working copy after the move-out is registered. O3, O4: notices after the move-in is registered.
    gates = {
        "arrival.prefill": ("moveout.decided", "REGISTERED"),
        "movein.notice": ("movein.decided", "REGISTERED"),
        "appendix.notice": ("movein.decided", "REGISTERED"),
        "withdraw.requested": ("filing.withdrawn", ""),
    }
    for item in journey.travel(situation).due:
        for ordinal in item.ordinals:
            assert about(situation, *gates.get(item.type, ("filing.acknowledged", "")), ordinal)
            assert ordinal not in situation.covered.get((item.type, item.role, item.municipality), frozenset())
            assert item.type == "withdraw.requested" or not about(situation, "filing.withdrawn", "", ordinal)


@given(situations())
def test_a_move_in_needs_the_visit_and_the_certificate(situation: Situation) -> None:
    """Order rule O2."""
    for ordinal in situation.legs[0].ordinals:
        visited = about(situation, "arrival.visited", "", ordinal)
        certified = any(about(situation, f"certificate.{how}", "", ordinal) for how in ("available", "paper_issued"))
        assert (journey.missing(situation, "movein.decided", ordinal) == []) == (visited and certified)


@given(situations())
def test_a_notice_goes_to_its_own_role_for_its_own_movers(situation: Situation) -> None:
    legs = {(leg.role, leg.municipality): set(leg.ordinals) for leg in situation.legs}
    for item in journey.travel(situation).due:
        assert (item.type, item.role) in tables.notices()
        assert set(item.ordinals) <= legs[item.role, item.municipality]


@given(situations(), st.data())
def test_what_was_due_stays_due_whatever_else_is_said(situation: Situation, data: st.DataObject) -> None:
    who = frozenset({data.draw(st.sampled_from(situation.legs[0].ordinals))})
    type_, outcome = data.draw(st.sampled_from([kind for kind in KINDS if kind[0] != "filing.withdrawn"]))
    later = with_(situation, facts=(*situation.facts, Fact(type_, who, outcome)))
    assert set(due_of(situation)) <= set(due_of(later))


def due_of(situation: Situation) -> Iterator[tuple[str, Role, str, int]]:
    """Yield what is due, mover by mover."""
    for item in journey.travel(situation).due:
        yield from ((item.type, item.role, item.municipality, ordinal) for ordinal in item.ordinals)


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
    done = all(state == journey.DONE[role] for (role, _, _), state in result.states.items())
    assert (result.state == "SETTLED") == done


def test_every_message_named_in_a_table_is_in_the_catalogue() -> None:
    known = {message.type for message in tables.messages()} | NOT_MESSAGES
    named = set(tables.gates()) | {step[2] for step in tables.leg_steps()} | set(tables.disclosure())
    named |= {need.type for groups in tables.gates().values() for group in groups for need in group}
    assert named <= known


def test_every_message_but_the_first_two_and_a_resend_has_a_gate() -> None:
    free = {"filing.submitted", "filing.acknowledged", "resend.requested"}
    assert {message.type for message in tables.messages()} - free == set(tables.gates()) - {"filing.acknowledged"}


def test_outcomes_named_by_gates_exist() -> None:
    for groups in tables.gates().values():
        for need in (need for group in groups for need in group if need.outcome):
            assert need.outcome in tables.outcomes(need.type)


@pytest.mark.parametrize("role", list(tables.START))
def test_every_state_can_be_reached_and_has_words(role: Role) -> None:
    steps = tables.transitions(role)
    reached = [tables.START[role]]
    for state in reached:
        reached += [end for start, end in steps if start == state and end not in reached]
    assert set(reached) == {tables.START[role]} | {state for step in steps for state in step}
    assert journey.DONE[role] in reached
    assert {(role.value, state) for state in reached} == {key for key in words.LEG_STATES if key[0] == role.value}


def test_every_notice_and_report_has_words() -> None:
    assert {type_ for type_, _ in tables.notices()} == set(words.NOTICES)
    reports = {(type_, outcome) for type_ in tables.reports() for outcome in tables.outcomes(type_)}
    assert reports - {("resend.requested", "")} == set(words.REPORTS)


def test_every_origin_state_counts_for_the_filing() -> None:
    states = {state for step in tables.transitions(Role.ORIGIN) for state in step}
    assert states <= set(journey.ORIGIN_RANK) | set(journey.STOPS)
    assert set(journey.ORDER) | set(journey.STOPS) == set(RelocationState.values)


def test_every_notice_has_a_column_of_disclosure_and_every_field_a_row() -> None:
    assert set(tables.disclosure()) == {type_ for type_, _ in tables.notices()}
    rows = {row["field"] for row in tables._rows("disclosure.csv")}
    fields = {field.name for field in msgspec.structs.fields(Notice)} - notices.ENVELOPE
    mover = {field.name for field in msgspec.structs.fields(Mover)} - notices.MOVER_ENVELOPE
    assert rows == fields | {f"movers.{name}" for name in mover}


def test_what_may_be_withheld_has_a_blank() -> None:
    notice = {field.name for field in msgspec.structs.fields(Notice) if field.required}
    mover = {field.name for field in msgspec.structs.fields(Mover) if field.required}
    assert notice <= notices.ENVELOPE
    assert mover <= notices.MOVER_ENVELOPE
