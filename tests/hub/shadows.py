"""A change of connection that is planned, for tests of what is found before it."""

from datetime import timedelta

from django.utils import timezone

from municipalities.models import Connection


def planned(code: str, standard: str, days: int = 30) -> Connection:
    """The town's next connection, tried on what went out from yesterday on."""
    today = timezone.localdate()
    begins = today + timedelta(days=days)
    Connection.objects.filter(municipality=code).update(valid_to=begins - timedelta(days=1))
    return Connection.objects.create(
        municipality_id=code,
        standard=standard,
        address="memory:next",
        valid_from=begins,
        tried_from=today - timedelta(days=1),
    )
