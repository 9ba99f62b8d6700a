"""A municipality's adapter to be read in one sitting and copied: fetch, store, answer, resume. Nothing to install.

``reference_line.py`` beside it holds the HTTP, which your platform has already. Several processes may work side by
side on one file of books, each under a name of its own (``HIKKOSHI_WORKER``). Four things make it safe:

1. A notice, its effect and the answers it calls for are written in ONE transaction (``Books.take``). Killed at
   any moment, the adapter has all of it or nothing, and the hub sends again what was not acknowledged.
2. The delivery's id is the key: a second arrival changes nothing.
3. Answers lie in an outbox until the hub has taken them; an answer keeps its id, so repeating it is harmless.
4. What is fetched is leased: nobody else gets it, nor anything later about the same relocation, until the receipt;
   if we die, the lease runs out and the next one gets the same.

Replace ``read`` by the reader of your layout and ``Books.apply`` by the import into your system. Settings come from
the environment (``HIKKOSHI_…``). Rules: O10 (the latest version wins), O12 (receipts are idempotent).
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import threading
import time
from typing import Any
from uuid import NAMESPACE_URL, uuid5

if __package__:
    from .reference_line import LARGEST, Hub, Refused, listen
else:  # copied out, beside the other
    from reference_line import LARGEST, Hub, Refused, listen  # type: ignore[import-not-found,no-redef]

LEASE = int(os.environ.get("HIKKOSHI_LEASE", "60"))  # seconds in which nobody else does what one of us has begun
CHALLENGE = "endpoint.challenge"  # a push that only asks whether we mean to be called
TOLERANCE = 300  # seconds a signature may be old or early
TYPES = {"moveout.submitted", "filing.amended", "correction.notified", "arrival.planned", "arrival.prefill",
         "movein.notice", "appendix.notice", "withdraw.requested", "cancel.requested", "certificate.recalled",
         "movein.cancelled", "inquiry.nonarrival", "protection.route"}  # fmt: skip
UNDOES = {"withdraw.requested": "%", "certificate.recalled": "arrival.prefill", "movein.cancelled": "%.notice"}
REPORTS = {"moveout.submitted": "moveout.reviewing", "arrival.planned": "arrival.plan_ack"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS notices (id TEXT PRIMARY KEY, sha256 TEXT, type TEXT, receipt_no TEXT, version INTEGER,
    content BLOB, times INTEGER, in_force INTEGER);
CREATE INDEX IF NOT EXISTS cases ON notices (receipt_no);
CREATE TABLE IF NOT EXISTS outbox (n INTEGER PRIMARY KEY, delivery TEXT, path TEXT, body TEXT, due REAL DEFAULT 0,
    tries INTEGER DEFAULT 0, state TEXT DEFAULT 'open', UNIQUE (delivery, path, body));
CREATE INDEX IF NOT EXISTS open_answers ON outbox (delivery, n) WHERE state = 'open';
"""


def read(content: bytes, content_type: str) -> dict[str, Any]:
    """A notice as the system understands it; here the hub's canonical JSON. Yours reads your layout."""
    if content_type.lower().partition("charset=")[2].strip(' "') not in ("", "utf-8", "utf8"):
        raise Refused(415, "E103")
    try:
        notice = json.loads(content.decode("utf-8"))
    except ValueError:
        raise Refused(422, "E100") from None
    if not isinstance(notice, dict) or not isinstance(notice.get("version"), int) or "receiptNo" not in notice:
        raise Refused(422, "E100")
    return notice


class Books:
    """Store: what the adapter knows and has yet to say, in one SQLite file."""

    def __init__(self, path: str, town: str) -> None:
        self.town, self.lock = town, threading.RLock()
        self.db = sqlite3.connect(path, timeout=60, check_same_thread=False)
        self.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        """Take a notice in; whether it is new. Everything it leads to is in the same transaction."""
        digest = hashlib.sha256(content).hexdigest()
        with self.lock, self.db:
            self.db.execute("BEGIN IMMEDIATE")  # no other process between looking and writing
            known = self.db.execute("SELECT sha256 FROM notices WHERE id = ?", (name,)).fetchone()
            if known and known[0] != digest:
                raise Refused(409, "E202")
            if known:  # no second effect; the hub hears the same answers again
                self.db.execute("UPDATE outbox SET state = 'open', due = 0, tries = 0 WHERE delivery = ?", (name,))
                return False
            notice = read(content, content_type)
            self.check(name, kind, notice)
            self.store(name, digest, notice, content)
            self.answer(name, notice)
        return True

    def check(self, name: str, kind: str, notice: dict[str, Any]) -> None:
        """Refuse what is not ours or not known here."""
        if notice.get("recipient") != self.town or notice.get("noticeId") != name or notice.get("type") != kind:
            raise Refused(422, "E104")
        if kind not in TYPES:
            raise Refused(422, "E102")
        if any(mover.get("sex", "") not in ("", "0", "1", "2", "9") for mover in notice.get("movers", ())):
            raise Refused(422, "E132")

    def store(self, name: str, digest: str, notice: dict[str, Any], content: bytes) -> None:
        """Keep the bytes as they came; a version older than one that is here counts for nothing (O10)."""
        case, version = notice["receiptNo"], notice["version"]
        sql = "SELECT 1 FROM notices WHERE receipt_no = ? AND version > ?"
        newer = self.db.execute(sql, (case, version)).fetchone()
        row = (name, digest, notice["type"], case, version, content, 0, not newer)
        self.db.execute("INSERT INTO notices VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        if not newer:
            self.db.execute("UPDATE notices SET in_force = 0 WHERE receipt_no = ? AND version < ?", (case, version))
            self.apply(name, notice)

    def apply(self, name: str, notice: dict[str, Any]) -> None:
        """The effect in the town's own system; in this transaction, or under the id as its key."""
        self.db.execute("UPDATE notices SET times = times + 1 WHERE id = ?", (name,))
        if undone := UNDOES.get(notice["type"]):
            sql = "UPDATE notices SET in_force = 0 WHERE receipt_no = ? AND type LIKE ? AND id <> ?"
            self.db.execute(sql, (notice["receiptNo"], undone, name))

    def answer(self, name: str, notice: dict[str, Any]) -> None:
        """Received at once; accepted for review (a person decides later); and what is to be reported."""
        for kind in ("received", "accepted_for_review"):
            self.post(name, f"/api/v1/deliveries/{name}/receipts", {"kind": kind})
        if report := REPORTS.get(notice["type"]):
            number = str(uuid5(NAMESPACE_URL, f"{self.town}/{notice['receiptNo']}/{notice['version']}/{report}"))
            self.post(name, "/api/v1/reports", {"id": number, "type": report, "receipt_no": notice["receiptNo"]})

    def reject(self, name: str, code: str) -> None:
        """Answer what was fetched and cannot be taken: no status can say it (message 71). Not a word of the content."""
        with self.lock, self.db:
            body = {"kind": "rejected", "errors": [{"code": code}]}
            self.post(name, f"/api/v1/deliveries/{name}/receipts", body)

    def post(self, delivery: str, path: str, body: dict[str, Any]) -> None:
        """Lay an answer into the outbox, once."""
        sql = "INSERT OR IGNORE INTO outbox (delivery, path, body) VALUES (?, ?, ?)"
        self.db.execute(sql, (delivery, path, json.dumps(body)))

    def execute(self, sql: str, *values: Any) -> list[Any]:
        """One statement, committed."""
        with self.lock, self.db:
            return self.db.execute(sql, values).fetchall()

    def shown(self) -> dict[str, Any]:
        """What the conformance kit looks at."""
        rows = self.execute("SELECT id, sha256, times, in_force FROM notices")
        return {name: {"sha256": sha, "times": times, "in_force": bool(counts)} for name, sha, times, counts in rows}


class Adapter:
    """Takes what is pushed, fetches what is ready, answers, and resumes where it was when it was killed."""

    def __init__(self, books: Books, hub: Hub, keys: list[bytes]) -> None:
        self.books, self.hub, self.keys = books, hub, keys
        self.worker = os.environ.get("HIKKOSHI_WORKER", "worker-1")

    def verify(self, headers: Any, body: bytes) -> str:
        """The id of a push, if one of our keys signed it, and not long ago; after a 401 the hub signs anew."""
        name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signed = f"{name}.{at}.".encode() + body
        given = [part[3:] for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
        ours = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in self.keys]
        fits = any(hmac.compare_digest(one, other) for one in ours for other in given)
        if not (name and fits and at.isdigit() and abs(time.time() - int(at)) <= TOLERANCE):
            raise Refused(401, "E114")
        return str(name)

    def push(self, headers: Any, body: bytes) -> tuple[int, Any]:
        """Take a push: 202 for a new notice, 200 for a repetition. The answer is given once it is written down."""
        name, kind = self.verify(headers, body), headers.get("hikkoshi-notice-type", "")
        if kind == CHALLENGE:
            return 200, json.loads(body)  # answered by its own word
        return 202 if self.books.take(name, kind, headers.get("Content-Type", ""), body) else 200, None

    def fetch(self) -> bool:
        """Lease what waits and take it in; whether there was any. What we still have to answer we have already."""
        order = json.dumps({"worker": self.worker, "limit": 50, "seconds": LEASE})
        status, _, told = self.hub.call("POST", "/api/v1/deliveries/leases", order)
        leased = [line["id"] for line in json.loads(told)["deliveries"]] if status == 200 else []
        owed = "SELECT 1 FROM outbox WHERE delivery = ? AND state <> 'done'"
        taken = [self.fetch_one(name) for name in leased if not self.books.execute(owed, name)]
        return any(taken)

    def fetch_one(self, name: str) -> bool:
        """Take one in, if it is whole (Repr-Digest, RFC 9530); else it stays leased, and is fetched again later."""
        status, headers, content = self.hub.call("GET", f"/api/v1/deliveries/{name}/content")
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
        if status != 200 or headers.get("Repr-Digest", digest) != digest:
            return False
        try:
            if len(content) > LARGEST:
                raise Refused(413, "E105")
            self.books.take(name, headers.get("Hikkoshi-Notice-Type", ""), headers.get("Content-Type", ""), content)
        except Refused as refused:
            self.books.reject(name, refused.code)
        return True

    def send(self) -> None:
        """Send what is due, each claimed before, so that no two of us send it; of a delivery one after the other."""
        sql = "SELECT min(n), path, body, due, tries FROM outbox WHERE state = 'open' GROUP BY delivery"
        claim = "UPDATE outbox SET due = ? WHERE n = ? AND due = ? AND state = 'open' RETURNING n"
        for n, path, body, due, tries in self.books.execute(sql):
            if due <= time.time() and self.books.execute(claim, time.time() + LEASE, n, due):
                self.sent(n, *self.hub.call("POST", path, body), tries)

    def sent(self, n: int, status: int, headers: Any, told: bytes, tries: int) -> None:
        """Done, or again later, as long as it takes; or for a person to look at."""
        code = str(json.loads(told).get("code", "")) if status == 409 else ""
        if 200 <= status < 300 or code == "E201":
            self.books.execute("UPDATE outbox SET state = 'done' WHERE n = ?", n)
        elif status in (0, 408, 425, 429) or status >= 500 or code in ("E200", "E210"):  # it passes by itself
            asked = headers.get("Retry-After", "")
            wait = max(min(0.1 * 2**tries, 300.0), float(asked) if asked.isdigit() else 0.0)
            self.books.execute("UPDATE outbox SET due = ?, tries = tries + 1 WHERE n = ?", time.time() + wait, n)
        else:
            self.books.execute("UPDATE outbox SET state = 'failed' WHERE n = ?", n)


def main(make: Any = Adapter, books: Any = Books) -> None:
    """Run until killed."""
    get = os.environ.get
    keys = [base64.b64decode(key.removeprefix("whsec_")) for key in get("HIKKOSHI_KEYS", "").split(",") if key]
    hub = Hub(os.environ["HIKKOSHI_HUB"], os.environ["HIKKOSHI_CLIENT_ID"], os.environ["HIKKOSHI_CLIENT_SECRET"])
    adapter = make(books(get("HIKKOSHI_BOOKS", "adapter.sqlite3"), os.environ["HIKKOSHI_TOWN"]), hub, keys)
    adapter.books.execute("UPDATE outbox SET due = 0 WHERE state = 'open'")  # what one of us that died had begun
    listen(int(get("HIKKOSHI_PORT", "9200")), adapter.push, adapter.books.shown)
    pulls, every, last = get("HIKKOSHI_MODE", "push") == "pull", float(get("HIKKOSHI_POLL", "5")), 0.0
    while True:
        if pulls and time.monotonic() - last >= every:
            last = last if adapter.fetch() else time.monotonic()  # at once again while there was something
        adapter.send()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
