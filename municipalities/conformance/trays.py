"""The kit's side of a town that exchanges files: lays notices into its tray, takes its answers in."""

import json
import threading
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .hub import Asked, Content, Hub

MANIFEST = ".manifest.json"
#: Seconds between two looks into the answers.
EVERY = 0.05


class Tray:
    """A folder that hub and town share; ``answers/`` in it is the town's to fill and the hub's to empty."""

    def __init__(self, address: str, hub: Hub) -> None:
        self.folder = Path(unquote(urlsplit(address).path)).resolve()
        self.answers = self.folder / "answers"
        self.hub = hub
        for place in (self.folder, self.answers / "done", self.answers / "bad"):
            place.mkdir(parents=True, exist_ok=True)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True, name="kit-tray")
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    # --- To the town -------------------------------------------------------------------------------------

    def lay(self, name: str, content: Content) -> None:
        """A file, then the manifest that says it is whole."""
        self.write(self.file(name, content), content.body)
        self.write(name + MANIFEST, self.manifest(name, content))

    @staticmethod
    def file(name: str, content: Content) -> str:
        """What a notice's file is called."""
        return f"{name}.{'json' if 'json' in content.content_type else 'dat'}"

    def manifest(self, name: str, content: Content, **wrong: Any) -> bytes:
        """What goes with it; ``wrong`` members take the place of the true ones."""
        told: dict[str, Any] = {"name": name, "file": self.file(name, content), "type": content.type}
        told |= {"contentType": content.content_type, "records": 1, "size": len(content.body)}
        return json.dumps(told | {"sha256": sha256(content.body).hexdigest()} | wrong).encode()

    def write(self, name: str, body: bytes) -> None:
        """Let a file appear whole, by rename."""
        part = self.folder / f".{name}.part"
        part.write_bytes(body)
        part.replace(self.folder / name)

    def holds(self, name: str) -> list[str]:
        """What lies in the tray of this notice."""
        return sorted(path.name for path in self.folder.glob(f"{name}.*"))

    # --- From the town -----------------------------------------------------------------------------------

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            for path in sorted(self.answers.glob("*" + MANIFEST)):
                self._take(path)

    def _take(self, manifest: Path) -> None:
        """Take an answer in once it is whole, as the API would, and put it away."""
        file = manifest.with_name(manifest.name.removesuffix(MANIFEST))
        try:
            slip, body = json.loads(manifest.read_bytes()), file.read_bytes()
            whole = (slip["size"], slip["sha256"]) == (len(body), sha256(body).hexdigest())
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError):
            slip, body, whole = {}, b"", False
        if whole:
            status, told = self._answer(file.name, slip, body)
        else:
            with self.hub.changed:
                self.hub.malformed.append("an answer that its manifest does not fit")
            status, told = 422, {"code": "E100"}
        place = self.answers / ("done" if status < 300 else "bad")
        if status >= 300:
            (place / f"{file.name}.error.json").write_text(json.dumps({"file": file.name, "problems": [told]}))
        for path in (file, manifest):
            if path.exists():
                path.replace(place / path.name)

    def _answer(self, name: str, slip: Mapping[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
        delivery = str(slip.get("delivery", ""))
        door, about = ("receipt", delivery) if delivery and not slip.get("reportId") else ("report", "")
        with self.hub.changed:
            fault = self.hub.next_fault(door, about + body.decode("utf-8", "replace"))
            if fault and fault.status:
                status, told = fault.status, json.dumps({"code": fault.code}).encode()
            elif door == "receipt":
                status, _, told = self.hub.take_receipt(about, body)
            elif slip.get("reportType"):
                status, _, told = self.hub.take_record(slip, body)
            else:
                status, _, told = self.hub.take_report(body)
            self.hub.asked.append(Asked(time.time(), door, f"/answers/{about}/{name}", body, "", status))
            self.hub.changed.notify_all()
        return status, json.loads(told)
