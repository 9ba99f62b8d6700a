"""Whatever comes early, late, twice or not at all first: the end is legal, and the same as of an undisturbed move."""

from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.actors import HUB, acting
from hub.catalogue import entries
from hub.deliveries.models import Delivery
from hub.relocations import changing, facts, journey, services
from hub.relocations.filing import Filing
from hub.relocations.models import Relocation
from municipalities.notice import Flow, Registry, Role
from tests.conftest import CHIYODA, HAKODATE, NAHA, TENRYU, filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db

#: Domiciles of the movers.
DOMICILES = {
    "elsewhere": (TENRYU, TENRYU, TENRYU),
    "two towns": (TENRYU, NAHA, NAHA),
    "origin": (HAKODATE, HAKODATE, HAKODATE),
    "destination": (CHIYODA, CHIYODA, CHIYODA),
    "mixed": (CHIYODA, HAKODATE, TENRYU),
}


class Case(NamedTuple):
    """A filing: its flow, how many move, their domiciles; and whether clerks report mover by mover."""

    flow: Flow
    size: int
    domiciles: str
    split: bool


CASES = st.sampled_from(
    [
        Case(Flow.CARD_SPECIAL, 1, "elsewhere", False),
        Case(Flow.PAPER_CERT, 1, "origin", False),
        Case(Flow.CARD_SPECIAL, 2, "two towns", True),
        Case(Flow.PAPER_CERT, 2, "destination", False),
        Case(Flow.CARD_SPECIAL, 3, "mixed", True),
    ]
)
STEPS = st.lists(st.integers(0, 999), max_size=50)
EXAMPLES = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    # Each example runs in a savepoint of its own, which is rolled back.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def make(case: Case) -> Filing:
    """Return a filing of so many citizens with these domiciles."""
    whole = filing(5)  # six citizens in the card flow, nobody remains
    movers = tuple(
        msgspec.structs.replace(mover, registry=Registry(local_government_code=domicile))
        for mover, domicile in zip(whole.movers, DOMICILES[case.domiciles][: case.size], strict=False)
    )
    return msgspec.structs.replace(whole, flow=case.flow, movers=movers)


def disturb(relocation: Relocation, said: list[journeys.Said], steps: list[int], *, withdrawing: bool) -> None:
    """Do as the numbers say: say anything at all (again), carry, fetch at one town, take the filing back."""
    towns = sorted({one.town for one in said})
    for step in steps:
        if step % 5 == 0:
            news = journeys.carry() > 0
        elif step % 5 == 1:
            news = journeys.fetch(towns[step // 5 % len(towns)]) > 0
        elif withdrawing and step % 25 == 2:
            news = withdraw(relocation)
        else:
            word = journeys.say(relocation, said[step // 5 % len(said)])
            assert word in {"new", "known", *entries()}
            news = word == "new"
        if news:
            check(relocation)


def withdraw(relocation: Relocation) -> bool:
    """Take the filing back; once the origin has decided, that is a request for a cancellation, which changes no leg."""
    with acting(HUB):
        decided = facts.decided(facts.read(relocation))
        before = Relocation.objects.get(pk=relocation.pk).state
    after = changing.withdraw(relocation.pk, journeys.CITIZEN).state
    assert after == (before if decided else "WITHDRAWN")
    return True


def check(relocation: Relocation) -> None:
    """The rows say what the journey says, and going on from here adds nothing."""
    with acting(HUB):
        row = services.lock(relocation.pk)
        rows = facts.read(row)
        states = journey.travel(facts.situation(row, rows)).states
        told_later = {"NOTIFIED"}  # the destination's leg follows its origin's notice with the next event
        for mover in rows.movers:
            state = states[Role(mover.role), mover.municipality_id, mover.ordinal]
            assert mover.state == state or state in told_later
        services.advance(relocation.pk)
        assert len(facts.read(row).deliveries) == len(rows.deliveries)
        sequences = [(delivery.municipality_id, delivery.sequence) for delivery in rows.deliveries]
        assert len(set(sequences)) == len(sequences)


@cache
def undisturbed(case: Case) -> dict[str, Any]:
    """Return how the same filing ends when everything comes in order."""
    with transaction.atomic():
        document = make(case)
        relocation = journeys.file(document)
        journeys.settle(relocation, journeys.course(relocation, document, split=case.split))
        found = journeys.picture(relocation)
        transaction.set_rollback(True)
    return found


@given(CASES, STEPS)
@EXAMPLES
def test_any_order_ends_as_the_order_of_the_law(case: Case, steps: list[int]) -> None:
    expected = undisturbed(case)
    with transaction.atomic():
        document = make(case)
        relocation = journeys.file(document)
        said = journeys.course(relocation, document, split=case.split)
        disturb(relocation, said, steps, withdrawing=False)
        journeys.settle(relocation, said)
        found = journeys.picture(relocation)
        transaction.set_rollback(True)
    assert found == expected
    assert found["state"] == "COMPLETE"
    # A department is asked of several procedures about the same movers: which, the notices compared above say.
    once = found["reports"] + found["deliveries"]
    assert {times for line, times in once.items() if not line[0].startswith("task.")} == {1}
    assert {(line[4], line[5]) for line in found["deliveries"]} <= {
        ("answered", "registered"),
        ("answered", "accepted_for_review"),
    }


@pytest.mark.parametrize("flow", [Flow.CARD_SPECIAL, Flow.PAPER_CERT])
def test_clocks_of_machines_that_differ_change_no_order(flow: Flow) -> None:
    """Whatever takes in the next report has a clock behind that of the one before, and couriers are ahead of all."""
    case = Case(flow, 2, "two towns", split=True)
    began = timezone.now()
    with transaction.atomic():
        document = make(case)
        relocation = journeys.file(document)
        said = journeys.course(relocation, document, split=case.split)
        for number, one in enumerate(said):
            with time_machine.travel(began + timedelta(seconds=len(said) + 1)):
                journeys.carry()
                journeys.fetch()
            with time_machine.travel(began + timedelta(seconds=len(said) - number)):
                journeys.say(relocation, one)
                check(relocation)
        with time_machine.travel(began + timedelta(seconds=len(said) + 2)):
            journeys.settle(relocation, said)
        found = journeys.picture(relocation)
        transaction.set_rollback(True)
    assert found == undisturbed(case)


@given(CASES, STEPS, st.integers(0, 40))
@EXAMPLES
def test_taken_back_at_any_moment_it_ends_withdrawn_or_settled(case: Case, steps: list[int], moment: int) -> None:
    with transaction.atomic():
        document = make(case)
        relocation = journeys.file(document)
        said = journeys.course(relocation, document, split=case.split)
        disturb(relocation, said, steps[:moment], withdrawing=False)
        disturb(relocation, said, [2, *steps[moment:]], withdrawing=True)
        journeys.settle(relocation, said)
        found = journeys.picture(relocation)
        with acting(HUB):
            rows = list(Delivery.objects.filter(relocation_id=relocation.pk).order_by("sequence"))
        transaction.set_rollback(True)
    if found["state"] in ("SETTLED", "COMPLETE"):  # the towns were asked to cancel, and did not
        expected = undisturbed(case)
        assert (found["movers"], found["reports"]) == (expected["movers"], expected["reports"])
        assert {line for line in found["deliveries"] if line[0] != "cancel.requested"} == set(expected["deliveries"])
    else:
        assert found["state"] == "WITHDRAWN"
        assert {state for (role, _, _), state in found["movers"].items() if role == "origin"} == {"WITHDRAWN"}
        told_of_it(rows)


def told_of_it(rows: list[Delivery]) -> None:
    """Every town that was told anything is told once, and last, of the withdrawal; nobody else is."""
    assert {row.type for row in rows} <= {"moveout.submitted", "arrival.planned", "withdraw.requested"}
    assert {row.state for row in rows} <= {"sent", "answered", "withdrawn"}
    for town in {row.municipality_id for row in rows}:
        left = [row.type for row in rows if row.municipality_id == town and row.state != "withdrawn"]
        assert left == [] or (left[-1] == "withdraw.requested" and left.count("withdraw.requested") == 1)
        assert left != ["withdraw.requested"]
