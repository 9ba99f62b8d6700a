"""What tests of the courier share: towns that are pushed to, moves between them, and what became of them."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from hub.actors import HUB, acting
from hub.deliveries import courier
from hub.deliveries.models import Delivery, Lane
from hub.relocations.models import Relocation
from tests.conftest import CHIYODA, HAKODATE, TENRYU, connect, filing
from tests.hub import journeys
from tests.hub.committed import db, make_due  # noqa: F401 - a fixture
from tests.hub.receivers import Towns, listening


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Towns]:
    """Hakodate and Tenryu are pushed to; a courier goes home as soon as nothing is due."""
    with listening() as towns:
        for code in (HAKODATE, TENRYU):
            towns.connect(code)
        connect(CHIYODA, "gif_json", "pull:")
        yield towns


def run() -> int:
    """Run a courier until nothing is due."""
    return courier.run(idle=0, slice_=10)


def file(origin: str = HAKODATE, number: int = 1, **changes: Any) -> Relocation:
    """File a move to Chiyoda."""
    return journeys.file(filing(number, origin=origin, **changes))


def told(relocation: Relocation, type_: str = "moveout.submitted") -> Delivery:
    """Return the delivery of this type."""
    with acting(HUB):
        return Delivery.objects.get(relocation_id=relocation.pk, type=type_)


def lane(code: str) -> Lane:
    """Return a town's lane."""
    with acting(HUB):
        return Lane.objects.get(pk=code)


def steps(row: Delivery) -> list[tuple[str, int, str]]:
    """Return what a delivery went through: state, attempt, code."""
    with acting(HUB):
        return list(row.events.order_by("pk").values_list("state", "attempt", "code"))


def unfit() -> Relocation:
    """File for somebody whose name the mainframe's characters cannot hold."""
    whole = filing(1)
    movers = tuple(msgspec.structs.replace(mover, full_name="見本　𠮟子") for mover in whole.movers)
    return journeys.file(msgspec.structs.replace(whole, movers=movers))
