"""Every order rule bites: what keeps it is taken away, a short life breaks it, and the oracle says so by its name.

The same life with everything in its place passes, with something to judge. Where a second layer holds although the
first is gone, that layer is made to say so. Nothing is edited: tables are read without a row, functions replaced.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError

from hub.actors import HUB, acting
from hub.deliveries import claims
from hub.deliveries.models import Delivery
from hub.procedures import services as procedures
from hub.relocations import clocks, corrections, effects, facts, followon, journey, reports, tables
from hub.relocations.models import Report
from municipalities.notice import Kind, Role
from tests.hub import order_rules
from tests.hub.order_rules import Entry, Log
from tests.hub.test_lives import (
    Lives,
    connected,  # noqa: F401 - a fixture
    judged,
)
from tests.scenarios.stage import A, B, R

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("connected")]


# --- Taking away what keeps a rule ---------------------------------------------------------------------------------


class Planter:
    """Takes away what keeps a rule, for one test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put something else in the place of a function or of a text."""
        assert hasattr(owner, name)
        self._patch.setattr(owner, name, value)

    def open_gate(self, message: str, *groups: str, only: str = "") -> None:
        """Let the gates be read without these groups of a message."""
        read = tables.rows

        def rows(name: str) -> list[dict[str, str]]:
            found = read(name)
            if name != "gates.csv":
                return found
            gone = [row for row in found if (row["message"], row["only"]) == (message, only) and row["group"] in groups]
            assert {row["group"] for row in gone} == set(groups)
            return [row for row in found if row not in gone]

        self.replace(tables, "rows", rows)
        forget()

    def change_clock(self, clock: str, **cells: str) -> None:
        """Let a clock be read otherwise; without cells it is not there."""
        read = tables.rows

        def rows(name: str) -> list[dict[str, str]]:
            found = read(name)
            if name != "clocks.csv":
                return found
            assert any(row["clock"] == clock for row in found)
            changed = [row | cells if row["clock"] == clock else row for row in found]
            return changed if cells else [row for row in found if row["clock"] != clock]

        self.replace(tables, "rows", rows)
        forget()


def forget() -> None:
    """Let the tables be read again."""
    kept: tuple[Any, ...] = (tables.gates, tables.gate, journey._notices, clocks.table)
    for read in kept:
        read.cache_clear()


@pytest.fixture
def planter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Planter]:
    yield Planter(monkeypatch)
    monkeypatch.undo()
    forget()


# --- Short lives ---------------------------------------------------------------------------------------------------

Story = Callable[[Lives], None]


def until(lives: Lives, word: str, life: int = 0) -> None:
    """Careful people go on until a town has said this."""
    for _ in range(20):
        log = order_rules.read(lives.world.lives[life])
        if any(word in (entry.type, entry.word) for entry in log.entries if entry.how == "said"):
            return
        lives.next_step(life, split=False)
    raise LookupError(f"nobody said {word}")


def says(lives: Lives, town: str, type_: str, outcome: str = "", movers: Any = None, more: str = "") -> str:
    """A town reports, after everything that is due was carried and fetched."""
    for command in (("carry",), ("fetch", B), ("fetch", R)):
        lives.world.do(*command)
    return lives.post(lives.mail(0, town, type_, outcome, movers, more))


def moved_in(lives: Lives) -> None:
    """A move from its filing to the registration at the destination."""
    lives.first(case="card")
    until(lives, "movein.decided REGISTERED")


def certificate_forgotten(lives: Lives) -> None:
    """Somebody appears before the certificate is there, and is registered all the same."""
    lives.first(case="card")
    until(lives, "moveout.decided")
    says(lives, B, "arrival.visited")
    says(lives, B, "movein.decided", "REGISTERED")
    until(lives, "movein.decided REGISTERED")


def moved_abroad(lives: Lives) -> None:
    """A move abroad."""
    lives.first(case="out")
    until(lives, "moveout.decided")
    lives.go_on(life=0, steps=2, split=False)


def overtaken(lives: Lives) -> None:
    """The visit's announcement cannot be written and waits for a clerk; the working copy becomes due behind it."""
    lives.first(case="card")
    keys = lives.world.keys(0)
    held = next(place for place, key in enumerate(keys) if key.type == "arrival.planned")
    lives.hold(life=0, pick=held)
    until(lives, "moveout.decided")
    lives.carry()
    lives.fetch(B)
    lives.decide(life=0, pick=0, on_paper=False)
    for _ in range(2):
        lives.carry()
        lives.fetch(B)


def followed(lives: Lives) -> None:
    """Somebody files the next move before this one has come to anything."""
    lives.first(case="card")
    lives.file(case="paper", follows=True)
    until(lives, "movein.decided REGISTERED")
    lives.carry()


def headless(lives: Lives) -> None:
    """The head leaves, two remain, and the origin registers it without a word of who is head then."""
    lives.first(case="head")
    until(lives, "moveout.reviewing")
    says(lives, A, "moveout.decided", "REGISTERED")
    until(lives, "moveout.decided REGISTERED")


def cancelled_too_late(lives: Lives) -> None:
    """The origin cancels a move-out whose movers are registered elsewhere by now."""
    lives.first(case="card")
    lives.cancel_too_late(life=0, split=False)


def confirmed_too_late(lives: Lives) -> None:
    """The destination cancels the move-in that the origin then enters."""
    moved_in(lives)
    says(lives, B, "cancel.decided", "CANCEL_REMOVE")
    lives.post(lives.mail(0, A, "movein.notice_applied", "", None))


def doubted_too_late(lives: Lives) -> None:
    """The domicile finds a mismatch with a move-in that was cancelled since, of which it has not heard yet."""
    moved_in(lives)
    says(lives, R, "appendix.applied")
    says(lives, B, "cancel.decided", "CANCEL_REMOVE")
    lives.post(lives.mail(0, R, "appendix.mismatch", "", None))


def undone_from_the_end(lives: Lives) -> None:
    """After the registration the filer asks for a cancellation; both towns cancel, the destination first."""
    moved_in(lives)
    lives.withdraw(life=0, movers=())
    says(lives, B, "cancel.decided", "CANCEL_REMOVE")
    says(lives, A, "cancel.decided", "CANCEL_ADD")


def came_back_too_late(lives: Lives) -> None:
    """Both towns have cancelled, and they stand at the destination's counter again."""
    moved_in(lives)
    says(lives, B, "cancel.decided", "CANCEL_REMOVE")
    says(lives, A, "cancel.decided", "CANCEL_ADD")
    says(lives, B, "arrival.visited")


def undone_before_the_arrival(lives: Lives) -> None:
    """One is taken out of the filing before the decision; of the other the origin cancels what it decided."""
    lives.first(case="card")
    lives.carry()
    lives.fetch(B)
    lives.withdraw(life=0, movers=(2,))
    until(lives, "moveout.decided")
    says(lives, A, "cancel.decided", "CANCEL_ADD", (1,))


def family_moved_in(lives: Lives) -> None:
    """A move with a child at school, whom procedures follow at both towns."""
    lives.first(case="foreign")
    until(lives, "movein.decided REGISTERED")


def foreigners(lives: Lives) -> None:
    """One of three is a foreign resident; a day goes by."""
    lives.first(case="foreign")
    lives.wait(days=1)


def foreigners_ahead(lives: Lives) -> None:
    """The same, planned nine days later, and decided before."""
    lives.first(case="foreign")
    lives.amend(life=0, what="later")
    until(lives, "moveout.decided")
    lives.wait(days=3)
    lives.wait(days=8)


def amended_twice(lives: Lives) -> None:
    """Two new versions, each after the one before was handed over."""
    lives.first(case="card")
    for what in ("visit", "remark"):
        lives.carry()
        lives.fetch(B)
        lives.amend(life=0, what=what)


def corrected_and_amended(lives: Lives) -> None:
    """A filing is amended and decided; then a town corrects it."""
    lives.first(case="foreign")
    lives.carry()
    lives.amend(life=0, what="visit")
    until(lives, "moveout.decided")
    says(lives, A, "correction.notified", "", None, "remark")


def corrected_at_once(lives: Lives) -> None:
    """A town corrects what nobody has decided yet."""
    lives.first(case="card")
    until(lives, "moveout.reviewing")
    says(lives, A, "correction.notified", "", None, "remark")
    until(lives, "moveout.decided")
    says(lives, A, "correction.notified", "", None, "remark")


def said_twice(lives: Lives) -> None:
    """A report comes once more."""
    lives.first(case="card")
    until(lives, "moveout.reviewing")
    lives.post_again(pick=0)


# --- What keeps them, taken away -----------------------------------------------------------------------------------


def without_order(planter: Planter) -> None:
    """The courier takes what is due, whatever waits before it."""
    kept = "AND earlier.sequence < delivery.sequence"
    assert kept in claims.CLAIM
    planter.replace(claims, "CLAIM", claims.CLAIM.replace(kept, "AND false"))


def without_head(planter: Planter) -> None:
    planter.replace(effects, "head_settled", lambda *_: None)


def with_gates_of_tasks_open(planter: Planter) -> None:
    def everything(states: Any, *_: Any, **__: Any) -> dict[int, frozenset[str]]:
        gates = frozenset({"O_ACCEPTED", "O_EFFECTIVE", "D_REGISTERED"})
        return {ordinal: gates for _role, _code, ordinal in states}

    planter.replace(followon, "gates_of", everything)


def with_losses_before_their_day(planter: Planter) -> None:
    gates_of = followon.gates_of

    def early(states: Any, leaving: Any, *_: Any) -> dict[int, frozenset[str]]:
        return gates_of(states, leaving, None, date.max)

    planter.replace(followon, "gates_of", early)


def without_versions(planter: Planter) -> None:
    """A town that was told of one new version is told of none that follows."""
    planter.replace(journey, "BY_VERSION", ())


def with_corrections_as_moves(planter: Planter) -> None:
    """Once something was corrected, every rule reads something else than before."""
    write, mark, said = corrections.write, procedures.mark, list[str]()

    def written(*arguments: Any) -> frozenset[str]:
        said.append("corrected")
        return write(*arguments)

    planter.replace(corrections, "write", written)
    planter.replace(procedures, "mark", lambda finding: mark(finding)[: -len(said)] if said else mark(finding))


def without_memory_of_reports(planter: Planter) -> None:
    """Whoever takes a report in does not see those that came before."""
    read = facts.read

    def blind(relocation: Any) -> facts.Rows:
        rows = read(relocation)
        return facts.Rows(rows.movers, rows.deliveries, [], rows.acts)

    planter.replace(reports, "facts", SimpleNamespace(**vars(facts) | {"read": blind}))


def without_a_look_at_who_comes_again(planter: Planter) -> None:
    """Neither the gate of a visit nor what is done before it is checked asks who has the movers."""
    planter.open_gate("arrival.visited", "b", only="|")
    planter.replace(effects, "_come_again", lambda *_: None)


def gate(message: str, *groups: str, only: str = "") -> Callable[[Planter], None]:
    """What takes these groups of a gate away."""
    return lambda planter: planter.open_gate(message, *groups, only=only)


def clock(name: str, **cells: str) -> Callable[[Planter], None]:
    """What changes a clock."""
    return lambda planter: planter.change_clock(name, **cells)


@dataclass(frozen=True)
class Fault:
    """A rule, the life that breaks it, and what must be gone so that it can."""

    rule: str
    story: Story
    plant: Callable[[Planter], None]
    name: str


FAULTS = (
    Fault("O1", moved_in, gate("arrival.prefill", "a"), "working copy before the decision"),
    Fault("O2", certificate_forgotten, gate("movein.decided", "b"), "registered without certificate"),
    Fault("O3", moved_in, gate("movein.notice", "a", "b"), "move-in notice at once"),
    Fault("O4", moved_in, gate("appendix.notice", "a", "b", "c"), "appendix notice at once"),
    Fault("O4", moved_abroad, gate("appendix.notice", "b"), "appendix notice of a move abroad at once"),
    Fault("O5", overtaken, without_order, "a later notice overtakes"),
    Fault("O5", followed, gate("moveout.submitted", "c"), "the second move before the first"),
    Fault("O6", headless, without_head, "the head leaves"),
    Fault("O7", cancelled_too_late, gate("cancel.decided", "b", only="origin"), "cancelled where they left"),
    Fault("O7", confirmed_too_late, gate("movein.notice_applied", "b"), "a cancelled move-in confirmed"),
    Fault("O7", doubted_too_late, gate("appendix.mismatch", "b"), "a cancelled move-in doubted"),
    Fault("O7", came_back_too_late, without_a_look_at_who_comes_again, "entered again at both"),
    Fault("O7", undone_from_the_end, gate("cancel.requested", "b", only="notice origin"), "both asked to cancel"),
    Fault("O7", undone_from_the_end, gate("certificate.recalled", "b"), "recalled after the registration"),
    Fault("O7", undone_before_the_arrival, gate("certificate.recalled", "a"), "recalled without a cancellation"),
    Fault("O8", family_moved_in, with_gates_of_tasks_open, "procedures of the destination at once"),
    Fault("O8", foreigners_ahead, with_losses_before_their_day, "losses before their day"),
    Fault("O9", foreigners, clock("AGENCY", movers=""), "told of citizens too"),
    Fault("O9", foreigners_ahead, clock("AGENCY", days="-7"), "told before the day"),
    Fault("O9", foreigners, clock("AGENCY"), "never told"),
    Fault("O10", amended_twice, without_versions, "an old version stands"),
    Fault("O10", corrected_at_once, gate("filing.amended", "b"), "amended though corrected"),
    Fault("O10", corrected_and_amended, gate("correction.notified", "b", only="notice"), "corrected though amended"),
    Fault("O11", corrected_at_once, gate("correction.notified", "a"), "corrected before it was decided"),
    Fault("O11", corrected_and_amended, with_corrections_as_moves, "a correction opens procedures"),
    Fault("O12", said_twice, without_memory_of_reports, "a report counts twice"),
)


def test_no_rule_is_left_out() -> None:
    rules = {row["rule"] for row in tables.rows("order_rules.csv")}
    assert {fault.rule for fault in FAULTS} == rules


@pytest.mark.parametrize("story", dict.fromkeys(fault.story for fault in FAULTS), ids=lambda story: story.__name__)
def test_with_everything_in_its_place_the_life_passes_and_is_judged(story: Story) -> None:
    judged.clear()
    lives = Lives()
    story(lives)
    assert {fault.rule for fault in FAULTS if fault.story is story} <= {name for name in judged if judged[name]}
    lives.teardown()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule} {fault.name}")
def test_without_what_keeps_it_the_oracle_objects(fault: Fault, planter: Planter) -> None:
    lives = Lives()
    fault.plant(planter)
    try:
        with pytest.raises(AssertionError, match=rf"^{fault.rule}: "):
            fault.story(lives)
    finally:
        lives.failed = True
        lives.teardown()


# --- Second layers -------------------------------------------------------------------------------------------------


def test_nobody_is_registered_who_did_not_appear_for_the_table_of_steps_has_no_such_step(planter: Planter) -> None:
    """O2, without its gate: no story can break this half; the leg's states and then the database refuse it."""
    lives = Lives()
    lives.first(case="card")
    until(lives, "certificate.available")
    planter.open_gate("movein.decided", "a")
    assert says(lives, B, "movein.decided", "REGISTERED") == "E200"
    legs = {state for (role, *_), state in lives.legs(0).items() if role == "destination"}
    assert legs == {"PREPARED"}
    steps = dict(tables.machine(Role.DESTINATION)) | {("PREPARED", "movein.decided", "REGISTERED", True): "REGISTERED"}
    machine = tables.machine
    planter.replace(tables, "machine", lambda role: steps if role is Role.DESTINATION else machine(role))
    with pytest.raises(DatabaseError, match="Invalid transition"):
        says(lives, B, "movein.decided", "REGISTERED")
    lives.teardown()


@pytest.mark.parametrize(
    ("message", "group"), [("movein.notice", "a"), ("movein.notice", "b"), ("appendix.notice", "a")]
)
def test_one_half_of_the_gate_alone_still_holds_the_notice(message: str, group: str, planter: Planter) -> None:
    """O3 and O4: what is decided, and that it stands, are asked twice over; either question holds a first notice."""
    planter.open_gate(message, group)
    lives = Lives()
    moved_in(lives)
    log = order_rules.read(lives.world.lives[0])
    assert [entry for entry in log.entries if (entry.how, entry.type) == ("queued", message)]
    lives.teardown()


def test_a_move_in_is_not_taken_back_though_nobody_cancelled_it_for_every_step_is_repeated(planter: Planter) -> None:
    """O7: with the gate of 64 open, going on from the very filing would queue it, which is seen before it happens."""
    lives = Lives()
    planter.open_gate("movein.cancelled", "a", "b")
    with pytest.raises(AssertionError, match=r"movein\.cancelled"):
        lives.first(case="card")
    lives.teardown()


def test_who_was_entered_again_where_they_left_does_not_come_again_for_it_is_asked_before_the_gate(
    planter: Planter,
) -> None:
    """O7, without the gate of 23: what a report changes before it is checked refuses it."""
    lives = Lives()
    moved_in(lives)
    says(lives, B, "cancel.decided", "CANCEL_REMOVE")
    says(lives, A, "cancel.decided", "CANCEL_ADD")
    planter.open_gate("arrival.visited", "b", only="|")
    assert says(lives, B, "arrival.visited") == "E200"
    lives.teardown()


def test_what_was_superseded_is_handed_over_by_nobody_for_the_database_refuses_it() -> None:
    """O10: neither a courier that read it before nor an answer to it moves the row; an answer is acknowledged."""
    lives = Lives()
    lives.first(case="card")
    lives.amend(life=0, what="visit")
    key = next(key for key in lives.world.keys(0) if (key.type, key.version) == ("moveout.submitted", 1))
    row = lives.world.find(0, key)
    assert row.state == "superseded"
    for state in ("sent", "answered", "queued"):
        with pytest.raises(DatabaseError, match="Invalid transition"), acting(HUB):
            Delivery.objects.filter(pk=row.pk).update(state=state)
    assert lives.do("receipt", 0, key, "registered") == "new"
    row = lives.world.find(0, key)
    assert (row.state, row.answer) == ("superseded", "")
    lives.teardown()


def test_a_report_is_stored_once_for_the_database_has_one_row_of_its_id(planter: Planter) -> None:
    """O12: whoever forgot the first of two is told so by the primary key, and nothing has happened."""
    lives = Lives()
    lives.first(case="card")
    until(lives, "moveout.reviewing")
    before = lives.world.picture(0)
    without_memory_of_reports(planter)
    assert lives.world.do("post", lives.mails[0]) == "E202"
    with acting(HUB):
        assert Report.objects.filter(relocation=lives.world.lives[0]).count() == 1
    assert lives.world.picture(0) == before
    lives.failed = True
    lives.teardown()


# --- What no life can break: the oracle itself ---------------------------------------------------------------------

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def log_of(
    *entries: tuple[str, str, str],
    town: str = B,
    deliveries: Any = (),
    kind: Kind = Kind.DOMESTIC,
    way: str = "CARD_SPECIAL",
    **more: Any,
) -> Log:
    """A log written by hand: how, type and outcome of what happened to mover 1, minute by minute."""
    relocation: Any = SimpleNamespace(kind=kind.value, follows=None, version=1, version_by="", agreement="", **more)
    movers: Any = (
        SimpleNamespace(role="origin", municipality_id=A, ordinal=1),
        SimpleNamespace(role="destination", municipality_id=B, ordinal=1),
    )
    told = tuple(
        Entry(NOON + timedelta(minutes=minute), how, type_, outcome, town, "", frozenset({1}))
        for minute, (how, type_, outcome) in enumerate(entries)
    )
    handed = {row.pk: row.at for row in deliveries if row.at}
    return Log(relocation, told, movers, tuple(deliveries), handed, ((NOON, frozenset({1}), way),))


def delivery(pk: int, state: str, at: datetime | None = None, **more: Any) -> Any:
    """A delivery written by hand."""
    known = {"role": "origin", "municipality_id": A, "type": "moveout.submitted", "version": 1, "answer": ""}
    return SimpleNamespace(pk=pk, state=state, at=at, sequence=pk, ordinals=[1], **known | more)


VISIT, ENTRY = ("said", "arrival.visited", ""), ("said", "movein.decided", "REGISTERED")
OUT = (("said", "moveout.decided", "REGISTERED"), ("said", "certificate.available", ""))


@pytest.mark.parametrize(
    ("rule", "log"),
    [
        ("O2", log_of(*OUT, ENTRY)),
        ("O2", log_of(*OUT, VISIT, way="PAPER_CERT")),
        ("O3", log_of(("said", "movein.decided", "PROVISIONAL"), ("queued", "movein.notice", ""))),
        ("O5", log_of(deliveries=[delivery(1, "sent", NOON + timedelta(hours=1)), delivery(2, "sent", NOON)])),
        ("O7", log_of(VISIT, ENTRY, ENTRY)),
        ("O7", log_of(("said", "cancel.decided", "REFUSED"), ("queued", "movein.cancelled", ""))),
        ("O7", log_of(*OUT, ("queued", "certificate.recalled", ""))),
        ("O10", log_of(deliveries=[delivery(1, "superseded", NOON)])),
        ("O10", log_of(deliveries=[delivery(1, "superseded", answer="registered")])),
        (
            "O10",
            log_of(
                deliveries=[
                    delivery(1, "sent", NOON, type="filing.amended", version=3),
                    delivery(2, "sent", NOON, type="filing.amended", version=2),
                ]
            ),
        ),
    ],
    ids=[
        "no visit",
        "certificate of another way",
        "provisional",
        "overtaken",
        "entered twice",
        "taken back",
        "recalled",
        "superseded, handed over",
        "superseded, answered",
        "older last",
    ],
)
def test_the_oracle_sees_in_a_log_what_two_layers_keep_from_happening(rule: str, log: Log) -> None:
    """Registered without a visit or twice (steps, trigger), a notice of a provisional entry (its two gates), what takes back
    what nobody took back (gate, and every step repeated), a superseded delivery that left or counts (trigger), and an
    order that the courier's statement and the sequence keep together.
    """
    with pytest.raises(AssertionError, match=rf"^{rule}: "):
        order_rules.judge(rule, log)
