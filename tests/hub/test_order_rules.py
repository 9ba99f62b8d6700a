"""The order rules: each says by what it is kept, that exists, and each has something to judge in one eventful story."""

import pkgutil
import re
from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine

from hub.relocations import journey, tables
from municipalities.models import Connection
from tests.conftest import connect
from tests.hub import order_rules
from tests.hub.lives import PULLS, TOWNS, Mail, World
from tests.scenarios.stage import A, B

pytestmark = pytest.mark.django_db
#: Rules that compare what is before with what is after; the others are judged from the log alone.
COMPARING = {"O11", "O12"}


def test_each_rule_is_kept_by_something_that_exists() -> None:
    for row in tables.rows("order_rules.csv"):
        if row["kept_by"].endswith(".csv"):
            cells = " ".join(cell for one in tables.rows(row["kept_by"]) for cell in one.values())
            assert re.search(rf"\b{row['rule']}\b", cells), row["rule"]
        else:
            assert pkgutil.resolve_name(row["kept_by"]), row["rule"]
    assert {row["rule"] for row in tables.rows("order_rules.csv")} == {*order_rules.RULES, *COMPARING}


def told(world: World, life: int, *words: tuple[str, str, str, str]) -> None:
    """Let towns report, each after everything was carried and fetched."""
    for number, (town, type_, outcome, more) in enumerate(words, start=len(world.log)):
        while int(world.do("carry")) + sum(int(world.do("fetch", code)) for code in PULLS):
            pass
        mail = Mail(life, number, town, type_, outcome, None, more)
        assert world.do("post", mail) == "new", mail
        before = world.picture(life)
        assert (world.do("post", mail), world.picture(life)) == ("known", before)  # O12


OUT = ((A, "moveout.reviewing", "", ""), (A, "moveout.decided", "REGISTERED", "done"))
IN = (
    (A, "certificate.available", "", ""),
    (B, "arrival.visited", "", ""),
    (B, "movein.decided", "REGISTERED", ""),
)


@pytest.fixture
def _connected() -> None:
    Connection.objects.update(valid_from=date(2026, 1, 1), concurrency=64, per_second=None)
    for code in TOWNS:
        connect(code, "gif_json", "pull:" if code in PULLS else f"memory:{code}")


BEGIN = datetime(2026, 3, 10, 9, 0, tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.mark.usefixtures("_connected")
def test_every_rule_has_something_to_judge() -> None:
    with time_machine.travel(BEGIN, tick=True) as clock:
        world = World(clock=clock)
        world.do("file", "head", None)
        world.do("file", "foreign", None)
        world.do("file", "card", 1)
        assert world.do("amend", 0, "visit") == "new"  # nothing had left: the first version is superseded
        told(world, 0, *OUT)
        assert world.do("withdraw", 0, ()) == "new"
        told(world, 0, (A, "cancel.decided", "CANCEL_ADD", ""))
        told(world, 1, *OUT, *IN)
        tasks = {task[:3] for task in world.picture(1)["tasks"]}
        told(world, 1, (B, "correction.notified", "", "remark"))
        assert {task[:3] for task in world.picture(1)["tasks"]} == tasks  # O11
        told(world, 1, (A, "movein.notice_applied", "", ""))
        told(world, 2, OUT[0], (A, "moveout.decided", "RETURNED", ""))
        assert world.do("amend", 2, "visit") == "new"
        told(world, 2, *OUT)
        amended = next(key for key in world.keys(2) if (key.type, key.role) == ("filing.amended", "origin"))
        assert world.do("resend", 2, amended, 1) == "new"  # handed over once more, it moves nothing
        told(world, 2, *IN)
        world.do("file", "foreign", None)
        world.do("wait", 1)
        judged = Counter[str]()
        for life in world.lives:
            log = order_rules.read(life)
            assert {(row.role, row.municipality_id, row.ordinal): row.state for row in log.movers} == log.states()
            for name in order_rules.RULES:
                judged[name] += order_rules.judge(name, log)
            judged["O9"] += order_rules.agency(log)
    assert {name for name in order_rules.RULES if not judged[name]} == set()


@pytest.mark.usefixtures("_connected")
def test_who_is_registered_nowhere_is_confirmed_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """O7: a late confirmation of a cancelled move-in is refused; without that gate the oracle finds it."""
    with time_machine.travel(BEGIN, tick=True) as clock:
        world = World(clock=clock)
        world.do("file", "card", None)
        told(world, 0, *OUT, *IN, (B, "cancel.decided", "CANCEL_AMENDED", ""))
        late = Mail(0, 99, A, "movein.notice_applied", "", None, "")
        assert world.do("post", late) == "E201"
        assert order_rules.o7(order_rules.read(world.lives[0]))
        monkeypatch.setitem(journey.CONDITIONS, "arrival.stands", lambda past: ("movein.notice", "") in past.happened)
        assert world.do("post", late) == "new"
        with pytest.raises(AssertionError):
            order_rules.o7(order_rules.read(world.lives[0]))
