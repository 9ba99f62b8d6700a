"""Persons filed twice: a case for the town's clerk; no filer is told, one registration wins, nobody is merged."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.db import DatabaseError, connections, transaction
from django.test import Client
from django.urls import reverse

from hub.actors import HUB, Actor, ActorKind, acting
from hub.duplicates.models import Case, Mark, Member
from hub.relocations import changing, people, reports, services
from hub.relocations.corrections import Change
from hub.relocations.filing import Filing
from hub.relocations.models import Event, Relocation
from hub.relocations.reported import ReportBody
from municipalities.notice import Role
from tests.conftest import CHIYODA, HAKODATE, NAHA, clerk, filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - rows that are really committed: filings race here

pytestmark = pytest.mark.usefixtures("db")

FATHER, MOTHER = Actor(ActorKind.CITIZEN, name="901"), Actor(ActorKind.CITIZEN, name="902")


def household(parent: int, destination: str = CHIYODA) -> Filing:
    """A parent (mover 1 or 2 of the family) who moves with the child."""
    family = filing(2)
    movers = tuple(
        msgspec.structs.replace(mover, ordinal=number)
        for number, mover in enumerate((family.movers[parent - 1], family.movers[2]), 1)
    )
    other = filing(2, destination=destination)
    return msgspec.structs.replace(other, movers=movers)


def file(document: Filing, owner: Actor) -> Relocation:
    return services.file(document, owner)[0]


def register(relocation: Relocation, ordinals: tuple[int, ...] = (1, 2)) -> str:
    """Let the origin take up the move-out and register it for these movers; returns what the hub said to the last."""
    journeys.carry()
    journeys.fetch()
    word = ""
    for report, outcome in (("moveout.reviewing", ""), ("moveout.decided", "REGISTERED")):
        said = journeys.Said(HAKODATE, Role.ORIGIN, "moveout.submitted", report, outcome, ordinals)
        word = journeys.say(relocation, said)
    return word


def cases() -> list[Case]:
    with acting(HUB):
        return list(Case.objects.order_by("pk"))


def test_two_parents_file_one_child_and_neither_is_told() -> None:
    first = file(household(1), FATHER)
    assert cases() == []
    second = file(household(2, NAHA), MOTHER)
    (case,) = cases()
    assert (case.municipality_id, case.size, case.finding) == (HAKODATE, 2, "OPEN")
    for relocation in (first, second):
        with acting(HUB):
            relocation.refresh_from_db()
            seen = list(Event.objects.filter(relocation=relocation).values_list("type", flat=True))
        assert relocation.state == "SUBMITTED"
        assert not [event for event in seen if "duplicate" in event]
    for actor in (FATHER, MOTHER, Actor(ActorKind.OPERATOR), Actor(ActorKind.CLERK, CHIYODA, "5")):
        with acting(actor):
            assert [model.objects.count() for model in (Case, Member, Mark)] == [0, 0, 0]
    assert register(first) == "new"
    assert register(second) == "E306"
    assert register(second, (1,)) == "new"  # the mother herself may go


def test_one_move_out_wins_when_both_are_registered_at_once() -> None:
    rivals = [file(household(1), FATHER), file(household(2, NAHA), MOTHER)]
    journeys.carry()
    journeys.fetch()
    both = Barrier(2)

    def decide(relocation: Relocation) -> str:
        said = [
            journeys.Said(HAKODATE, Role.ORIGIN, "moveout.submitted", *words, (1, 2))
            for words in (("moveout.reviewing", ""), ("moveout.decided", "REGISTERED"))
        ]
        try:
            assert journeys.say(relocation, said[0]) == "new"
            both.wait(timeout=20)
            return journeys.say(relocation, said[1])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(decide, rivals)) == ["E306", "new"]
    with acting(HUB):
        assert Member.objects.filter(registered=True).count() == 1


def test_two_filings_at_the_same_moment_find_each_other() -> None:
    both = Barrier(2)

    def one(which: tuple[Filing, Actor]) -> None:
        try:
            both.wait(timeout=20)
            file(*which)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, [(household(1), FATHER), (household(2, NAHA), MOTHER)]))
    assert [case.size for case in cases()] == [2]


def test_people_of_one_name_and_birthday_go_their_own_ways_when_a_clerk_says_so() -> None:
    relocations = [file(household(1), FATHER), file(household(2, NAHA), MOTHER)]
    assert register(relocations[0]) == "new"
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(clerk(HAKODATE))
    listed = reverse("admin:duplicates_case_changelist")
    assert "重複の疑い" in client.get(reverse("admin:index")).content.decode()
    page = client.get(reverse("admin:duplicates_case_change", args=[cases()[0].pk])).content.decode()
    assert all(relocation.receipt_no in page for relocation in relocations)
    client.post(listed, {"action": "different", "_selected_action": [str(cases()[0].pk)]})
    assert cases()[0].finding == "DIFFERENT"
    assert register(relocations[1]) == "new"


def test_another_towns_clerk_finds_and_decides_no_case() -> None:
    for document, owner in ((household(1), FATHER), (household(2, NAHA), MOTHER)):
        file(document, owner)
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(clerk(CHIYODA))
    key = cases()[0].pk
    unknown = client.get(reverse("admin:duplicates_case_change", args=[key + 1]))
    known = client.get(reverse("admin:duplicates_case_change", args=[key]))
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    client.post(reverse("admin:duplicates_case_changelist"), {"action": "same", "_selected_action": [str(key)]})
    assert cases()[0].finding == "OPEN"


@pytest.mark.parametrize(
    "change",
    [{"full_name": "見本　別郎"}, {"sex": ""}, {"date_of_birth": None}],
    ids=["another name", "sex left blank", "no birth date"],
)
def test_who_differs_in_anything_is_no_duplicate(change: dict[str, Any]) -> None:
    family = filing(2).movers[2]
    other = msgspec.structs.replace(family, **change)
    assert people.mark_of(HAKODATE, family) != people.mark_of(HAKODATE, other)
    assert people.mark_of(HAKODATE, family) != people.mark_of(NAHA, family)
    spaced = msgspec.structs.replace(family, full_name=family.full_name.replace("　", " "))
    assert people.mark_of(HAKODATE, family) == people.mark_of(HAKODATE, spaced)


def test_a_filing_that_has_ended_contradicts_nothing() -> None:
    first = file(household(1), FATHER)
    changing.withdraw(first.pk, FATHER)
    file(household(2, NAHA), MOTHER)
    assert cases() == []


def test_the_database_itself_lets_one_be_registered() -> None:
    for document, owner in ((household(1), FATHER), (household(2, NAHA), MOTHER)):
        file(document, owner)
    with pytest.raises(DatabaseError, match="one_registered"), transaction.atomic(), acting(HUB):
        Member.objects.update(registered=True)
    with acting(HUB):
        assert Case.objects.get().finding == "OPEN"


def test_taking_back_and_deciding_at_once_has_one_winner() -> None:
    """S60: the loser is told what is lawful to tell; nothing is both withdrawn and registered."""
    for number in range(4):
        relocation = file(filing(number + 20), FATHER)
        journeys.carry()
        journeys.fetch()
        ordinals = tuple(mover.ordinal for mover in filing(number + 20).movers)
        reviewing, decided = (
            journeys.Said(HAKODATE, Role.ORIGIN, "moveout.submitted", *words, ordinals)
            for words in (("moveout.reviewing", ""), ("moveout.decided", "REGISTERED"))
        )
        assert journeys.say(relocation, reviewing) == "new"
        both = Barrier(2)

        def decide(relocation: Relocation = relocation, decided: Any = decided, both: Barrier = both) -> str:
            both.wait(timeout=20)
            return journeys.say(relocation, decided)

        def withdraw(relocation: Relocation = relocation, both: Barrier = both) -> str:
            both.wait(timeout=20)
            changing.withdraw(relocation.pk, FATHER)
            return "taken back"

        def closing(work: Any) -> str:
            try:
                return str(work())
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            words = list(pool.map(closing, (decide, withdraw)))
        with acting(HUB):
            relocation.refresh_from_db()
            asked = Event.objects.filter(relocation=relocation, type="cancel.asked").exists()
        # Decided first: the withdrawal has become the request for a cancellation. Else the decision comes too late.
        won = (words[0], relocation.state, asked)
        assert won in {("new", "MOVEOUT_ACCEPTED", True), ("E200", "WITHDRAWN", False)}


def test_a_corrected_name_is_looked_for_again() -> None:
    known = file(household(1), FATHER)
    misspelled = household(2, NAHA)
    movers = (misspelled.movers[0], msgspec.structs.replace(misspelled.movers[1], full_name="見本　誤記"))
    other = file(msgspec.structs.replace(misspelled, movers=movers), MOTHER)
    assert cases() == []
    assert register(other) == "new"
    right = household(1).movers[1].full_name
    body = ReportBody(
        id=uuid4(),
        type="correction.notified",
        receipt_no=other.receipt_no,
        changes=(Change("/movers/1/fullName", right),),
    )
    with acting(journeys.system(HAKODATE)):
        assert reports.receive(body, HAKODATE)[1]
    (case,) = cases()
    assert (case.municipality_id, case.size) == (HAKODATE, 2)
    assert register(known) == "E306"
