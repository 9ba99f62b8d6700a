"""What tests of the API share: a town that pulls, what waits for it, and what it reports."""

from typing import Any
from uuid import uuid4

import pytest

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery
from hub.relocations.models import Relocation
from tests.conftest import HAKODATE, Caller, connect, filing, town
from tests.hub import journeys


@pytest.fixture
def origin() -> Caller:
    """The system of a town that pulls."""
    connect(HAKODATE, "gif_json", "pull:")
    return town(HAKODATE)


def filed(number: int = 0, **changes: Any) -> Relocation:
    """File, and let the courier carry what is due."""
    relocation = journeys.file(filing(number, **changes))
    journeys.carry()
    return relocation


def waiting(caller: Caller) -> list[dict[str, Any]]:
    """Return the first page of what is ready."""
    found: list[dict[str, Any]] = caller.get("deliveries?state=ready").json()["deliveries"]
    return found


def state_of(delivery: str) -> str:
    """Return the state of a delivery."""
    with acting(HUB):
        return str(Delivery.objects.get(pk=delivery).state)


@pytest.fixture
def delivery(origin: Caller) -> str:
    """A delivery that the origin has fetched."""
    filed(1)
    (line,) = waiting(origin)
    origin.get(f"deliveries/{line['id']}/content")
    return str(line["id"])


def report(relocation: Relocation, type_: str = "moveout.reviewing", **more: Any) -> dict[str, Any]:
    """Return a report's body."""
    return {"id": str(uuid4()), "type": type_, "receipt_no": relocation.receipt_no} | more
