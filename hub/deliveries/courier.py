"""The courier: one event loop that claims due deliveries over all lanes, sends and writes down in bulk.

One Celery task per process, not one per delivery: the loop keeps connections alive, holds each lane to its
own cap (a hanging town blocks only its own slots) and never has a transaction open while it talks.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeAlias, TypeVar

import aiohttp
import msgspec
import structlog
from django.conf import settings
from django.db import connections
from django.utils import timezone

from hub.deliveries import callbacks, keys, lanes, parking, windows, writing
from hub.deliveries.claims import Batch, Claimed, Fate, Outcome, claim_batch, write
from hub.deliveries.states import Cause
from hub.fidelity import ledger
from hub.fidelity.services import NOTHING, Recalled
from hub.vault import cipher
from hub.vault import services as vault
from municipalities import standard, transports
from municipalities.errors import RefusedError, TemporaryError, UnfitError, UnprovenError
from municipalities.notice import Notice

log = structlog.get_logger(__name__)

#: Deliveries under way in one courier; lanes have their own smaller caps.
IN_FLIGHT = 256
#: A batch of outcomes is written when it is this large or this old (seconds).
FLUSH_ROWS, FLUSH_SECONDS = 64, 0.01
#: How long a courier with deliveries under way waits before it looks for new ones (seconds).
POLL = 0.05
#: A courier that carries more than this in a second collects for so long before it claims or writes (seconds): what
#: is claimed and written together costs little more than one, and nobody waits longer for it than they would in line.
BUSY, COLLECT = 60, 0.03
#: How often lanes whose open period is over get their next one, and what must wait is parked (seconds).
TIDY = 1.0
#: A request that takes longer than this is slow; for slow ones a slice of time is exceeded, but not for ever (seconds).
SLOW, LONGEST = 0.5, 300.0
_notices = msgspec.json.Decoder(Notice)
T = TypeVar("T")
#: Runs what needs the database where the database may be asked.
InDatabase: TypeAlias = Callable[[Callable[[], Recalled]], Awaitable[Recalled]]


class Courier:
    """Carries what is due until there has been nothing to do for ``idle`` seconds or ``slice_`` is over.

    ``database``: one thread, for Django's connection belongs to its thread; all statements run in this one.
    """

    def __init__(self, idle: float, slice_: float, database: ThreadPoolExecutor) -> None:
        self.idle, self.slice, self.database = idle, slice_, database
        self.carried = 0
        self.tidied = 0.0
        #: Claimed and not yet written down; a slot of a lane is free only after that.
        self.open = 0
        #: Somebody rang, or something was written down, which frees slots and what was parked.
        self.look = asyncio.Event()
        #: What is being sent, and since when.
        self.under_way: dict[asyncio.Task[None], float] = {}
        self.outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        self.load = Load()

    async def in_database(self, work: Callable[[], T]) -> T:
        """Run blocking work where the database is."""
        return await asyncio.get_running_loop().run_in_executor(self.database, work)

    async def run(self) -> int:
        """Carry; returns how many attempts ended."""
        writer, listener = asyncio.create_task(self.write_down()), asyncio.create_task(self.listen())
        try:
            # No limit here: each lane has its own.
            async with transports.open_session(limit=0, guard=callbacks.guard()) as session:
                await self.carry(session, writer)
                while self.under_way:
                    await asyncio.wait(self.under_way)
            written = asyncio.create_task(self.outcomes.join())
            await asyncio.wait({written, writer}, return_when=asyncio.FIRST_COMPLETED)
            if writer.done():
                writer.result()
        finally:
            writer.cancel()
            listener.cancel()
            lanes.wake()  # for what rang while nobody listened any more
        return self.carried

    async def carry(self, session: aiohttp.ClientSession, writer: asyncio.Task[None]) -> None:
        """Claim and start sending, until idle or until the slice of time is over, or nothing can be written."""
        started = busy = time.monotonic()
        while not self.is_over(now := time.monotonic(), started) and not writer.done():
            self.look.clear()
            if now >= self.tidied + TIDY:
                self.tidied = now
                await self.in_database(tidy)
            free = IN_FLIGHT - self.open
            batch = await self.in_database(partial(claim_batch, free)) if free > 0 else Batch([])
            self.open += len(batch.claimed)
            for claimed in batch.claimed:
                task = asyncio.create_task(self.send(claimed, session))
                self.under_way[task] = now
                task.add_done_callback(self.under_way.pop)
            if batch.claimed or self.open or batch.again_in is not None:
                busy = now
            elif now - busy > self.idle:
                return
            if not batch.claimed:
                await self.pause(batch.again_in)
            if self.load.is_heavy(time.monotonic()):
                await asyncio.sleep(max(0.0, now + COLLECT - time.monotonic()))

    def is_over(self, now: float, started: float) -> bool:
        """Tell whether the slice of time is over; not while something slow is under way.

        What is under way is waited for before the process is handed back: everybody else would wait for one town.
        """
        if now - started < self.slice:
            return False
        slow = any(now - began > SLOW for began in self.under_way.values())
        return not slow or now - started > self.slice + LONGEST

    async def pause(self, again_in: float | None) -> None:
        """Wait for the bell, for what is written down, or for a lane's pace."""
        longest = POLL if self.open or again_in is not None else min(1.0, self.idle)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.look.wait(), min(longest, again_in or longest))

    async def listen(self) -> None:
        """Look whenever somebody rings."""
        async for _ in lanes.bells():
            self.look.set()

    async def send(self, claimed: Claimed, session: aiohttp.ClientSession) -> None:
        """Render and hand over one delivery; whatever happens becomes an outcome."""
        outcome = None
        try:
            outcome = await attempt(claimed, session, self.in_database)
        except UnfitError as error:
            outcome = Outcome(claimed, Fate.HELD, error.code, Cause.DATA.value)
        except RefusedError as error:
            outcome = Outcome(claimed, Fate.HELD, error.code, Cause.REFUSED.value)
        except TemporaryError as error:
            cause = Cause.REFUSED if isinstance(error, UnprovenError) else Cause.THEIRS
            outcome = Outcome(
                claimed, Fate.AGAIN, error.code, cause.value, retry_after=error.retry_after, lane_failed=True
            )
        except (cipher.SealBrokenError, standard.TableError, msgspec.MsgspecError) as error:
            # A key or a layout that this installation lacks: ours to repair, and no reason to stop the others.
            log.warning("delivery_not_written", delivery=str(claimed.id), error=type(error).__name__)
            code = "E134" if isinstance(error, standard.TableError) else "E901"
            outcome = Outcome(claimed, Fate.AGAIN, code, Cause.OURS.value)
        finally:
            if outcome is None:  # nobody foresaw it: the traceback surfaces, the lease brings the delivery back
                self.open -= 1
        await self.outcomes.put(outcome)

    async def write_down(self) -> None:
        """Write outcomes in batches: the first waits for others if there are any, but not long."""
        while True:
            batch = [await self.outcomes.get()]
            now = time.monotonic()
            deadline = now + (COLLECT if self.load.is_heavy(now) else FLUSH_SECONDS)
            while len(batch) < min(FLUSH_ROWS, self.open) and (left := deadline - time.monotonic()) > 0:
                try:
                    batch.append(await asyncio.wait_for(self.outcomes.get(), left))
                except TimeoutError:
                    break
            await self.in_database(partial(write, batch))
            self.carried += len(batch)
            self.load.add(len(batch), time.monotonic())
            self.open -= len(batch)
            self.look.set()
            for _ in batch:
                self.outcomes.task_done()


class Load:
    """How many deliveries ended in this second and in the one before."""

    def __init__(self) -> None:
        self._second, self._here, self._before = 0, 0, 0

    def add(self, number: int, now: float) -> None:
        """Count what ended."""
        self._go_to(int(now))
        self._here += number

    def is_heavy(self, now: float) -> bool:
        """Tell whether it is worth collecting."""
        self._go_to(int(now))
        return max(self._here, self._before) > BUSY

    def _go_to(self, second: int) -> None:
        if second != self._second:
            self._before = self._here if second == self._second + 1 else 0
            self._second, self._here = second, 0


def tidy() -> None:
    """Keep what claims read short and true."""
    windows.roll(timezone.now())
    parking.park()
    parking.end_expired()


async def attempt(claimed: Claimed, session: aiohttp.ClientSession, in_database: InDatabase) -> Outcome:
    """Write the record in the town's own layout and hand it over."""
    if claimed.wrapped_key is None:
        return Outcome(claimed, Fate.EXPIRED)
    key = vault.unwrap(claimed.relocation_id, claimed.wrapped_key)
    notice = _notices.decode(cipher.unseal(key, claimed.notice, f"deliveries_delivery:{claimed.id}"))
    layout = standard.load(claimed.standard, claimed.gaiji)
    written, recalled = await _written(layout, notice, in_database)
    digest = hashlib.sha256(written.content).digest()
    if claimed.content_sha256 not in (None, digest):
        return Outcome(claimed, Fate.HELD, "E133", Cause.OURS.value)
    parcel = transports.Parcel(
        name=str(claimed.id),
        type=claimed.type,
        content=written.content,
        content_type=layout.content_type,
        extension=layout.extension,
        records=written.records,
    )
    signs, before = (keys.opened(claimed.connection_id, one) for one in (claimed.signing_key, claimed.previous_key))
    earlier = (before,) if before else ()
    line = transports.Line(session, signs, settings.HUB_FOLDER_ROOT, earlier, guard=callbacks.guard())
    sent = await transports.send(claimed.address, parcel, line)
    subject = ledger.Subject(claimed.id, claimed.relocation_id, claimed.municipality, claimed.standard)
    return Outcome(
        claimed,
        Fate.READY if sent.state == "ready" else Fate.SENT,
        content_sha256=digest,
        changes=ledger.rows(subject, written.fallbacks, key, recalled) if written.fallbacks else (),
    )


async def _written(
    layout: standard.Standard, notice: Notice, in_database: InDatabase
) -> tuple[standard.Written, Recalled]:
    """Write; what clerks decided is asked for only when the notice cannot be written without it."""
    try:
        return layout.write(notice), NOTHING
    except UnfitError as error:
        recalled = await in_database(partial(writing.recalled, layout, notice))
        if not recalled.decisions:
            raise error from None
    return layout.write(notice, recalled.decisions), recalled


def run(idle: float, slice_: float) -> int:
    """Run one courier in this process; returns how many attempts ended."""
    with ThreadPoolExecutor(1, thread_name_prefix="courier-database") as database:
        try:
            return asyncio.run(Courier(idle, slice_, database).run())
        finally:
            database.submit(connections.close_all).result()


#: The thread that couriers of this process follow each other in; a process that forks has none yet.
_database: ThreadPoolExecutor | None = None


def run_in_turn(idle: float, slice_: float) -> int:
    """As ``run``, for couriers that follow each other in one process: each finds the connection of the one before.

    A new one, and all statements planned anew, cost as much as a dozen deliveries, and whoever comes in that moment
    waits for it.
    """
    global _database
    if _database is None:
        _database = ThreadPoolExecutor(1, thread_name_prefix="courier-database")
    _database.submit(_close_broken).result()
    try:
        return asyncio.run(Courier(idle, slice_, _database).run())
    except BaseException:
        _database.submit(connections.close_all).result()
        raise


def _close_broken() -> None:
    for one in connections.all(initialized_only=True):
        if one.connection is not None and not one.is_usable():
            one.close()
