"""``/metrics``: what operators' dashboards and alarms read, in Prometheus's text format; states, never persons.

What is true of the whole hub (backlog, breakers, states) is asked of the database when the page is read, so that it
does not matter which process answers. What processes count (filings, receipts, attempts, their times) is added up
in Valkey, one hash for all of them; should it be lost, counters begin anew, which Prometheus understands.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hub import metrics
from hub.actors import HUB, acting
from hub.deliveries import lanes

HELP = {
    "hub_deliveries": ("gauge", "Deliveries that are not finished, by state and by who must act."),
    "hub_oldest_seconds": ("gauge", "Age of the oldest unfinished delivery, by state."),
    "hub_due": ("gauge", "Deliveries that are due now in open lanes."),
    "hub_due_oldest_seconds": ("gauge", "How long the oldest of them has been due."),
    "hub_lanes": ("gauge", "Lanes, by what keeps them from sending."),
    "hub_breaker_failures": ("gauge", "Failures in a row of lanes whose breaker is not closed."),
    "hub_discrepancies": ("gauge", "Differences in the books that nobody settled."),
    "hub_filings_total": ("counter", "Filings that were accepted."),
    "hub_attempts_total": ("counter", "Attempts to hand a delivery over, by what became of them."),
    "hub_handover_seconds": ("histogram", "From the making of a delivery until it was handed over."),
    "hub_requests_total": ("counter", "Requests, by kind of door and class of status."),
    "hub_request_seconds": ("histogram", "Time to answer a request, by kind of door."),
}


def page(request: HttpRequest) -> HttpResponse:
    """Answer ``GET /metrics``; with ``HUB_METRICS_TOKEN`` set, only to who sends it as bearer token."""
    token = settings.HUB_METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(given.encode(), token.encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    text = "\n".join(_lines({**_asked(), **_counted()})) + "\n"
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _lines(values: Mapping[str, float]) -> Iterator[str]:
    """Each family once: what it is, then its values."""
    for family, (kind, words) in HELP.items():
        yield f"# HELP {family} {words}"
        yield f"# TYPE {family} {kind}"
        for name in sorted(values):
            if name.partition("{")[0] in (family, *(f"{family}_{part}" for part in ("bucket", "sum", "count"))):
                yield f"{name} {values[name]:g}"


def _counted() -> dict[str, float]:
    """What processes counted, with the buckets of histograms added up as Prometheus has them."""
    found: dict[str, float] = {}
    for name, value in metrics.read().items():
        family, _, labels = name.partition("{")
        if not family.endswith("_bucket"):
            found[name] = found.get(name, 0.0) + value
            continue
        own, _, bound = labels.removesuffix("}").rpartition("le=")
        reached = metrics.BOUNDS.index(bound.strip('"'))
        for number, upper in enumerate(metrics.BOUNDS):
            key = f'{family}{{{own}le="{upper}"}}'
            found[key] = found.get(key, 0.0) + (value if number >= reached else 0.0)
    return found


# Finished deliveries are not counted: there are millions. The others lie in partial indexes or are few.
WAITING = """
SELECT state, cause, count(*), extract(epoch FROM %(now)s - min(coalesce(held_at, created_at)))
  FROM deliveries_delivery WHERE state IN ('queued', 'ready', 'held') GROUP BY state, cause
"""
LANES = """
SELECT lane.municipality_id, lane.paused, lane.failures, lane.blocked_until,
       lane.open_until IS NOT NULL AND NOT (lane.open_from <= %(now)s AND lane.open_until > %(now)s),
       due.number, due.age
  FROM deliveries_lane AS lane CROSS JOIN LATERAL (
       SELECT count(*) AS number, extract(epoch FROM %(now)s - min(due_at)) AS age FROM deliveries_delivery AS delivery
        WHERE delivery.municipality_id = lane.municipality_id AND delivery.state = 'queued'
          AND delivery.due_at <= %(now)s) AS due
"""


def _asked() -> dict[str, float]:
    """Ask the database."""
    now = timezone.now()
    found: dict[str, float] = {}
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(WAITING, {"now": now})
        for state, cause, number, age in cursor.fetchall():
            found[f'hub_deliveries{{state="{state}",cause="{cause}"}}'] = number
            name = f'hub_oldest_seconds{{state="{state}"}}'
            found[name] = max(found.get(name, 0.0), float(age))
        cursor.execute(LANES, {"now": now})
        found |= _of_lanes(cursor.fetchall())
        cursor.execute("SELECT count(*) FROM deliveries_discrepancy WHERE settled_at IS NULL")
        found["hub_discrepancies"] = cursor.fetchone()[0]
    return found


def _of_lanes(rows: Iterable[Sequence[Any]]) -> dict[str, float]:
    counts = dict.fromkeys(("open", "paused", "closed", "breaker_open", "breaker_half_open"), 0.0)
    found: dict[str, float] = {"hub_due": 0.0, "hub_due_oldest_seconds": 0.0}
    now = timezone.now()
    for code, paused, failures, blocked_until, closed, due, age in rows:
        breaker = lanes.breaker(failures, blocked_until, now)
        state = "paused" if paused else "closed" if closed else "open"
        if state == "open" and breaker is not lanes.Breaker.CLOSED:
            state = f"breaker_{breaker.value}"
        counts[state] += 1
        if failures >= lanes.THRESHOLD:
            found[f'hub_breaker_failures{{municipality="{code}"}}'] = failures
        if state == "open" and due:
            found["hub_due"] += due
            found["hub_due_oldest_seconds"] = max(found["hub_due_oldest_seconds"], float(age or 0.0))
    return found | {f'hub_lanes{{state="{state}"}}': number for state, number in counts.items()}
