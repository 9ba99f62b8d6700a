"""The towns' books: what arrived, what the clerks still have to send, what took effect and how often.

All of it synthetic. A chain is the clerk's answer to one notice, step after step; a town's effect is
counted when the step that makes it was answered, so that doing it twice would show as 2.
"""

import fcntl
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Literal

import msgspec

from municipalities.notice import Notice
from municipalities.simulator import counter
from municipalities.simulator.clerk import STOPS, Step
from municipalities.simulator.counter import Said
from municipalities.simulator.journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS notices (
    chain TEXT PRIMARY KEY, town TEXT, notice_id TEXT, receipt_no TEXT, type TEXT, version INTEGER, role TEXT,
    movers TEXT, records INTEGER, sha256 BLOB, content BLOB, arrivals INTEGER, times INTEGER
);
CREATE INDEX IF NOT EXISTS notices_of_receipt ON notices (town, receipt_no);
CREATE TABLE IF NOT EXISTS chains (chain TEXT PRIMARY KEY, town TEXT, due_at REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chains_open ON chains (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS steps (
    chain TEXT, n INTEGER, key TEXT UNIQUE, name TEXT, path TEXT, body BLOB, effect INTEGER,
    state TEXT DEFAULT 'open', PRIMARY KEY (chain, n)
);
CREATE TABLE IF NOT EXISTS wanted (town TEXT, notice_id TEXT, PRIMARY KEY (town, notice_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS losses (town TEXT PRIMARY KEY, at REAL, open INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS papers (chain TEXT PRIMARY KEY, day TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (
    receipt_no TEXT, what TEXT, town TEXT, chain TEXT, PRIMARY KEY (receipt_no, what, town)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS problems (at REAL, town TEXT, subject TEXT, name TEXT, status INTEGER, code TEXT);
"""

#: Whether an id was known before, and then with the same bytes.
Outcome = Literal["new", "duplicate", "conflict"]

#: How a step ended: answered with yes, or refused for good.
End = Literal["done", "failed"]


def chain_of(town: str, notice_id: str) -> str:
    """Under what the clerk's answer to a notice is kept."""
    return f"{town}/{notice_id}"


class Arrival(msgspec.Struct, frozen=True):
    """A record a town was handed, read and found to be of its layout."""

    town: str
    notice: Notice
    content: bytes
    day: date  #: on which the clerk's answer is dated

    @property
    def chain(self) -> str:
        """Under what the clerk's answer to it is kept."""
        return chain_of(self.town, self.notice.notice_id)


class Next(msgspec.Struct, frozen=True):
    """The next step of a chain."""

    town: str
    n: int
    step: Step


class Ledger:
    """The books of all towns, in one file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._mark = folder / "open"
        self.was_killed = self._mark.exists()  #: whether the process before did not close the books
        self._lock = self._mark.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: another process has them
        self._journal = Journal(folder / "towns.sqlite3", SCHEMA)
        self._read = self._journal.reader.execute

    async def close(self) -> None:
        """Commit what waits and close."""
        await self._journal.close()
        self._mark.unlink(missing_ok=True)
        self._lock.close()

    async def arrive(self, arrival: Arrival, steps: Sequence[Step]) -> Outcome:
        """Take a record in with the clerk's plan; a second arrival only counts."""
        return await self._journal.write(lambda db: _arrive(db, arrival, steps))

    async def begin(self, chain: str, town: str, steps: Sequence[Step]) -> None:
        """Let the clerk answer something that is no readable record."""
        await self._journal.write(lambda db: _begin(db, chain, town, steps))

    async def hear(self, town: str, said: Said, steps: Sequence[Step], hasty: Collection[str] = ()) -> bool:
        """Write down what was said at the counter and what the clerk reports of it; no if it comes too late.

        ``hasty``: towns that have said all of an answer at once.
        """
        return await self._journal.write(lambda db: _hear(db, town, said, steps, hasty))

    async def finish(self, chain: str, following: Next, end: End, due_at: float) -> bool:
        """Write down how a step ended; tells whether another follows."""
        return await self._journal.write(lambda db: _finish(db, chain, following, end, due_at))

    async def settle(self, chain: str) -> None:
        """Write down that nothing is left to say."""
        sql = "UPDATE chains SET due_at = NULL WHERE chain = ?"
        await self._journal.write(lambda db: db.execute(sql, (chain,)))

    async def want(self, town: str, notice_ids: Iterable[str]) -> None:
        """Remember what is to be fetched, before fetching changes its state at the hub."""
        rows = [(town, notice_id) for notice_id in notice_ids]
        if rows:
            sql = "INSERT OR IGNORE INTO wanted VALUES (?, ?)"
            await self._journal.write(lambda db: db.executemany(sql, rows))

    async def unwant(self, town: str, notice_id: str) -> None:
        """Forget what is not to be had any more."""
        sql = "DELETE FROM wanted WHERE town = ? AND notice_id = ?"
        await self._journal.write(lambda db: db.execute(sql, (town, notice_id)))

    async def lose(self, town: str) -> None:
        """The town's books are gone; that they are stays written down until it has asked for everything again."""
        await self._journal.write(lambda db: _lose(db, town))

    async def recover(self, town: str) -> None:
        """The town knows again what it has to ask for."""
        sql = "UPDATE losses SET open = 0 WHERE town = ?"
        await self._journal.write(lambda db: db.execute(sql, (town,)))

    def has_lost(self, town: str) -> bool:
        """Whether the town ever lost its books."""
        return self._read("SELECT 1 FROM losses WHERE town = ?", (town,)).fetchone() is not None

    def losers(self) -> list[str]:
        """Towns that lost their books and have not asked for everything again yet."""
        return [town for (town,) in self._read("SELECT town FROM losses WHERE open")]

    def count(self, town: str) -> int:
        """How many notices a town has."""
        (count,) = self._read("SELECT count(*) FROM notices WHERE town = ?", (town,)).fetchone()
        return int(count)

    async def problem(self, town: str, subject: str, name: str, status: int = 0, code: str = "") -> None:
        """Write down what a person would have to look at: ids and codes only."""
        row = (time.time(), town, subject, name, status, code)
        sql = "INSERT INTO problems VALUES (?, ?, ?, ?, ?, ?)"
        await self._journal.write(lambda db: db.execute(sql, row))

    def next_step(self, chain: str) -> Next | None:
        """The first open step of a chain."""
        found = self.open_steps(chain, 1)
        return found[0] if found else None

    def open_steps(self, chain: str, limit: int) -> list[Next]:
        """The first open steps of a chain, in order."""
        rows = self._read(
            "SELECT town, n, key, name, path, body, effect FROM steps JOIN chains USING (chain)"
            " WHERE chain = ? AND state = 'open' ORDER BY n LIMIT ?",
            (chain, limit),
        )
        return [
            Next(town, n, Step(key, name, path, body, bool(effect))) for town, n, key, name, path, body, effect in rows
        ]

    def open_chains(self) -> list[tuple[str, float]]:
        """Chains that are not over, with the time each is due."""
        return list(self._read("SELECT chain, due_at FROM chains WHERE due_at IS NOT NULL"))

    def wanted(self, town: str) -> list[str]:
        """What this town still has to fetch, oldest first: ids are ordered by time (RFC 9562, version 7)."""
        rows = self._read("SELECT notice_id FROM wanted WHERE town = ? ORDER BY notice_id", (town,))
        return [notice_id for (notice_id,) in rows]

    def has(self, town: str, notice_id: str) -> bool:
        """Whether a record was taken in."""
        chain = chain_of(town, notice_id)
        return self._read("SELECT 1 FROM notices WHERE chain = ?", (chain,)).fetchone() is not None

    def dated(self, chain: str) -> date | None:
        """The day that the clerk wrote on the paper when a record first came: no lost disk takes that away."""
        row = self._read("SELECT day FROM papers WHERE chain = ?", (chain,)).fetchone()
        return date.fromisoformat(row[0]) if row else None

    def content(self, chain: str) -> bytes | None:
        """The record that a chain answers, as it arrived; nothing if it could not be read.

        What was heard at the counter is about the first record of that filing.
        """
        heard = (
            "SELECT content FROM counter JOIN notices USING (receipt_no, town)"
            " WHERE counter.chain = ? ORDER BY notices.rowid LIMIT 1"
        )
        for sql in ("SELECT content FROM notices WHERE chain = ?", heard):
            if row := self._read(sql, (chain,)).fetchone():
                return bytes(row[0])
        return None

    def waiting(self) -> int:
        """How many notices the clerks are not done with."""
        (count,) = self._read("SELECT count(*) FROM chains WHERE due_at IS NOT NULL").fetchone()
        return int(count)

    def totals(self) -> dict[str, Any]:
        """Everything in numbers."""
        notices, arrivals, applied, twice = self._read(
            "SELECT count(*), coalesce(sum(arrivals), 0), coalesce(sum(times > 0), 0),"
            " coalesce(sum(max(times - 1, 0)), 0) FROM notices"
        ).fetchone()
        (again,) = self._read(
            "SELECT coalesce(sum(applied - 1), 0) FROM"
            " (SELECT count(*) AS applied FROM notices WHERE times > 0"
            " GROUP BY town, receipt_no, version, type, role, movers)"
        ).fetchone()
        done = "SELECT name, count(*) FROM steps WHERE state = 'done' AND instr(name, '.') {} 0 GROUP BY name"
        return {
            "notices": notices,
            "arrivals": arrivals,
            "applied": applied,
            "doubled": twice + again,
            "waiting": self.waiting(),
            "by_type": dict(self._read("SELECT type, count(*) FROM notices GROUP BY type").fetchall()),
            "receipts": dict(self._read(done.format("=")).fetchall()),
            "reports": dict(self._read(done.format(">")).fetchall()),
            "problems": self.problems(),
        }

    def by_town(self) -> dict[str, dict[str, int]]:
        """For each town that has any: notices received, how many came again, answered, waiting, problems."""
        found: dict[str, dict[str, int]] = {}
        for names, sql in (
            (("received", "again"), "SELECT town, count(*), sum(arrivals) - count(*) FROM notices GROUP BY town"),
            (("answered", "waiting"), "SELECT town, sum(due_at IS NULL), count(due_at) FROM chains GROUP BY town"),
            (("problems",), "SELECT town, count(*) FROM problems GROUP BY town"),
        ):
            for town, *figures in self._read(sql):
                found.setdefault(town, {}).update(zip(names, figures, strict=True))
        return found

    def last_notices(self, town: str, limit: int = 20) -> list[tuple[str, str, int, int, bool]]:
        """A town's newest notices: id, type, arrivals, effects, and whether the clerk is not done yet."""
        sql = (
            "SELECT notice_id, type, arrivals, times, due_at IS NOT NULL FROM notices JOIN chains USING (chain)"
            " WHERE notices.town = ? ORDER BY notices.rowid DESC LIMIT ?"
        )
        return list(self._read(sql, (town, limit)))

    def problems(self, town: str = "") -> list[dict[str, Any]]:
        """What a person would have to look at, counted; of one town or of all."""
        sql = "SELECT name, status, code, count(*) FROM problems {} GROUP BY name, status, code"
        rows = self._read(sql.format("WHERE town = ?"), (town,)) if town else self._read(sql.format(""))
        return [dict(zip(("name", "status", "code", "count"), row, strict=True)) for row in rows]

    def effects(self) -> list[dict[str, Any]]:
        """Every notice with how often it arrived and how often it took effect."""
        names = ("town", "receipt_no", "type", "notice_id", "times", "records", "arrivals")
        rows = self._read(f"SELECT {', '.join(names)} FROM notices ORDER BY chain")  # noqa: S608 - the names above
        return [dict(zip(names, row, strict=True)) for row in rows]


def _lose(db: Connection, town: str) -> None:
    """What was heard at the counter stays: it is on paper, or the person comes again."""
    lost = "FROM chains WHERE town = ? AND chain NOT IN (SELECT chain FROM counter)"
    db.execute(f"DELETE FROM steps WHERE chain IN (SELECT chain {lost})", (town,))  # noqa: S608 - the words above
    db.execute(f"DELETE {lost}", (town,))
    for table in ("notices", "wanted"):
        db.execute(f"DELETE FROM {table} WHERE town = ?", (town,))  # noqa: S608 - the names above
    db.execute("INSERT INTO losses VALUES (?, ?, 1)", (town, time.time()))


def _arrive(db: Connection, arrival: Arrival, steps: Sequence[Step]) -> Outcome:
    notice, digest = arrival.notice, sha256(arrival.content).digest()
    db.execute("DELETE FROM wanted WHERE town = ? AND notice_id = ?", (arrival.town, notice.notice_id))
    known = db.execute("SELECT sha256 FROM notices WHERE chain = ?", (arrival.chain,)).fetchone()
    if known:
        db.execute("UPDATE notices SET arrivals = arrivals + 1 WHERE chain = ?", (arrival.chain,))
        return "duplicate" if known[0] == digest else "conflict"
    ordinals = ",".join(str(mover.ordinal) for mover in notice.movers)
    row = (arrival.chain, arrival.town, notice.notice_id, notice.receipt_no, notice.type, notice.version,
           notice.role, ordinals, max(1, len(notice.movers)), digest, arrival.content)  # fmt: skip
    db.execute(f"INSERT INTO notices VALUES ({'?, ' * len(row)}1, 0)", row)  # noqa: S608 - only place holders
    db.execute("INSERT OR IGNORE INTO papers VALUES (?, ?)", (arrival.chain, arrival.day.isoformat()))
    if notice.type in STOPS:
        _stop_reports(db, arrival.town, notice.receipt_no)
    _begin(db, arrival.chain, arrival.town, _as_said(db, arrival, steps))
    return "new"


def _begin(db: Connection, chain: str, town: str, steps: Sequence[Step]) -> None:
    db.execute("INSERT OR IGNORE INTO chains VALUES (?, ?, ?)", (chain, town, time.time()))
    rows = [(chain, n, s.key, s.name, s.path, s.body, s.effect) for n, s in enumerate(steps)]
    # A message that another notice already led to is not made a second time, unless it was never sent.
    db.executemany(
        "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, 'open') ON CONFLICT (key) DO UPDATE"
        " SET chain = excluded.chain, n = excluded.n, body = excluded.body, state = 'open'"
        " WHERE state = 'withdrawn' ON CONFLICT DO NOTHING",
        rows,
    )


def _as_said(db: Connection, arrival: Arrival, steps: Sequence[Step]) -> Sequence[Step]:
    """The clerk's plan after what was said at a counter, here or elsewhere, before the record came."""
    kind, receipt_no = arrival.notice.type, arrival.notice.receipt_no
    if kind not in counter.DECIDES:
        return steps
    said = set(db.execute("SELECT what, town = ? FROM counter WHERE receipt_no = ?", (arrival.town, receipt_no)))
    if kind == "arrival.prefill" and ("appears", 1) in said:
        return counter.at_counter_already(steps)
    elsewhere = kind == "arrival.prefill" and ("appears", 0) in said
    return counter.until_decision(kind, steps) if elsewhere or ("wait", 1) in said else steps


def _hear(db: Connection, town: str, said: Said, steps: Sequence[Step], hasty: Collection[str]) -> bool:
    row = (said.receipt_no, said.what, town)
    if db.execute("SELECT 1 FROM counter WHERE (receipt_no, what, town) = (?, ?, ?)", row).fetchone():
        return True
    sql = "SELECT chain, type, town FROM notices WHERE receipt_no = ?"
    for record, kind, where in db.execute(sql, (said.receipt_no,)).fetchall():
        mine = where == town and said.what == "wait"
        theirs = where != town and said.what == "appears" and kind == "arrival.prefill"
        if kind in counter.DECIDES and (mine or theirs) and (where in hasty or not _halts(db, record, kind)):
            return False
    chain = f"{town}/{said.receipt_no}/{said.what}"
    db.execute("INSERT INTO counter VALUES (?, ?, ?, ?)", (*row, chain))
    if steps:
        _begin(db, chain, town, steps)
    return True


def _halts(db: Connection, chain: str, kind: str) -> bool:
    """Put the pen down before the decision; tells whether it was not made yet."""
    first = "SELECT min(n) FROM steps WHERE chain = ? AND {}"
    (open_,) = db.execute(first.format("state = 'open'"), (chain,)).fetchone()
    (decides,) = db.execute(first.format("name = ?"), (chain, counter.DECIDES[kind])).fetchone()
    if open_ is None or decides is None or open_ >= decides:
        return False
    db.execute("UPDATE steps SET state = 'withdrawn' WHERE chain = ? AND n >= ? AND state = 'open'", (chain, decides))
    return True


def _stop_reports(db: Connection, town: str, receipt_no: str) -> None:
    """The filing was taken back, amended or recalled: nothing more is reported about what it said before."""
    db.execute(
        "UPDATE steps SET state = 'withdrawn' WHERE state = 'open' AND instr(name, '.') > 0"
        " AND chain IN (SELECT chain FROM notices WHERE town = ? AND receipt_no = ?)",
        (town, receipt_no),
    )


def _finish(db: Connection, chain: str, following: Next, end: End, due_at: float) -> bool:
    """A report refused for good ends its chain: what would follow has no ground any more."""
    sql = "UPDATE steps SET state = ? WHERE chain = ? AND n = ? AND state <> 'done'"
    ended = db.execute(sql, (end, chain, following.n))
    if end == "done" and following.step.effect and ended.rowcount:
        db.execute("UPDATE notices SET times = times + 1 WHERE chain = ?", (chain,))
    if end == "failed" and following.step.is_report:
        db.execute("UPDATE steps SET state = 'abandoned' WHERE chain = ? AND state = 'open'", (chain,))
    more = db.execute("SELECT 1 FROM steps WHERE chain = ? AND state = 'open' LIMIT 1", (chain,)).fetchone()
    db.execute("UPDATE chains SET due_at = ? WHERE chain = ?", (due_at if more else None, chain))
    return more is not None
