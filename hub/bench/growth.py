"""Scenario «growth»: what a claim, the lists and the status cost as more and more relocations are stored.

One settled relocation of one person is the pattern; the rows that grow (relocations, legs, deliveries) are multiplied
from it in the database, with its sealed bodies as they are: nobody reads them here. Everything is measured through the
doors that users have, in this process and in turns, so that nothing but the query and the page is timed.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

import msgspec
import psutil
from django.db import connection
from django.test import Client

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.bench.arena import Arena
from hub.bench.load import Load
from hub.bench.report import Bar, Found, Progress
from hub.bench.sides import PRODUCT
from hub.bench.steady import invented
from hub.deliveries.claims import claim
from hub.demo.seed import FRONT
from hub.relocations.filing import Filer, Filing

FLAT = 1.3  #: times the cost at the smallest size
TIMES = 15  #: measurements of each kind at each size; their medians count
#: A door that reads nothing that grows: what else the machine does is in its cost too, and so cancels out.
CONTROL = "me_ms"
CHUNK = 2_000  #: relocations in one statement
PATIENCE = 60.0
#: Filings whose first notices are due while claims are measured, and how many one claim takes.
DUE, TAKEN = 20, 2
OPERATOR = "operator"
#: A row's own values, by table and column: everything else is as in the pattern. ``g`` numbers the copies.
RELOCATION = "(lpad(to_hex(1600000000000 + g), 12, '0') || '70008000000000000000')::uuid"
DELIVERY = "(lpad(to_hex(1600000000000 + g), 12, '0') || '7001' || right(replace(t.id::text, '-', ''), 16))::uuid"
COPIES: Mapping[str, Mapping[str, str]] = {
    "relocations_relocation": {"id": RELOCATION, "receipt_no": "'G' || lpad(g::text, 13, '0')"},
    "relocations_leg": {"relocation_id": RELOCATION},
    "deliveries_delivery": {
        "id": DELIVERY,
        "relocation_id": RELOCATION,
        "receipt_no": "'G' || lpad(g::text, 13, '0')",
    },
}
#: The column that says whose pattern a row is, and the ones that the database numbers itself.
OWNER = {"relocations_relocation": "id"}
NUMBERED = {"relocations_leg": "id"}


def run(arena: Arena, sizes: Sequence[int], tell: Progress) -> Found:
    """Grow from size to size and measure at each."""
    arena.prepare()
    pattern = Load(arena.sides[PRODUCT], arena.tokens[FRONT])
    pattern.post([alone(one) for one in invented(arena.places, 1, 80_000)])
    pattern.wait(PATIENCE, lambda _done, _total: None)
    [filed] = pattern.run.posted
    stored, rows = 0, []
    for size in sorted(sizes):
        grow(filed.id, stored, size, tell)
        stored = size
        rows.append({"scenario": "growth", "relocations": size} | measure(arena, filed.id, size))
    return Found([flat(name, rows) for name in rows[0] if name.endswith("_ms") and name != CONTROL], {}, rows)


def alone(filing: Filing) -> Filing:
    """The first person of it: a million households of eight fit on no disk at hand."""
    return msgspec.structs.replace(filing, filer=Filer(), movers=filing.movers[:1])


def grow(pattern: str, stored: int, size: int, tell: Progress) -> None:
    """Multiply the pattern until so many relocations are stored."""
    for begin in range(stored, size, CHUNK):
        tell(f"growth: {size:,} relocations", begin, size)
        end = min(begin + CHUNK, size)
        with acting(HUB), connection.cursor() as cursor:
            for table in COPIES:
                cursor.execute(copy(cursor, table), [begin + 1, end, pattern])
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(COPIES)}")


def copy(cursor: Any, table: str) -> str:
    """The statement that copies the pattern's rows of a table."""
    columns = [one.name for one in connection.introspection.get_table_description(cursor, table)]
    columns = [name for name in columns if name != NUMBERED.get(table)]
    values = [COPIES[table].get(name, f't."{name}"') for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    return (
        f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM generate_series(%s::int, %s::int) AS g"  # noqa: S608
        f" CROSS JOIN {table} AS t WHERE t.{OWNER.get(table, 'relocation_id')} = %s::uuid"
    )


def measure(arena: Arena, filed: str, size: int) -> dict[str, float]:
    """Milliseconds of each kind: medians of measurements that take turns, while the couriers stand still."""
    town = next(iter(arena.standards))
    pages = Client(HTTP_HOST="127.0.0.1")
    pages.force_login(User.objects.get(username=OPERATOR))
    kinds: dict[str, Callable[[], object]] = {
        CONTROL: partial(api, "me", arena.tokens[town]),
        "claim_ms": partial(claim, TAKEN),
        "status_ms": partial(api, f"relocations/{filed}", arena.tokens[FRONT]),
        "list_ms": partial(api, "deliveries?state=ready", arena.tokens[town]),
        "admin_relocations_ms": partial(page, pages, "/admin/relocations/relocation/"),
        "admin_deliveries_ms": partial(page, pages, "/admin/deliveries/delivery/"),
    }
    with standing_still(arena):
        Load(arena.sides[PRODUCT], arena.tokens[FRONT]).post(invented(arena.places, DUE, 90_000 + size))
        for work in kinds.values():  # once each that does not count
            work()
        turns = [{name: seconds(work) for name, work in kinds.items()} for _ in range(TIMES)]
    return {name: round(1000 * median(turn[name] for turn in turns), 2) for name in kinds}


def seconds(work: Callable[[], object]) -> float:
    """How long it takes once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def api(path: str, token: str) -> None:
    """GET of the API as a client that has this token."""
    answer = Client(HTTP_HOST="127.0.0.1").get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")


def page(pages: Client, path: str) -> None:
    """GET of a page as somebody who is signed in."""
    answer = pages.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")


@contextmanager
def standing_still(arena: Arena) -> Iterator[None]:
    """Stop the couriers for a while; what was claimed here goes to them when its leases are over."""
    family = [one for root in arena.groups.roots["product-courier"] for one in [root, *root.children(recursive=True)]]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            try:
                process.resume()
            except psutil.NoSuchProcess:
                continue


def flat(name: str, rows: Sequence[Mapping[str, Any]]) -> Bar:
    """The cost at the largest size, times that at the smallest, each beside the control's at the same time."""
    first, last = rows[0], rows[-1]
    ratio = last[name] / first[name] * first[CONTROL] / last[CONTROL]
    title = f"growth: {name.removesuffix('_ms')}, {first['relocations']:,} → {last['relocations']:,} relocations, times"
    return Bar(title, None, ratio, None, FLAT, ratio <= FLAT)
