"""A town, a citizen and a front see their own and nothing else: through every door, and in SQL behind the doors."""

# ruff: noqa: S608 - the statements name our own tables

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from hub.accounts.models import User
from hub.actors import HUB, NOBODY, Actor, ActorKind, acting, refuse_unsafe_server
from hub.api import openapi
from hub.conformance import services as conformance
from hub.consents.models import Request
from hub.deliveries import callbacks, reconciliation, returning, windows
from hub.deliveries.models import DatedHours, Delivery, Replay, WeeklyHours
from hub.duplicates.models import Case, Member
from hub.fidelity import ledger
from hub.fidelity import services as fidelity
from hub.fidelity.models import Kind, Substitution
from hub.onboarding import services as onboarding
from hub.onboarding.models import Draft, Run
from hub.procedures import documents
from hub.procedures import services as procedures
from hub.procedures.conditions import Move, Person
from hub.procedures.models import LocalRule, Task
from hub.protection import expiring
from hub.protection.models import Act, ContactWish, Guarded, Measure, Release
from hub.relocations.models import Alert, Kept, Relocation
from hub.shadow import services as shadow
from hub.vault import services as vault
from municipalities.characters import Fallback
from municipalities.errors import UnfitError
from municipalities.models import Municipality
from municipalities.notice import Kind as MoveKind
from municipalities.notice import Scope
from tests import samples
from tests.conftest import CHIYODA, HAKODATE, NAHA, Caller, filing, front, town
from tests.hub import journeys
from tests.hub.shadows import planned

pytestmark = pytest.mark.django_db

#: Every table of these applications holds rows of somebody.
GUARDED = (
    "deliveries", "relocations", "procedures", "vault", "audit", "fidelity", "shadow", "consents", "duplicates",
    "protection", "api",
    "conformance", "onboarding",
)  # fmt: skip
STRANGERS = {
    "system of another town": Actor(ActorKind.SYSTEM, NAHA, f"town-{NAHA}"),
    "clerk of another town": Actor(ActorKind.CLERK, NAHA, "999"),
    "another citizen": Actor(ActorKind.CITIZEN, name="2"),
    "another front": Actor(ActorKind.FRONT, name="front-2"),
    "a front with a town": Actor(ActorKind.FRONT, HAKODATE, "front-2"),
    "a town with the owner's name": Actor(ActorKind.SYSTEM, NAHA, "front"),
    "nobody, with a town and a name": Actor(ActorKind.NOBODY, HAKODATE, "front"),
    "nobody": NOBODY,
}


@dataclass(frozen=True)
class Moved:
    """A relocation that a front filed and that is under way; it left rows in every table."""

    id: UUID
    receipt_no: str
    origin_delivery: UUID
    destination_delivery: UUID
    name: str

    def traces(self) -> list[str]:
        """What nobody else may be shown."""
        return [self.receipt_no, str(self.id), self.name]


@pytest.fixture
def moved() -> Moved:
    """File through the API and let the origin register the move-out."""
    document = filing(0)
    answer = front().post("relocations", document, Idempotency_Key="k").json()
    with acting(HUB):
        relocation = Relocation.objects.get(pk=answer["id"])
    journeys.settle(relocation, journeys.course(relocation, document)[:6])
    planned(HAKODATE, "gif_json")
    shadow.run(seconds=60)
    answered(relocation)
    tasked(relocation)
    with acting(HUB):
        conformance.record(HAKODATE, {"mode": "pull", "checks": []})
    assert town(HAKODATE).post("heartbeat", {"open": True}).status_code == 200
    about_people(relocation)
    with acting(HUB):
        rows = Delivery.objects.filter(relocation_id=relocation.pk)
        first, second = rows.get(type="moveout.submitted"), rows.get(type="arrival.prefill")
    return Moved(relocation.pk, relocation.receipt_no, first.pk, second.pk, document.movers[0].full_name)


def answered(relocation: Relocation) -> None:
    """Leave what a clerk decided, what was changed on the way, and what came back otherwise or unclear."""
    with acting(HUB):
        row = Delivery.objects.get(relocation_id=relocation.pk, type="moveout.submitted")
        subject = ledger.Subject(row.pk, row.relocation_id, row.municipality_id, "mainframe_cp932")
        replaced = ledger.rows(subject, [Fallback("/remarks", "𠮷", "吉", "x")], vault.open_one(relocation.pk))
        if not Substitution.objects.filter(delivery_id=row.pk).exists():
            ledger.keep(replaced)
        returning.note(row, uuid4(), [returning.Differs("/remarks", "𠮷", "吉")])
        returning.hold(row, b"x", returning.UnclearError(UnfitError("x", code="E132")))
    operated(row.municipality_id)
    choice = fidelity.Choice(asked=("cp932", "𠮷"), kind=Kind.WRITE, writing="吉")
    with acting(Actor(ActorKind.CLERK, row.municipality_id, "7")):
        fidelity.decide(row.municipality_id, [choice], row.pk, relocation.pk)


def tasked(relocation: Relocation) -> None:
    """Leave a citizen's answer, an open task with its steps, and what the town sets otherwise."""
    person = Person(
        1, samples.SAMPLE_TARO.date_of_birth, "JPN", None, False, relocation.planned_out_on, None, HAKODATE, ""
    )
    with acting(HUB):
        key = vault.open_one(relocation.pk)
        procedures.answer(relocation.pk, relocation.owner, {(0, "property"): "yes"}, key)
        documents.keep(relocation.pk, {("F12", 1): ("4500",)}, key)
        move = Move(MoveKind.DOMESTIC, Scope.WHOLE, (person,))
        gates = {1: frozenset({"O_ACCEPTED", "O_EFFECTIVE"})}
        case = procedures.Case(relocation.pk, relocation.receipt_no, relocation.owner, move, key, gates, frozenset())
        procedures.update(case, lambda _changed: None)
        assert Task.objects.filter(relocation_id=relocation.pk, opened_at__isnull=False).exists()
        LocalRule.objects.create(municipality_id=HAKODATE, rule="F09.end", valid_from=relocation.filed_on)


def operated(code: str) -> None:
    """Leave what operators and the town's system write about a lane: hours, closures, differences, a replay."""
    tomorrow = timezone.now() + timedelta(days=1)
    with acting(HUB):
        WeeklyHours.objects.create(municipality_id=code, day=0, opens_at=time(), closes_at=time())
        DatedHours.objects.create(municipality_id=code, day=tomorrow.date())
        windows.announce(code, tomorrow, tomorrow + timedelta(hours=1))
        reconciliation.compare(
            code, timezone.localdate() - timedelta(days=1), reconciliation.Theirs(count=1, sha256="")
        )
        operator = User.objects.create_user("operator-of-the-hub", is_operator=True)
        begun = onboarding.begin(Municipality.objects.get(pk=code))
        onboarding.start(begun, Run.Kind.SHADOW)
        lists: dict[str, Any] = {name: [] for name in ("rows", "unplaced", "omitted", "remaining")}
        Draft.objects.create(onboarding=begun, name="x", folder=b"x", **lists)
        callbacks.register(code, "pull:?ring=https://town.example.jp/")
        Replay.objects.create(chosen={}, reason="x", state=Replay.State.DONE, expected=0, asked_by=operator)


def about_people(relocation: Relocation) -> None:
    """Leave a consent, a case, and a measure with what belongs to it; it guards nothing here."""
    with acting(HUB):
        Request.objects.create(relocation=relocation, ordinal=2, subject=b"x")
        case = Case.objects.create(municipality_id=HAKODATE, mark=b"x", size=1)
        Member.objects.create(case=case, municipality_id=HAKODATE, relocation=relocation, ordinal=1)
        of_town = {"municipality_id": HAKODATE}
        measure = Measure.objects.create(mark=b"x", expires_on=timezone.localdate(), set_by="7", **of_town)
        Guarded.objects.create(measure=measure, relocation=relocation, ordinal=1, **of_town)
        assert expiring.watch() == 1
        Release.objects.create(act=Act.END, measure=measure, asked_by="7", **of_town)
        ContactWish.objects.create(relocation=relocation, **of_town)
        Kept.objects.create(relocation=relocation, type="filing.withdrawn")
        Alert.objects.create(relocation=relocation, code="A405", ordinals=[1], **of_town)


# --- The doors ---------------------------------------------------------------------------------------

REPORT = {"id": str(uuid4()), "type": "moveout.reviewing", "receipt_no": "", "movers": [1]}
#: Of these operations the body matters to what would be done; of the others the document's example is sent.
BODIES: dict[str, list[Any]] = {
    "postReceipt": [{"kind": "received"}, {"kind": "rejected"}],
    "postReport": [REPORT, REPORT | {"type": "resend.requested", "delivery": "{delivery}"}],
    "fileRelocation": [{}],
    "amendRelocation": [{}],
    "getContents": [{"ids": ["{delivery}"]}],
    "postReceipts": [{"receipts": [{"delivery": "{delivery}", "kind": "rejected"}]}],
}
#: What exists, by the name of the parameter.
PLACES = {"delivery_id": "{delivery}", "relocation_id": "{relocation}", "day": "2026-04-01", "maintenance_id": "1"}
#: Operations about the caller itself: another caller is told about itself, never about the relocation.
ABOUT_ONESELF = {"town", "token", "changes"}


@dataclass(frozen=True)
class Operation:
    """One operation that needs a token, ready to be called; made from the OpenAPI document."""

    id: str
    group: str
    method: str
    path: str
    body: Any
    scopes: tuple[str, ...]


def operations() -> Iterator[Operation]:
    """Yield every operation of the document that needs a token, with each body that matters."""
    made = openapi.document("ja", timezone.localdate())
    for address, methods in made["paths"].items():
        for method, one in methods.items():
            scopes = tuple(scope for needed in one["security"] for scope in needed["client"])
            path = re.sub(r"\{(\w+)\}", lambda name: PLACES.get(name[1], name[1]), address.removeprefix("/api/v1/"))
            example = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example", {})
            for body in BODIES.get(one["operationId"], [example]):
                if scopes:
                    yield Operation(one["operationId"], one["tags"][0], method, path, body, scopes)


def expired(caller: Caller) -> Caller:
    """Let the token's hour pass."""
    tokens = get_access_token_model().objects.filter(application=caller.system)
    tokens.update(expires=timezone.now() - timedelta(seconds=1))
    return caller


def revoked(caller: Caller) -> Caller:
    """Take the token back."""
    caller.revoke()
    return caller


def holding(token: str) -> Caller:
    """Return a caller who sends this as authorization."""
    caller = Caller.__new__(Caller)
    caller.client, caller.token = Client(HTTP_HOST="127.0.0.1"), token
    return caller


TOWNS = {"deliveries", "reports"}
ALL = TOWNS | {"relocations:file"}


def rightful(scopes: Sequence[str]) -> Caller:
    """Return the caller who may do it."""
    return town(HAKODATE) if set(scopes) & TOWNS else front()


def unscoped(scopes: Sequence[str]) -> Caller:
    """Return the caller who might do it, but for the scope of the token."""
    others = sorted(ALL - set(scopes))
    return Caller(f"unscoped-{'-'.join(scopes)}", " ".join(others), HAKODATE if set(scopes) & TOWNS else None)


CALLERS: dict[str, Callable[[Sequence[str]], Caller]] = {
    "a token nobody issued": lambda scopes: holding("0" * 30),
    "an empty token": lambda scopes: holding(""),
    "two tokens": lambda scopes: holding(f"{rightful(scopes).token} {rightful(scopes).token}"),
    "a token with control characters": lambda scopes: holding("é\x00\x7f"),
    "an expired token": lambda scopes: expired(rightful(scopes)),
    "a token taken back": lambda scopes: revoked(rightful(scopes)),
    "a token for other doors": unscoped,
    "another town's token": lambda scopes: Caller("naha", "deliveries reports relocations:file", NAHA),
    "another front's token": lambda scopes: Caller("front-2", "deliveries reports relocations:file", None),
}


@pytest.mark.parametrize("who", CALLERS)
def test_every_operation_is_closed_to(who: str, moved: Moved) -> None:
    with acting(HUB):
        before = journeys.picture(Relocation.objects.get(pk=moved.id))
    for one in operations():
        caller = CALLERS[who](one.scopes)
        answer = call(caller, one, moved)
        text = answer.content.decode(errors="replace")
        allowed = who.startswith("another") and (who == "another town's token" or not set(one.scopes) & TOWNS)
        if allowed and one.id == "listDeliveries":
            assert (answer.json()["deliveries"], answer.json()["next"]) == ([], None)
        elif allowed and one.id in ("getContents", "postReceipts"):
            assert [result["status"] for result in answer.json()["results"]] == [404]
        elif allowed and one.id in ("fileRelocation", "amendRelocation"):
            assert answer.status_code == 422  # an empty filing: whoever may file may try
        elif allowed and one.id in ("leaseDeliveries", "giveLeasesBack"):
            assert answer.json().get("deliveries", []) == []
        elif who.startswith("another") and one.group in ABOUT_ONESELF and answer.status_code < 300:
            assert HAKODATE not in text
        else:
            assert answer.status_code in (401, 403, 404), (one, answer.status_code, text)
            assert answer["Content-Type"] == "application/problem+json"
        assert not [trace for trace in moved.traces() if trace in text]
    with acting(HUB):
        assert journeys.picture(Relocation.objects.get(pk=moved.id)) == before


def call(caller: Caller, one: Operation, moved: Moved) -> Any:
    """Call the operation about the relocation."""
    path = filled(one.path, moved)
    if one.method == "get":
        return caller.get(path)
    body = filled(one.body, moved)
    return getattr(caller, one.method)(path, body | ({"receipt_no": moved.receipt_no} if "receipt_no" in body else {}))


def filled(value: Any, moved: Moved) -> Any:
    """Put what exists in the place of its name."""
    if isinstance(value, str):
        return value.replace("{delivery}", str(moved.origin_delivery)).replace("{relocation}", str(moved.id))
    if isinstance(value, list):
        return [filled(inner, moved) for inner in value]
    return {name: filled(inner, moved) for name, inner in value.items()} if isinstance(value, dict) else value


def test_every_operation_is_closed_without_a_token(moved: Moved) -> None:
    token = town(HAKODATE).token
    for authorization in (None, "", "Bearer", "Basic YTpi", "bearer", "Token x", f"Token {token}", token):
        headers = {} if authorization is None else {"Authorization": authorization}
        client = Client(HTTP_HOST="127.0.0.1", headers=headers)
        for one in operations():
            for query in ("", f"?access_token={token}"):
                answer = getattr(client, one.method)(f"/api/v1/{filled(one.path, moved)}{query}")
                assert (answer.status_code, answer.json()["code"]) == (401, "E106"), (authorization, one, query)
                assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_town_of_the_move_has_no_part_in_the_other_towns_deliveries(moved: Moved) -> None:
    other = town(HAKODATE)
    about = replace(moved, origin_delivery=moved.destination_delivery)
    mine = [one for one in operations() if "{delivery}" in one.path]
    assert {one.id for one in mine} == {"getContent", "postReceipt"}
    for one in mine:
        answer = call(other, one, about)
        assert (answer.status_code, answer.json()["code"]) == (404, "E108")
    again = REPORT | {
        "type": "resend.requested",
        "receipt_no": moved.receipt_no,
        "delivery": moved.destination_delivery,
    }
    assert other.post("reports", again).json()["code"] == "E108"


def test_a_town_of_the_move_cannot_report_in_another_role(moved: Moved) -> None:
    for type_ in ("movein.decided", "arrival.visited", "arrival.plan_ack"):
        body = REPORT | {
            "type": type_,
            "receipt_no": moved.receipt_no,
            "outcome": "REGISTERED",
            "legal_date": "2026-01-01",
        }
        assert town(HAKODATE).post("reports", body).json()["code"] == "E108"


def test_unknown_and_foreign_look_the_same(moved: Moved) -> None:
    stranger = town(NAHA)
    foreign = stranger.get(f"deliveries/{moved.origin_delivery}/content")
    unknown = stranger.get(f"deliveries/{uuid4()}/content")
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)


# --- Behind the doors ----------------------------------------------------------------------------------


def guarded() -> list[str]:
    """Return every table of the applications that hold somebody's rows."""
    models = (model for app in GUARDED for model in apps.get_app_config(app).get_models(include_auto_created=True))
    return sorted(model._meta.db_table for model in models if not model._meta.proxy)


def test_every_table_is_under_forced_row_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'")
        assert sorted(name for (name,) in cursor.fetchall()) == guarded()
        cursor.execute("SELECT count(*) FROM pg_policy WHERE polpermissive AND pg_get_expr(polqual, polrelid) = 'true'")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT tablename, cmd FROM pg_policies WHERE schemaname = 'public' AND cmd <> 'ALL'")
        found: dict[str, set[str]] = {}
        for table, command in cursor.fetchall():
            found.setdefault(table, set()).add(command)
    assert all(found[table] == {"SELECT", "INSERT", "UPDATE", "DELETE"} for table in guarded())


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_find_and_change_nothing_in_any_table(who: str, moved: Moved) -> None:
    stranger = STRANGERS[who]
    for table in guarded():
        if table.startswith("audit_") and stranger.kind is not ActorKind.NOBODY:
            continue  # whoever acts continues a chain: the next test
        row, others = any_row(table), but_own(table, stranger)
        columns, values = ", ".join(row), ", ".join(["%s"] * len(row))
        assert tried(stranger, f"SELECT * FROM {table}{others}") == 0, table
        assert tried(stranger, f"INSERT INTO {table} ({columns}) VALUES ({values})", list(row.values())) == "refused", (
            table
        )
        assert tried(stranger, f"DELETE FROM {table}{others}") == 0, table
        for column, value in row.items():
            assert tried(stranger, f"UPDATE {table} SET {column} = %s{others}", [value]) == 0, (table, column)


def own(table: str, actor: Actor) -> bool:
    """The one row that a stranger of a town has: its own lane."""
    return table == "deliveries_lane" and actor.municipality == NAHA


def but_own(table: str, actor: Actor) -> str:
    """SQL: leave it out."""
    return f" WHERE municipality_id <> '{NAHA}'" if own(table, actor) else ""


def any_row(table: str) -> dict[str, Any]:
    """Return a row that somebody else owns; every table has one, or this test would prove nothing."""
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 1")
        row = cursor.fetchone()
        assert row is not None, table
        return dict(zip([column.name for column in cursor.description], row, strict=True))


#: How the database says no: a policy, or the guard of what is never changed.
REFUSALS = {"row-level security": "refused", "Cannot update or delete": "kept"}


def tried(actor: Actor, statement: str, parameters: list[Any] | None = None) -> int | str:
    """Return how many rows it touched, or that the database refused it; nothing stays."""
    with transaction.atomic():
        try:
            with acting(actor), connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return int(cursor.rowcount)
        except DatabaseError as error:
            found = next((reason for reason in REFUSALS if reason in str(error)), "")
            if not found:
                raise
            return REFUSALS[found]
        finally:
            transaction.set_rollback(True)


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_of_the_audit_read_no_entry_and_change_none(who: str, moved: Moved) -> None:
    stranger = STRANGERS[who]
    assert tried(stranger, "SELECT * FROM audit_entry") == 0
    # Heads hold a random id, a length and a code. Whoever acts continues a chain, so every actor sees them.
    assert (tried(stranger, "SELECT * FROM audit_chain") == 0) == (stranger.kind is ActorKind.NOBODY)
    for statement in ("UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"):
        assert tried(stranger, statement) in (0, "kept")


@pytest.mark.parametrize("code", [HAKODATE, CHIYODA])
def test_a_town_of_the_move_sees_its_own_rows_only(code: str, moved: Moved) -> None:
    seen = {}
    for table in guarded():
        if "municipality_id" in any_row(table):
            with acting(journeys.system(code)), connection.cursor() as cursor:
                cursor.execute(f"SELECT DISTINCT municipality_id FROM {table}")
                seen[table] = {town for (town,) in cursor.fetchall()}
    assert all(towns <= {code} for towns in seen.values()), seen
    assert seen["deliveries_delivery"] == seen["relocations_mover"] == {code}
    assert tried(journeys.system(code), "SELECT * FROM relocations_version") == 0
    assert tried(journeys.system(code), "SELECT * FROM relocations_idempotencykey") == 0
    own_events = "SELECT * FROM deliveries_event e JOIN deliveries_delivery d ON d.id = e.delivery_id"
    assert tried(journeys.system(code), "SELECT * FROM deliveries_event") == tried(
        HUB, f"{own_events} WHERE municipality_id = '{code}'"
    )


def test_the_owner_sees_the_relocation_and_its_deliveries(moved: Moved) -> None:
    owner = Actor(ActorKind.FRONT, name="front")
    for table, count in (("relocations_relocation", 1), ("relocations_version", 1), ("deliveries_delivery", 3)):
        assert tried(owner, f"SELECT * FROM {table}") == count
    for table in ("deliveries_delivery", "deliveries_lane", "relocations_version", "relocations_idempotencykey"):
        assert tried(owner, f"DELETE FROM {table}") == 0


#: What somebody who sees rows may still not write: who, the statement, what the database says.
FORBIDDEN: tuple[tuple[Actor, str, int | str], ...] = (
    (
        Actor(ActorKind.FRONT, name="front"),
        "INSERT INTO deliveries_event (delivery_id, at, state, attempt, code, note, actor_kind)"
        " SELECT id, now(), 'sent', 0, '', '', 'hub' FROM deliveries_delivery",
        "refused",
    ),
    (
        Actor(ActorKind.FRONT, name="front"),
        "INSERT INTO deliveries_receipt (delivery_id, kind, at, codes, body)"
        " SELECT id, 'registered', now(), '[]', '' FROM deliveries_delivery",
        "refused",
    ),
    (journeys.system(HAKODATE), "DELETE FROM relocations_mover", 0),
    (journeys.system(HAKODATE), "DELETE FROM deliveries_lane", 0),
    (journeys.system(HAKODATE), "UPDATE deliveries_lane SET paused = true", 0),
    (
        journeys.system(HAKODATE),
        "INSERT INTO relocations_mover (leg_id, relocation_id, municipality_id, role, ordinal, state, flow)"
        " SELECT leg_id, relocation_id, municipality_id, role, 99, 'PENDING', flow FROM relocations_mover",
        "refused",
    ),
    (
        journeys.system(HAKODATE),
        "INSERT INTO audit_entry (chain_id, number, at, actor_kind, actor, municipality, action, subject, detail, code)"
        " VALUES (gen_random_uuid(), 1, now(), 'hub', 'hub', '', 'x', 'x', '{}', '')",
        "refused",
    ),
    (HUB, "DELETE FROM audit_chain", 0),
    (journeys.system(HAKODATE), "UPDATE fidelity_decision SET ended_at = now(), ended_by = 'x'", 0),
    (HUB, "UPDATE fidelity_substitution SET rule = 'x'", 0),
    (HUB, "DELETE FROM fidelity_substitution", 0),
    (HUB, "DELETE FROM deliveries_difference", 0),
)


@pytest.mark.parametrize(("actor", "statement", "answer"), FORBIDDEN)
def test_who_sees_a_row_may_not_write_just_anything(
    moved: Moved, actor: Actor, statement: str, answer: int | str
) -> None:
    assert tried(actor, statement) == answer


def test_an_account_and_a_client_of_one_name_own_different_things() -> None:
    assert Actor(ActorKind.FRONT, name="12").owner != Actor(ActorKind.CITIZEN, name="12").owner


def test_an_operator_sees_states_and_has_no_key(moved: Moved) -> None:
    operator = Actor(ActorKind.OPERATOR, name="3")
    assert tried(operator, "SELECT * FROM deliveries_delivery") == 3
    for table in ("vault_datakey", "relocations_version", "relocations_idempotencykey"):
        assert tried(operator, f"SELECT * FROM {table}") == 0


def test_a_savepoint_rolled_back_leaves_the_actor_as_before(moved: Moved) -> None:
    def count() -> int:
        return Relocation.objects.count()

    assert count() == 0
    with acting(journeys.system(HAKODATE)):
        with pytest.raises(ZeroDivisionError), acting(HUB):
            raise ZeroDivisionError
        assert count() == 1
        assert Delivery.objects.exclude(municipality=HAKODATE).count() == 0
        with acting(NOBODY):
            assert count() == 0
        assert count() == 1
    assert count() == 0


# --- Start-up ------------------------------------------------------------------------------------------


def test_the_role_of_the_hub_is_bound() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)


@pytest.fixture
def unbound() -> Iterator[Any]:
    """A connection as a role that bypasses row-level security, where this server lets us make one."""
    with transaction.atomic():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("CREATE ROLE hub_unbound BYPASSRLS")
                cursor.execute("GRANT hub_unbound TO current_user WITH SET TRUE")
                cursor.execute("SET LOCAL ROLE hub_unbound")
        except DatabaseError as error:
            pytest.skip(f"this server lets us make no such role: {type(error).__name__}")
        yield connection.copy("unbound")
        transaction.set_rollback(True)


def test_a_role_that_bypasses_row_security_is_refused(unbound: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="BYPASSRLS"):
        refuse_unsafe_server(unbound)
