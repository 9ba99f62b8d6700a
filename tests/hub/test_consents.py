"""Consents: adults and the head of a joined household are asked, and no town is told before they agreed."""

from datetime import date
from typing import Any

import msgspec
import pytest
from django.test import Client

from hub.accounts.models import User
from hub.actors import HUB, Actor, ActorKind, acting
from hub.audit.models import Entry
from hub.consents.models import Answer, Request
from hub.deliveries.models import Delivery
from hub.relocations import changing, people, services
from hub.relocations.filing import Capacity, Filer, Filing
from hub.relocations.models import Event, Leg, Relocation
from municipalities.notice import HouseholdJoined, Precision, UncertainDate
from tests.conftest import CHIYODA, HAKODATE, NAHA, clerk, filing
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
    assert state(relocation) == "COMPLETE"


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


# --- At the counter ------------------------------------------------------------------------------------


def at_counter(client: Client, relocation: Relocation) -> Visitor:
    """A clerk types the number that somebody brought."""
    visitor = Visitor(client)
    visitor.see(client.post("/admin/consents/request/add/", {"receipt_no": f" {relocation.receipt_no.lower()} "}))
    return visitor


def record(visitor: Visitor, row: Request, **answers: str) -> str:
    """The clerk writes down what was said."""
    sent = visitor.page.values | {"person": str(row.pk), "means": "PHOTO", "answer": "agree"} | answers
    return visitor.client.post("/admin/consents/request/add/", sent, follow=True).content.decode()


def test_a_clerk_writes_down_what_was_said_in_person() -> None:
    owner, user = citizen(), clerk(HAKODATE)
    relocation = file(unagreed(household_joined=HouseholdJoined("試験　次郎", existing=True)), str(owner.pk))
    head, spouse = waiting(relocation)
    visitor = at_counter(at(user), relocation)
    for words in ("北海道函館市", "東京都千代田区", "試験　次郎（転入先の世帯の世帯主）", "写真付きの書類一点"):
        assert words in visitor.page.source, words
    with acting(HUB):
        assert services.filing_of(relocation).new_address.full_address not in visitor.page.source
    assert "この項目は必須です" in record(visitor, spouse, means="")
    assert "同意を記録しました" in record(visitor, spouse)
    assert state(relocation) == "CONSENT_PENDING"
    assert "同意を記録しました" in record(at_counter(at(clerk(CHIYODA)), relocation), head, means="TWO")
    assert state(relocation) == "SUBMITTED"
    with acting(HUB):
        rows = {row.ordinal: row for row in Request.objects.all()}
        kept = list(Entry.objects.filter(action="consent.recorded").values_list("actor", "detail"))
        event = Event.objects.filter(type="consent.confirmed").first()
    assert (rows[2].counter_id, rows[2].means, rows[2].recorded_by, rows[2].account) == (
        HAKODATE,
        "PHOTO",
        str(user.pk),
        "",
    )
    assert event is not None
    assert event.detail == {"movers": [2], "at": "counter", "means": "PHOTO"}
    assert len(kept) == 2
    # Each town sees what was said at its own counter, and nobody sees the other answers.
    page = at(user).get("/admin/consents/request/").content.decode()
    assert page.count(relocation.receipt_no) == 1
    with acting(user.actor):
        assert list(Request.objects.values_list("ordinal", flat=True)) == [2]
    # What was answered is not answered again.
    again = at_counter(at(user), relocation)
    assert "あなたに見えるものはありません" in again.page.text


def test_a_refusal_at_the_counter_gives_the_filing_back() -> None:
    relocation = file(unagreed(), str(citizen().pk))
    (row,) = waiting(relocation)
    assert "同意しないことを記録しました" in record(at_counter(at(clerk(HAKODATE)), relocation), row, answer="refuse")
    assert state(relocation) == "RETURNED"


def test_of_a_protected_person_a_clerk_of_that_duty_writes_it_down_and_the_move_goes_on() -> None:
    relocation = file(unagreed(), str(citizen().pk))
    (row,) = waiting(relocation)
    with acting(HUB):
        Leg.objects.filter(relocation=relocation, municipality=HAKODATE).update(guard="own")
        Leg.objects.filter(relocation=relocation, municipality=CHIYODA).update(guard="told")
    user = clerk(HAKODATE)
    assert "あなたに見えるものはありません" in at_counter(at(user), relocation).page.text
    user.handles_protection = True
    user.save()
    visitor = at_counter(at(user), relocation)
    assert "北海道函館市" in visitor.page.text
    record(visitor, row)
    assert waiting(relocation) == []
    assert state(relocation) != "CONSENT_PENDING"


def test_a_counter_finds_nothing_of_other_towns_of_protected_persons_and_of_what_is_over() -> None:
    relocation = file(unagreed(), str(citizen().pk))
    (row,) = waiting(relocation)
    nothing = Visitor(at(clerk(HAKODATE)))
    nothing.see(nothing.client.post("/admin/consents/request/add/", {"receipt_no": "00-TEST-0001-T"}))
    assert "あなたに見えるものはありません" in nothing.page.text
    assert "あなたに見えるものはありません" in at_counter(at(clerk(NAHA)), relocation).page.text
    with acting(HUB):
        Leg.objects.filter(relocation=relocation, municipality=CHIYODA).update(guard="told")
    assert "あなたに見えるものはありません" in at_counter(nothing.client, relocation).page.text
    assert "あなたに見えるものはありません" in record(nothing, row)
    with acting(HUB):
        Leg.objects.filter(relocation=relocation).update(guard="")
        changing.withdraw(relocation.pk, Actor(ActorKind("citizen"), name=relocation.owner.partition(":")[2]))
    assert "あなたに見えるものはありません" in at_counter(nothing.client, relocation).page.text
    operator = User.objects.create_user("operator", password="x" * 12, is_staff=True, is_operator=True)
    assert at(operator).get("/admin/consents/request/add/").status_code == 403
