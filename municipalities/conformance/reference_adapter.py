"""A municipality's adapter in one file, to be read in one sitting and copied: plain Python, nothing to install.

It takes notices in (push: an inbox; pull: under a lease), keeps them durably, and answers. Several processes may
work side by side on one file of books, each under a name of its own (``HIKKOSHI_WORKER``). Four things make it
safe, and they are all there is to it:

1. A notice, its effect and the answers it calls for are written in ONE transaction (``Books.take``). Killed at
   any moment, the adapter has all of it or nothing, and the hub sends again what was not acknowledged.
2. The delivery's id is the key: a second arrival changes nothing.
3. Answers lie in an outbox until the hub has taken them; an answer keeps its id, so repeating it is harmless.
4. What is fetched is leased: nobody else gets it, nor anything later about the same relocation, until the receipt;
   if we die, the lease runs out and the next one gets the same.

Replace ``read`` by the reader of your layout and ``Books.apply`` by the import into your system. Settings come
from the environment (``HIKKOSHI_…``); ``python reference_adapter.py`` runs it. Law and standard behind the rules:
domain order rules O10 (the latest version wins) and O12 (receipts are idempotent); Standard Webhooks signatures.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import sqlite3
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import NAMESPACE_URL, uuid5

LARGEST = 1_000_000  # bytes of one notice
LEASE = int(os.environ.get("HIKKOSHI_LEASE", "60"))  # seconds in which nobody else does what one of us has begun
CHALLENGE = "endpoint.challenge"  # a push that only asks whether we mean to be called
TOLERANCE = 300  # seconds a signature may be old or early
TYPES = {"moveout.submitted", "filing.amended", "correction.notified", "arrival.planned", "arrival.prefill",
         "movein.notice", "appendix.notice", "withdraw.requested", "cancel.requested", "certificate.recalled",
         "movein.cancelled", "inquiry.nonarrival", "protection.route"}  # fmt: skip
UNDOES = {"withdraw.requested": "%", "certificate.recalled": "arrival.prefill", "movein.cancelled": "%.notice"}
REPORTS = {"moveout.submitted": "moveout.reviewing", "arrival.planned": "arrival.plan_ack"}
LATER = {"E200", "E210"}  # codes of a 409 that passes by itself
SCHEMA = """
CREATE TABLE IF NOT EXISTS notices (id TEXT PRIMARY KEY, sha256 TEXT, type TEXT, receipt_no TEXT, version INTEGER,
    content BLOB, times INTEGER, in_force INTEGER);
CREATE INDEX IF NOT EXISTS cases ON notices (receipt_no);
CREATE TABLE IF NOT EXISTS outbox (n INTEGER PRIMARY KEY, delivery TEXT, path TEXT, body TEXT, due REAL, tries INTEGER,
    state TEXT, UNIQUE (delivery, path, body));
CREATE INDEX IF NOT EXISTS open_answers ON outbox (delivery, n) WHERE state = 'open';
"""


class Refused(Exception):
    """The notice is not taken: the status to answer a push with, and the code of the hub's error catalogue."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def read(content: bytes, content_type: str) -> dict[str, Any]:
    """A notice as the system understands it; here the hub's canonical JSON. Yours reads your layout."""
    charset = content_type.lower().partition("charset=")[2].strip(' "') or "utf-8"
    if charset not in ("utf-8", "utf8"):
        raise Refused(415, "E103")
    try:
        notice = json.loads(content.decode("utf-8"))
    except ValueError:
        raise Refused(422, "E100") from None
    if not isinstance(notice, dict) or not isinstance(notice.get("version"), int) or "receiptNo" not in notice:
        raise Refused(422, "E100")
    return notice


class Books:
    """What the adapter knows, in one SQLite file."""

    def __init__(self, path: str, town: str) -> None:
        self.town, self.lock = town, threading.RLock()
        self.db = sqlite3.connect(path, timeout=60, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.executescript(SCHEMA)

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        """Take a notice in; whether it is new. Everything it leads to is in the same transaction."""
        digest = hashlib.sha256(content).hexdigest()
        with self.lock, self.db:
            self.db.execute("BEGIN IMMEDIATE")  # no other process between looking and writing
            known = self.db.execute("SELECT sha256 FROM notices WHERE id = ?", (name,)).fetchone()
            if known:
                if known[0] != digest:
                    raise Refused(409, "E202")
                self.db.execute("UPDATE outbox SET state = 'open', due = 0, tries = 0 WHERE delivery = ?", (name,))
                return False  # no second effect; the hub hears the same answers again
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
        newer = self.db.execute(
            "SELECT 1 FROM notices WHERE receipt_no = ? AND version > ?", (case, version)
        ).fetchone()
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
        row = (delivery, path, json.dumps(body), 0.0, 0, "open")
        sql = "INSERT OR IGNORE INTO outbox (delivery, path, body, due, tries, state) VALUES (?, ?, ?, ?, ?, ?)"
        self.db.execute(sql, row)

    def execute(self, sql: str, *values: Any) -> list[Any]:
        """One statement, committed."""
        with self.lock, self.db:
            return self.db.execute(sql, values).fetchall()


class Hub:
    """The hub's API with a token of client credentials."""

    def __init__(self, base: str, client: str, secret: str) -> None:
        self.base, self.token = base.rstrip("/"), ""
        self.basic = base64.b64encode(f"{client}:{secret}".encode()).decode()

    def call(self, method: str, path: str, body: str | None = None) -> tuple[int, Any, bytes]:
        """Status (0: nothing heard), headers and content; a token that is not taken any more is renewed once."""
        for _ in range(2):
            if not self.token:
                form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "deliveries reports"})
                status, headers, told = self.ask(
                    "POST", "/oauth/token", form, f"Basic {self.basic}", "x-www-form-urlencoded"
                )
                if status != 200:
                    return status if status >= 500 else 0, headers, b""
                self.token = json.loads(told)["access_token"]
            status, headers, told = self.ask(method, path, body, f"Bearer {self.token}", "json")
            if status != 401:
                return status, headers, told
            self.token = ""
        return 0, {}, b""

    def ask(self, method: str, path: str, body: str | None, who: str, form: str) -> tuple[int, Any, bytes]:
        """One exchange."""
        headers = {"Authorization": who, "Content-Type": f"application/{form}", "Accept": "application/json"}
        data = body.encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, headers, method=method)  # noqa: S310 - from settings
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()
        except (OSError, http.client.HTTPException):  # no connection, or one that broke before all was said
            return 0, {}, b""


class Adapter:
    """Sends the outbox, fetches what is ready, and says what it was handed."""

    def __init__(self, books: Books, hub: Hub, keys: list[bytes]) -> None:
        self.books, self.hub, self.keys = books, hub, keys
        self.worker = os.environ.get("HIKKOSHI_WORKER", "worker-1")

    def verify(self, headers: Any, body: bytes) -> str:
        """The id of a push, if one of our keys signed it, and not long ago (Standard Webhooks, v1)."""
        name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signed = f"{name}.{at}.".encode() + body
        given = [part[3:] for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
        fits = [hmac.compare_digest(base64.b64encode(hmac.digest(key, signed, "sha256")).decode(), one)
                for key in self.keys for one in given]  # fmt: skip
        if not (name and at.isdigit() and any(fits)) or abs(time.time() - int(at)) > TOLERANCE:
            raise Refused(401, "E114")
        return str(name)

    def push(self, headers: Any, body: bytes) -> int:
        """Take a push: 202 for a new notice, 200 for a repetition. The answer is given once it is written down."""
        name, kind = self.verify(headers, body), headers.get("hikkoshi-notice-type", "")
        if kind == CHALLENGE:
            return 200
        return 202 if self.books.take(name, kind, headers.get("Content-Type", ""), body) else 200

    def send(self) -> None:
        """Send what is due; the answers about one delivery in their order."""
        sql = "SELECT min(n), path, body, due, tries FROM outbox WHERE state = 'open' GROUP BY delivery"
        for n, path, body, due, tries in self.books.execute(sql):
            claim = "UPDATE outbox SET due = ? WHERE n = ? AND due = ? AND state = 'open' RETURNING n"
            if due <= time.time() and self.books.execute(claim, time.time() + LEASE, n, due):
                status, headers, told = self.hub.call("POST", path, body)
                self.sent(n, status, headers, told, tries)

    def sent(self, n: int, status: int, headers: Any, told: bytes, tries: int) -> None:
        """Done, or again later, as long as it takes; or for a person to look at."""
        code = str(json.loads(told).get("code", "")) if status == 409 else ""
        if 200 <= status < 300 or code == "E201":
            self.books.execute("UPDATE outbox SET state = 'done' WHERE n = ?", n)
        elif status in (0, 408, 425, 429) or status >= 500 or code in LATER:
            asked = headers.get("Retry-After", "")
            wait = max(min(0.1 * 2**tries, 300.0), float(asked) if asked.isdigit() else 0.0)
            self.books.execute("UPDATE outbox SET due = ?, tries = tries + 1 WHERE n = ?", time.time() + wait, n)
        else:
            self.books.execute("UPDATE outbox SET state = 'failed' WHERE n = ?", n)

    def fetch(self) -> bool:
        """Lease what waits and take it in; whether there was any. What we still have to answer we have already."""
        order = json.dumps({"worker": self.worker, "limit": 50, "seconds": LEASE})
        status, _, told = self.hub.call("POST", "/api/v1/deliveries/leases", order)
        leased = [line["id"] for line in json.loads(told)["deliveries"]] if status == 200 else []
        owed = "SELECT 1 FROM outbox WHERE delivery = ? AND state <> 'done'"
        new = [name for name in leased if not self.books.execute(owed, name)]
        taken = [self.fetch_one(name) for name in new]
        return any(taken)

    def fetch_one(self, name: str) -> bool:
        """Take one in, if it is whole (Repr-Digest, RFC 9530); else it stays leased, and is fetched again later."""
        status, headers, content = self.hub.call("GET", f"/api/v1/deliveries/{name}/content")
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        if status != 200 or headers.get("Repr-Digest", f"sha-256=:{digest}:") != f"sha-256=:{digest}:":
            return False
        try:
            if len(content) > LARGEST:
                raise Refused(413, "E105")
            self.books.take(name, headers.get("Hikkoshi-Notice-Type", ""), headers.get("Content-Type", ""), content)
        except Refused as refused:
            self.books.reject(name, refused.code)
        return True


def serve(adapter: Adapter, port: int) -> None:
    """The inbox, and the books for the conformance kit (keep that door shut in production)."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            try:
                if not length.isdigit() or int(length) > LARGEST:
                    self.close_connection = True
                    raise Refused(413, "E105")
                body = self.rfile.read(int(length))
                if len(body) < int(length):
                    return  # the line broke: nothing was taken, the hub sends again
                asks = self.headers.get("hikkoshi-notice-type") == CHALLENGE  # answered by its own word
                self.say(adapter.push(self.headers, body), json.loads(body) if asks else None)
            except Refused as refused:
                self.say(refused.status, {"code": refused.code, "status": refused.status})

        def do_GET(self) -> None:
            rows = adapter.books.execute("SELECT id, sha256, times, in_force FROM notices")
            told = {
                name: {"sha256": digest, "times": times, "in_force": bool(counts)}
                for name, digest, times, counts in rows
            }
            self.say(200 if self.path == "/books" else 404, told if self.path == "/books" else {})

        def say(self, status: int, told: Any = None) -> None:
            body = json.dumps(told).encode() if told is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Nothing: a log holds no one's name."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main(make: Any = Adapter, books: Any = Books) -> None:
    """Run until killed."""
    get = os.environ.get
    keys = [base64.b64decode(key.removeprefix("whsec_")) for key in get("HIKKOSHI_KEYS", "").split(",") if key]
    hub = Hub(os.environ["HIKKOSHI_HUB"], os.environ["HIKKOSHI_CLIENT_ID"], os.environ["HIKKOSHI_CLIENT_SECRET"])
    adapter = make(books(get("HIKKOSHI_BOOKS", "adapter.sqlite3"), os.environ["HIKKOSHI_TOWN"]), hub, keys)
    adapter.books.execute("UPDATE outbox SET due = 0 WHERE state = 'open'")  # what one of us that died had begun
    serve(adapter, int(get("HIKKOSHI_PORT", "9200")))
    pulls, every, last = get("HIKKOSHI_MODE", "push") == "pull", float(get("HIKKOSHI_POLL", "5")), 0.0
    while True:
        if pulls and time.monotonic() - last >= every:
            last = last if adapter.fetch() else time.monotonic()  # at once again while there was something
        adapter.send()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
