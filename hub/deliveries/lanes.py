"""The lane of each municipality: its rows, its breaker and the one signal that wakes the couriers."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from enum import Enum

import redis
import structlog
from django.db import connection, transaction

from hub import actors, valkey
from hub.actors import HUB, acting
from hub.audit import services as audit

log = structlog.get_logger(__name__)

#: The list that couriers wait on; its content means nothing, «look» is all it says.
BELL = "hub:courier:bell"
#: Failures in a row that open the breaker, and how long it stays open.
THRESHOLD = 5
BLOCKS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 300, 600))
#: After a pause, an outage or at opening time a lane takes so long to come to its full pace, beginning at this share.
RAMP, LEAST_SHARE = timedelta(seconds=30), 0.1


class Breaker(Enum):
    """What the breaker of a lane lets through: everything, nothing, or one delivery to see whether it works again."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


def breaker(failures: int, blocked_until: datetime | None, now: datetime) -> Breaker:
    """Return the state of a breaker."""
    if failures < THRESHOLD:
        return Breaker.CLOSED
    return Breaker.OPEN if blocked_until is not None and blocked_until > now else Breaker.HALF_OPEN


def wake() -> None:
    """Tell a courier to look. If Redis is away nothing is lost: the beat's next courier finds the rows."""
    try:
        with valkey.client().pipeline(transaction=False) as pipe:
            pipe.lpush(BELL, 1)
            pipe.ltrim(BELL, 0, 63)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("courier_bell_unreachable", error=type(error).__name__)


async def bells() -> AsyncIterator[None]:
    """Yield whenever somebody rang; those who rang before that are heard with them. Never ends.

    Whoever stops listening rings once more (``wake``), for a bell may have been on its way to them.
    """
    async with valkey.listener() as client:
        while True:
            try:
                rang = await client.brpop([BELL], timeout=1.0) is not None
                if rang:
                    await client.delete(BELL)
            except redis.RedisError as error:
                log.warning("courier_bell_unreachable", error=type(error).__name__)
                await asyncio.sleep(1.0)
                continue
            if rang:
                yield


def ensure(codes: Iterable[str]) -> None:
    """Make the lanes that do not exist yet, in one order, so that two writers cannot deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO deliveries_lane (municipality_id, paused, failures)"
            " SELECT unnest(%s::varchar[]), false, 0 ON CONFLICT DO NOTHING",
            [sorted(set(codes))],
        )


#: Lanes that this process knows to be there; a lane, once made, stays.
_known: set[str] = set()


def ensure_known(codes: Iterable[str]) -> None:
    """As ``ensure``, at no cost for lanes that this process has seen committed before."""
    new = set(codes) - _known
    if new:
        ensure(new)
        transaction.on_commit(lambda: _known.update(new))


def pause(codes: Iterable[str], *, paused: bool, by: actors.Actor | None = None) -> None:
    """Hold everything of these towns, or let it go on in order; nothing is discarded.

    ``by`` is who wants it, when it is not who acts in this transaction. Who may do so is the caller's to know.
    """
    codes, who = sorted(codes), by or actors.current()
    with acting(HUB), connection.cursor() as cursor:
        ensure(codes)
        cursor.execute(
            "UPDATE deliveries_lane SET paused = %(paused)s, paused_by = %(by)s,"
            " resumed_at = CASE WHEN paused AND NOT %(paused)s THEN now() ELSE resumed_at END"
            " WHERE municipality_id = ANY(%(codes)s)",
            {"paused": paused, "by": who.kind.value if paused else "", "codes": codes},
        )
    action = "lane.paused" if paused else "lane.resumed"
    audit.record_all(audit.Act(action, f"lane:{code}", {"by": who.kind.value}) for code in codes)
    if not paused:
        transaction.on_commit(wake)


def record(failed: dict[str, int], worked: set[str], now: datetime) -> None:
    """Count failures in a row per lane; open the breaker at the threshold, close it on the first success."""
    codes = sorted(set(failed) | worked)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT municipality_id, failures FROM deliveries_lane"
            " WHERE municipality_id = ANY(%s) ORDER BY municipality_id FOR UPDATE",
            [codes],
        )
        for code, failures in cursor.fetchall():
            count = 0 if code in worked else failures + failed[code]
            if count != failures:
                cursor.execute(
                    "UPDATE deliveries_lane SET failures = %s, blocked_until = %s,"
                    " resumed_at = CASE WHEN %s THEN %s ELSE resumed_at END WHERE municipality_id = %s",
                    [count, _blocked_until(count, now), failures >= THRESHOLD > count, now, code],
                )
                if failures >= THRESHOLD > count:
                    log.info("lane_works_again", municipality=code)
                if count >= THRESHOLD > failures:
                    log.warning("lane_opened", municipality=code, failures=count)


def _blocked_until(failures: int, now: datetime) -> datetime | None:
    if failures < THRESHOLD:
        return None
    block = BLOCKS[min(failures - THRESHOLD, len(BLOCKS) - 1)]
    return now + block * random.uniform(1.0, 1.2)  # noqa: S311 - spreads probes, guards nothing
