"""Who asks too often is told when to come back: clients of the API, sign-ins, token requests, filings under pressure."""

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from hub import limits, valkey
from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.deliveries import lanes
from hub.deliveries.models import Delivery
from hub.limits import Limit
from hub.relocations import pressure
from hub.relocations.models import Relocation
from tests.conftest import CHIYODA, HAKODATE, filing, front, town
from tests.hub.committed import db  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("db")


def test_a_limit_lets_its_burst_through_and_then_one_after_the_other() -> None:
    limit = Limit("test", requests=60, seconds=60, burst=3)
    spent = [limits.spend(limit, "a") for _ in range(5)]
    assert [one.allowed for one in spent if one] == [True] * 3 + [False] * 2
    assert spent[0] is not None
    assert spent[-1] is not None
    assert spent[0].left == 2
    assert 0 < spent[-1].wait <= 1
    assert (other := limits.spend(limit, "b")) is not None
    assert other.allowed
    keys = [key.decode() for key in valkey.client().scan_iter(match="*:test:*")]
    assert not [key for key in keys if key.endswith((":a", ":b"))]


def test_a_client_that_asks_too_often_is_told_when_to_come_back(settings: Settings) -> None:
    settings.HUB_REQUESTS_PER_MINUTE = 12  # two at once
    caller, other = town(HAKODATE), town(CHIYODA)
    answers = [caller.get("deliveries?state=ready") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"client";q=12;w=60'
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=1", "r=0", "r=0"]
    refused = answers[2]
    assert (refused["Content-Type"], refused.json()["code"]) == ("application/problem+json", "E220")
    assert 1 <= int(refused["Retry-After"]) <= 5
    assert other.get("deliveries?state=ready").status_code == 200


def test_without_valkey_nobody_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = town(HAKODATE)
    monkeypatch.setattr(valkey, "_client", redis.Redis(host="127.0.0.1", port=1))
    answer = caller.get("deliveries?state=ready")
    assert answer.status_code == 200
    assert "RateLimit" not in answer


@pytest.mark.parametrize("door", ["/sign-in/", "/admin/login/"])
def test_guessing_at_an_account_ends_and_even_the_right_password_must_wait(door: str, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick; what is counted is the same
    User.objects.create_user("guessed", password="right-horse-battery", is_staff=True, is_operator=True)
    client = Client(HTTP_HOST="127.0.0.1")
    path = {"/sign-in/": sign_in_path()}.get(door, door)

    def attempt(password: str, address: str = "192.0.2.1") -> Any:
        return client.post(path, {"username": "guessed", "password": password}, REMOTE_ADDR=address)

    for _ in range(10):
        assert "分ほど待って" not in attempt("wrong").content.decode()
    assert "分ほど待って" in attempt("right-horse-battery").content.decode()
    assert attempt("right-horse-battery", "192.0.2.2").status_code == 302


def sign_in_path() -> str:
    """Where citizens sign in."""
    from django.urls import reverse

    return reverse("citizens:sign_in")


def test_guessing_at_a_clients_secret_ends() -> None:
    town(HAKODATE)
    form = {"grant_type": "client_credentials", "client_id": f"town-{HAKODATE}"}
    client = Client(HTTP_HOST="127.0.0.1", REMOTE_ADDR="192.0.2.3")
    answers = [client.post("/oauth/token", form | {"client_secret": "wrong"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1]["Retry-After"]) >= 1
    assert answers[-1].json()["error"] == "temporarily_unavailable"


def test_filings_wait_while_what_could_be_sent_waits_too_long_and_nothing_is_lost(settings: Settings) -> None:
    caller = front()
    assert caller.post("relocations", filing(0), Idempotency_Key="a").status_code == 201
    age(timedelta(minutes=30))
    answer = caller.post("relocations", filing(1), Idempotency_Key="b")
    assert (answer.status_code, answer.json()["code"]) == (429, "E220")
    assert int(answer["Retry-After"]) >= 5
    with acting(HUB):
        assert Relocation.objects.count() == 1
        # A town that holds, by itself or by an operator, is no reason to turn anybody away.
        lanes.pause(set(Delivery.objects.values_list("municipality", flat=True)), paused=True)
    pressure.forget()
    assert caller.post("relocations", filing(1), Idempotency_Key="b").status_code == 201
    with acting(HUB):
        assert Relocation.objects.count() == 2


def test_filings_wait_while_the_database_is_slow(settings: Settings) -> None:
    settings.HUB_SLOW_DATABASE = -1.0
    answer = front().post("relocations", filing(0))
    assert (answer.status_code, answer.json()["code"]) == (429, "E220")


def age(by: timedelta) -> None:
    """Let what is queued have waited so long."""
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute("UPDATE deliveries_delivery SET due_at = %s WHERE state = 'queued'", [timezone.now() - by])
    pressure.forget()
