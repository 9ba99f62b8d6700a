"""A407: the term of a measure ends within a month (S37): who is asked when, what settles it; nothing ends by itself."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from hub.accounts.models import User
from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.protection import expiring, services, tasks
from hub.protection.models import Act, Expiry, Measure
from hub.relocations.models import Alert
from tests.conftest import CHIYODA, HAKODATE, clerk
from tests.hub.test_protection import OFFICE, at, entrusted, victim

pytestmark = pytest.mark.django_db

DUTY = Actor(ActorKind.CLERK, HAKODATE, "901", PROTECTS)
SECOND = Actor(ActorKind.CLERK, HAKODATE, "902", PROTECTS)
#: The last day; the day that corresponds to it a month before.
LAST, ASKED = date(2027, 5, 15), date(2027, 4, 15)


def on(day: date) -> Any:
    """Noon of that day in Japan."""
    return time_machine.travel(datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("Asia/Tokyo")), tick=True)


def measure(last: date = LAST) -> int:
    """A clerk of the duty sets it a year before."""
    with on(date(last.year - 1, last.month, min(last.day, 28))), acting(DUTY):
        terms = {"contact_office": OFFICE, "expires_on": last, "provisional": False}
        return services.set_for_resident(DUTY, victim().movers[0], **terms).pk


def open_alerts(actor: Actor = DUTY) -> list[tuple[str, date]]:
    """What this actor is asked."""
    with acting(actor):
        return list(Expiry.objects.filter(settled_at=None).values_list("code", "expires_on"))


def queue(user: User) -> str:
    """What waits at the desk of this clerk."""
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(user)
    return client.get(reverse("admin:index")).content.decode()


def test_it_is_asked_from_the_corresponding_day_on_and_once() -> None:
    measure()
    for day, found in ((date(2027, 4, 14), 0), (ASKED, 1), (date(2027, 4, 16), 1)):
        with on(day):
            tasks.watch()
            assert len(open_alerts()) == found, day
    assert open_alerts() == [("A407", LAST)]
    with on(date(2027, 6, 1)):  # past the last day: it is still asked, and still protects
        assert expiring.watch() == 0
        with acting(HUB):
            assert Measure.objects.get().state == "ACTIVE"
        assert len(open_alerts()) == 1


@pytest.mark.parametrize(
    ("last", "asked"),
    [
        (date(2027, 3, 31), date(2027, 2, 28)),  # no such day: the last of the month
        (date(2028, 3, 30), date(2028, 2, 29)),
        (date(2027, 7, 31), date(2027, 6, 30)),
        (date(2027, 1, 10), date(2026, 12, 10)),
        (date(2027, 5, 1), date(2027, 4, 1)),
    ],
)
def test_a_month_before_is_counted_by_the_calendar(last: date, asked: date) -> None:
    measure(last)
    with on(date.fromordinal(asked.toordinal() - 1)):
        assert expiring.watch() == 0
    with on(asked):
        assert expiring.watch() == 1


def test_an_extension_settles_it_and_it_is_asked_again_a_year_later() -> None:
    number = measure()
    with on(ASKED):
        expiring.watch()
        with acting(DUTY):
            services.extend(DUTY, number, date(2028, 5, 15))
        assert open_alerts() == []
        assert expiring.watch() == 0
    with acting(HUB):
        assert Expiry.objects.get().settled_by == DUTY.name
    with on(date(2028, 4, 14)):
        assert expiring.watch() == 0
    with on(date(2028, 4, 15)):
        assert expiring.watch() == 1
        with acting(DUTY):
            asked = services.ask(DUTY, Act.END, number)
        assert len(open_alerts()) == 1  # asked for, and not ended
        with acting(SECOND):
            services.release(SECOND, asked.pk)
        assert open_alerts() == []


def test_only_clerks_who_may_see_protection_are_asked() -> None:
    measure()
    with on(ASKED):
        expiring.watch()
        for stranger in (
            Actor(ActorKind.CLERK, HAKODATE, "1"),
            Actor(ActorKind.CLERK, CHIYODA, "2", PROTECTS),
            Actor(ActorKind.OPERATOR, name="3"),
            Actor(ActorKind.SYSTEM, HAKODATE, "town"),
            Actor(ActorKind.CITIZEN, name="4"),
        ):
            assert open_alerts(stranger) == []
        with acting(HUB):
            assert not Alert.objects.filter(code="A407").exists()  # those an operator lists
        listed = reverse("admin:protection_expiry_changelist")
        own, ordinary = entrusted(HAKODATE, "a"), clerk(HAKODATE)
        assert "支援措置の延長の確認" in queue(own)
        assert "A407" in at(own).get(listed).content.decode()
        assert "支援措置の延長の確認" not in queue(ordinary)
        assert at(ordinary).get(listed).status_code == 403
