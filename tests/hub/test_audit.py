"""The audit: append-only in the database, and one entry changed, removed or cut off is found by number."""

import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from hub.actors import HUB, acting
from hub.audit import services
from hub.audit.models import GENERAL, Chain, Entry
from hub.deliveries.models import Delivery
from hub.relocations.models import Relocation
from tests.conftest import HAKODATE, filing, town
from tests.hub import journeys

pytestmark = pytest.mark.django_db


@pytest.fixture
def begun() -> Relocation:
    """A relocation under way; with a second one beside it, whose chain must not matter."""
    journeys.file(filing(1))
    relocation = journeys.file(filing(0))
    for said in journeys.course(relocation, filing(0))[:6]:
        journeys.carry()
        journeys.fetch()
        journeys.say(relocation, said)
    return relocation


@pytest.fixture
def settled() -> Relocation:
    """A relocation that went all the way."""
    relocation = journeys.file(filing(0))
    journeys.settle(relocation, journeys.course(relocation, filing(0)))
    return relocation


def verify() -> tuple[int, dict[str, Any]]:
    """Run ``manage.py audit verify --json``; returns the exit code and what it printed."""
    out = StringIO()
    try:
        call_command("audit", "verify", "--json", stdout=out)
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def tamper(statement: str, parameters: list[Any]) -> None:
    """Do as an intruder who owns the table: switch the guard off, change, switch it on again."""
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        cursor.execute(statement, parameters)
        assert cursor.rowcount == 1
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER")


def entries(relocation: Relocation) -> list[Entry]:
    """Return the entries of the relocation's chain."""
    with acting(HUB):
        return list(Entry.objects.filter(chain_id=relocation.pk).order_by("number"))


def test_an_untouched_audit_holds(settled: Relocation) -> None:
    code, found = verify()
    assert (code, found["faults"]) == (0, [])
    with acting(HUB):
        assert found == {"chains": Chain.objects.count(), "entries": Entry.objects.count(), "faults": []}


def test_every_step_of_a_move_is_in_it(settled: Relocation) -> None:
    found = entries(settled)
    assert [entry.number for entry in found] == list(range(1, len(found) + 1))
    acts = [(entry.action, entry.detail.get("type", "")) for entry in found]
    for expected in (
        ("filing.submitted", ""),
        ("delivery.sent", "moveout.submitted"),
        ("delivery.receipt", "moveout.submitted"),
        ("moveout.decided", ""),
        ("arrival.prefill.queued", ""),
        ("movein.decided", ""),
        ("movein.notice_applied", ""),
        ("state.changed", ""),
    ):
        assert expected in acts
    by = {(entry.actor_kind, entry.actor, entry.municipality) for entry in found if entry.action == "delivery.receipt"}
    assert ("system", f"town-{HAKODATE}", HAKODATE) in by


def test_reading_a_record_is_an_act_too(begun: Relocation) -> None:
    with acting(HUB):
        delivery = Delivery.objects.get(relocation_id=begun.pk, type="moveout.submitted")
    assert town(HAKODATE).get(f"deliveries/{delivery.pk}/content").status_code == 200
    (read,) = [entry for entry in entries(begun) if entry.action == "delivery.read"]
    assert (read.actor, read.municipality, read.subject) == (f"town-{HAKODATE}", HAKODATE, f"delivery:{delivery.pk}")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "filing.forged"),
        ("actor", "somebody else"),
        ("actor_kind", "clerk"),
        ("municipality", "472018"),
        ("subject", "relocation:x"),
        ("detail", '{"forged": true}'),
        ("at", "2020-01-01 00:00:00+09"),
        ("code", b"\x00" * 32),
        ("chain_id", GENERAL),
    ],
)
def test_one_changed_value_is_found_by_chain_and_number(column: str, value: Any, begun: Relocation) -> None:
    found = entries(begun)
    target = found[len(found) // 2]
    tamper(f"UPDATE audit_entry SET {column} = %s WHERE id = %s", [value, target.pk])  # noqa: S608 - our own columns
    code, report = verify()
    assert code == 1
    assert {"chain": str(begun.pk), "number": target.number} in [
        {"chain": fault["chain"], "number": fault["number"]} for fault in report["faults"]
    ]


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_removed_entry_is_found_by_chain_and_number(place: str, begun: Relocation) -> None:
    found = entries(begun)
    target = found[{"first": 0, "middle": len(found) // 2, "last": -1}[place]]
    tamper("DELETE FROM audit_entry WHERE id = %s", [target.pk])
    code, report = verify()
    named = {(fault["chain"], fault["number"]) for fault in report["faults"]}
    assert code == 1
    assert (str(begun.pk), min(target.number, len(found) - 1)) in named
    assert {chain for chain, _ in named} == {str(begun.pk)}


def test_two_entries_that_changed_places_are_found(begun: Relocation) -> None:
    first, second = entries(begun)[1:3]
    for number, row in ((9_999, first), (first.number, second), (second.number, first)):
        tamper("UPDATE audit_entry SET number = %s WHERE id = %s", [number, row.pk])
    assert verify()[0] == 1


def test_an_entry_added_without_the_key_is_found(begun: Relocation) -> None:
    last = entries(begun)[-1]
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (chain_id, number, at, actor_kind, actor, municipality, action, subject, detail, code)"
            " SELECT chain_id, number + 1, at, actor_kind, actor, municipality, action, subject, detail, code"
            " FROM audit_entry WHERE id = %s",
            [last.pk],
        )
    code, report = verify()
    assert code == 1
    assert (report["faults"][0]["chain"], report["faults"][0]["number"]) == (str(begun.pk), last.number + 1)


def test_a_chain_without_a_head_is_found(begun: Relocation) -> None:
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_chain WHERE id = %s", [begun.pk])
        assert cursor.rowcount == 0  # row-level security lets nobody
        cursor.execute("ALTER TABLE audit_chain NO FORCE ROW LEVEL SECURITY")
        cursor.execute("DELETE FROM audit_chain WHERE id = %s", [begun.pk])
        cursor.execute("ALTER TABLE audit_chain FORCE ROW LEVEL SECURITY")
    code, report = verify()
    assert (code, report["faults"][0]["chain"]) == (1, str(begun.pk))


def test_an_end_cut_off_with_its_head_set_back_is_found(begun: Relocation) -> None:
    *_, before, last = entries(begun)
    tamper("DELETE FROM audit_entry WHERE id = %s", [last.pk])
    tamper("UPDATE audit_chain SET length = %s, head = %s WHERE id = %s", [before.number, bytes(before.code), begun.pk])
    code, report = verify()
    assert (code, report["faults"][0]["chain"]) == (1, str(begun.pk))


def test_a_chain_without_entries_is_found(begun: Relocation) -> None:
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM audit_entry WHERE chain_id = %s", [begun.pk])
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER")
    code, report = verify()
    assert (code, report["faults"][0]["chain"]) == (1, str(begun.pk))


def test_the_words_for_a_person_name_chain_and_number(begun: Relocation) -> None:
    target = entries(begun)[3]
    tamper("UPDATE audit_entry SET action = 'x' WHERE id = %s", [target.pk])
    out = StringIO()
    with pytest.raises(CommandError, match="does not hold"):
        call_command("audit", "verify", stdout=out)
    assert f"{begun.pk} entry {target.number}: " in out.getvalue()


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"])
def test_the_database_refuses_to_change_an_entry(statement: str, begun: Relocation) -> None:
    refused = pytest.raises(DatabaseError, match="Cannot update or delete")
    with refused, transaction.atomic(), acting(HUB), connection.cursor() as cursor:
        cursor.execute(statement)
    assert verify()[0] == 0


def test_chains_are_continued_one_act_at_a_time() -> None:
    chain = UUID(int=7)
    with acting(HUB):
        services.record(*(services.Act("a", "x", {"n": n}, chain) for n in range(3)), services.Act("b", "x"))
        services.record(services.Act("c", "x", {}, chain))
        numbers = list(Entry.objects.filter(chain_id=chain).order_by("number").values_list("number", "action"))
    assert numbers == [(1, "a"), (2, "a"), (3, "a"), (4, "c")]
    assert verify() == (0, {"chains": 2, "entries": 5, "faults": []})
