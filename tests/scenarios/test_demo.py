"""The main job with real parts: web, courier, beat and simulated towns as processes, killed and misled."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
import redis

from hub.demo import people

ROOT = Path(__file__).resolve().parents[2]
#: One standard of each family of formats; which towns a run meets decides on the others.
FAMILIES = {"juki_list_csv", "mainframe_cp932", "regional_xml", "gif_json"}
pytestmark = pytest.mark.timeout(600)


class Run:
    """One ``manage.py demo --once`` in its own database and data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.server = os.environ["DATABASE_URL"]
        self.name = f"demo_{uuid4().hex[:12]}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.name}"')
        self.url = urlunsplit(urlsplit(self.server)._replace(path=f"/{self.name}"))

    def start(self, *options: str) -> None:
        """Start the command; ``wait`` returns what it printed."""
        command = [sys.executable, "manage.py", "demo", "--once", "--json", "--data", str(self.data), *options]
        command += ["--port", "0", "--towns-port", "0"]  # runs side by side must not meet
        environment = os.environ | {"DATABASE_URL": self.url}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait(self) -> dict[str, Any]:
        """Return the document printed; the exit code must say the same."""
        out, error = self.process.communicate()
        assert out, f"{error}\n{self.logs()}"
        document: dict[str, Any] = json.loads(out)
        document["exit"] = self.process.returncode
        return document

    def logs(self) -> str:
        """Return everything that the processes logged."""
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.data / "logs").glob("*.log")))

    def pids(self) -> dict[str, int]:
        """Return the processes as the command wrote them down."""
        found: dict[str, list[int]] = json.loads((self.data / "logs" / "pids.json").read_text())
        return {name: pid for name, (pid, _) in found.items()}

    def answered(self) -> int:
        """Return how many deliveries were answered so far (0 while there is no table yet)."""
        try:
            with psycopg.connect(self.url) as connection:
                connection.execute("SELECT set_config('hub.actor', 'hub', true)")
                row = connection.execute("SELECT count(*) FROM deliveries_delivery WHERE state = 'answered'").fetchone()
                return row[0] if row else 0
        except psycopg.Error:
            return 0

    def close(self) -> None:
        """End what still runs and drop the database."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=60)
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    one = Run(tmp_path)
    yield one
    one.close()


def no_personal_data(text: str) -> bool:
    """Tell whether none of the invented names is in the text."""
    names = [name for name, _ in people.FAMILY] + [name for name, _, _ in people.ROMAN] + ["見本荘", "@example.jp"]
    return not [name for name in names if name in text]


@pytest.mark.long
def test_every_journey_settles_whatever_is_killed_and_the_audit_holds(run: Run) -> None:
    run.start("--relocations", "47", "--speed", "4")
    killed: list[str] = []
    killer = threading.Thread(target=kill_in_the_middle, args=(run, killed))
    killer.start()
    found = run.wait()
    killer.join()
    assert found["exit"] == 0, json.dumps(found)
    assert killed == ["courier", "beat", "web"]
    assert (found["filings"], found["settled"], found["lost"], found["doubled"]) == (47, 47, 0, 0)
    assert set(found["deliveries"]["by_standard"]) >= FAMILIES
    ways = set(found["deliveries"]["by_transport"])  # few towns exchange files over SSH: a run need not meet one
    assert {"pull", "https", "folder"} <= ways <= {"pull", "https", "folder", "sftp"}
    assert set(found["deliveries"]["by_state"]) <= {"answered", "withdrawn", "superseded"}
    assert all(found["lives"][life] for life in ("amended", "withdrawn", "cancelled", "corrected", "diverted"))
    assert no_personal_data(run.logs())
    verify = subprocess.run(
        [sys.executable, "manage.py", "audit", "verify"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": run.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert verify.returncode == 0, verify.stdout
    assert "0 faults" in verify.stdout


@pytest.mark.long
def test_faulty_towns_lose_and_double_nothing(run: Run) -> None:
    faults = ("down:2", "flaky:3", "garbage:1", "duplicate:2", "out_of_order:1", "refusing:1")
    options = [word for fault in faults for word in ("--fault", fault)]
    run.start("--relocations", "20", "--speed", "4", "--quiet", "12", *options)
    found = run.wait()
    assert found["exit"] == 0, json.dumps(found)
    assert (found["lost"], found["doubled"]) == (0, 0)
    assert found["settled"] + found["waiting"] == 20
    # Whoever is not settled can be told where it waits: which town, in which state, who acts.
    assert len({line["receipt_no"] for line in found["unfinished"]}) == found["waiting"]


def kill_in_the_middle(run: Run, killed: list[str]) -> None:
    """SIGKILL courier, beat and web with all their children, and empty the broker."""
    while run.answered() < 40 and run.process.poll() is None:
        time.sleep(0.2)
    redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()
    for name in ("courier", "beat", "web"):
        os.killpg(run.pids()[name], signal.SIGKILL)
        killed.append(name)
