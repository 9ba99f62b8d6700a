"""Characters that a town cannot hold: asked at the desk, decided once, remembered, and shown to clerk and citizen."""

from typing import Any

import msgspec
import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.accounts.models import User
from hub.actors import HUB, Actor, ActorKind, acting
from hub.audit.models import Entry
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery
from hub.deliveries.states import Cause
from hub.fidelity import ledger, services
from hub.fidelity.models import Decision, Kind, Substitution
from hub.relocations import services as relocations
from hub.relocations.models import Relocation
from hub.vault import services as vault
from municipalities import standard
from municipalities.models import Connection
from municipalities.notice import Residence
from tests.conftest import CHIYODA, HAKODATE, NAHA, clerk, connect, filing, town
from tests.hub import journeys
from tests.hub.visitor import Page, Visitor

pytestmark = pytest.mark.django_db

#: 𠮷 has one lawful candidate in CP932, 邉 with this selector has none.
YOSHIKO, WATANABE = "髙橋　𠮷子", "渡邉\U000e0100　花子"


@pytest.fixture(autouse=True)
def mainframes() -> None:
    """Both towns of the move hold CP932 alone, full width; one pulls."""
    connect(HAKODATE, "mainframe_cp932", "pull:")
    connect(CHIYODA, "mainframe_cp932", "pull:")


def named(*names: str, **changes: Any) -> Relocation:
    """File a move from Hakodate to Chiyoda for people of these names, alike but for them; let the courier carry."""
    document = filing(1, **changes)
    first = document.movers[0]
    assert first.registry is not None
    registry = msgspec.structs.replace(first.registry, head_of_register="見本　太郎")
    first = msgspec.structs.replace(first, former_family_name="", registry=registry)
    movers = tuple(
        msgspec.structs.replace(first, ordinal=number, full_name=name) for number, name in enumerate(names, start=1)
    )
    left = msgspec.structs.replace(document.household_left, head_name="見本　太郎", new_head_name="")
    joined = msgspec.structs.replace(document.household_joined, head_name="見本　太郎")
    relocation = journeys.file(
        msgspec.structs.replace(document, movers=movers, household_left=left, household_joined=joined)
    )
    journeys.carry()
    return relocation


def told(relocation: Relocation, type_: str = "moveout.submitted") -> Delivery:
    with acting(HUB):
        return Delivery.objects.get(relocation_id=relocation.pk, type=type_)


def states(*rows: Delivery) -> list[str]:
    with acting(HUB):
        return [str(Delivery.objects.get(pk=row.pk).state) for row in rows]


def desk(user: User) -> Visitor:
    """Somebody at the desk, with a browser that keeps the form."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user)
    return Visitor(client)


def operator() -> User:
    return User.objects.create(username="operator", is_staff=True, is_operator=True)


def asked(row: Delivery) -> str:
    """The address of the page that asks."""
    return reverse("admin:deliveries_delivery_questions", args=[row.pk])


def answer(visitor: Visitor, row: Delivery, **answers: str) -> Page:
    """Open the page, answer and press the button; follows to the page that comes after."""
    visitor.open(asked(row))
    known = {name.replace("__", "-"): text for name, text in answers.items()}
    assert set(known) <= set(visitor.page.values) | set(visitor.page.options), sorted(visitor.page.values)
    sent = {name: text for name, text in (visitor.page.values | known).items() if text}
    return visitor.see(visitor.client.post(asked(row), sent, follow=True))


def plain(text: str) -> str:
    """As a page's text is compared: one space for any."""
    return text.replace("\u3000", " ")


def fetched(row: Delivery, code: str = HAKODATE) -> Any:
    """Fetch as the town's system does, and read with the town's own standard."""
    got = town(code).get(f"deliveries/{row.pk}/content")
    assert got.status_code == 200, got.content.decode(errors="replace")
    return standard.load(Connection.objects.get(municipality=code).standard).read(got.content)


# --- S39: held, decided, fetched, remembered ---------------------------------------------------------------


def test_a_name_that_the_town_cannot_hold_is_decided_once_and_goes_on() -> None:
    relocation = named(YOSHIKO, WATANABE)
    row = told(relocation)
    assert (row.state, row.cause, row.code) == ("held", Cause.DATA, "E130")
    visitor = desk(clerk(HAKODATE))
    page = visitor.open(asked(row))
    for shown in (plain(WATANABE), "U+9089 U+E0100", "氏名", "CP932"):
        assert shown in page.text
    assert plain(YOSHIKO) not in page.text  # 𠮷 has its one lawful candidate: nobody is asked
    assert "邉" in page.options["pick-0-0"]

    page = answer(visitor, row, **{"pick-0-0": "邉"})
    assert states(row) == ["queued"]
    journeys.carry()
    notice = fetched(row)
    assert [mover.full_name for mover in notice.movers] == ["髙橋　吉子", "渡邉　花子"]

    with acting(HUB):
        assert [mover.full_name for mover in deliveries.notice_of(told(relocation)).movers] == [
            YOSHIKO,
            WATANABE,
        ]
    journeys.settle(relocation, journeys.course(relocation, filing_of(relocation)))
    with acting(HUB):
        relocation.refresh_from_db()
        assert relocation.state in ("SETTLED", "COMPLETE", "ARRIVED")
        assert not Delivery.objects.filter(relocation_id=relocation.pk, state="held", municipality=HAKODATE).exists()


def filing_of(relocation: Relocation) -> Any:
    with acting(HUB):
        return relocations.filing_of(relocation)


def test_the_same_name_is_not_asked_again_and_another_name_is() -> None:
    first = told(named(WATANABE))
    answer(desk(clerk(HAKODATE)), first, **{"pick-0-0": "邉"})
    again, other = named(WATANABE), named("渡邉\U000e0100　次郎")
    assert (told(again).state, told(other).state) == ("ready", "held")
    assert fetched(told(again)).movers[0].full_name == "渡邉　花子"
    with acting(HUB):
        decision = Decision.objects.get()
        assert {row.decision_id for row in Substitution.objects.filter(relocation_id=again.pk)} >= {decision.pk}


def test_a_decision_holds_for_the_clerks_own_town_and_an_operators_for_every_one() -> None:
    relocation = named(WATANABE)
    ours, theirs = told(relocation), told(relocation, "arrival.planned")
    assert states(ours, theirs) == ["held", "held"]
    answer(desk(clerk(HAKODATE)), ours, **{"pick-0-0": "邉"})
    assert states(ours, theirs) == ["queued", "held"]
    assert told(named(WATANABE), "arrival.planned").state == "held"

    answer(desk(operator()), theirs, **{"pick-0-0": "邉"})
    assert told(named(WATANABE), "arrival.planned").state == "ready"


def test_everything_of_the_town_that_waited_for_the_same_decision_goes_on() -> None:
    rows = [told(named(WATANABE)) for _ in range(3)]
    other = told(named("渡邉\U000e0100　次郎"))
    page = answer(desk(clerk(HAKODATE)), rows[1], **{"pick-0-0": "邉"})
    assert "3件" in page.text
    assert states(*rows, other) == ["queued"] * 3 + ["held"]


# --- What may be answered ----------------------------------------------------------------------------------


def test_another_writing_is_taken_when_the_town_can_hold_it_and_refused_by_name_when_not() -> None:
    row = told(named(WATANABE))
    visitor = desk(clerk(HAKODATE))
    page = answer(visitor, row, **{"other-0": "渡邊\U000e0102　花子"})
    assert "受け手の文字集合で書けない文字があります" in page.text
    assert "U+908A U+E0102" in page.text
    assert states(row) == ["held"]
    answer(visitor, row, **{"other-0": "ワタナベ　花子"})
    journeys.carry()
    assert fetched(row).movers[0].full_name == "ワタナベ　花子"


def test_every_character_of_a_text_must_be_answered() -> None:
    row = told(named("渡邉\U000e0100　辻\U000e0101子"))
    visitor = desk(clerk(HAKODATE))
    page = answer(visitor, row, **{"pick-0-0": "邉"})
    assert "すべての文字" in page.text
    answer(visitor, row, **{"pick-0-0": "邉", "pick-0-1": "辻"})
    journeys.carry()
    assert fetched(row).movers[0].full_name == "渡邉　辻子"


def test_on_paper_it_stays_held_until_the_town_has_it() -> None:
    relocation = named(WATANABE)
    row, user = told(relocation), clerk(HAKODATE)
    visitor = desk(user)
    answer(visitor, row, **{"paper-0": "on"})
    assert states(row) == ["held"]
    assert "紙" in visitor.open(asked(row)).text
    assert told(named(WATANABE)).state == "held"
    listed = reverse("admin:deliveries_delivery_changelist")
    visitor.client.post(listed, {"action": "take_on_paper", "_selected_action": [str(row.pk)]})
    row = told(relocation)
    assert (row.state, row.cause, row.code, row.content_sha256) == ("sent", "", "", None)
    with acting(HUB):
        assert {mover.state for mover in relocation.movers.filter(role="origin")} == {"DELIVERED"}
        assert Entry.objects.get(action="delivery.sent").detail["how"] == "paper"


def test_a_decision_that_ends_is_asked_again() -> None:
    visitor = desk(clerk(HAKODATE))
    row = told(named(WATANABE))
    answer(visitor, row, **{"pick-0-0": "邉"})
    with acting(HUB):
        decision = Decision.objects.get()
    listed = reverse("admin:fidelity_decision_changelist")
    shown = visitor.open(listed)
    assert "U+9089 U+E0100" in shown.text
    assert plain(WATANABE) not in shown.text
    visitor.client.post(listed, {"action": "end", "_selected_action": [str(decision.pk)]})
    assert told(named(WATANABE)).state == "held"
    with acting(HUB):
        decision.refresh_from_db()
        assert decision.ended_by == decision.decided_by
    journeys.carry()
    assert states(row) == ["held"]  # it had not left yet


@pytest.mark.parametrize("wish", ["resend.requested", "desk"])
def test_what_was_decided_is_used_when_it_is_sent_again(wish: str) -> None:
    relocation = named(WATANABE)
    row = told(relocation)
    answer(desk(clerk(HAKODATE)), row, **{"pick-0-0": "邉"})
    journeys.carry()
    first = town(HAKODATE).get(f"deliveries/{row.pk}/content").content
    with acting(HUB):
        deliveries.send_again(told(relocation), wish)
    journeys.carry()
    assert states(row) == ["ready"]
    assert town(HAKODATE).get(f"deliveries/{row.pk}/content").content == first
    with acting(HUB):
        numbers = [one.number for one in Substitution.objects.filter(delivery_id=row.pk).order_by("number")]
    assert numbers == list(range(1, len(numbers) + 1))  # written down once


def test_a_text_that_is_too_long_is_shortened_by_a_person_and_marked() -> None:
    name = "見本" + "長" * 60
    row = told(named(name))
    assert (row.state, row.cause, row.code) == ("held", Cause.DATA, "E131")
    visitor = desk(clerk(HAKODATE))
    page = visitor.open(asked(row))
    assert name in page.text
    assert "文字溢れ" in page.text
    page = answer(visitor, row, **{"other-0": name[:55]})
    assert "受け手の項目の桁数を超えています" in page.text
    assert states(row) == ["held"]
    answer(visitor, row, **{"other-0": "見本" + "長" * 20})
    journeys.carry()
    assert fetched(row).movers[0].full_name == "見本" + "長" * 20
    with acting(HUB):
        change = Substitution.objects.get(delivery_id=row.pk, path="/movers/0/fullName")
        assert "文字溢れ" in change.rule
        assert change.decision == Decision.objects.get()
        assert deliveries.notice_of(told_by(row)).movers[0].full_name == name


def told_by(row: Delivery) -> Delivery:
    """The delivery as it stands; the caller acts as the hub."""
    return Delivery.objects.get(pk=row.pk)


def test_a_word_without_a_code_shows_its_table_and_nothing_is_guessed() -> None:
    document = filing(1)
    residence = Residence(category="no_such_category", status="見本")
    mover = msgspec.structs.replace(
        document.movers[0], full_name="MIHON TARO", nationality="AUS", registry=None, residence=residence
    )
    relocation = journeys.file(msgspec.structs.replace(document, movers=(mover,)))
    journeys.carry()
    row = told(relocation)
    assert (row.state, row.cause, row.code) == ("held", Cause.DATA, "E132")
    page = desk(clerk(HAKODATE)).open(asked(row))
    for shown in ("在留区分", "codes/residence.csv", "no_such_category", "コード表"):
        assert shown in page.text
    assert "pick-0-0" not in page.options
    assert "no_such_category" not in desk(operator()).open(asked(row)).text


# --- Whose --------------------------------------------------------------------------------------------------


def test_another_towns_clerk_sees_nothing_at_the_desk_and_in_sql() -> None:
    relocation = named(WATANABE)
    row = told(relocation)
    answer(desk(clerk(HAKODATE)), row, **{"pick-0-0": "邉"})
    journeys.carry()
    stranger = clerk(NAHA)
    assert desk(stranger).client.get(asked(row)).status_code == 404
    for name in ("decision", "substitution"):
        shown = desk(stranger).client.get(reverse(f"admin:fidelity_{name}_changelist")).content.decode()
        assert "U+9089" not in shown
    for actor in (stranger.actor, journeys.system(NAHA), Actor(ActorKind.CITIZEN, name="9")):
        with acting(actor):
            assert (Decision.objects.count(), Substitution.objects.count()) == (0, 0)
    with acting(journeys.CITIZEN):  # who filed
        assert Substitution.objects.filter(relocation_id=relocation.pk).exists()
        assert not Decision.objects.exists()


def test_nobody_decides_for_another_town_and_a_system_decides_nothing() -> None:
    choice = services.Choice(asked=("cp932/wide", WATANABE), kind=Kind.WRITE, writing="x")
    row = told(named(WATANABE))
    for actor in (clerk(NAHA).actor, journeys.system(HAKODATE), journeys.CITIZEN):
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic(), acting(actor):
            services.decide(HAKODATE, [choice], row.pk, row.relocation_id)


def test_an_operator_is_shown_the_character_and_not_the_name() -> None:
    row = told(named(WATANABE))
    visitor = desk(operator())
    page = visitor.open(asked(row))
    assert "U+9089 U+E0100" in page.text
    assert "花子" not in page.source
    assert "other-0" not in page.values
    with acting(HUB):
        assert not Entry.objects.filter(action="delivery.read").exists()


def test_reading_and_deciding_are_written_down_without_the_name() -> None:
    row, user = told(named(WATANABE)), clerk(HAKODATE)
    answer(desk(user), row, **{"pick-0-0": "邉"})
    with acting(HUB):
        entries = {entry.action: entry for entry in Entry.objects.filter(actor=str(user.pk))}
    assert {"delivery.read", "decision.made", "delivery.again"} <= set(entries)
    assert entries["decision.made"].detail["target"] == "cp932/wide"
    assert "花子" not in str([entry.detail for entry in entries.values()])


def test_no_name_lies_in_the_clear() -> None:
    row = told(named(WATANABE))
    answer(desk(clerk(HAKODATE)), row, **{"other-0": "ワタナベ　花子"})
    journeys.carry()
    with acting(HUB), connection.cursor() as cursor:
        for table in ("fidelity_decision", "fidelity_substitution"):
            cursor.execute(f"SELECT string_agg(t::text, '') FROM {table} AS t")  # noqa: S608 - our own tables
            found = cursor.fetchone()[0]
            assert found
            for text in (WATANABE, "花子", "ワタナベ"):
                assert text not in found
                assert text.encode().hex() not in found


# --- The ledger ---------------------------------------------------------------------------------------------


def test_every_change_is_a_row_that_nobody_can_change() -> None:
    relocation = named(YOSHIKO)
    with acting(HUB):
        row = Substitution.objects.get(relocation_id=relocation.pk, municipality=HAKODATE, path="/movers/0/fullName")
        assert ledger.texts(row, vault.open_one(relocation.pk))[0] == YOSHIKO
    assert (row.points, row.standard, row.decision) == ("U+20BB7 → U+5409", "mainframe_cp932", None)
    assert "縮退マップ" in row.rule
    for actor in (HUB, operator().actor, clerk(HAKODATE).actor):
        with acting(actor):
            assert Substitution.objects.update(rule="x") == 0
            assert Substitution.objects.filter(pk=row.pk)._raw_delete("default") == 0
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE fidelity_substitution NO FORCE ROW LEVEL SECURITY")
        with pytest.raises(DatabaseError, match="Cannot update or delete"):
            cursor.execute("UPDATE fidelity_substitution SET rule = 'x'")


def test_a_clerk_sees_what_was_changed_with_the_notice() -> None:
    row = told(named(YOSHIKO))
    visitor = desk(clerk(HAKODATE))
    page = visitor.open(reverse("admin:deliveries_delivery_notice", args=[row.pk]))
    assert "髙橋 吉子" in page.text
    shown = visitor.open(reverse("admin:deliveries_delivery_change", args=[row.pk]))
    assert reverse("admin:fidelity_substitution_changelist") + f"?q={row.pk}" in shown.links
    listed = visitor.open(reverse("admin:fidelity_substitution_changelist") + f"?q={row.pk}")
    assert "U+20BB7 → U+5409" in listed.text


@pytest.mark.parametrize(
    ("language", "words"), [("ja", "あなたの届出の氏名は元のまま"), ("en", "your name in the hub is unchanged")]
)
def test_the_citizen_reads_what_each_town_was_told(language: str, words: str) -> None:
    citizen = User.objects.create(username="citizen")
    with acting(HUB):
        journeys_citizen = citizen.actor
    document = filing(1, origin=HAKODATE)
    mover = msgspec.structs.replace(document.movers[0], full_name=YOSHIKO)
    connect(CHIYODA, "gif_json", "pull:")
    relocation, _ = relocations.file(msgspec.structs.replace(document, movers=(mover,)), journeys_citizen)
    journeys.carry()
    visitor = desk(citizen)
    visitor.client.cookies["django_language"] = language
    page = visitor.open(reverse("citizens:status", args=[relocation.receipt_no]))
    assert words in page.text
    assert page.text.count("𠮷") == 1 + page.text.count(plain(YOSHIKO))  # for Hakodate, not for Chiyoda
    assert "吉" in page.text


# --- Cost ---------------------------------------------------------------------------------------------------


def test_what_needs_no_decision_costs_no_statement(django_assert_num_queries: Any) -> None:
    for code in (HAKODATE, CHIYODA):
        connect(code, "gif_json", "pull:")
    journeys.file(filing(1))
    few = statements()
    for number in range(2, 8):
        journeys.file(filing(number))
    assert statements() == few


def statements() -> int:
    """How many statements one round of the courier takes."""
    with CaptureQueriesContext(connection) as seen:
        assert journeys.carry()
    assert not [query for query in seen.captured_queries if "fidelity_" in query["sql"]]
    return len(seen.captured_queries)
