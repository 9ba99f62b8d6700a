"""The rules of follow-on procedures: a table of cases for each, boundaries of age, and what holds for every household."""

import csv
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.procedures import ages, tables
from hub.procedures.conditions import ASKING, PLAIN, Move, Person
from hub.procedures.evaluation import Finding, Local, Verdict, evaluate
from municipalities.notice import Coverage, Kind, Pension, Precision, Scope, UncertainDate
from municipalities.opening import Opening

CASES = list(csv.DictReader((Path(__file__).parent / "data" / "procedures.csv").open(encoding="utf-8", newline="")))
ORIGIN = "012025"
COVERAGE = {
    "nhi": {"national_health_insurance": True},
    "elderly": {"elderly_medical_care": True},
    "child": {"child_allowance": True},
    "pension1": {"pension": Pension.FIRST},
    "pension2": {"pension": Pension.SECOND},
    "none": {},
}


def birth(text: str) -> UncertainDate:
    """Read «1980-05-05», «1945~» (about that year) or «~» (unknown)."""
    if text.endswith("~"):
        year = int(text[:-1]) if text[:-1] else None
        precision = Precision.YEAR if year else Precision.NONE
        return UncertainDate(year=year, precision=precision, display_text=f"{year or ''}年頃")
    day = date.fromisoformat(text)
    return UncertainDate(year=day.year, month=day.month, day=day.day)


def move(case: dict[str, str]) -> Move:
    """Return the move a case describes; blanks are an ordinary adult who moves to another prefecture."""
    kind = Kind(case["kind"] or "DOMESTIC")
    destination = {"": "131016", "-": ""}.get(case["to"], case["to"])
    person = Person(
        ordinal=1,
        birth=birth(case["birth"] or "1980-05-05"),
        nationality=case["nationality"] or "JPN",
        coverage=None if case["coverage"] == "-" else Coverage(**COVERAGE[case["coverage"]]),  # type: ignore[arg-type]
        presents_card=case["card"] == "yes",
        leaves_on=None if kind is Kind.OVERSEAS_IN else date.fromisoformat(case["leaves"] or "2026-03-31"),
        arrives_on=None if kind is Kind.OVERSEAS_OUT else date.fromisoformat(case["arrives"] or "2026-04-01"),
        origin="" if kind is Kind.OVERSEAS_IN else ORIGIN,
        destination=destination,
        card_lapsed=case["lapsed"] == "yes",
    )
    return Move(kind, Scope(case["scope"] or "WHOLE"), (person,))


def answers(text: str) -> dict[tuple[int, str], str]:
    """Read «facility=no care=yes»."""
    found = dict(pair.split("=") for pair in text.split())
    return {(1 if tables.questions()[name].scope == "person" else 0, name): value for name, value in found.items()}


def told(finding: Finding | None) -> str:
    """Say a finding as the table of cases does."""
    if finding is None:
        return "no"
    asked = "".join(f":{question}" for _, question in finding.questions)
    return f"{finding.verdict.value}{asked}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rule']} {case['expect']} {case['case']}")
def test_case(case: dict[str, str]) -> None:
    found = evaluate(move(case), answers(case["answers"]), {})
    assert told(next((one for one in found if one.rule.name == case["rule"]), None)) == case["expect"]


def test_every_rule_has_a_case_that_is_due_and_one_that_is_not() -> None:
    names = {rule.name for rule in tables.rules()}
    assert {case["rule"] for case in CASES if case["expect"] == "due"} == names
    assert {case["rule"] for case in CASES if case["expect"] == "no"} == names


def test_the_catalogue_is_whole_and_every_condition_has_a_function() -> None:
    tables.check()
    assert {rule.procedure for rule in tables.rules()} == {f"F{number:02}" for number in range(1, 37)}
    assert {one.kind for one in tables.conditions().values()} == {*PLAIN, *ASKING}
    assert all(bool(one.question) == (one.kind in ASKING) for one in tables.conditions().values())
    used = {one.name for rule in tables.rules() for group in rule.needs for one in group}
    assert used == set(tables.conditions())
    assert {one.question for one in tables.conditions().values()} - {""} == set(tables.questions())


#: Day of birth, years, and the day on which so many are complete.
REACHED = [
    (date(1961, 4, 1), 65, date(2026, 3, 31)),
    (date(1961, 4, 2), 65, date(2026, 4, 1)),
    (date(1961, 1, 1), 65, date(2025, 12, 31)),
    (date(1961, 3, 1), 65, date(2026, 2, 28)),
    (date(1960, 3, 1), 68, date(2028, 2, 29)),
    (date(2004, 2, 29), 18, date(2022, 2, 28)),
    (date(2004, 2, 29), 20, date(2024, 2, 28)),
]


@pytest.mark.parametrize(("born", "years", "reached"), REACHED)
def test_a_year_is_complete_the_day_before_the_birthday(born: date, years: int, reached: date) -> None:
    assert ages.reached_on(born, years) == reached
    case = dict.fromkeys(CASES[0], "") | {"coverage": "none", "birth": born.isoformat()}
    limits = {"F07.gain": 65, "F04": 20, "F18.in": 18, "F17": 15}
    for rule, age in limits.items():
        day = ages.reached_on(born, age)
        if not tables.named(rule, 1).valid_on(day - timedelta(days=1)):
            continue
        for on, due in ((day - timedelta(days=1), False), (day, True)):
            one = case | {"arrives": on.isoformat(), "leaves": on.isoformat()}
            found = evaluate(move(one), answers("facility=no pension_first=yes"), {})
            assert (rule in {finding.rule.name for finding in found}) is due


def test_school_years_are_counted_from_2_april_to_1_april() -> None:
    for born in (date(2019, 4, 2) + timedelta(days=day) for day in range(366)):  # to 1 April 2020
        assert ages.school_years(born) == (date(2026, 4, 1), date(2035, 3, 31)), born
    assert ages.school_years(date(2020, 4, 2))[0] == date(2027, 4, 1)


def test_a_child_turns_six_between_the_two_towns() -> None:
    case = dict.fromkeys(CASES[0], "") | {"birth": "2019-08-01", "coverage": "none"}
    found = {one.rule.name for one in evaluate(move(case), {}, {})}
    assert "F12.enter" in found
    assert "F12.leave" not in found  # left on 31 March, moved in on 1 April


def test_a_spouse_who_moves_with_the_child_of_a_recipient_who_stays_is_told_as_well() -> None:
    """Only the child, or the child with the spouse, leaves the recipient (F08; Rule Art. 6)."""
    case = dict.fromkeys(CASES[0], "") | {"scope": "PART", "birth": "2015-01-01", "coverage": "none"}
    child, mother = move(case), move(case | {"birth": "1990-01-01"})
    both = replace(child, persons=(replace(mother.persons[0], ordinal=1), replace(child.persons[0], ordinal=2)))
    found = evaluate(both, {(2, "child_of_recipient"): "yes"}, {})
    assert [(one.ordinal, one.verdict) for one in found if one.rule.name == "F08.apart"] == [(2, Verdict.DUE)]


# --- What a town sets otherwise ----------------------------------------------------------------------------------


def test_a_town_may_set_another_age_other_days_or_nothing_at_all() -> None:
    case = dict.fromkeys(CASES[0], "") | {"birth": "2011-06-01", "coverage": "none"}
    until_15 = {("131016", "F09.claim"): Local(age_limit=15, days=10, department="こども課")}
    found = {one.rule.name: one for one in evaluate(move(case), {}, until_15)}
    assert found["F09.claim"].local.department == "こども課"
    assert found["F09.claim"].due_on(Opening()) == date(2026, 4, 13)  # day 10 is a Saturday, and this deadline
    assert "F09.claim" not in {
        one.rule.name for one in evaluate(move(case), {}, {("131016", "F09.claim"): Local(age_limit=12)})
    }
    assert "F09.claim" not in {
        one.rule.name for one in evaluate(move(case), {}, {("131016", "F09.claim"): Local(offered=False)})
    }


#: Day of moving in, rule, last day.
LAST_DAYS = [
    ("F01.gain", "2026-03-28", date(2026, 4, 13)),  # day 14 is a Saturday: the next open day
    ("F06.application", "2026-04-01", date(2026, 4, 15)),  # applied on 16 April: too late
    ("F06.application", "2026-03-28", date(2026, 4, 11)),  # the safe day: not extended
    ("F08.claim", "2026-03-30", date(2026, 4, 14)),  # claimed on 16 April: a month is lost
    ("F19", "2026-04-05", date(2026, 5, 7)),  # day 30 falls into Golden Week
    ("F19", "2026-12-01", date(2027, 1, 4)),  # and over the turn of the year
]


def test_the_claim_for_child_allowance_is_counted_from_the_earlier_of_both_days() -> None:
    """Some cities count from the planned day of moving out: the earlier last day is shown."""
    case = dict.fromkeys(CASES[0], "") | {"coverage": "child"}
    for leaves, arrives in (("2026-03-28", "2026-04-02"), ("2026-04-02", "2026-03-28")):
        found = {one.rule.name: one for one in evaluate(move(case | {"leaves": leaves, "arrives": arrives}), {}, {})}
        assert found["F08.claim"].due_on(Opening()) == date(2026, 4, 12)  # a Sunday: not extended


@pytest.mark.parametrize(("rule", "arrives", "last"), LAST_DAYS)
def test_last_days(rule: str, arrives: str, last: date) -> None:
    case = dict.fromkeys(CASES[0], "") | {"arrives": arrives, "leaves": arrives, "coverage": "child"}
    said = answers("nhi=yes facility=no care=yes care_certified=yes dog=yes")
    found = {one.rule.name: one for one in evaluate(move(case), said, {})}
    assert found[rule].due_on(Opening()) == last


# --- Whatever the household --------------------------------------------------------------------------------------

BIRTHS = st.one_of(
    st.dates(date(1930, 1, 1), date(2026, 3, 1)).map(lambda day: birth(day.isoformat())),
    st.integers(1930, 2020).map(lambda year: birth(f"{year}~")),
    st.sampled_from([birth("~"), UncertainDate(year=1990, month=2, day=29)]),
)


@st.composite
def households(draw: st.DrawFn) -> Move:
    kind = draw(st.sampled_from([Kind.DOMESTIC, Kind.OVERSEAS_IN, Kind.OVERSEAS_OUT, Kind.IN_CITY]))
    leaves = draw(st.dates(date(2026, 3, 1), date(2026, 5, 1)))
    persons = [
        Person(
            ordinal=ordinal,
            birth=draw(BIRTHS),
            nationality=draw(st.sampled_from(["JPN", "USA"])),
            coverage=draw(st.none() | st.builds(Coverage, national_health_insurance=st.booleans())),
            presents_card=draw(st.booleans()),
            leaves_on=leaves,
            arrives_on=leaves + timedelta(days=draw(st.integers(0, 5))),
            origin=ORIGIN,
            destination=draw(st.sampled_from(["131016", "011002"])),
        )
        for ordinal in range(1, draw(st.integers(1, 3)) + 1)
    ]
    return Move(kind, draw(st.sampled_from(Scope)), tuple(persons))


@settings(max_examples=40, deadline=None)
@given(households(), st.data())
def test_asking_comes_to_an_end_and_only_what_was_answered_changes(household: Move, data: st.DataObject) -> None:
    """Answer what is asked until nothing is: no question twice, what is due stays due, the order has no effect."""
    said: dict[tuple[int, str], str] = {}
    found = evaluate(household, said, {})
    while asked := sorted({question for one in found for question in one.questions}):
        assert not set(asked) & set(said)
        said[data.draw(st.sampled_from(asked))] = data.draw(st.sampled_from(["yes", "no"]))
        after = evaluate(household, said, {})
        settled = {(one.rule.name, one.ordinal, one.verdict) for one in found if one.verdict is Verdict.DUE}
        assert settled <= {(one.rule.name, one.ordinal, one.verdict) for one in after}
        found = after
    assert found == evaluate(household, dict(reversed(said.items())), {})
    keys = [(one.rule.name, one.ordinal) for one in found]
    assert len(keys) == len(set(keys))
    assert all(one.reasons for one in found if one.verdict is Verdict.DUE)
