"""Anything at all happens to several filings, in any order: every state is lawful, and the end is what the log says.

A state machine of Hypothesis drives a ``World`` (``lives``). After every step the tables are compared with what the
log makes of them, and the log is judged by the order rules. At the end the log is obeyed again from zero, with what
is independent in another order; and careful clerks bring everything to its end.
"""

import os
from collections import Counter
from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hub.actors import HUB, acting
from hub.consents.models import Request
from hub.deliveries.states import Answer
from hub.relocations import facts, journey, services, status, tables
from hub.relocations.models import Relocation, RelocationState
from municipalities.models import Connection
from municipalities.notice import Role
from tests.conftest import connect
from tests.hub import order_rules
from tests.hub.lives import CASES, PULLS, TOWNS, Mail, World
from tests.scenarios.stage import C, R

pytestmark = pytest.mark.django_db

#: How many lives are lived; ``make lives`` asks for many more, at random.
EXAMPLES = int(os.environ.get("HUB_LIVES", "0"))
BEGIN = datetime(2026, 3, 10, 9, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
#: How often each order rule had something to judge.
judged: Counter[str] = Counter()

#: What anybody may report who has a leg, with each outcome.
WORDS = sorted(
    (type_, outcome, role)
    for type_, roles in tables.reports().items()
    for role in roles
    for outcome in tables.outcomes(type_, role)
)
#: What careful clerks say, the first that is possible.
CAREFUL = (
    ("moveout.reviewing", ""),
    ("moveout.decided", "REGISTERED"),
    ("certificate.available", ""),
    ("certificate.paper_issued", ""),
    ("moveout.effective", ""),
    ("arrival.visited", ""),
    ("movein.decided", "REGISTERED"),
    ("movein.notice_applied", ""),
    ("appendix.applied", ""),
)
LIFE = st.integers(0, 3)
PICK = st.integers(0, 10_000)


class Lives(RuleBasedStateMachine):
    """What may happen, and what must hold after each of it."""

    kinds: ClassVar[list[str]] = sorted(CASES)

    def __init__(self) -> None:
        super().__init__()
        self.story = transaction.atomic()
        self.story.__enter__()
        self.traveller = time_machine.travel(BEGIN, tick=True)
        self.world = World(clock=self.traveller.start())
        self.mails: list[Mail] = []
        self.seen: dict[int, dict[tuple[str, str, int], str]] = {}
        self.posted: set[Mail] = set()
        self.known: dict[int, Any] = {}
        self.failed = False

    def teardown(self) -> None:
        pictures: list[Any] = []
        try:
            if not self.failed:
                pictures = self.pictures(self.world)
                done = len(self.world.log)
                self.finished()
                del self.world.log[done:]
        finally:
            transaction.set_rollback(True)
            self.story.__exit__(None, None, None)
            self.traveller.stop()
        if pictures:
            self.replayed(pictures)

    @staticmethod
    def pictures(world: World) -> list[Any]:
        """How every relocation ended."""
        return [world.picture(life) for life in range(len(world.lives))]

    # --- What is done ---------------------------------------------------------------------------------------------

    def do(self, *command: Any) -> str:
        """Obey, and look at everything that it may have touched."""
        self.failed = True  # until it is known better
        result = self.obeyed(command)
        self.failed = False
        return result

    def obeyed(self, command: tuple[Any, ...]) -> str:
        world = self.world
        mail = command[1] if isinstance(command[1] if len(command) > 1 else None, Mail) else None
        again = mail in self.posted or (mail and mail.more == "remark")
        before = world.picture(mail.life) if mail and again else None
        result = world.do(*command)
        if mail and mail in self.posted:
            judged["O12"] += 1
            assert (result, world.picture(mail.life)) == ("known", before), f"O12: {mail}"
        if mail and result == "new":
            self.posted.add(mail)
        if mail and result == "new" and mail.more == "remark":
            judged["O11"] += 1
            assert before is not None
            assert world.picture(mail.life)["tasks"] == before["tasks"], f"O11: {mail}"
        for relocation in world.lives if command[0] == "wait" else ():
            log = order_rules.read(relocation)  # clocks alone tell clerks, which changes nothing else
            judged["O9"] += order_rules.judge("O9", log) + order_rules.agency(log)
        for life in world.touched(command) if result in ("new", *map(str, range(1, 100))) else ():
            self.look(life)
        return result

    def life(self, number: int) -> int:
        """One of the relocations that there are."""
        return number % len(self.world.lives)

    @initialize(case=st.sampled_from(sorted(CASES)))
    def first(self, case: str) -> None:
        self.do("file", case, None)

    @precondition(lambda self: len(self.world.lives) < 3)
    @rule(case=st.sampled_from(sorted(CASES)), follows=st.booleans())
    def file(self, case: str, follows: bool) -> None:
        self.do("file", case, self.life(0) if follows and case in ("card", "paper") else None)

    @rule(life=LIFE, what=st.sampled_from(["visit", "remark", "flow", "town"]))
    def amend(self, life: int, what: str) -> None:
        self.do("amend", self.life(life), what)

    @rule(life=LIFE, movers=st.sampled_from([(), (), (1,), (2,)]))
    def withdraw(self, life: int, movers: tuple[int, ...]) -> None:
        self.do("withdraw", self.life(life), movers)

    @rule(life=LIFE, ordinal=st.integers(0, 2), agrees=st.sampled_from([True, True, False]))
    def consent(self, life: int, ordinal: int, agrees: bool) -> None:
        self.do("consent", self.life(life), ordinal, agrees)

    @rule(life=LIFE, steps=st.integers(1, 6), split=st.booleans())
    def go_on(self, life: int, steps: int, split: bool) -> None:
        """Careful clerks do what comes next."""
        for _ in range(steps):
            self.next_step(self.life(life), split=split)

    def next_step(self, life: int, *, split: bool) -> None:
        for command in (("carry",), *(("fetch", town) for town in PULLS)):
            self.world.do(*command)
        for mail in self.possible(life, CAREFUL, split=split)[:1]:
            self.post(mail)

    @rule(life=LIFE, split=st.booleans())
    def cancel_too_late(self, life: int, split: bool) -> None:
        """As soon as somebody is registered where they went, the town that they left cancels: never its turn (O7)."""
        life = self.life(life)
        for _ in range(8):
            legs = self.legs(life)
            there = [who for (role, _, who), state in legs.items() if role == "destination" and state == "REGISTERED"]
            if there:
                for town in {town for role, town, who in legs if role == "origin" and who in there}:
                    self.post(self.mail(life, town, "cancel.decided", "CANCEL_ADD", tuple(sorted(there))))
                return
            self.next_step(life, split=split)

    @rule(life=LIFE, word=st.sampled_from(WORDS), pick=PICK, movers=st.sampled_from([None, None, (1,), (2,)]))
    def write(self, life: int, word: tuple[str, str, Role], pick: int, movers: tuple[int, ...] | None) -> None:
        """A town says anything at all."""
        life, (type_, outcome, role) = self.life(life), word
        legs = self.legs(life)
        mine = sorted({town for who, town, _ in legs if who == role.value})
        if type_ == "arrival.diverted":
            mine = [C]
        if mine:
            more = {"correction.notified": "remark", "arrival.diverted": "place"}.get(type_, "")
            if type_ == "moveout.decided":
                more = ("", "done", "waived")[pick % 3]
            if type_ == "arrival.visited":
                more = ("", "", "", "unfiled")[pick % 4]
            town = mine[pick % len(mine)]
            self.post(self.mail(life, town, type_, outcome, movers, more, days_ago=(0, 0, 3, 20)[pick % 4]))

    @rule(life=LIFE, pick=PICK, split=st.booleans())
    def write_what_is_possible(self, life: int, pick: int, split: bool) -> None:
        """A town says something that can be taken in now."""
        found = self.possible(self.life(life), [word[:2] for word in WORDS], split=split)
        if found:
            self.post(found[pick % len(found)])

    @precondition(lambda self: self.mails)
    @rule(pick=PICK)
    def post_again(self, pick: int) -> None:
        """A report comes once more, or late after all."""
        self.do("post", self.mails[pick % len(self.mails)])

    @rule(life=LIFE, pick=PICK, kind=st.sampled_from(Answer.values))
    def receipt(self, life: int, pick: int, kind: str) -> None:
        keys = self.world.keys(self.life(life))
        if keys:
            key = keys[pick % len(keys)]
            result = self.do("receipt", self.life(life), key, kind)
            if result in ("new", "known"):
                before = self.world.picture(self.life(life))
                judged["O12"] += 1
                assert self.do("receipt", self.life(life), key, kind) == "known", f"O12: {key}"
                assert self.world.picture(self.life(life)) == before, f"O12: {key}"

    @rule(life=LIFE, pick=PICK, outcome=st.sampled_from(sorted(tables.outcomes("task.result"))))
    def department(self, life: int, pick: int, outcome: str) -> None:
        """A department says what became of a procedure."""
        asked = [key for key in self.world.keys(self.life(life)) if key.type == "task.opened"]
        if asked:
            self.do("result", self.life(life), asked[pick % len(asked)], outcome, len(self.world.log))

    @rule(life=LIFE, pick=PICK)
    def resend(self, life: int, pick: int) -> None:
        keys = self.world.keys(self.life(life))
        if keys:
            self.do("resend", self.life(life), keys[pick % len(keys)], len(self.world.log))

    @rule(life=LIFE, pick=PICK)
    def hold(self, life: int, pick: int) -> None:
        keys = self.world.keys(self.life(life))
        if keys:
            self.do("hold", self.life(life), keys[pick % len(keys)])

    @rule(life=LIFE, pick=PICK, on_paper=st.booleans())
    def decide(self, life: int, pick: int, on_paper: bool) -> None:
        held = [
            key for key in self.world.keys(self.life(life)) if self.world.find(self.life(life), key).state == "held"
        ]
        if held:
            self.do("decide", self.life(life), held[pick % len(held)], on_paper)

    @rule()
    def carry(self) -> None:
        self.do("carry")

    @rule()
    def claim(self) -> None:
        self.do("claim")

    @precondition(lambda self: self.world.claimed)
    @rule()
    def write_down(self) -> None:
        self.do("write")

    @rule(town=st.sampled_from(PULLS))
    def fetch(self, town: str) -> None:
        self.do("fetch", town)

    @rule(town=st.sampled_from(TOWNS), paused=st.booleans())
    def pause(self, town: str, paused: bool) -> None:
        self.do("pause", town, paused)

    @rule(days=st.sampled_from([1, 1, 3, 8, 15, 40, 181]))
    def wait(self, days: int) -> None:
        if self.world.days + days <= 365:
            self.do("wait", days)

    # --- What towns may say -----------------------------------------------------------------------------------------

    def legs(self, life: int) -> dict[tuple[str, str, int], str]:
        """The movers' states."""
        return {
            (row.role, row.municipality_id, row.ordinal): row.state
            for row in order_rules.read(self.world.lives[life]).movers
        }

    def mail(
        self, life: int, town: str, type_: str, outcome: str, movers: Any, more: str = "", days_ago: int = 0
    ) -> Mail:
        return Mail(life, len(self.mails), town, type_, outcome, movers, more, days_ago)

    def post(self, mail: Mail) -> str:
        self.mails.append(mail)
        return self.do("post", mail)

    def possible(self, life: int, words: Any, *, split: bool) -> list[Mail]:
        """Every report that the gates and steps allow now; ``split``: about one mover each."""
        with acting(HUB):
            relocation = services.lock(self.world.lives[life].pk)
            pasts = journey.pasts(facts.situation(relocation, facts.read(relocation)))
        found: dict[tuple[str, str, str], list[int]] = {}
        for type_, outcome in words:
            for ordinal, past in pasts.items():
                for (role, town), state in past.states.items():
                    mine = role in tables.reports()[type_] and outcome in tables.outcomes(type_, role)
                    step = tables.machine(role).get((state, type_, outcome, True))
                    if tables.decides(role, type_):
                        moves = step is not None and (step != state or words is not CAREFUL)
                    else:
                        moves = (type_, outcome) not in past.happened or words is not CAREFUL
                    if mine and moves and not journey.missing(past, type_, role):
                        found.setdefault((town, type_, outcome), []).append(ordinal)
        more = {("moveout.decided", "REGISTERED"): "done"}
        changes = {"correction.notified": "remark", "arrival.diverted": "place"}
        return [
            self.mail(life, town, type_, outcome, movers, more.get((type_, outcome), changes.get(type_, "")))
            for (town, type_, outcome), ordinals in found.items()
            for movers in ([(ordinal,) for ordinal in ordinals] if split else [tuple(ordinals)])
        ]

    # --- What must hold ---------------------------------------------------------------------------------------------

    def look(self, life: int) -> None:
        """Hold the tables to the log, and the log to the order rules."""
        relocation = self.world.lives[life]
        log = order_rules.read(relocation)
        states = {(row.role, row.municipality_id, row.ordinal): row.state for row in log.movers}
        for (role, town, ordinal), state in states.items():
            before = self.seen.get(life, {}).get((role, town, ordinal), order_rules.START[role])
            assert before == state or (before, state) in order_rules.reachable(role)
        now = (len(log.entries), states, [(row.pk, row.state, row.version) for row in log.deliveries])
        if self.known.get(life) == now:
            return
        self.seen[life], self.known[life] = states, now
        assert states == log.states()
        assert log.relocation.state in RelocationState.values
        if log.relocation.state in ("SETTLED", "COMPLETE"):
            judged["duties"] += 1
            assert (log.relocation.state == "SETTLED") == order_rules.owed(log.relocation)
        ways = {row.ordinal: log.way(row.ordinal) for row in log.movers}
        assert {(row.ordinal, row.flow) for row in log.movers} == set(ways.items())
        assert log.relocation.flow == min(ways.values(), key=order_rules.WAYS.index)
        sequences = Counter((row.municipality_id, row.sequence) for row in log.deliveries)
        assert set(sequences.values()) <= {1}
        for name in order_rules.RULES:
            judged[name] += order_rules.judge(name, log)
        self.repeats(life, log)

    def repeats(self, life: int, log: order_rules.Log) -> None:
        """Going on from here adds nothing, and says what the tables say."""
        with transaction.atomic(), acting(HUB):
            services.advance(log.relocation.pk)
            after = order_rules.read(self.world.lives[life])
            known = {row.pk for row in log.deliveries}
            more = [(row.type, row.role, row.ordinals, row.version) for row in after.deliveries if row.pk not in known]
            assert more == []
            assert [(row.pk, row.state) for row in after.movers] == [(row.pk, row.state) for row in log.movers]
            shown = log.relocation.frozen_state if log.relocation.frozen_at else after.relocation.state
            assert status.as_it_stands(log.relocation).state == shown
            transaction.set_rollback(True)

    def replayed(self, pictures: list[Any]) -> None:
        """Obey the log again from zero, with what is independent in another order: the end is the same."""
        with time_machine.travel(BEGIN, tick=True) as clock, transaction.atomic():
            again = World(clock=clock)
            for command in self.world.exchanged():
                again.do(*command)
            try:
                once, twice = Counter(map(repr, self.world.log)), Counter(map(repr, again.log))
                assert (once - twice, twice - once) == (Counter(), Counter())
                for now, before in zip(self.pictures(again), pictures, strict=True):
                    for name, value in before.items():
                        assert now[name] == value, name
            finally:
                transaction.set_rollback(True)

    def finished(self) -> None:
        """Careful clerks bring every relocation to an end: nothing that may happen leads into a dead end."""
        for town in TOWNS:
            self.do("pause", town, False)
        for _ in range(60):
            if not self.goes_on():
                break
        else:
            raise AssertionError("it never ends")
        for life in range(len(self.world.lives)):
            log = order_rules.read(self.world.lives[life])
            assert log.relocation.state in ENDED, (log.relocation.state, log.states())
            assert {row.state for row in log.deliveries} <= OVER, [(row.type, row.state) for row in log.deliveries]

    def goes_on(self) -> int:
        """One round of careful people; returns how much was new."""
        world = self.world
        found = sum(
            int(world.do(*command)) for command in (("write",), ("carry",), *(("fetch", code) for code in PULLS))
        )
        for life in range(len(world.lives)):
            for key in world.keys(life):
                if world.find(life, key).state == "held":
                    found += world.do("decide", life, key, False) == "new"
            with acting(HUB):
                asked = Request.objects.filter(relocation=world.lives[life], answer="PENDING")
                waiting = list(asked.values_list("ordinal", flat=True))
            for ordinal in waiting:
                found += world.do("consent", life, ordinal, True) == "new"
            with acting(HUB):
                returned = Relocation.objects.filter(pk=world.lives[life].pk, state="RETURNED").exists()
            if returned:
                found += world.do("withdraw", life, ()) == "new"
            for mail in [*self.possible(life, CAREFUL, split=False), *self.entered_again(life)]:
                self.mails.append(mail)
                if world.do("post", mail) == "new":  # of what is refused the reason says who must say it instead
                    found += 1
                    break
            for key in world.unanswered(life):
                found += world.do("result", life, key, "DONE", len(world.log)) == "new"
            self.look(life)
        return found

    def entered_again(self, life: int) -> list[Mail]:
        """Whose move-in was cancelled, and who appears nowhere else, is entered again where they left (O7)."""
        legs, found = self.legs(life), dict[str, list[int]]()
        for (role, town, ordinal), state in legs.items():
            there = {state for (role, _, who), state in legs.items() if (role, who) == ("destination", ordinal)}
            left = role == "origin" and state in ("REGISTERED", "EFFECTIVE", "NON_ARRIVAL")
            if left and "CANCELLED" in there and there <= {"CANCELLED", "DIVERTED", "DROPPED"}:
                found.setdefault(town, []).append(ordinal)
        return [self.mail(life, town, "cancel.decided", "CANCEL_ADD", tuple(who)) for town, who in found.items()]


#: What a relocation may come to, and its deliveries.
ENDED = ("COMPLETE", "WITHDRAWN", "REJECTED", "CANCELLED")
OVER = {"sent", "answered", "withdrawn", "superseded", "expired"}


@pytest.fixture
def connected(db: Any) -> None:
    """The towns of all lives can be told."""
    Connection.objects.update(valid_from=date(2026, 1, 1), concurrency=64, per_second=None)
    for code in TOWNS:
        connect(code, "gif_json", "pull:" if code in PULLS else f"memory:{code}")


@pytest.mark.timeout(36_000 if EXAMPLES else 900)  # a slow machine has something else to do
@pytest.mark.usefixtures("connected")
def test_lives() -> None:
    asked = settings(
        max_examples=EXAMPLES or 6,
        stateful_step_count=30 if EXAMPLES else 20,
        deadline=None,
        derandomize=not EXAMPLES,
        print_blob=True,
        report_multiple_bugs=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    judged.clear()
    run_state_machine_as_test(Lives, settings=asked)


@pytest.mark.usefixtures("connected")
def test_how_to_handle_it_is_no_move_told() -> None:
    """A town that is told of protection measures after a withdrawal was told of no move, and of no withdrawal."""
    lives = Lives()
    lives.first(case="unfiled")
    lives.withdraw(life=0, movers=())
    lives.carry()
    lives.write_what_is_possible(life=0, pick=2374, split=False)
    lives.teardown()


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("case", ["card", "unfiled"])
def test_a_death_after_the_arrival_leaves_the_move_to_its_end(case: str) -> None:
    """Who was registered and then died has moved: the town that was left is told, and enters it (25, 26)."""
    lives = Lives()
    lives.first(case=case)
    while not any(role == "destination" and state == "REGISTERED" for (role, *_), state in lives.legs(0).items()):
        lives.next_step(0, split=False)
    assert lives.post(lives.mail(0, R, "registry.change", "DEATH", (1,))) == "new"
    lives.teardown()


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("case", ["card", "unfiled", "wards", "within", "home"])
def test_a_cancelled_move_in_is_registered_again(case: str) -> None:
    """By the same town and the same filing, before or after anybody was told: at the end everybody knows it."""
    lives = Lives()
    lives.first(case=case)
    registered: set[tuple[str, int]] = set()
    while not registered:
        lives.next_step(0, split=False)
        legs = lives.legs(0)
        registered = {
            (town, who) for (role, town, who), state in legs.items() if (role, state) == ("destination", "REGISTERED")
        }
    [town], who = {town for town, _ in registered}, tuple(sorted(who for _, who in registered))
    for type_, outcome in (
        ("cancel.decided", "CANCEL_REMOVE"),
        ("arrival.visited", ""),
        ("movein.decided", "REGISTERED"),
    ):
        assert lives.post(lives.mail(0, town, type_, outcome, who)) == "new"
    assert lives.post(lives.mail(0, town, "cancel.decided", "CANCEL_REMOVE", who)) == "new"
    for command in (("carry",), *(("fetch", code) for code in PULLS)):
        lives.do(*command)
    assert lives.post(lives.mail(0, town, "arrival.visited", "", who)) == "new"
    lives.teardown()


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("case", ["within", "out"])
def test_who_moves_within_a_town_or_abroad_and_appears_elsewhere_files_anew(case: str) -> None:
    """The town that was left would not be told, and nothing would end: another kind of move (Act Art. 22)."""
    lives = Lives()
    lives.first(case=case)
    assert lives.post(lives.mail(0, C, "arrival.diverted", "", (1,), "place")) == "E307"
    lives.teardown()
