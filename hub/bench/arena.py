"""The place of the comparison: a database of its own, the towns, and both designs as running processes."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import msgspec
import psycopg
import redis
import requests
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from hub.accounts.models import SystemClient
from hub.bench.records import single_persons
from hub.bench.sides import NAIVE, PRODUCT, Side
from hub.bench.sink import Setup, readable
from hub.bench.usage import Groups
from hub.demo import commands, seed
from hub.demo.people import Place
from hub.demo.processes import Processes, free_port, wait_until_up
from municipalities import standard
from municipalities.models import Connection, Municipality

#: Numbers of the broker's databases, so that a demo on the same server is left alone.
BROKERS = {PRODUCT: 14, NAIVE: 15}


@dataclass
class Arena:
    """Everything that runs; ``sides`` are the two designs."""

    data: Path
    processes: Processes
    sink: str
    places: list[Place]
    standards: dict[str, str]
    tokens: dict[str, str]
    sides: dict[str, Side]
    groups: Groups

    def prepare(
        self, *, reports: bool = True, faults: Mapping[str, str] | None = None, hold: str = "", watch: str = ""
    ) -> None:
        """Let the towns begin anew, with these faults, this report held back, this town's arrivals in order."""
        hubs = {side.name: side.address for side in self.sides.values()}
        setup = Setup(self.standards, hubs, self.tokens, dict(faults or {}), reports, hold, watch)
        requests.post(f"{self.sink}/setup", data=msgspec.json.encode(setup), timeout=30).raise_for_status()

    def release(self) -> None:
        """Let the towns post what they held back, and wait until it is taken."""
        requests.post(f"{self.sink}/release", timeout=300).raise_for_status()

    def books(self) -> dict[str, Any]:
        """What the towns have booked since."""
        books: dict[str, Any] = requests.get(f"{self.sink}/books", timeout=30).json()
        return books


@contextmanager
def arena(data: Path, towns: int, couriers: int, tell: Callable[[str], None]) -> Iterator[Arena]:
    """Build everything, and remove the database afterwards.

    Nothing is started again when it dies: a figure of a run with a crash in it would be worth nothing.
    """
    data.mkdir(parents=True, exist_ok=True)
    with database() as url:
        sink = f"http://127.0.0.1:{free_port()}"
        tell("tables")
        call_command("migrate", verbosity=0)
        tell("towns")
        seed.seed(sink, data / "towns")
        places, standards = chosen(towns, sink)
        environment = brokers() | {
            "DATABASE_URL": url,
            "NAIVE_TOWNS": sink,
            "HUB_FOLDER_ROOT": str(data),
            "HUB_STATIC_ROOT": str(data / "static"),
            "PYTHONUNBUFFERED": "1",
        }
        settings.REDIS_URL = environment["REDIS_URL"]
        (data / "static").mkdir(exist_ok=True)
        processes = Processes(data / "logs", environment)
        try:
            tell("processes")
            sides = start(processes, sink, data, couriers)
            groups = Groups(pids(processes))
            yield Arena(data, processes, sink, places, standards, tokens(places), sides, groups)
        finally:
            processes.stop()


@contextmanager
def database() -> Iterator[str]:
    """A database beside the one that is named, for as long as we are here."""
    server = os.environ["DATABASE_URL"]
    name = f"bench_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as own:
        own.execute(f'CREATE DATABASE "{name}"')
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
        drop(server, name)


def drop(server: str, name: str) -> None:
    """Drop the database; while PostgreSQL itself still cleans up in it, nobody but a superuser may."""
    with psycopg.connect(server, autocommit=True) as own:
        for left in reversed(range(60)):
            try:
                own.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            except psycopg.errors.InsufficientPrivilege:
                if not left:
                    raise
                time.sleep(1.0)
            else:
                return


def brokers() -> dict[str, str]:
    """Addresses of both designs' brokers, emptied."""
    given = os.environ.get("REDIS_URL") or os.environ["BROKER_URL"]
    found = {name: urlunsplit(urlsplit(given)._replace(path=f"/{number}")) for name, number in BROKERS.items()}
    for address in found.values():
        with redis.Redis.from_url(address) as client:
            client.flushdb()
    return {"REDIS_URL": found[PRODUCT], "BROKER_URL": found[PRODUCT], "NAIVE_BROKER_URL": found[NAIVE]}


def chosen(number: int, sink: str) -> tuple[list[Place], dict[str, str]]:
    """So many towns from north to south, each pushed to in the layout that it is drawn for, and these layouts."""
    sample = [msgspec.structs.replace(notice, type="moveout.submitted") for notice in single_persons(20)]
    layouts = {name for name in standard.names() if all(readable(standard.load(name), one) for one in sample)}
    rows = list(Connection.objects.filter(standard__in=layouts, gaiji=None).select_related("municipality"))
    rows.sort(key=lambda row: row.municipality_id)
    rows = rows[:: max(1, len(rows) // number)][:number]
    for row in rows:
        row.address = f"{sink}/towns/{row.municipality_id}/inbox"
        row.signing_key = None
    Connection.objects.bulk_update(rows, ["address", "signing_key"])
    seed._sign()
    towns = {row.pk: row for row in Municipality.objects.filter(pk__in=[row.municipality_id for row in rows])}
    places = [Place(code, town.prefecture, f"{town.within}{town.name}") for code, town in sorted(towns.items())]
    return places, {row.municipality_id: row.standard for row in rows}


def tokens(places: Sequence[Place]) -> dict[str, str]:
    """An access token for each town, and the front's under its name."""
    clients = SystemClient.objects.filter(client_id__in=[*(f"town-{place.code}" for place in places), seed.FRONT])
    found = {}
    for client in clients:
        token = uuid4().hex
        get_access_token_model().objects.create(
            application=client, token=token, scope=client.scopes, expires=timezone.now() + timedelta(days=1)
        )
        found[client.municipality_id or seed.FRONT] = token
    return found


def start(processes: Processes, sink: str, data: Path, couriers: int) -> dict[str, Side]:
    """Start the towns and both designs."""
    processes.start("sink", [commands.PYTHON, "-m", "hub.bench.sink", sink.rpartition(":")[2]])
    # Celery's command line takes a BROKER_URL of the environment before any setting.
    broker = processes.environment["NAIVE_BROKER_URL"]
    with_naive = ["/usr/bin/env", "DJANGO_SETTINGS_MODULE=hub.bench.naive.settings", f"BROKER_URL={broker}"]
    processes.run([*with_naive, commands.PYTHON, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"])
    sides = {}
    for side, prefix, module in ((NAIVE, with_naive, "hub.bench.naive.wsgi"), (PRODUCT, [], "hub.wsgi")):
        port = free_port()
        processes.start(f"{side}-web", [*prefix, *commands.web(port, f"{module}:application")])
        sides[side] = Side(side, f"http://127.0.0.1:{port}")
    processes.start("naive-worker", [*with_naive, *commands.worker("naive", "hub.bench.naive.worker", processes=2)])
    for number in range(couriers):
        processes.start(f"product-courier-{number}", commands.worker(f"courier{number}", queue="couriers"))
    processes.start("product-courier-background", commands.worker("background", queue="hub,background"))
    processes.start("product-beat", commands.beat(data))
    for address in (f"{sink}/health", *(f"{side.address}/health/ready" for side in sides.values())):
        wait_until_up(address)
    time.sleep(2.0)  # workers have no door to ask at
    return sides


def pids(processes: Processes) -> dict[str, list[int]]:
    """The first process of each kind of part; the beat counts with the couriers that it wakes."""
    found: dict[str, list[int]] = {}
    for name, process in processes.running.items():
        group = "product-courier" if name.startswith(("product-courier", "product-beat")) else name
        found.setdefault(group, []).append(process.pid)
    return found
