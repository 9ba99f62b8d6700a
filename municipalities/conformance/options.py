"""The kit's options, the same with and without Django, and one run as they ask."""

import base64
import secrets
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from . import kit
from .adapter import Adapter
from .checks import CHECKS
from .hub import Hub
from .notices import Writer, as_json
from .trays import Tray

TOWN = "011011"


def add(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("url", help="the adapter's inbox (push), «pull», or folder:PATH of its tray")
    parser.add_argument("--start", default="", metavar="COMMAND", help="how to start the adapter; the kit kills it too")
    parser.add_argument("--restart", default="", metavar="COMMAND", help="how to kill and start one elsewhere")
    parser.add_argument("--books", default="", metavar="URL", help="where the adapter shows what it holds (JSON by id)")
    parser.add_argument("--town", default=TOWN, help=f"the municipality's code (default {TOWN})")
    parser.add_argument("--client-id", default="", help="what the adapter signs in with (default: made up)")
    parser.add_argument("--client-secret", default="", help="its secret (default: made up)")
    parser.add_argument("--key", default="", metavar="whsec_…", help="what pushes are signed with (default: made up)")
    parser.add_argument("--hub-port", type=int, default=0, help="port of the kit's hub on 127.0.0.1 (default: any)")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for what should follow")
    parser.add_argument("--only", action="append", default=[], metavar="CHECK", help="this check only; repeatable")
    parser.add_argument("--needed", default="A", choices=["A", "B", "C"], help="grade for exit code 0 (default A)")
    parser.add_argument("--language", default="ja", choices=["ja", "en"], help="of the report (default ja)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page too")


def run(given: Namespace, tell: Callable[[str], None], write: Writer = as_json) -> kit.Report:
    """Make the checks; ``tell`` hears how it goes on."""
    mode = {"pull": "pull", "folder": "files"}.get(given.url.partition(":")[0], "push")
    key = base64.b64decode(given.key.removeprefix("whsec_")) if given.key else secrets.token_bytes(32)
    client = given.client_id or f"town-{given.town}"
    hub = Hub(client, given.client_secret or secrets.token_urlsafe(24), given.hub_port)
    environment = {
        "HIKKOSHI_MODE": mode,
        "HIKKOSHI_HUB": hub.address,
        "HIKKOSHI_TOWN": given.town,
        "HIKKOSHI_CLIENT_ID": client,
        "HIKKOSHI_CLIENT_SECRET": hub.secret,
        "HIKKOSHI_KEYS": f"whsec_{base64.b64encode(key).decode()}",
    }
    tray = Tray(given.url, hub) if mode == "files" else None
    if tray:
        environment["HIKKOSHI_TRAY"] = str(tray.folder)
    inbox = given.url if mode == "push" else ""
    if port := urlsplit(inbox or given.books).port:
        environment["HIKKOSHI_PORT"] = str(port)
    adapter = Adapter(inbox, given.books, given.start, given.restart, environment)
    if not given.start:
        for name, text in environment.items():
            tell(f"{name}={text}")
    try:
        adapter.start()
        return kit.run(
            kit.Kit(mode, hub, adapter, given.town, [key], given.patience, write, tray),
            CHECKS,
            given.only,
            lambda result: tell(
                f"{'✓' if result.passed else '–' if result.passed is None else '✗'} {result.check.name}"
            ),
        )
    finally:
        adapter.kill()
        if tray:
            tray.close()
        hub.close()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
