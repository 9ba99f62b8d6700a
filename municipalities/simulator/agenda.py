"""What is to be done when: a queue by due time that works a bounded number of things at once."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from math import inf

#: Does one thing; returns after how many seconds to do it again, ``None`` for never.
Work = Callable[[str], Awaitable[float | None]]


class Agenda:
    """Keys with due times. A key is worked on by one task at a time; asking twice is asking once."""

    def __init__(self, work: Work, width: int) -> None:
        self._work = work
        self._free = asyncio.Semaphore(width)
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._running: set[str] = set()
        self._asked: dict[str, float] = {}  # while running: when to do it again
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due) + len(self._running)

    def put(self, key: str, wait: float = 0.0) -> None:
        """Do this after so many seconds, or earlier if it was due earlier."""
        due = asyncio.get_running_loop().time() + max(0.0, wait)
        if key in self._running:
            self._asked[key] = min(due, self._asked.get(key, inf))
        elif due < self._due.get(key, inf):
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
            self._changed.set()

    async def run(self) -> None:
        """Work for ever; what the work raises ends it."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._free.acquire()
                key = await self._next()
                self._running.add(key)
                group.create_task(self._do(key))

    async def _next(self) -> str:
        """The next key, once it is due."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
                heapq.heappop(self._heap)  # put forward meanwhile
            wait = self._heap[0][0] - loop.time() if self._heap else None
            if wait is not None and wait <= 0:
                _, key = heapq.heappop(self._heap)
                del self._due[key]
                return key
            waiting = loop.call_later(wait, self._changed.set) if wait is not None else None
            await self._changed.wait()
            if waiting:
                waiting.cancel()

    async def _do(self, key: str) -> None:
        try:
            again = await self._work(key)
        finally:
            self._running.discard(key)
            self._free.release()
        asked = self._asked.pop(key, None)
        if again is not None:
            self.put(key, again)
        if asked is not None:
            self.put(key, asked - asyncio.get_running_loop().time())
