"""How each process of a running hub is started: the demo, the benchmark and the tests that kill them all say it so."""

import sys
from collections.abc import Sequence
from pathlib import Path

PYTHON = sys.executable


def web(port: int | str, application: str = "hub.wsgi:application") -> list[str]:
    """Two web workers of few threads, each keeping its database connection; one that dies is started again."""
    command = [PYTHON, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    command += ["--workers", "2", "--blocking-threads", "2", "--backpressure", "64", "--respawn-failed-workers"]
    return [*command, application]


def worker(name: str, application: str = "hub", processes: int = 1, queue: str = "") -> list[str]:
    """A Celery worker; of the hub, it is a courier, unless it takes from the other queue alone."""
    command = [PYTHON, "-m", "celery", "-A", application, "worker", "--hostname", f"{name}@%h"]
    command += ["--queues", queue] if queue else []
    return [*command, "--concurrency", str(processes), "--loglevel", "WARNING"]


def beat(data: Path) -> list[str]:
    """The one beat; what it remembers is in the data folder."""
    return [PYTHON, "-m", "celery", "-A", "hub", "beat", "--schedule", str(data / "beat"), "--loglevel", "WARNING"]


def towns(port: int | str, hub: str, data: Path, options: Sequence[str]) -> list[str]:
    """All simulated towns; their books and secrets are in ``data/towns``."""
    command = [PYTHON, "manage.py", "simulate", "--port", str(port), "--hub", hub]
    return [*command, "--data", str(data / "towns"), "--secrets", str(data / "towns" / "secrets.jsonl"), *options]
