"""PostgreSQL itself takes exactly the steps that are in the tables, whatever code asks for others."""

from itertools import product

import pytest
from django.db import DatabaseError, transaction
from django.db.models import Model

from hub.actors import HUB, acting
from hub.deliveries import states as of_deliveries
from hub.deliveries.models import Delivery
from hub.relocations import tables
from hub.relocations.models import Mover
from hub.triggers import looking_away
from municipalities.notice import Role
from tests.conftest import filing
from tests.hub import journeys

pytestmark = pytest.mark.django_db
ROLES = sorted(role.value for role in tables.START)


def taken(row: Model, trigger: str, states: list[str]) -> set[tuple[str, str]]:
    """Return the steps between these states that the database takes."""
    manager = type(row)._base_manager.filter(pk=row.pk)
    found = set()
    for start, end in product(states, states):
        with looking_away(f"{row._meta.label}:{trigger}"):
            manager.update(state=start)
        try:
            with transaction.atomic():
                manager.update(state=end)
        except DatabaseError as error:
            assert "Invalid transition" in str(error)  # noqa: PT017 - another refusal would prove nothing
        else:
            found.add((start, end))
    return {(start, end) for start, end in found if start != end}


@pytest.mark.parametrize("role", ROLES)
def test_a_mover_goes_only_along_the_table_of_the_role(role: str) -> None:
    relocation = journeys.file(filing(1))
    lawful = set(tables.transitions(Role(role)))
    with acting(HUB):
        mover = Mover.objects.filter(relocation=relocation)[0]
        Mover.objects.filter(pk=mover.pk).update(role=role)
        assert taken(mover, f"steps_{role}", sorted({state for step in lawful for state in step})) == lawful


def test_a_delivery_goes_only_along_its_table() -> None:
    relocation = journeys.file(filing(2))
    lawful = {(start.value, end.value) for start, ends in of_deliveries.NEXT.items() for end in ends}
    with acting(HUB):
        delivery = Delivery.objects.filter(relocation_id=relocation.pk)[0]
        assert taken(delivery, "steps", [state.value for state in of_deliveries.State]) == lawful
