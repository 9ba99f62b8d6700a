"""One round over the answer trays: look, take in, put away; a town that cannot be reached holds up no other."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

import aiohttp
import structlog
from django.conf import settings
from django.db import connections
from django.db.models import Q, QuerySet
from django.utils import timezone

from hub.deliveries import callbacks, keys
from hub.trays import services
from municipalities.errors import DeliveryError
from municipalities.models import Connection
from municipalities.transports import FILES, Line, answers, open_session

log = structlog.get_logger(__name__)

#: Trays looked into at the same time.
AT_ONCE = 16
#: How long after its last day an address is still looked at: what went there is answered there.
AFTER = timedelta(days=90)
#: Seconds for one tray; what is not done then is done in the next round.
LONGEST = 60.0
T = TypeVar("T")


@dataclass(slots=True)
class Round:
    """What a round found: files taken in, put aside as bad, left for the next round; trays nobody could reach."""

    taken: int = 0
    bad: int = 0
    left: int = 0
    unreached: int = 0


def run() -> Round:
    """Empty the trays once."""
    rows = list(trays())
    return asyncio.run(_Rounds().run(rows)) if rows else Round()


def trays() -> QuerySet[Connection]:
    """Connections by files, in use or until lately."""
    today = timezone.localdate()
    by_files = Q(*[("address__startswith", f"{scheme}:") for scheme in FILES], _connector=Q.OR)
    lately = Q(valid_to__isnull=True) | Q(valid_to__gte=today - AFTER)
    return Connection.objects.filter(by_files, lately, valid_from__lte=today).select_related("gaiji")


class _Rounds:
    """One round; the database is asked in a thread of its own, files are waited for in the loop."""

    def __init__(self) -> None:
        self.round = Round()
        self.database = ThreadPoolExecutor(1, thread_name_prefix="trays-database")
        self.free = asyncio.Semaphore(AT_ONCE)

    async def run(self, rows: Sequence[Connection]) -> Round:
        try:
            async with open_session(guard=callbacks.guard()) as session:
                await asyncio.gather(*(self.empty(row, session) for row in rows))
        finally:
            await self.in_database(connections.close_all)
            self.database.shutdown()
        return self.round

    async def in_database(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.database, work)

    async def empty(self, row: Connection, session: aiohttp.ClientSession) -> None:
        """One tray."""
        async with self.free:
            try:
                async with asyncio.timeout(LONGEST + settings.HUB_TRAY_QUIET):
                    await self.take_all(row, session)
            except (DeliveryError, TimeoutError) as error:
                self.round.unreached += 1
                why = error.detail if isinstance(error, DeliveryError) else "TimeoutError"
                log.warning("tray_not_reached", municipality=row.municipality_id, why=why)

    async def take_all(self, row: Connection, session: aiohttp.ClientSession) -> None:
        """Take in what is whole, one file after the other in the order of their names."""
        key = keys.opened(row.pk, row.signing_key)
        line = Line(session, key, settings.HUB_FOLDER_ROOT, guard=callbacks.guard())
        share = await answers.open_share(row.address, line)
        for found in await answers.look(share, settings.HUB_TRAY_QUIET):
            verdict = await self.in_database(partial(services.take, row, found))
            match verdict.fate:
                case services.Fate.LEFT:
                    self.round.left += 1
                    continue
                case services.Fate.TAKEN:
                    self.round.taken += 1
                case services.Fate.BAD:
                    self.round.bad += 1
            await answers.put_away(share, found, verdict.document(found.name) if verdict.problems else None)
