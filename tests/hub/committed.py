"""A database whose rows are really committed, for tests with couriers; much quicker than flushing all tables.

A module that imports ``db`` from here has it in the place of pytest-django's fixture of that name, which
rolls back.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from hub.accounts.models import SystemClient, User
from hub.actors import HUB, acting
from hub.deliveries import lanes
from municipalities.models import Connection, Municipality
from tests.conftest import load_towns

#: Applications whose rows come and go with filings. Lanes stay: there is one for every town.
APPLICATIONS = (
    "audit", "vault", "fidelity", "deliveries", "procedures", "relocations", "consents", "duplicates", "protection", "api",
    "conformance", "onboarding",
)  # fmt: skip

#: Of a connection, what a test may change.
KEPT = ("standard", "address", "concurrency", "per_second", "retry_hours", "signing_key", "sets_protection")


@pytest.fixture
def db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Leave the database as it was: towns with their connections and lanes, nothing filed, nobody signed up."""
    assert connection.settings_dict["NAME"].startswith("test_")
    with django_db_blocker.unblock():
        load_towns()
        kept = list(Connection.objects.all())
        try:
            yield
        finally:
            clear()
            changed = [row for row, now in zip(kept, Connection.objects.all(), strict=True) if differs(row, now)]
            Connection.objects.bulk_update(changed, KEPT)
            connection.close()


def clear() -> None:
    """Remove what was filed; ``TRUNCATE`` asks neither triggers nor policies."""
    models = [model for name in APPLICATIONS for model in apps.get_app_config(name).get_models()]
    tables = sorted({model._meta.db_table for model in models} - {"deliveries_lane"})
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)}")
        cursor.execute(
            "UPDATE deliveries_lane SET paused = false, failures = 0, blocked_until = NULL, open_from = NULL,"
            " open_until = NULL, resumed_at = NULL, paced_until = NULL"
        )
        lanes.ensure(Municipality.objects.leaf().values_list("pk", flat=True))
    SystemClient.objects.all().delete()
    User.objects.all().delete()


def tables() -> list[str]:
    """Every table of the database."""
    return sorted(connection.introspection.table_names())


def differs(before: Connection, now: Connection) -> bool:
    """Tell whether a test changed the connection."""
    return any(getattr(before, name) != getattr(now, name) for name in KEPT)


def make_due() -> None:
    """Let time pass: leases are over, waits are over, closed lanes may be tried again."""
    now = timezone.now()
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute("UPDATE deliveries_delivery SET due_at = %s WHERE state = 'queued'", [now])
        cursor.execute("UPDATE deliveries_delivery SET leased_until = %s WHERE leased_until IS NOT NULL", [now])
        cursor.execute("UPDATE deliveries_lane SET blocked_until = %s WHERE blocked_until IS NOT NULL", [now])
