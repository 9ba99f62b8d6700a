"""Keys and settings for the demo and the tests; an installation sets its own in the environment."""

import base64
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from hub.embedded.sharing import write_private


def keys(data: Path) -> dict[str, str]:
    """Made once for each data folder: what was sealed yesterday must open today."""
    kept = data.resolve() / "keys.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        mine = kept.with_suffix(f".{os.getpid()}")
        write_private(mine, json.dumps(_made()))
        with suppress(FileExistsError):  # two at once: the first one's keys are everybody's
            os.link(mine, kept)
        mine.unlink()
    found: dict[str, str] = json.loads(kept.read_text())
    loopback = {"HUB_ALLOWED_HOSTS": "127.0.0.1,localhost", "HUB_CALLBACK_NETWORKS": "127.0.0.0/8"}
    return found | {"HUB_PLAIN_HTTP": "1"} | loopback


def _made() -> dict[str, str]:
    return {
        "HUB_SECRET_KEY": secrets.token_urlsafe(64),
        "HUB_MASTER_KEYS": f"demo:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "HUB_AUDIT_KEY": secrets.token_urlsafe(32),
    }
