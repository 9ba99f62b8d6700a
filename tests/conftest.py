"""Fixtures: a country of towns in the database, clients with real tokens, a filing to file."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from oauth2_provider.models import get_access_token_model
from pytest_django.fixtures import Settings

from hub.accounts.models import SystemClient, User
from hub.actors import HUB, acting
from hub.deliveries import lanes
from hub.demo import people
from hub.relocations import pressure
from hub.relocations.filing import Filing
from municipalities import connections, loader, openings
from municipalities.models import Connection, Municipality
from municipalities.transports import memory

#: Towns the tests speak of: origin, destination, domicile, and one that has nothing to do with it.
HAKODATE, CHIYODA, TENRYU, NAHA = "012025", "131016", "221406", "472018"
#: What they use in the tests, whatever the draw over all standards gives them.
LAYOUTS = {HAKODATE: "mainframe_cp932", CHIYODA: "gif_json", TENRYU: "juki_list_csv", NAHA: "gif_json"}

# How long an example takes is no question of a test: the machine may be slow or busy.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes, whatever the order of the others."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def load_towns() -> None:
    """Load every municipality; pulls stay pulls, pushes go to ``memory:`` outboxes."""
    if Municipality.objects.exists():
        return
    loader.sync()
    connections.create_missing(timezone.localdate() - timedelta(days=1))
    for code, standard in LAYOUTS.items():
        Connection.objects.filter(municipality=code).update(standard=standard)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE municipalities_connection SET address ="
            " CASE WHEN address LIKE 'pull:%' THEN 'pull:' ELSE 'memory:' || municipality_id END"
        )
    with acting(HUB):
        lanes.ensure(Municipality.objects.leaf().values_list("pk", flat=True))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Load the towns once, outside the tests' transactions."""
    with django_db_blocker.unblock():
        load_towns()


@pytest.fixture
def towns(transactional_db: None) -> None:
    """Committed data for tests with several connections; loaded again when a test flushed the tables."""
    load_towns()


@pytest.fixture(autouse=True)
def _empty_outboxes() -> Iterator[None]:
    yield
    memory.clear()
    pressure.forget()
    openings.forget()


@pytest.fixture(autouse=True)
def _own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test that plays in the past make ids of the past: a process has made none before it begins."""
    monkeypatch.setattr("hub.ids._last", 0)


@pytest.fixture(autouse=True)
def _own_limits(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Count the requests of each test for itself: Valkey is shared by all of them."""
    settings.HUB_LIMITS_PREFIX = request.node.nodeid


def connect(code: str, standard: str, address: str) -> None:
    """Give a town another standard and address from now on."""
    Connection.objects.filter(municipality=code).update(standard=standard, address=address)


def filing(number: int = 0, origin: str = HAKODATE, destination: str = CHIYODA, **changes: Any) -> Filing:
    """Return a valid filing of the demo's kind between two towns."""
    places = []
    for code in (origin, destination, TENRYU):
        row = Municipality.objects.get(pk=code)
        places.append(people.Place(code, row.prefecture, f"{row.within}{row.name}"))
    invented = people.Invention(places, timezone.localdate(), seed=number).filing(number, places[0], places[1])
    return msgspec.structs.replace(invented, **changes)


class Caller:
    """An API client with a real access token."""

    def __init__(self, client_id: str, scopes: str, municipality: str | None) -> None:
        self.system, _ = SystemClient.objects.get_or_create(
            client_id=client_id,
            defaults={
                "client_secret": "s3cret",
                "client_type": SystemClient.CLIENT_CONFIDENTIAL,
                "authorization_grant_type": SystemClient.GRANT_CLIENT_CREDENTIALS,
                "municipality_id": municipality,
                "scopes": scopes,
            },
        )
        self.client = Client(HTTP_HOST="127.0.0.1", raise_request_exception=True)
        answer = self.client.post(
            "/oauth/token", {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "s3cret"}
        )
        assert answer.status_code == 200, answer.content
        self.token = answer.json()["access_token"]

    def get(self, path: str, **headers: str) -> Any:
        """GET below /api/v1/."""
        return self.client.get(f"/api/v1/{path}", headers=self._headers(headers))

    def delete(self, path: str, body: Any = None, **headers: str) -> Any:
        """DELETE below /api/v1/."""
        return self.client.delete(f"/api/v1/{path}", headers=self._headers(headers))

    def post(self, path: str, body: Any, content_type: str = "application/json", **headers: str) -> Any:
        """POST below /api/v1/; a body that is not bytes is sent as JSON."""
        if path == "relocations" and not isinstance(body, bytes):
            body = front_document(body)
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        # Not ``post``: it would decode the bytes and encode them again in the charset that is announced.
        sent = self._headers(headers)
        return self.client.generic("POST", f"/api/v1/{path}", data, content_type=content_type, headers=sent)

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} | {name.replace("_", "-"): text for name, text in more.items()}

    def revoke(self) -> None:
        """Take the token back."""
        get_access_token_model().objects.filter(application=self.system).delete()


def front_document(filing: Any) -> dict[str, Any]:
    """Return a filing as a front sends it: with the citizen's consent, the same each time."""
    consent = {"givenAt": "2026-04-01T09:00:00+09:00", "method": "online", "textVersion": "test-1"}
    return {"consent": consent, **msgspec.to_builtins(filing)}


def town(code: str) -> Caller:
    """Return the system of a town."""
    return Caller(f"town-{code}", "deliveries reports", code)


def front(name: str = "front") -> Caller:
    """Return a partner front."""
    return Caller(name, "relocations:file", None)


def clerk(code: str, username: str = "") -> User:
    """Return a clerk of a town, ready to sign in."""
    return User.objects.create_user(username or f"clerk-{code}", password="x" * 12, municipality_id=code, is_staff=True)
