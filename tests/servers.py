"""A pytest plugin: real PostgreSQL and Valkey for the whole session, before Django reads its settings.

Those that the environment names are used as they are. Workers of pytest-xdist inherit the addresses.
"""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

import pytest

from hub import embedded

PREFIX = "hikkoshi-hub-tests-"
session = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start what is missing; before pytest-django, which reads the settings in the same hook."""
    options = early_config.known_args_namespace
    if not (options.help or options.version or "PYTEST_XDIST_WORKER" in os.environ):
        start()
    return (yield)


def start() -> None:
    """Fill the environment; whatever ends the session stops the servers and removes their data."""
    signal.signal(signal.SIGTERM, _interrupt)
    atexit.register(session.close)
    for data in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # another session has just ended
            if data.stat().st_uid == os.geteuid():
                embedded.discard(data)  # of a session that was killed
    data = Path(tempfile.mkdtemp(prefix=PREFIX))
    session.callback(shutil.rmtree, data, ignore_errors=True)
    try:
        session.enter_context(embedded.development(data))
    except embedded.EmbeddedError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop what was started here; a worker has started nothing."""
    session.close()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End the session as Ctrl-C does: pytest takes a SystemExit for one failed test and goes on."""
    raise KeyboardInterrupt
