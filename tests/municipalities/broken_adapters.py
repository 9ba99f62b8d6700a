"""The reference adapter with one fault each: what vendors really get wrong. ``python -m … NAME`` runs one."""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from municipalities.conformance import reference_adapter as reference
from municipalities.conformance import reference_files, reference_line
from municipalities.conformance.reference_adapter import Adapter, Books
from municipalities.conformance.reference_files import Tray
from municipalities.conformance.reference_line import Hub, Refused


class Doubles(Books):
    """Applies a notice again when it comes again."""

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        if new := super().take(name, kind, content_type, content):
            return new
        with self.lock, self.db:
            self.apply(name, reference.read(content, content_type))
        return False


class DoublesReport(Books):
    """Makes a new report for a second arrival."""

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        if new := super().take(name, kind, content_type, content):
            return new
        with self.lock, self.db:
            told = reference.read(content, content_type)
            body = {"id": str(uuid4()), "type": "moveout.reviewing", "receipt_no": told["receiptNo"]}
            self.post(name, "/api/v1/reports", body)
        return False


class Overwrites(Books):
    """Puts other bytes in the place of those it had."""

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        self.execute("DELETE FROM notices WHERE id = ? AND sha256 <> ?", name, hashlib.sha256(content).hexdigest())
        return super().take(name, kind, content_type, content)


class IgnoresVersions(Books):
    """The last to arrive wins."""

    def store(self, name: str, digest: str, notice: dict[str, Any], content: bytes) -> None:
        self.db.execute("UPDATE notices SET in_force = 0 WHERE receipt_no = ?", (notice["receiptNo"],))
        row = (name, digest, notice["type"], notice["receiptNo"], notice["version"], content, 0, True)
        self.db.execute("INSERT INTO notices VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self.apply(name, notice)


class KeepsOldVersion(Books):
    """A correction stands beside what it corrects."""

    def store(self, name: str, digest: str, notice: dict[str, Any], content: bytes) -> None:
        super().store(name, digest, notice, content)
        if notice["type"] == "filing.amended":
            self.db.execute("UPDATE notices SET in_force = 1 WHERE receipt_no = ?", (notice["receiptNo"],))


class Ignores(Books):
    """Stores what undoes something, and undoes nothing."""

    ignored = ""

    def apply(self, name: str, notice: dict[str, Any]) -> None:
        if notice["type"] == self.ignored:
            self.db.execute("UPDATE notices SET times = times + 1 WHERE id = ?", (name,))
        else:
            super().apply(name, notice)


class IgnoresWithdrawal(Ignores):
    """Acts on what was taken back."""

    ignored = "withdraw.requested"


class IgnoresCancellation(Ignores):
    """Acts on what was cancelled."""

    ignored = "movein.cancelled"


class DropsUnknownCase(Books):
    """Throws away what it cannot place yet."""

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        known = self.execute("SELECT 1 FROM notices WHERE receipt_no = ?", json.loads(content)["receiptNo"])
        if kind == "movein.notice" and not known:
            with self.lock, self.db:
                self.answer(name, {"type": kind, "receiptNo": "", "version": 1})
            return True
        return super().take(name, kind, content_type, content)


class Normalizes(Books):
    """Stores names in NFKC."""

    def store(self, name: str, digest: str, notice: dict[str, Any], content: bytes) -> None:
        content = unicodedata.normalize("NFKC", content.decode()).encode()
        super().store(name, hashlib.sha256(content).hexdigest(), notice, content)


class Talks(Books):
    """Repeats the person's name in a refusal."""

    def check(self, name: str, kind: str, notice: dict[str, Any]) -> None:
        try:
            super().check(name, kind, notice)
        except Refused as refused:
            raise Refused(refused.status, f"{refused.code} {notice['movers'][0]['fullName']}") from None


class AnyTown(Books):
    """Never looks for whom it is."""

    def check(self, name: str, kind: str, notice: dict[str, Any]) -> None:
        super().check(name, kind, notice | {"recipient": self.town})


class SwallowsUnknownType(Books):
    """Says «received» to what it does not know."""

    def check(self, name: str, kind: str, notice: dict[str, Any]) -> None:
        super().check(name, "moveout.submitted", notice | {"type": "moveout.submitted"})


class DefaultCode(Books):
    """Takes an unknown code for a usual one."""

    def check(self, name: str, kind: str, notice: dict[str, Any]) -> None:
        super().check(name, kind, notice | {"movers": []})


class FailsOnUnreadable(Books):
    """Answers 500 to what it cannot read."""

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        try:
            return super().take(name, kind, content_type, content)
        except Refused as refused:
            raise Refused(500 if refused.code == "E100" else refused.status, refused.code) from None


class GuessesCharset(Books):
    """Reads any bytes somehow."""

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        return super().take(name, kind, "application/json", content.decode("utf-8", "replace").encode())


class ReviewFirst(Books):
    """Says «accepted for review» before «received»."""

    def answer(self, name: str, notice: dict[str, Any]) -> None:
        self.post(name, f"/api/v1/deliveries/{name}/receipts", {"kind": "accepted_for_review"})
        super().answer(name, notice)


class OwnMembers(Books):
    """Adds members of its own to receipts."""

    def post(self, delivery: str, path: str, body: dict[str, Any]) -> None:
        more = {"remarks": "見本"} if body.get("kind") == "accepted_for_review" else {}
        super().post(delivery, path, body | more)


class SilentOnRepeat(Books):
    """Does not acknowledge a second arrival."""

    def take(self, name: str, kind: str, content_type: str, content: bytes) -> bool:
        if self.execute("SELECT 1 FROM notices WHERE id = ?", name):
            return False
        return super().take(name, kind, content_type, content)


class NoSignature(Adapter):
    """Believes everybody."""

    def verify(self, headers: Any, body: bytes) -> str:
        return str(headers.get("webhook-id", ""))


class OptionalSignature(Adapter):
    """Checks a signature only if there is one."""

    def verify(self, headers: Any, body: bytes) -> str:
        if not headers.get("webhook-signature"):
            return str(headers.get("webhook-id") or json.loads(body)["noticeId"])
        return super().verify(headers, body)


class SignsTheIdOnly(Adapter):
    """Remembers that a signature was of its key by length alone when the id is in the body."""

    def verify(self, headers: Any, body: bytes) -> str:
        try:
            return super().verify(headers, body)
        except Refused:
            other = body.replace(b'"plannedOutOn": "2025-04-01"', b'"plannedOutOn": "2025-05-05"')
            return super().verify(headers, other)  # its signature leaves dates out


class NoAgeLimit(Adapter):
    """Takes a signature of any age."""

    def verify(self, headers: Any, body: bytes) -> str:
        name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        for key in self.keys:
            digest = hmac.digest(key, f"{name}.{at}.".encode() + body, "sha256")
            if f"v1,{base64.b64encode(digest).decode()}" in headers.get("webhook-signature", "").split():
                return str(name)
        raise Refused(401, "E114")


class StaleForGood(Adapter):
    """Refuses what is too old by a status after which nobody signs anew."""

    def verify(self, headers: Any, body: bytes) -> str:
        try:
            return super().verify(headers, body)
        except Refused as refused:
            raise Refused(422, refused.code) from None


class RefusedIsSeen(Adapter):
    """Counts an id as seen before the signature is looked at."""

    def verify(self, headers: Any, body: bytes) -> str:
        try:
            return super().verify(headers, body)
        except Refused:
            self.refused = {*getattr(self, "refused", ()), headers.get("webhook-id", "")}
            raise

    def push(self, headers: Any, body: bytes) -> tuple[int, Any]:
        seen = headers.get("webhook-id", "") in getattr(self, "refused", ())
        return (200, None) if seen else super().push(headers, body)


class FirstSignatureOnly(Adapter):
    """Looks at the first of several signatures."""

    def verify(self, headers: Any, body: bytes) -> str:
        first = dict(headers.items())
        lower = {name.lower(): text for name, text in first.items()}
        if "webhook-signature" in lower:
            lower["webhook-signature"] = lower["webhook-signature"].partition(" ")[0]
        return super().verify(lower, body)


class StrictClock(Adapter):
    """Allows thirty seconds."""

    def verify(self, headers: Any, body: bytes) -> str:
        if abs(time.time() - int(headers.get("webhook-timestamp") or 0)) > 30:
            raise Refused(401, "E114")
        return super().verify(headers, body)


class StoresLater(Adapter):
    """Says 202 first and stores afterwards."""

    def push(self, headers: Any, body: bytes) -> tuple[int, Any]:
        name, kind = self.verify(headers, body), headers.get("hikkoshi-notice-type", "")
        notice = (name, kind, headers.get("Content-Type", ""), body)
        threading.Timer(1.0, self.books.take, notice).start()
        return 202, None


class AnswersInTheInbox(Adapter):
    """Sends its receipts before it answers the push, one thing after the other."""

    one = threading.Lock()

    def push(self, headers: Any, body: bytes) -> tuple[int, Any]:
        with self.one:
            said = super().push(headers, body)
            while self.books.execute("SELECT 1 FROM outbox WHERE state = 'open'"):
                self.send()
                time.sleep(0.02)
            return said


class ChallengeIsANotice(Adapter):
    """Takes a question for a notice."""

    def push(self, headers: Any, body: bytes) -> tuple[int, Any]:
        kind = headers.get("hikkoshi-notice-type", "")
        return 202 if self.books.take(self.verify(headers, body), kind, "", body) else 200, None


class AnswersAnyChallenge(Adapter):
    """Repeats the word of a challenge, whoever asks."""

    def push(self, headers: Any, body: bytes) -> tuple[int, Any]:
        if headers.get("hikkoshi-notice-type") == reference.CHALLENGE:
            return 200, json.loads(body)
        return super().push(headers, body)


class DiesOfSize(Adapter):
    """Falls over at a large body."""

    def push(self, headers: Any, body: bytes) -> tuple[int, Any]:
        if len(body) > 1_000_000:
            os._exit(1)
        return super().push(headers, body)


class GivesUp(Adapter):
    """Takes every failure for final."""

    def sent(self, n: int, status: int, headers: Any, told: bytes, tries: int) -> None:
        super().sent(n, 422 if status >= 500 else status, headers, told, tries)


class GivesUpAtGates(Adapter):
    """Takes a 409 for final."""

    def sent(self, n: int, status: int, headers: Any, told: bytes, tries: int) -> None:
        super().sent(n, 422 if status == 409 else status, headers, told, tries)


class Impatient(Adapter):
    """Does not look at Retry-After."""

    def sent(self, n: int, status: int, headers: Any, told: bytes, tries: int) -> None:
        super().sent(n, status, {}, told, tries)


class Hammers(Adapter):
    """Repeats what was refused."""

    def sent(self, n: int, status: int, headers: Any, told: bytes, tries: int) -> None:
        if status == 422:
            self.books.execute("UPDATE outbox SET due = 0 WHERE n = ?", n)
        else:
            super().sent(n, status, headers, told, tries)


class Forgets(Adapter):
    """Keeps its outbox for as long as it runs."""

    def __init__(self, books: Books, hub: Hub, keys: list[bytes]) -> None:
        super().__init__(books, hub, keys)
        books.execute("DELETE FROM outbox")


class RepeatsOtherwise(Adapter):
    """Says something else when it says it again."""

    def sent(self, n: int, status: int, headers: Any, told: bytes, tries: int) -> None:
        if status == 0:
            self.books.execute("UPDATE outbox SET body = replace(body, '}', ', \"errors\": []}') WHERE n = ?", n)
        super().sent(n, status, headers, told, tries)


class NoRenewal(Hub):
    """Never fetches a second token."""

    def call(self, method: str, path: str, body: str | None = None) -> tuple[int, Any, bytes]:
        if not self.token:
            return super().call(method, path, body)
        return self.ask(method, path, body, f"Bearer {self.token}", "json")


class TokenInUrl(Hub):
    """Sends its token in the address too."""

    def ask(self, method: str, path: str, body: str | None, who: str, form: str) -> tuple[int, Any, bytes]:
        mark = "&" if "?" in path else "?"
        token = who.removeprefix("Bearer ") if who.startswith("Bearer") else ""
        return super().ask(method, f"{path}{mark}access_token={token}", body, who, form)


class IgnoresDigest(Adapter):
    """Takes what it fetched for what was sent."""

    def fetch_one(self, name: str) -> bool:
        ask = self.hub.ask
        self.hub.ask = lambda *told: _without_digest(*ask(*told))  # type: ignore[method-assign]
        taken = super().fetch_one(name)
        self.hub.ask = ask  # type: ignore[method-assign]
        return taken


def _without_digest(status: int, headers: Any, content: bytes) -> tuple[int, Any, bytes]:
    kept = {name: text for name, text in dict(headers).items() if name.lower() != "repr-digest"}
    return status, kept | {"Hikkoshi-Notice-Type": headers.get("Hikkoshi-Notice-Type", "")}, content


class TakesHalf(IgnoresDigest):
    """Takes what came before the line broke for all of it."""

    def fetch_one(self, name: str) -> bool:
        import http.client

        read = http.client.HTTPResponse.read

        def half(self: http.client.HTTPResponse, amt: int | None = None) -> bytes:
            try:
                return read(self, amt)
            except http.client.IncompleteRead as error:
                return bytes(error.partial)

        http.client.HTTPResponse.read = half  # type: ignore[method-assign]
        taken = super().fetch_one(name)
        http.client.HTTPResponse.read = read  # type: ignore[method-assign]
        return taken


class KeepsCursor(Adapter):
    """Never looks again at what is older than the last it saw."""

    def fetch_one(self, name: str) -> bool:
        last = (self.books.execute("SELECT max(id) FROM notices") or [("",)])[0][0] or ""
        return name > last and super().fetch_one(name)


class SeenBeforeStored(Adapter):
    """Notes an id as done before it has fetched it."""

    def fetch_one(self, name: str) -> bool:
        self.books.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")
        if self.books.execute("SELECT 1 FROM seen WHERE id = ?", name):
            return False
        self.books.execute("INSERT INTO seen VALUES (?)", name)
        return super().fetch_one(name)


class TakesHalfAFile(Tray):
    """Reads whatever lies there, manifest or not."""

    def fetch(self) -> None:
        super().fetch()
        for path in self.folder.glob("*.json"):
            if not path.name.endswith(reference_files.MANIFEST):
                with self.books.lock, self.books.db:
                    self.books.post(path.stem, f"/api/v1/deliveries/{path.stem}/receipts", {"kind": "received"})


class IgnoresHash(Tray):
    """Never looks whether the file is the one the manifest speaks of."""

    def whole(self, told: dict[str, Any], content: bytes) -> bool:
        return True


class RefusesLoneManifest(Tray):
    """Takes a file that is late for one that is spoilt."""

    def fetch_one(self, name: str, path: Path) -> None:
        if not (self.folder / json.loads(path.read_bytes())["file"]).exists():
            self.books.reject(name, "E100")
        super().fetch_one(name, path)


class LeavesBehind(Tray):
    """Puts nothing away."""

    def put_away(self, name: str, place: str) -> None:
        """Nothing."""


class LaysAgain(Tray):
    """Lays everything down in every round."""

    def send(self) -> None:
        self.books.execute("UPDATE outbox SET state = 'open'")
        super().send()


class NamesTell(Tray):
    """Calls its answers by what they answer."""

    def write(self, name: str, content: bytes) -> None:
        delivery, _, rest = name.partition(".")
        ((kind,),) = self.books.execute("SELECT type FROM notices WHERE id = ?", delivery) or [("unknown",)]
        super().write(f"{delivery}.{kind}.{rest}", content)


class ForgetsAtStart(Tray):
    """Looks only at what comes while it runs."""

    def __init__(self, books: Books, folder: Path) -> None:
        super().__init__(books, folder)
        for path in folder.glob("*.*"):
            path.unlink()


#: Which check must find each of them, and in which mode.
BROKEN: dict[type, tuple[str, str]] = {
    Doubles: ("push", "duplicate"),
    DoublesReport: ("push", "duplicate"),
    Overwrites: ("push", "conflict"),
    IgnoresVersions: ("push", "late"),
    KeepsOldVersion: ("pull", "correction"),
    IgnoresWithdrawal: ("push", "withdrawal"),
    IgnoresCancellation: ("pull", "cancellation"),
    DropsUnknownCase: ("push", "out_of_order"),
    Normalizes: ("push", "characters"),
    Talks: ("pull", "protection"),
    AnyTown: ("push", "wrong_town"),
    SwallowsUnknownType: ("pull", "unknown_type"),
    DefaultCode: ("push", "unknown_code"),
    FailsOnUnreadable: ("push", "unreadable"),
    GuessesCharset: ("pull", "charset"),
    ReviewFirst: ("push", "order"),
    OwnMembers: ("push", "well_formed"),
    SilentOnRepeat: ("push", "reissue"),
    NoSignature: ("push", "bad_signature"),
    OptionalSignature: ("push", "unsigned"),
    SignsTheIdOnly: ("push", "tampered"),
    NoAgeLimit: ("push", "stale_signature"),
    StaleForGood: ("push", "stale_signature"),
    RefusedIsSeen: ("push", "stale_signature"),
    FirstSignatureOnly: ("push", "rotation"),
    StrictClock: ("push", "clock_skew"),
    StoresLater: ("push", "restart"),
    AnswersInTheInbox: ("push", "slow_hub"),
    ChallengeIsANotice: ("push", "challenge"),
    AnswersAnyChallenge: ("push", "challenge"),
    DiesOfSize: ("push", "oversize"),
    GivesUp: ("push", "maintenance"),
    GivesUpAtGates: ("push", "gate"),
    Impatient: ("pull", "rate_limit"),
    Hammers: ("push", "refused"),
    Forgets: ("pull", "restart"),
    RepeatsOtherwise: ("push", "lost_answer"),
    NoRenewal: ("pull", "expired_token"),
    TokenInUrl: ("push", "secrets"),
    IgnoresDigest: ("pull", "digest"),
    TakesHalf: ("pull", "truncated"),
    KeepsCursor: ("pull", "reissue"),
    SeenBeforeStored: ("pull", "restart_fetching"),
    TakesHalfAFile: ("files", "half_written"),
    IgnoresHash: ("files", "wrong_hash"),
    RefusesLoneManifest: ("files", "manifest_first"),
    LeavesBehind: ("files", "put_away"),
    LaysAgain: ("files", "refused_file"),
    NamesTell: ("files", "protection"),
    ForgetsAtStart: ("files", "restart_tray"),
}


def main(name: str) -> None:
    """Run one."""
    broken: Any = next(one for one in BROKEN if one.__name__ == name)
    if issubclass(broken, Tray):
        reference_files.main(make=broken)
    elif issubclass(broken, Books):
        reference.main(books=broken)
    elif issubclass(broken, Adapter):
        reference_line.LARGEST = 50_000_000 if broken is DiesOfSize else reference_line.LARGEST
        reference.main(make=broken)
    else:
        make: Callable[..., Adapter] = lambda books, hub, keys: _with(broken, books, hub, keys)  # noqa: E731
        reference.main(make=make)


def _with(hub_class: Any, books: Books, hub: Hub, keys: list[bytes]) -> Adapter:
    hub.__class__ = hub_class
    return Adapter(books, hub, keys)


if __name__ == "__main__":
    main(sys.argv[1])
