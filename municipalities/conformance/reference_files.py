"""The adapter of a town that exchanges files, to be copied: the books of ``reference_adapter``, a tray for the line.

``HIKKOSHI_TRAY`` names the folder. A notice is a file and a manifest that says it is whole; what was taken goes to
``done``, what came spoilt to ``bad``, and is asked for again. An answer is a file in ``answers/`` with a manifest of
its own; the hub moves it to ``answers/done``, or to ``answers/bad`` beside an error file: that is for a person.
A report is the API's JSON, all its members included; its name says neither what it is nor whom it is about.
"""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

if __package__:
    from .reference_adapter import Books
    from .reference_line import LARGEST, Refused, listen
else:  # copied out, beside the others
    from reference_adapter import Books  # type: ignore[import-not-found,no-redef]
    from reference_line import LARGEST, Refused, listen  # type: ignore[import-not-found,no-redef]

MANIFEST = ".manifest.json"


class Tray:
    """Takes in what a manifest calls whole, and lays answers down."""

    def __init__(self, books: Books, folder: Path) -> None:
        self.books, self.folder, self.answers = books, folder, folder / "answers"
        for place in (folder / "done", folder / "bad", self.answers):
            place.mkdir(parents=True, exist_ok=True)

    def fetch(self) -> None:
        """Take in what lies there, in the order of ids, which is that of time."""
        for path in sorted(self.folder.glob("*" + MANIFEST)):
            self.fetch_one(path.name.removesuffix(MANIFEST), path)

    def fetch_one(self, name: str, path: Path) -> None:
        """One notice. Without its file a manifest waits; killed before it is put away, it is a repetition."""
        try:
            told, content = self.read(name, path)
        except FileNotFoundError:
            return
        if not told or not self.whole(told, content):
            self.ask_again(name, content)
            self.put_away(name, "bad")
            return
        if refused := self.take(name, told, content):
            self.books.reject(name, refused)
        self.put_away(name, "done")

    def take(self, name: str, told: dict[str, Any], content: bytes) -> str:
        """Take it in, or say by a code of the hub's catalogue why not."""
        if len(content) > LARGEST:
            return "E105"
        try:
            self.books.take(name, told["type"], told["contentType"], content)
        except Refused as refused:
            return refused.code
        return ""

    def read(self, name: str, path: Path) -> tuple[dict[str, Any], bytes]:
        """A manifest, empty if it is none of ours, and what it names."""
        try:
            told = json.loads(path.read_bytes())
            file = self.folder / str(told["file"])
        except (ValueError, KeyError, TypeError):
            return {}, b""
        if file.parent != self.folder or not file.name.startswith(f"{name}."):
            return {}, b""
        return told, file.read_bytes()

    def whole(self, told: dict[str, Any], content: bytes) -> bool:
        """Whether the file is the one that the manifest speaks of."""
        return (told.get("size"), told.get("sha256")) == (len(content), hashlib.sha256(content).hexdigest())

    def ask_again(self, name: str, content: bytes) -> None:
        """Say that it came spoilt (message 73); the same for the same bytes, so that saying it twice is harmless."""
        number = str(uuid5(NAMESPACE_URL, f"{name}/{hashlib.sha256(content).hexdigest()}"))
        body = {"id": number, "type": "resend.requested", "receipt_no": "", "delivery": name}
        with self.books.lock, self.books.db:
            self.books.post(name, "/api/v1/reports", body)

    def put_away(self, name: str, place: str) -> None:
        """Move the file first, its manifest last: a crash in between is seen, and harmless."""
        paths = sorted(self.folder.glob(f"{name}.*"), key=lambda path: path.name.endswith(MANIFEST))
        for path in paths:
            path.replace(self.folder / place / path.name)

    def send(self) -> None:
        """Lay down what is to be said; once it lies there whole, it is said."""
        sql = "SELECT n, delivery, path, body FROM outbox WHERE state = 'open' ORDER BY n"
        for n, delivery, path, body in self.books.execute(sql):
            about = delivery if path.endswith("/receipts") else ""
            content = body.encode()
            slip = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "delivery": about,
                    "contentType": "application/json"}  # fmt: skip
            file = f"{delivery}.{n:09}.json"
            self.write(file, content)
            self.write(file + MANIFEST, json.dumps(slip).encode())
            self.books.execute("UPDATE outbox SET state = 'done' WHERE n = ?", n)

    def write(self, name: str, content: bytes) -> None:
        """Let a file appear whole."""
        part = self.answers / f".{name}.part"
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.answers / name)


def refuse(_headers: Any, _body: bytes) -> tuple[int, Any]:
    """Nothing is pushed here: who asks sees the books alone."""
    raise Refused(404, "E108")


def main(make: Any = Tray, books: Any = Books) -> None:
    """Run until killed."""
    get = os.environ.get
    kept = books(get("HIKKOSHI_BOOKS", "adapter.sqlite3"), os.environ["HIKKOSHI_TOWN"])
    listen(int(get("HIKKOSHI_PORT", "9200")), refuse, kept.shown)
    tray = make(kept, Path(os.environ["HIKKOSHI_TRAY"]))
    while True:
        tray.fetch()
        tray.send()
        time.sleep(float(get("HIKKOSHI_POLL", "5")))


if __name__ == "__main__":
    main()
