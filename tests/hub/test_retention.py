"""Purging: what is kept no longer goes, batch by batch; what is not finished or not old enough stays whole."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.deliveries.models import Delivery, Event, Receipt
from hub.relocations import changing, retention, services
from hub.relocations.models import IdempotencyKey, Relocation
from hub.triggers import looking_away
from hub.vault.services import ShreddedError
from tests.conftest import filing
from tests.hub import journeys
from tests.hub.committed import db  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("db")


def purge(**options: Any) -> dict[str, int]:
    """Run the command."""
    out = StringIO()
    call_command("purge", json=True, stdout=out, **options)
    found: dict[str, int] = json.loads(out.getvalue())
    return found


def withdrawn(number: int) -> Relocation:
    """A relocation that was told to its towns and then taken back."""
    relocation = journeys.file(filing(number))
    journeys.carry()
    return changing.withdraw(relocation.pk, journeys.CITIZEN)


def test_what_finished_long_ago_is_shredded_and_its_deliveries_go(settings: Settings) -> None:
    old, going_on = [withdrawn(number) for number in range(3)], journeys.file(filing(7))
    settings.HUB_RETENTION_DAYS = 0  # as if all that had happened long ago
    assert purge(dry_run=True) == {"keys": 0, "shredded": 3, "deliveries": 0}
    with acting(HUB):
        deliveries = Delivery.objects.filter(relocation_id__in=[row.pk for row in old]).count()
    assert deliveries >= 3
    assert purge() == {"keys": 0, "shredded": 3, "deliveries": deliveries}
    assert purge() == {"keys": 0, "shredded": 0, "deliveries": 0}
    with acting(HUB):
        assert {row.relocation_id for row in Delivery.objects.all()} == {going_on.pk}
        assert set(Event.objects.values_list("delivery__relocation_id", flat=True)) == {going_on.pk}
        assert not Receipt.objects.exclude(delivery__relocation_id=going_on.pk).exists()
        for row in old:
            with pytest.raises(ShreddedError):
                services.filing_of(row)
        assert services.filing_of(going_on).movers
        assert [found for found in audit.verify() if isinstance(found, audit.Fault)] == []


def test_what_is_not_old_enough_stays(settings: Settings) -> None:
    withdrawn(1)
    settings.HUB_RETENTION_DAYS = 1
    assert purge() == {"keys": 0, "shredded": 0, "deliveries": 0}


def test_a_purge_that_was_stopped_goes_on_where_it_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        withdrawn(number)
    settings.HUB_RETENTION_DAYS = 0
    monkeypatch.setattr(retention, "BATCH", 1)
    first = next(retention.purge())
    assert first == retention.Purged(shredded=1)
    assert purge()["shredded"] == 2
    with acting(HUB):
        assert not Delivery.objects.exists()


def test_the_database_lets_nothing_else_go() -> None:
    """Even with the triggers told to look away, a delivery whose relocation has its key stays."""
    journeys.file(filing(1))
    with acting(HUB), looking_away(*retention.GUARDS), connection.cursor() as cursor:
        for table in ("event", "receipt", "return", "difference", "delivery"):
            cursor.execute(f"DELETE FROM deliveries_{table}")  # noqa: S608 - our own tables
            assert cursor.rowcount == 0
    with acting(HUB):
        assert Delivery.objects.exists()


def test_idempotency_keys_are_kept_for_three_days_at_least(settings: Settings) -> None:
    settings.HUB_IDEMPOTENCY_HOURS = 1  # too short: three days hold all the same
    services.file(filing(1), journeys.CITIZEN, "k1")
    services.file(filing(2), journeys.CITIZEN, "k2")
    with acting(HUB):
        IdempotencyKey.objects.filter(key="k1").update(created_at=timezone.now() - timedelta(hours=73))
        IdempotencyKey.objects.filter(key="k2").update(created_at=timezone.now() - timedelta(hours=71))
    assert purge()["keys"] == 1
    with acting(HUB):
        assert [row.key for row in IdempotencyKey.objects.all()] == ["k2"]
