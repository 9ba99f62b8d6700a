"""Lists of the desk by key: every row once, forwards and back, and each page one walk along an index."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.audit.models import Entry
from hub.bench import growth
from hub.deliveries.admin import DeliveryAdmin
from hub.deliveries.models import Delivery
from hub.relocations.models import Relocation
from tests.conftest import NAHA, clerk, filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db

#: Relocations that are stored: some thousands of deliveries.
STORED = 1_500
DELIVERIES, RELOCATIONS, ENTRIES = (
    "/admin/deliveries/delivery/",
    "/admin/relocations/relocation/",
    "/admin/audit/entry/",
)


@pytest.fixture
def stored() -> None:
    """A settled relocation many times, and as many entries of the audit."""
    document = filing(0)
    relocation = journeys.file(document)
    journeys.settle(relocation, journeys.course(relocation, document))
    growth.grow(str(relocation.pk), 0, STORED, lambda *_: None)
    with acting(HUB):
        audit.record_all(audit.Act("test.act", f"test:{number}") for number in range(3 * STORED))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit_entry")


def desk(user: User) -> Client:
    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies["django_language"] = "en"
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return desk(User.objects.create(username="operator", is_staff=True, is_operator=True))


def keys(page: str) -> list[str]:
    """The keys of the rows shown."""
    return re.findall(r'name="_selected_action" value="([^"]+)"', page)


def links(page: str) -> dict[str, str]:
    """Where the page leads to."""
    return {
        word: address.replace("&amp;", "&")
        for address, word in re.findall(r'<a href="(\?[^"]*)"[^>]*>(Newest|Newer|Older)<', page)
    }


def walk(client: Client, path: str, word: str, begin: str = "") -> Iterator[str]:
    """Page after page in one direction."""
    here: str | None = begin
    while here is not None:
        page = client.get(path + here).content.decode()
        yield page
        here = links(page).get(word)


def test_every_row_is_on_one_page_forwards_and_back(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [journeys.file(filing(number)) for number in range(5)]
    with acting(HUB):
        expected = [str(pk) for pk in Delivery.objects.order_by("-pk").values_list("pk", flat=True)]
    assert len(expected) > 5
    assert made
    with monkeypatch.context() as few:
        few.setattr(DeliveryAdmin, "list_per_page", 3)
        pages = list(walk(operator, DELIVERIES, "Older"))
        assert [key for page in pages for key in keys(page)] == expected
        last = links(pages[-2])["Older"]
        back = list(walk(operator, DELIVERIES, "Newer", last))
        assert {key for page in back for key in keys(page)} == set(expected)
        assert keys(back[-1]) == expected[:3]
        assert "there are more" in pages[0]
        for wrong in ("?older_than=x", "?newer_than=", "?older_than=7&newer_than=8", "?o=3.-2"):
            assert keys(operator.get(DELIVERIES + wrong).content.decode()) == expected[:3]
        searched = operator.get(DELIVERIES + last).content.decode()
        assert "older_than" not in searched.partition('id="changelist-search"')[2].partition("</form>")[0]
        assert "older_than" not in searched.partition('id="changelist-filter"')[2]


def plan_of(client: Client, path: str, table: str) -> tuple[str, dict[str, Any]]:
    """The statement that reads the list, and how PostgreSQL goes about it."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(path).status_code == 200
    assert not [one["sql"] for one in asked if "OFFSET" in one["sql"]]
    assert not [
        one["sql"] for one in asked if re.match(r"SELECT COUNT\(\*\)[^(]*FROM \"" + table + r"\"[^(]*$", one["sql"])
    ]
    [statement] = [one["sql"] for one in asked if f'FROM "{table}"' in one["sql"] and "LIMIT 51" in one["sql"]]
    with acting(client.actor), connection.cursor() as cursor:  # type: ignore[attr-defined]
        # At this size sorting everything may be cheaper; what needs a sort keeps it even so.
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
        (found,) = cursor.fetchone()
    return statement, (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("path", "table", "index"),
    [
        (DELIVERIES, "deliveries_delivery", "deliveries_delivery_pkey"),
        (f"{DELIVERIES}?state__exact=answered", "deliveries_delivery", "deliver(ies_delivery_pkey|y_by_state)"),
        (f"{DELIVERIES}?answer=rejected", "deliveries_delivery", "delivery_unwelcome"),
        (RELOCATIONS, "relocations_relocation", "relocations_relocation_pkey"),
        (ENTRIES, "audit_entry", "audit_entry_pkey"),
        (f"{ENTRIES}?by=operator", "audit_entry", "audit_by_persons"),
    ],
)
def test_a_page_walks_along_an_index_and_stops(operator: Client, path: str, table: str, index: str) -> None:
    operator.actor = User.objects.get(username="operator").actor  # type: ignore[attr-defined]
    first = operator.get(path).content.decode()
    for address in filter(None, (path, links(first).get("Older"))):
        at = address if address.startswith("/") else path.partition("?")[0] + address
        _, plan = plan_of(operator, at, table)
        found = list(nodes(plan))
        assert found[0]["Node Type"] == "Limit"
        assert not [one for one in found if one["Node Type"] in ("Sort", "Incremental Sort", "Aggregate")], plan
        used = [one for one in found if one.get("Relation Name") == table]
        assert [re.fullmatch(index, one.get("Index Name", "")) is not None for one in used] == [True], plan


@pytest.mark.usefixtures("stored")
def test_a_clerks_page_reads_the_own_towns_rows_alone() -> None:
    user = clerk(NAHA)
    client = desk(user)
    client.actor = user.actor  # type: ignore[attr-defined]
    _, plan = plan_of(client, DELIVERIES, "deliveries_delivery")
    found = list(nodes(plan))
    used = [one for one in found if one.get("Relation Name") == "deliveries_delivery"]
    assert used[0]["Index Name"] == "delivery_of_town", plan
    assert not [one for one in found if one["Node Type"] == "Sort"], plan
    with acting(HUB):
        assert Relocation.objects.count() > STORED
        assert Entry.objects.count() > STORED
