"""Consents: adults and the head of a joined household are asked, and no town is told before they agreed."""

from datetime import date
from typing import Any

import msgspec
import pytest
from django.test import Client

from hub.actors import HUB, Actor, ActorKind, acting
from hub.consents.models import Answer, Request
from hub.deliveries.models import Delivery
from hub.relocations import people, services
from hub.relocations.filing import Capacity, Filer, Filing
from hub.relocations.models import Event, Relocation
from municipalities.notice import HouseholdJoined, Precision, UncertainDate
from tests.conftest import filing
from tests.hub import journeys
from tests.hub.family import citizen, link_of, waiting
from tests.hub.visitor import Visitor

pytestmark = pytest.mark.django_db

TODAY = date(2026, 4, 1)


def unagreed(number: int = 1, **changes: Any) -> Filing:
    """A filing of a family of two that no front vouches for."""
    document = filing(number)
    return msgspec.structs.replace(document, **{"filer": Filer(), "movers": document.movers[:2]} | changes)


def at(user: Any) -> Client:
    """Somebody signed in."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user)
    return client


def file(document: Filing, owner: str) -> Relocation:
    return services.file(document, Actor(ActorKind.CITIZEN, name=owner))[0]


def state(relocation: Relocation) -> str:
    with acting(HUB):
        relocation.refresh_from_db()
    return str(relocation.state)


# --- Whom ----------------------------------------------------------------------------------------------

#: Born → of age on 1 April 2026: 18 years are complete the day before the birthday.
BIRTHS = {
    UncertainDate(2008, 4, 1): True,
    UncertainDate(2008, 4, 2): True,
    UncertainDate(2008, 4, 3): False,
    UncertainDate(2008, 2, 29): True,
    UncertainDate(2008, precision=Precision.YEAR): None,
    UncertainDate(2007, precision=Precision.YEAR): True,
    UncertainDate(2009, precision=Precision.YEAR): False,
    UncertainDate(2008, 5, precision=Precision.MONTH): False,
    UncertainDate(2008, 2, 31): True,
    UncertainDate(precision=Precision.NONE): None,
}


@pytest.mark.parametrize(("birth", "of_age"), BIRTHS.items(), ids=str)
def test_somebody_is_of_age_the_day_before_the_birthday(birth: UncertainDate, of_age: bool | None) -> None:
    assert people.is_adult(birth, TODAY) is of_age


@pytest.mark.parametrize(
    ("filer", "asked"),
    [
        (Filer(), (2,)),
        (Filer(ordinal=2), (1,)),
        (Filer(capacity=Capacity.HEAD), (1, 2)),
        (Filer(capacity=Capacity.STATUTORY_AGENT), (1, 2)),
        (Filer(capacity=Capacity.VOLUNTARY_AGENT, same_household=False, authority_documents=("委任状",)), ()),
        (Filer(consents_held=(2,)), ()),
    ],
    ids=str,
)
def test_who_files_agrees_and_the_other_adults_are_asked(filer: Filer, asked: tuple[int, ...]) -> None:
    document = unagreed(filer=filer)
    assert people.asked(document, TODAY) == asked
    joining = msgspec.structs.replace(document, household_joined=HouseholdJoined("試験　次郎", existing=True))
    assert people.asked(joining, TODAY) == (0, *asked)


def test_children_are_not_asked_and_a_guardian_speaks_for_the_ward() -> None:
    document = filing(5)  # head, spouse, three children, a mother of whom the year of birth is known
    assert people.asked(msgspec.structs.replace(document, filer=Filer()), TODAY) == (2, 6)
    ward = msgspec.structs.replace(document.movers[0], under_guardianship=True)
    guardian = msgspec.structs.replace(
        document, movers=(ward,), filer=Filer(capacity=Capacity.STATUTORY_AGENT, same_household=False)
    )
    assert people.asked(guardian, TODAY) == ()


# --- Asking and answering ------------------------------------------------------------------------------


def test_no_town_is_told_before_everyone_agreed() -> None:
    owner = citizen()
    relocation = file(unagreed(household_joined=HouseholdJoined("試験　次郎", existing=True)), str(owner.pk))
    assert state(relocation) == "CONSENT_PENDING"
    head, spouse = waiting(relocation)
    assert (head.ordinal, spouse.ordinal) == (0, 2)
    for number, row in enumerate((head, spouse)):
        with acting(HUB):
            assert not Delivery.objects.filter(relocation_id=relocation.pk).exists()
        assert at(citizen(f"other-{number}")).post(link_of(row), {"go": "agree"}).status_code == 302
    assert state(relocation) == "SUBMITTED"
    with acting(HUB):
        told = set(Delivery.objects.filter(relocation_id=relocation.pk).values_list("type", flat=True))
        said = journeys.course(relocation, services.filing_of(relocation))
    assert told == {"moveout.submitted", "arrival.planned"}
    journeys.settle(relocation, said)
    assert state(relocation) == "SETTLED"


def test_a_refusal_gives_the_filing_back_and_says_nothing_more() -> None:
    owner = citizen()
    relocation = file(unagreed(), str(owner.pk))
    (row,) = waiting(relocation)
    at(citizen("other")).post(link_of(row), {"go": "refuse"})
    assert state(relocation) == "RETURNED"
    visitor = Visitor(at(owner))
    assert "このままでは手続きを進められません" in visitor.open(f"/relocations/{relocation.receipt_no}/").text
    with acting(HUB):
        assert not Delivery.objects.filter(relocation_id=relocation.pk).exists()
    answer = visitor.client.post(f"/relocations/{relocation.receipt_no}/withdraw/", follow=True).content.decode()
    assert "取り下げました" in answer
    assert state(relocation) == "WITHDRAWN"


def test_who_does_not_agree_is_taken_out_and_the_other_goes_on() -> None:
    owner = citizen()
    relocation = file(unagreed(), str(owner.pk))
    (row,) = waiting(relocation)
    at(citizen("other")).post(link_of(row), {"go": "refuse"})
    path = f"/relocations/{relocation.receipt_no}/consents/{row.pk}/take-out/"
    assert at(citizen("third")).post(path).status_code == 404
    assert at(owner).post(path).status_code == 302
    assert state(relocation) == "SUBMITTED"
    with acting(HUB):
        services.advance(relocation.pk)
        told = sorted(Delivery.objects.filter(relocation_id=relocation.pk).values_list("type", "ordinals"))
    assert told == [("arrival.planned", [1]), ("moveout.submitted", [1])]


def test_a_link_opens_once_for_somebody_else_who_signed_in() -> None:
    owner, other = citizen(), citizen("other")
    relocation = file(unagreed(), str(owner.pk))
    (row,) = waiting(relocation)
    old, link = link_of(row), link_of(row)
    stranger = Client(HTTP_HOST="127.0.0.1")
    assert stranger.get(link)["Location"] == f"/sign-in/?next={link}"
    for client, path in ((at(owner), link), (at(other), old), (at(other), link + "x")):
        closed = client.get(path)
        assert (closed.status_code, plain(closed)) == (404, plain(client.get("/consents/nothing/")))
        assert client.post(path, {"go": "agree"}).status_code == 404
    assert at(other).get(link).status_code == 200
    assert at(other).post(link, {"go": "agree"}).status_code == 302
    assert at(other).get(link).status_code == at(other).post(link, {"go": "refuse"}).status_code == 404
    with acting(HUB):
        assert Request.objects.get(pk=row.pk).answer == Answer.CONFIRMED


def plain(answer: Any) -> str:
    """A page without what differs between any two pages."""
    text = answer.content.decode()
    return "\n".join(
        line for line in text.splitlines() if "csrfmiddlewaretoken" not in line and 'name="next"' not in line
    )


def test_who_is_asked_sees_the_own_data_and_an_outline() -> None:
    relocation = file(unagreed(), str(citizen().pk))
    (row,) = waiting(relocation)
    with acting(HUB):
        document = services.filing_of(relocation)
    other = citizen("other")
    page = Visitor(at(other)).open(link_of(row))
    assert document.movers[1].full_name.replace("　", " ") in page.text.replace("　", " ")
    assert "北海道函館市" in page.text
    hidden = (
        document.movers[0].full_name, document.new_address.full_address, document.contact.phone, relocation.receipt_no
    )  # fmt: skip
    assert not [text for text in hidden if text in page.source]
    at(other).post(link_of(row), {"go": "agree"})
    home = at(other).get("/").content.decode()
    assert "同意した届出" in home
    assert not [text for text in hidden if text in home]
    assert at(other).get(f"/relocations/{relocation.receipt_no}/").status_code == 404


def test_one_account_does_not_answer_for_two() -> None:
    relocation = file(unagreed(household_joined=HouseholdJoined("試験　次郎", existing=True)), str(citizen().pk))
    first, second = waiting(relocation)
    other = citizen("other")
    assert at(other).post(link_of(first), {"go": "agree"}).status_code == 302
    assert at(other).post(link_of(second), {"go": "agree"}).status_code == 404
    assert state(relocation) == "CONSENT_PENDING"


def test_events_of_a_consent_name_no_account() -> None:
    relocation = file(unagreed(), str(citizen().pk))
    at(citizen("other")).post(link_of(waiting(relocation)[0]), {"go": "agree"})
    with acting(HUB):
        found = {event.type: event.detail for event in Event.objects.filter(relocation=relocation)}
    assert found["consent.confirmed"] == {"movers": [2]}
