"""``/metrics``: what it says follows what happened, whoever answers, and holds nothing personal."""

# ruff: noqa: F811 - a fixture is imported and then asked for by its name

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from hub import metrics, valkey
from hub.actors import HUB, acting
from hub.deliveries import lanes
from hub.deliveries.models import Lane
from tests.conftest import HAKODATE, TENRYU, filing, front
from tests.hub.committed import db  # noqa: F401 - a fixture
from tests.hub.pushing import file, pushed, run  # noqa: F401 - a fixture among them
from tests.hub.receivers import Towns

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _counted_anew(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    metrics.write()  # of the tests before
    monkeypatch.setattr(metrics, "KEY", request.node.nodeid)
    valkey.client().delete(request.node.nodeid)


def page() -> dict[str, float]:
    """Read it as Prometheus does."""
    answer = Client(HTTP_HOST="127.0.0.1").get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.content.decode().splitlines()
    values = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    assert len({name for name, _, _ in values}) == len(values)
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(set(families)) == len(families)
    return {name: float(value) for name, _, value in values}


def test_the_page_follows_what_happened(pushed: Towns) -> None:
    document = filing(1)
    assert front().post("relocations", document).status_code == 201
    for _ in range(6):
        file(TENRYU)
    before = page()
    assert (before['hub_deliveries{state="queued",cause=""}'], before["hub_due"]) == (14, 14)
    assert before["hub_filings_total"] == 7
    assert before['hub_requests_total{door="api",status="2xx"}'] == 1
    assert before['hub_request_seconds_bucket{door="api",le="+Inf"}'] == 1
    pushed.says[TENRYU] = [500] * 6
    run()
    after = page()
    sent, ready = after['hub_attempts_total{state="sent",code=""}'], after['hub_deliveries{state="ready",cause=""}']
    assert (sent, ready) == (1, 7)
    assert after['hub_attempts_total{state="queued",code="E900"}'] >= lanes.THRESHOLD
    assert after['hub_lanes{state="breaker_open"}'] == 1
    assert after[f'hub_breaker_failures{{municipality="{TENRYU}"}}'] >= lanes.THRESHOLD
    assert after["hub_due"] == 0  # those of the open breaker are not due
    assert after["hub_handover_seconds_count"] == after['hub_handover_seconds_bucket{le="+Inf"}'] == 8
    buckets = [value for name, value in after.items() if name.startswith("hub_handover_seconds_bucket")]
    assert len(buckets) == len(metrics.BOUNDS)
    assert sorted(buckets)[-1] == 8
    text = Client(HTTP_HOST="127.0.0.1").get("/metrics").content.decode()
    assert document.movers[0].full_name not in text


def test_lanes_are_counted_by_what_keeps_them(pushed: Towns) -> None:
    number = page()['hub_lanes{state="open"}']
    with acting(HUB):
        lanes.pause([HAKODATE], paused=True)
        tomorrow = timezone.now() + timedelta(days=1)
        Lane.objects.filter(pk=TENRYU).update(open_from=tomorrow, open_until=tomorrow + timedelta(hours=1))
    after = page()
    assert [after[f'hub_lanes{{state="{state}"}}'] for state in ("open", "paused", "closed")] == [number - 2, 1, 1]


def test_a_token_keeps_it_from_others(settings: Settings) -> None:
    settings.HUB_METRICS_TOKEN = "read-only"
    client = Client(HTTP_HOST="127.0.0.1")
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer readonly"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer read-only"}).status_code == 200
