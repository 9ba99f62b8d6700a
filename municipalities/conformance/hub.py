"""The kit's hub: the API's token, list, content, receipts and reports on loopback, with faults where a check wants."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: What a receipt may say (message 70), and the members the API knows.
KINDS = frozenset({"received", "accepted_for_review", "registered", "returned", "rejected", "implausible"})
RECEIPT = frozenset({"kind", "errors", "legal_date", "differences"})
REPORT = frozenset(
    {
        "id", "type", "receipt_no", "outcome", "legal_date", "movers", "reference", "card_shown", "visited_on",
        "suggested_on", "last_registered", "changes", "differences", "head_change", "new_head", "documents",
        "contact_office", "returnee", "delivery",
    }
)  # fmt: skip
#: What a manifest says of a record that makes a report, in the API's words.
MEMBERS = {
    "reportId": "id", "reportType": "type", "delivery": "delivery", "reportOutcome": "outcome",
    "reportVisitedOn": "visited_on", "reportContactOffice": "contact_office", "reportDocuments": "documents",
}  # fmt: skip
PAGE = 3

#: Seconds after which what was fetched and never answered is listed again: whoever fetched it has died.
LEASE = 1.5


@dataclass
class Fault:
    """What becomes of the next requests to a door; the first that fits is used up."""

    door: str  #: token, list (leases too), content, receipt or report
    about: str = ""  #: only of requests whose address or body has this in it
    status: int = 0  #: answered with instead of doing it
    code: str = "E901"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  #: seconds before the answer
    silent: bool = False  #: it is done, and the line breaks before it is said
    cut: bool = False  #: half of the content, then the line breaks
    spoil: bool = False  #: other bytes than the digest says
    times: int = 1


@dataclass(frozen=True)
class Asked:
    """One request as the hub saw it."""

    at: float
    door: str
    path: str
    body: bytes
    token: str
    status: int


@dataclass
class Content:
    """What waits to be fetched."""

    type: str
    content_type: str
    body: bytes


class Hub:
    """The state of the hub; every access holds ``changed``."""

    def __init__(self, client: str, secret: str, port: int = 0) -> None:
        self.client, self.secret = client, secret
        self.changed = threading.Condition()
        self.tokens: set[str] = set()
        self.ready: dict[str, Content] = {}
        self.known: dict[str, Content] = {}
        self.fetched: dict[str, float] = {}
        self.leased: dict[str, tuple[str, float]] = {}
        self.asked: list[Asked] = []
        self.begun: list[str] = []
        self.receipts: list[tuple[str, dict[str, Any]]] = []
        self.reports: dict[str, bytes] = {}
        self.conflicts: list[str] = []
        self.malformed: list[str] = []
        self.faults: list[Fault] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", port), type("Door", (_Door,), {"hub": self}))
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True, name="kit-hub").start()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()

    def wait(self, true: Callable[[], Any], seconds: float) -> bool:
        """Wait until something is so, at most so long."""
        with self.changed:
            return bool(self.changed.wait_for(true, seconds))

    def fault(self, *faults: Fault) -> None:
        """Let requests go wrong from now on."""
        with self.changed:
            self.faults += faults

    def forget_faults(self) -> None:
        """Everything goes well again."""
        with self.changed:
            self.faults.clear()

    def kinds(self, delivery: str) -> list[str]:
        """Receipts about a delivery that were taken, in order of arrival."""
        with self.changed:
            return [told["kind"] for about, told in self.receipts if about == delivery]

    def codes(self, delivery: str) -> list[str]:
        """Error codes in the receipts about a delivery."""
        with self.changed:
            errors = [error for about, told in self.receipts if about == delivery for error in told.get("errors") or ()]
        return [str(error.get("code", "")) for error in errors if isinstance(error, dict)]

    def requests(self, door: str, since: float = 0.0, about: str = "") -> list[Asked]:
        """Requests to a door, whatever was answered."""
        with self.changed:
            return [one for one in self.asked if one.door == door and one.at >= since and about in one.path]

    def next_fault(self, door: str, told: str) -> Fault | None:
        """The fault that falls on this request, if one does; it is used up."""
        fault = next((one for one in self.faults if one.door == door and one.about in told), None)
        if fault:
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
        return fault

    def take_receipt(self, delivery: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """A receipt; the same kind again is the same receipt."""
        told = _object(body)
        if told is None or told.get("kind") not in KINDS or set(told) - RECEIPT:
            self.malformed.append(f"receipt: {sorted(told) if told else 'no JSON object'}")
            return 422, {}, _problem(422, "E104")
        if delivery not in self.known:
            self.malformed.append("receipt about a delivery that was never handed over")
            return 404, {}, _problem(404, "E108")
        self.ready.pop(delivery, None)
        self.fetched.pop(delivery, None)
        self.leased.pop(delivery, None)
        new = told["kind"] not in [one["kind"] for about, one in self.receipts if about == delivery]
        self.receipts.append((delivery, told))
        return 201 if new else 200, {}, json.dumps({"delivery": delivery, "duplicate": not new}).encode()

    def take_report(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """A report, known by its id; the same id with another content is refused."""
        told = _object(body)
        if told is None or not told.get("id") or not told.get("type") or set(told) - REPORT:
            self.malformed.append(f"report: {sorted(told) if told else 'no JSON object'}")
            return 422, {}, _problem(422, "E104")
        known = self.reports.setdefault(str(told["id"]), body)
        if known != body:
            self.conflicts.append(str(told["type"]))
            return 409, {}, _problem(409, "E202")
        return 201, {}, json.dumps({"id": told["id"], "accepted": True}).encode()

    def take_record(self, slip: Mapping[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """A record in the town's own layout that makes a report; its manifest says which, and of which delivery."""
        told = {name: slip[member] for member, name in MEMBERS.items() if slip.get(member)}
        if not {"id", "type", "delivery"} <= told.keys() or not _is_day(told.get("visited_on", "2025-04-01")):
            self.malformed.append(f"manifest of a report: {sorted(slip)}")
            return 422, {}, _problem(422, "E110")
        if told["delivery"] not in self.known:
            self.malformed.append("a record about a delivery that was never handed over")
            return 404, {}, _problem(404, "E108")
        return self.take_report(json.dumps(told | {"reference": hashlib.sha256(body).hexdigest()}).encode())


class _Door(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_args: Any) -> None:
        """Nothing: what is asked is kept in ``asked``."""

    def do_GET(self) -> None:
        self.handle_one("GET", b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.handle_one("POST", self.rfile.read(length))

    def handle_one(self, method: str, body: bytes) -> None:
        """Find the door, then the fault, then do it."""
        parts = urlsplit(self.path)
        door, about = _door(method, parts.path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        told_by = self.path + body.decode("utf-8", "replace")
        with self.hub.changed:
            self.hub.begun.append(self.path)
            self.hub.changed.notify_all()
            fault = self.hub.next_fault(door, told_by)
        if fault and fault.delay:
            time.sleep(fault.delay)
        if fault and fault.status:
            if fault.status == 401:
                with self.hub.changed:
                    self.hub.tokens.clear()
            status, headers, told = fault.status, fault.headers, _problem(fault.status, fault.code)
        else:
            with self.hub.changed:
                status, headers, told = self.answer(door, about, parse_qs(parts.query), token, body)
        with self.hub.changed:
            self.hub.asked.append(Asked(time.time(), door, self.path, body, token, status))
            self.hub.changed.notify_all()
        self.say(status, dict(headers), told, fault)

    def say(self, status: int, headers: dict[str, str], told: bytes, fault: Fault | None) -> None:
        """Answer, as far as the fault lets it be heard."""
        if fault and fault.silent:
            self.close_connection = True
            return
        if fault and fault.spoil:
            told = told[:-1] + bytes([told[-1] ^ 1])
        try:
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", **headers, "Content-Length": str(len(told))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(told[: len(told) // 2] if fault and fault.cut else told)
        except OSError:
            self.close_connection = True
        if fault and fault.cut:
            self.close_connection = True

    def answer(
        self, door: str, about: str, query: dict[str, list[str]], token: str, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """What the hub says when nothing goes wrong."""
        if door == "token":
            return self.token(token)
        if token not in self.hub.tokens:
            return 401, {}, _problem(401, "E106")
        match door:
            case "list":
                return self.list(query) if not body else self.lease(body)
            case "content":
                return self.content(about)
            case "receipt":
                return self.hub.take_receipt(about, body)
            case "report":
                return self.hub.take_report(body)
        return 404, {}, _problem(404, "E108")

    def token(self, given: str) -> tuple[int, dict[str, str], bytes]:
        """Client credentials, by HTTP Basic."""
        wanted = base64.b64encode(f"{self.hub.client}:{self.hub.secret}".encode()).decode()
        if given != f"Basic {wanted}":
            return 401, {}, b'{"error": "invalid_client"}'
        token = secrets.token_urlsafe(24)
        self.hub.tokens.add(token)
        told = {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "deliveries reports"}
        return 200, {}, json.dumps(told).encode()

    def lease(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """A page for one worker; what is leased stays ready until a receipt."""
        told = _object(body) or {}
        worker = told.get("worker")
        if not isinstance(worker, str) or set(told) - {"worker", "limit", "seconds"}:
            return 400, {}, _problem(400, "E110")
        now = time.monotonic()
        others = {name for name, (holder, until) in self.hub.leased.items() if holder != worker and until > now}
        page = [name for name in sorted(self.hub.ready) if name not in others][: min(PAGE, told.get("limit") or PAGE)]
        self.hub.leased |= dict.fromkeys(page, (worker, now + LEASE))
        return 200, {}, json.dumps({"deliveries": self.lines(page), "leased_until": None, "future": {}}).encode()

    def lines(self, names: Sequence[str]) -> Sequence[dict[str, Any]]:
        """Lines of a list; members that are not known yet must not disturb."""
        return [{"id": name, "type": self.hub.known[name].type, "state": "ready", "future": 1} for name in names]

    def list(self, query: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        """A page of what is ready and leased to nobody."""
        after = query.get("after", [""])[0]
        dead = [name for name, at in self.hub.fetched.items() if time.monotonic() - at > LEASE]
        names = [name for name in sorted({*self.hub.ready, *dead} - self.hub.leased.keys()) if name > after]
        page = names[:PAGE]
        more = page[-1] if len(names) > PAGE else None
        return 200, {}, json.dumps({"deliveries": self.lines(page), "next": more, "future": {}}).encode()

    def content(self, name: str) -> tuple[int, dict[str, str], bytes]:
        """The record; the fetch makes it sent, under a lease the receipt does."""
        found = self.hub.known.get(name)
        if found is None:
            return 404, {}, _problem(404, "E108")
        if name in self.hub.leased:
            pass
        elif self.hub.ready.pop(name, None) is not None or name in self.hub.fetched:
            self.hub.fetched[name] = time.monotonic()
        digest = base64.b64encode(hashlib.sha256(found.body).digest()).decode()
        headers = {"Content-Type": found.content_type, "Hikkoshi-Notice-Type": found.type}
        return 200, headers | {"Repr-Digest": f"sha-256=:{digest}:"}, found.body


def _door(method: str, path: str) -> tuple[str, str]:
    """The name of a door, and the delivery it is about."""
    words = path.strip("/").split("/")
    match (method, words):
        case ("POST", ["oauth", "token"]):
            return "token", ""
        case ("GET", ["api", "v1", "deliveries"]) | ("POST", ["api", "v1", "deliveries", "leases"]):
            return "list", ""
        case ("GET", ["api", "v1", "deliveries", name, "content"]):
            return "content", name
        case ("POST", ["api", "v1", "deliveries", name, "receipts"]):
            return "receipt", name
        case ("POST", ["api", "v1", "reports"]):
            return "report", ""
    return "none", ""


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _is_day(text: Any) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == str(text)
    except (TypeError, ValueError):
        return False


def _problem(status: int, code: str) -> bytes:
    """A problem document (RFC 9457)."""
    return json.dumps({"type": "about:blank", "status": status, "code": code, "future": 1}).encode()
