"""``python -m tests.chaos --seconds 600 --faults 120 --seed 7``: one run of chaos; exit code 0 only if all holds."""

import argparse
import json
import os
import secrets
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hub.embedded import keys, terminated_like_interrupted
from hub.embedded.places import place
from tests.chaos import clock
from tests.chaos.proxy import Proxy
from tests.chaos.servers import broker, database

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Start the servers, then everything that needs their addresses."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long faults go on (default 600)")
    parser.add_argument("--faults", type=int, default=120, help="how many (default 120)")
    parser.add_argument("--seed", type=int, default=None, help="the same seed, the same faults and filings")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    say(f"seed {seed}")
    with terminated_like_interrupted(), ExitStack() as stack:
        data = Path(tempfile.mkdtemp(prefix="hikkoshi-hub-chaos-"))
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        data.chmod(0o755)
        data = place(data)
        proxy = Proxy()
        stack.callback(proxy.close)
        servers = [database(data, proxy.open("database")), broker(data, proxy.open("broker"))]
        for server in servers:
            server.start()
            stack.callback(server.stop)
        own = keys.keys(data) | {"DATABASE_URL": servers[0].url, "REDIS_URL": servers[1].url, "HUB_DEMO": "1"}
        os.environ.pop("BROKER_URL", None)
        os.environ.update(own | {"DJANGO_SETTINGS_MODULE": "hub.settings", "HUB_CONN_MAX_AGE": "60"})
        os.chdir(ROOT)
        import django

        django.setup()
        from tests.chaos import controller

        followed = clock.prepare(data, ROOT) | {"PYTHONUNBUFFERED": "1"}
        world = stack.enter_context(controller.world(data, proxy, servers[0], servers[1], followed, seed))
        found = controller.run(data, world, given.faults, given.seconds, seed, say)
        if not found["holds"]:
            kept = Path(tempfile.mkdtemp(prefix="hikkoshi-hub-chaos-logs-"))
            shutil.copytree(data / "logs", kept, dirs_exist_ok=True)
            say(f"logs: {kept}; again: SEED={seed}")
    sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=None if given.json else 2) + "\n")
    return 0 if found["holds"] else 1


def say(what: str) -> None:
    """Progress goes to stderr."""
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    sys.exit(main())
