"""Durable writing without waiting in line: many small writes, one transaction, one thread.

``write()`` returns when the work is committed. SQLite in WAL mode with synchronous=NORMAL keeps what is
committed across a kill -9 of this process, which is what the simulated towns must survive.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]


class Journal:
    """One SQLite file: one writer in a thread, one reader in the event loop."""

    def __init__(self, path: Path, schema: str) -> None:
        self._writer = _connect(path)
        self._writer.executescript(schema)
        self.reader = _connect(path)
        self.reader.execute("PRAGMA query_only = ON")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in the next transaction; returns what it returned, once that is committed."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await done

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                results = await loop.run_in_executor(self._thread, self._commit, [work for work, _ in batch])
            except sqlite3.Error as error:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                continue
            for (_, done), result in zip(batch, results, strict=True):
                if not done.done():  # who asked may have gone away; the work stands
                    done.set_result(result)
        self._flushing = None

    def _commit(self, works: list[Work]) -> list[Any]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            results = [work(self._writer) for work in works]
            self._writer.execute("COMMIT")
        finally:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        return results

    async def close(self) -> None:
        """Commit what waits and close the file."""
        if self._flushing is not None:
            await self._flushing
        self._thread.shutdown()
        self.reader.close()
        self._writer.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
