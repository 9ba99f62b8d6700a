"""The stage for every scenario; what must hold at the end of each is held here."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import time_machine

from municipalities.models import Connection
from tests.conftest import connect
from tests.scenarios.stage import KANAGAWA, TSURUMI, A, B, C, R, Stage

#: Every town is connected before the stories begin.
FIRST = date(2026, 1, 1)


@pytest.fixture
def stage(db: Any, caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    """Towns that pull canonical records, in March 2026; afterwards the tables, the audit and the logs are in order."""
    caplog.set_level("INFO")
    since = Connection.objects.values_list("valid_from", flat=True)[0]
    Connection.objects.update(valid_from=FIRST)
    for code in (A, B, C, R, TSURUMI, KANAGAWA):
        connect(code, "gif_json", "pull:")
    with time_machine.travel("2026-03-10T10:00:00+09:00", tick=True) as clock:
        stage = Stage(clock)
        yield stage
        stage.left_in_order()
        told = [name for name in stage.names() if name and name in caplog.text]
        assert not told, "a person stands in the log"
    Connection.objects.filter(valid_from=FIRST).update(valid_from=since)
