"""Runs the simulated towns until it is told to stop; what was under way is taken up at the next start."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from municipalities.simulator import sftp
from municipalities.simulator.api import Api
from municipalities.simulator.desk import Desk
from municipalities.simulator.faults import Faults
from municipalities.simulator.fetch import Fetcher
from municipalities.simulator.intake import Intake
from municipalities.simulator.ledger import Ledger
from municipalities.simulator.office import Office
from municipalities.simulator.server import Server
from municipalities.simulator.town import Settings, Town
from municipalities.simulator.tray import Trays
from municipalities.transports import open_session


async def serve(towns: Iterable[Town], settings: Settings, ready: Callable[[str], None] = print) -> None:
    """Play the towns; ``ready`` is called with the address once they listen. SIGINT and SIGTERM end it."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _office(towns, settings) as office:
        desk = Desk(office)
        intake = Intake(office, desk)
        fetcher, trays = Fetcher(office, intake), Trays(office, intake)
        trays.start()
        desk.resume()
        fetcher.start()
        async with (
            sftp.listening(office.towns.values(), settings.data, settings.folder_root, settings.sftp_port),
            _listening(Server(office, intake, fetcher).app(), settings.port) as address,
        ):
            ready(address)
            await _until(stop, desk.agenda.run(), fetcher.agenda.run(), trays.run())


@asynccontextmanager
async def _office(towns: Iterable[Town], settings: Settings) -> AsyncIterator[Office]:
    played = {town.code: town for town in towns}
    ledger = Ledger(settings.data)
    try:
        async with open_session(settings.width * 2) as session:
            faults = Faults(played, settings.acts, settings.seed, settings.speed)
            yield Office(played, settings, ledger, Api(session, settings.hub), faults)
    finally:
        await ledger.close()


@asynccontextmanager
async def _listening(app: web.Application, port: int) -> AsyncIterator[str]:
    """Listen on loopback only: the books are open to whoever can connect."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, keepalive_timeout=75)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _until(stop: asyncio.Event, *work: Coroutine[Any, Any, None]) -> None:
    """Work until told to stop, or until something breaks that nobody foresaw."""
    stopping = asyncio.create_task(stop.wait())
    running = [asyncio.create_task(one) for one in work]
    await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, *running):
        task.cancel()
    for result in await asyncio.gather(stopping, *running, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
