"""The desk: a clerk sees the own town's rows and no other's, an operator sees states and no persons."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from hub.accounts.models import User
from hub.actors import HUB, ActorKind, acting
from hub.audit.models import Entry
from hub.clerks.permissions import KEPT, READ, TOWNS_OWN, permissions
from hub.deliveries import services as deliveries
from hub.deliveries.models import Delivery, Lane
from hub.deliveries.states import Cause
from hub.relocations import services
from hub.relocations.models import Relocation
from municipalities.notice import Registry
from tests.conftest import CHIYODA, HAKODATE, NAHA, TENRYU, clerk, filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Case:
    """A relocation from Hakodate to Chiyoda, with what gives it away."""

    relocation: Relocation
    rows: dict[str, Delivery]
    name: str

    def traces(self) -> list[str]:
        return [
            self.relocation.receipt_no,
            str(self.relocation.pk),
            self.name,
            *(str(row.pk) for row in self.rows.values()),
        ]


@pytest.fixture
def case() -> Case:
    """A filing whose first notices were handed over; its domicile is a third town."""
    document = filing(3)
    registry = Registry(local_government_code=TENRYU, domicile="見本町1", head_of_register="見本　太郎")
    movers = tuple(msgspec.structs.replace(mover, registry=registry) for mover in document.movers)
    relocation = journeys.file(msgspec.structs.replace(document, movers=movers))
    journeys.carry()
    with acting(HUB):
        rows = {row.type: row for row in Delivery.objects.filter(relocation_id=relocation.pk)}
    return Case(relocation, rows, movers[0].full_name)


def operator() -> User:
    return User.objects.create(username="operator", is_staff=True, is_operator=True)


def desk(user: User) -> Client:
    """Somebody at the desk."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: Any, **query: str) -> str:
    """A page that must be there."""
    answer = client.get(reverse(f"admin:{name}", args=args), query)
    assert answer.status_code == 200, (name, answer.status_code)
    return answer.content.decode()


def rows_of(answer: Any) -> str:
    """The table of a list, as far as there is one."""
    return str(answer.content.decode().partition('id="result_list"')[2])


MODELS = [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]
OWN = ["relocations_relocation", "deliveries_delivery", "deliveries_lane"]


# --- Whose rows ----------------------------------------------------------------------------------------


def test_a_clerk_of_the_origin_finds_the_relocation_and_what_was_handed_over(case: Case) -> None:
    client = desk(clerk(HAKODATE))
    assert case.relocation.receipt_no in page(client, "relocations_relocation_changelist")
    shown = page(client, "relocations_relocation_change", case.relocation.pk)
    assert "北海道函館市" in shown
    assert str(case.rows["moveout.submitted"].pk) in shown
    assert str(case.rows["arrival.planned"].pk) not in shown
    assert case.name not in shown


@pytest.mark.parametrize("model", MODELS)
def test_no_page_shows_a_clerk_another_towns_rows(case: Case, model: str) -> None:
    user = clerk(NAHA)
    client = desk(user)
    keys = [case.relocation.pk, *(row.pk for row in case.rows.values()), HAKODATE, CHIYODA]
    listed = reverse(f"admin:{model}_changelist")
    asked = [(listed, "")]
    asked += [
        (reverse(f"admin:{model}_{view}", args=[key]), str(key))
        for view in ("change", "history", "delete")
        for key in keys
    ]
    for path, key in asked:
        answer = desk(user).get(path)  # afresh: a refusal repeats the key on the next page
        assert answer.status_code in (200, 302, 403, 404)
        # What was asked for may be repeated; nothing else may be told.
        assert not [trace for trace in case.traces() if trace != key and trace in answer.content.decode()], path
    assert case.relocation.receipt_no not in rows_of(client.get(listed, {"q": case.relocation.receipt_no}))
    if model in OWN:
        for one in keys:
            assert client.get(reverse(f"admin:{model}_change", args=[one])).status_code in (302, 403, 404)


def test_a_town_of_the_move_sees_its_own_deliveries_only(case: Case) -> None:
    client = desk(clerk(CHIYODA))
    assert page(client, "deliveries_delivery_changelist").count("field-state") == 1
    other = case.rows["moveout.submitted"].pk
    assert client.get(reverse("admin:deliveries_delivery_change", args=[other])).status_code == 302
    assert client.get(reverse("admin:deliveries_delivery_notice", args=[other])).status_code == 404


def test_a_domicile_learns_of_a_move_when_it_is_told_and_never_the_planned_day(case: Case) -> None:
    client = desk(clerk(TENRYU))
    assert case.relocation.receipt_no not in page(client, "relocations_relocation_changelist")
    with acting(HUB):
        said = journeys.course(case.relocation, services.filing_of(case.relocation))
    journeys.settle(case.relocation, said)
    shown = page(client, "relocations_relocation_change", case.relocation.pk)
    assert "本籍地" in shown
    assert "転出届の内容" not in shown
    planned = shown.partition("field-planned")[2].partition("form-row")[0]
    assert '<div class="readonly">—</div>' in planned


def test_a_citizen_has_no_desk(case: Case) -> None:
    client = desk(User.objects.create(username="1"))
    for model in MODELS:
        assert client.get(reverse(f"admin:{model}_changelist"))["Location"].startswith("/admin/login/")


# --- What may be done ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [*OWN, "audit_entry", "accounts_credential"])
@pytest.mark.parametrize("user", [lambda: clerk(HAKODATE), operator], ids=["clerk", "operator"])
def test_nobody_edits_what_happened(case: Case, model: str, user: Any) -> None:
    client = desk(user())
    key = {"deliveries_delivery": case.rows["moveout.submitted"].pk, "deliveries_lane": HAKODATE}.get(
        model, case.relocation.pk
    )
    assert client.get(reverse(f"admin:{model}_add")).status_code == 403
    assert client.post(reverse(f"admin:{model}_change", args=[key]), {"state": "SETTLED"}).status_code in (302, 403)
    assert client.post(reverse(f"admin:{model}_delete", args=[key]), {"post": "yes"}).status_code in (302, 403)
    with acting(HUB):
        assert Relocation.objects.get(pk=case.relocation.pk).state == case.relocation.state


def test_clerks_read_and_operators_keep_connections_and_accounts() -> None:
    reading = {f"{app}.view_{model}" for app, models in READ.items() for model in models}
    own = {f"{app}.view_{model}" for app, models in TOWNS_OWN.items() for model in models}
    assert permissions(ActorKind.CLERK) == reading | own
    assert not permissions(ActorKind.OPERATOR) & own
    assert permissions(ActorKind.OPERATOR) >= KEPT | reading
    assert permissions(ActorKind.CITIZEN) == frozenset()


def test_reading_a_notice_shows_it_and_is_written_down(case: Case) -> None:
    user = clerk(HAKODATE)
    shown = page(desk(user), "deliveries_delivery_notice", case.rows["moveout.submitted"].pk)
    assert case.name in shown
    with acting(HUB):
        entry = Entry.objects.get(action="delivery.read")
    assert (entry.actor_kind, entry.actor, entry.municipality) == ("clerk", str(user.pk), HAKODATE)
    assert entry.subject == f"delivery:{case.rows['moveout.submitted'].pk}"


def test_a_refused_look_is_not_written_down_as_read(case: Case) -> None:
    path = reverse("admin:deliveries_delivery_notice", args=[case.rows["moveout.submitted"].pk])
    assert desk(operator()).get(path).status_code == 403
    assert desk(clerk(NAHA)).get(path).status_code == 404
    with acting(HUB):
        assert not Entry.objects.filter(action="delivery.read").exists()


def test_an_operator_sees_states_and_no_person(case: Case) -> None:
    client = desk(operator())
    shown = page(client, "relocations_relocation_change", case.relocation.pk)
    shown += page(client, "deliveries_delivery_change", case.rows["moveout.submitted"].pk)
    shown += page(client, "relocations_relocation_changelist") + page(client, "deliveries_delivery_changelist")
    shown += page(client, "audit_entry_changelist")
    assert case.relocation.receipt_no in shown
    assert case.name not in shown
    assert "notice/" not in shown


def hold(row: Delivery) -> None:
    with acting(HUB):
        deliveries.hold(Delivery.objects.get(pk=row.pk), Cause.DATA, "E130")


def act(client: Client, model: str, action: str, *keys: Any) -> str:
    """Choose rows in a list and run an action on them."""
    sent = {"action": action, "_selected_action": [str(key) for key in keys]}
    return client.post(reverse(f"admin:{model}_changelist"), sent, follow=True).content.decode()


def state_of(row: Delivery) -> str:
    with acting(HUB):
        return str(Delivery.objects.get(pk=row.pk).state)


def test_what_is_held_is_sent_again_by_a_clerk_of_that_town_only(case: Case) -> None:
    ours, theirs = case.rows["moveout.submitted"], case.rows["arrival.planned"]
    for row in (ours, theirs):
        hold(row)
    act(desk(clerk(NAHA)), "deliveries_delivery", "send_again", ours.pk, theirs.pk)
    assert (state_of(ours), state_of(theirs)) == ("held", "held")
    shown = act(desk(clerk(HAKODATE)), "deliveries_delivery", "send_again", ours.pk, theirs.pk)
    assert "1件を再送します" in shown
    assert (state_of(ours), state_of(theirs)) == ("queued", "held")


def test_what_is_not_held_is_left_alone(case: Case) -> None:
    before = state_of(case.rows["moveout.submitted"])
    shown = act(desk(operator()), "deliveries_delivery", "send_again", case.rows["moveout.submitted"].pk)
    assert "1件は保留中ではないため" in shown
    assert state_of(case.rows["moveout.submitted"]) == before


def test_lanes_are_paused_and_resumed_by_operators_only() -> None:
    act(desk(clerk(HAKODATE)), "deliveries_lane", "pause", HAKODATE)
    client = desk(operator())
    for action, paused in (("pause", True), ("resume", False)):
        with acting(HUB):
            assert Lane.objects.get(pk=HAKODATE).paused is not paused
        act(client, "deliveries_lane", action, HAKODATE)
        with acting(HUB):
            assert Lane.objects.get(pk=HAKODATE).paused is paused
            assert Entry.objects.filter(action=f"lane.{action}d", subject=f"lane:{HAKODATE}").exists()


def test_an_operator_makes_clerks_and_never_sees_citizens() -> None:
    User.objects.create(username="見本")
    client = desk(operator())
    sent = {"username": "new", "usable_password": "true", "password1": "hikkoshi-" * 2, "password2": "hikkoshi-" * 2}
    for wrong in ({}, {"municipality": NAHA, "is_operator": "on"}):
        assert client.post(reverse("admin:accounts_user_add"), sent | wrong).status_code == 200
    assert client.post(reverse("admin:accounts_user_add"), sent | {"municipality": NAHA}).status_code == 302
    made = User.objects.get(username="new")
    assert (made.is_staff, made.is_superuser, made.actor.municipality) == (True, False, NAHA)
    assert "見本" not in page(client, "accounts_user_changelist")
    assert (
        client.get(reverse("admin:accounts_user_changelist"), {"q": "見本"}).content.decode().count("field-username")
        == 0
    )


# --- Lists ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", OWN)
def test_a_list_of_many_rows_asks_no_more_than_one_of_few(
    case: Case, model: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        journeys.file(filing(number))
    client = desk(clerk(HAKODATE))
    with django_assert_max_num_queries(25):
        page(client, f"{model}_changelist")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"waiting": "us"}, 0),
        ({"waiting": "towns"}, 1),
        ({"waiting": "citizen"}, 0),
        ({"role": "origin"}, 1),
        ({"role": "domicile"}, 0),
        ({"state__exact": "SETTLED"}, 0),
        ({"q": "small"}, 1),
    ],
)
def test_relocations_are_found_by_state_role_and_receipt_number(case: Case, query: dict[str, str], found: int) -> None:
    if query.get("q"):
        query = {"q": case.relocation.receipt_no[:6].lower()}
    assert page(desk(clerk(HAKODATE)), "relocations_relocation_changelist", **query).count("field-state") == found


@pytest.mark.parametrize("query", [{"type": "moveout.submitted"}, {"q": "012025"}, {"answer__exact": ""}])
def test_deliveries_are_found_by_notice_and_municipality(case: Case, query: dict[str, str]) -> None:
    shown = page(desk(operator()), "deliveries_delivery_changelist", **query)
    assert case.relocation.receipt_no in shown


@pytest.mark.parametrize("query", [{"queue": "waiting"}, {"queue": "held"}, {"paused__exact": "1"}, {"q": "函館"}])
def test_lanes_are_found_by_what_waits(case: Case, query: dict[str, str]) -> None:
    hold(case.rows["moveout.submitted"])
    shown = page(desk(operator()), "deliveries_lane_changelist", **query)
    assert ("北海道函館市" in shown) is ("paused__exact" not in query)


def test_the_desk_speaks_english_too(case: Case) -> None:
    client = desk(clerk(HAKODATE))
    client.cookies["django_language"] = "en"
    assert "waiting for" in page(client, "relocations_relocation_changelist").lower()


def test_the_first_page_counts_what_needs_a_person(case: Case) -> None:
    hold(case.rows["moveout.submitted"])
    for user, words in ((clerk(HAKODATE), "保留中の配送"), (operator(), "一時停止中の車線")):
        shown = page(desk(user), "index")
        assert words in shown
        assert "state__exact=held" in shown
    assert "<strong>1</strong> 保留中の配送" in shown
