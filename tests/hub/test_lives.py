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
from tests.scenarios.stage import C

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
            assert (result, world.picture(mail.life)) == ("known", before)
        if mail and result == "new":
            self.posted.add(mail)
        if mail and result == "new" and mail.more == "remark":
            judged["O11"] += 1
            assert before is not None
            assert world.picture(mail.life)["tasks"] == before["tasks"]
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
                assert self.do("receipt", self.life(life), key, kind) == "known"
                assert self.world.picture(self.life(life)) == before

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
        sequences = Counter((row.municipality_id, row.sequence) for row in log.deliveries)
        assert set(sequences.values()) <= {1}
        for name, holds in order_rules.RULES.items():
            judged[name] += holds(log)
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
            assert after.relocation.state == status.as_it_stands(log.relocation).state
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
            for mail in self.possible(life, CAREFUL, split=False)[:1]:
                self.mails.append(mail)
                found += world.do("post", mail) == "new"
            self.look(life)
        return found


#: What a relocation may come to, and its deliveries.
ENDED = ("SETTLED", "WITHDRAWN", "REJECTED", "CANCELLED")
OVER = {"sent", "answered", "withdrawn", "superseded", "expired"}


def test_lives(db: Any) -> None:
    Connection.objects.update(valid_from=date(2026, 1, 1), concurrency=64, per_second=None)
    for code in TOWNS:
        connect(code, "gif_json", "pull:" if code in PULLS else f"memory:{code}")
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
