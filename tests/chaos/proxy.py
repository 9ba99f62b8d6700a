"""A TCP proxy with lines that can be cut, slowed down and closed, for whatever runs over them."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

CHUNK = 65_536


@dataclass
class Line:
    """One line: where it leads, how it is disturbed, and who talks over it now."""

    name: str
    port: int = 0
    target: int = 0
    delay: float = 0.0  #: seconds that each chunk is held up
    closed: bool = False
    talking: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        self.talking.add(writer)
        try:
            if not self.closed:
                await self._carry(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # cut, or nobody listens there now, or the end of the run
        finally:
            self.talking.discard(writer)
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, away = await asyncio.open_connection("127.0.0.1", self.target)
        self.talking.add(away)
        pumps = [asyncio.create_task(self._pump(*pair)) for pair in ((reader, away), (there, writer))]
        try:
            # Either end may close; the other's last words are carried before.
            await asyncio.wait(pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            self.talking.discard(away)
            away.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(chunk)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()

    def cut(self) -> None:
        """Break off every connection, in the middle of whatever it says."""
        for writer in list(self.talking):
            writer.transport.abort()


class Proxy:
    """All lines, in a thread of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="proxy", daemon=True)
        self.thread.start()
        self.lines: dict[str, Line] = {}

    def open(self, name: str, target: int = 0) -> Line:
        """Open a line to a port of this machine; the port it is reached at stays the same."""
        line = self.lines[name] = Line(name, target=target)

        async def start() -> int:
            server = await asyncio.start_server(line.serve, "127.0.0.1", 0, backlog=512)
            port: int = server.sockets[0].getsockname()[1]
            return port

        line.port = self._do(start())
        return line

    def cut(self, name: str) -> None:
        """Break off what talks over a line."""
        self.loop.call_soon_threadsafe(self.lines[name].cut)

    def close(self) -> None:
        """End all of it."""
        self._do(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _end(self) -> int:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(tasks)

    def _do(self, work: Coroutine[Any, Any, int]) -> int:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)
