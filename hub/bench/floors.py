"""The physical floors, measured in the same run: what the parts reach when they do nothing else."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
import redis
from django.conf import settings

from hub.bench.arena import Arena

SECONDS = 1.0
TASKS = 1_000


def rate(work: Callable[[], object], seconds: float = SECONDS) -> float:
    """How often a second it can be done by one caller."""
    began, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        work()
        count += 1
    return count / passed


def measure(arena: Arena) -> dict[str, float]:
    """Rates by name, each by one caller except the tasks, which both worker processes take."""
    return {
        "postgresql commits/s": round(commits(arena.processes.environment["DATABASE_URL"])),
        "http posts/s to the towns": round(posts(arena.sink)),
        "redis pushes/s": round(pushes()),
        "celery no-op tasks/s": round(tasks(arena)),
    }


def commits(url: str) -> float:
    """Single-row inserts, each its own commit."""
    with psycopg.connect(url, autocommit=True) as own:
        own.execute("CREATE TABLE bench_floor (id bigserial, at timestamptz DEFAULT now())")
        found = rate(lambda: own.execute("INSERT INTO bench_floor DEFAULT VALUES"))
        own.execute("DROP TABLE bench_floor")
    return found


def posts(sink: str) -> float:
    """Posts of a record's size over one kept connection."""
    parts, body = urlsplit(sink), b"x" * 3_000
    assert parts.hostname  # noqa: S101 - loopback
    line = http.client.HTTPConnection(parts.hostname, parts.port)

    def post() -> None:
        line.request("POST", "/floor", body)
        line.getresponse().read()

    return rate(post)


def pushes() -> float:
    """One element at a time."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        found = rate(lambda: client.lpush("bench:floor", 1))
        client.delete("bench:floor")
    return found


#: Runs in a process with the naive design's settings: enqueues, then waits until the queue is empty.
ENQUEUE = f"""
import json, sys, time
from hub.bench.naive.worker import app
from hub.bench.naive.tasks import nothing
began = time.perf_counter()
for _ in range({TASKS}):
    nothing.delay()
with app.connection_for_write() as line:
    while line.default_channel.client.llen("celery"):
        time.sleep(0.005)
json.dump({TASKS} / (time.perf_counter() - began), sys.stdout)
"""


def tasks(arena: Arena) -> float:
    """No-op tasks from ``delay`` to an empty queue, by the naive design's own workers."""
    environment = dict(arena.processes.environment) | {"DJANGO_SETTINGS_MODULE": "hub.bench.naive.settings"}
    environment["BROKER_URL"] = environment["NAIVE_BROKER_URL"]
    told = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", ENQUEUE], env=environment, check=True, capture_output=True, text=True
    )
    return float(json.loads(told.stdout))
