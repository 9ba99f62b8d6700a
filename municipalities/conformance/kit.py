"""Runs the checks against an adapter and grades it."""

import csv
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from .adapter import Adapter, Answer, sign
from .hub import Content, Hub
from .notices import Writer, as_json, notice
from .trays import Tray

TABLE = Path(__file__).with_name("checks.csv")
REFUSALS = frozenset({"rejected", "returned", "implausible"})
#: Seconds in which what must not happen would have happened.
PAUSE = 0.3


class Failed(Exception):
    """The adapter did not do what the check asks; the text says what was seen, never what was in a notice."""


class Skipped(Exception):
    """There is nothing to ask: the adapter's layout has no place for it."""


@dataclass(frozen=True)
class Check:
    """One row of the table, by language: what is asked, why, and what to do."""

    name: str
    level: str  #: essential, robust or complete
    modes: str
    needs: str  #: books or restart, if the kit cannot look without
    title: Mapping[str, str]
    why: Mapping[str, str]
    remedy: Mapping[str, str]


def table() -> list[Check]:
    """All checks, in the order in which they are made."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [_check(row) for row in csv.DictReader(file)]


def _check(row: Mapping[str, str]) -> Check:
    title, why, remedy = ({code: row[f"{part}_{code}"] for code in ("ja", "en")} for part in ("title", "why", "remedy"))
    return Check(row["name"], row["level"], row["modes"], row["needs"], title, why, remedy)


class Table(dict[str, "Callable[[Kit], None]"]):
    """Functions that make checks, by name; what each asks is in ``checks.csv``, not beside it."""

    def enter(self, work: "Callable[[Kit], None]") -> "Callable[[Kit], None]":
        """Enter one under its name."""
        self[work.__name__] = work
        return work


@dataclass
class Result:
    """How a check ended: passed, failed, or (``None``) not made."""

    check: Check
    passed: bool | None
    seen: str = ""
    applies: bool = True  #: False: the layout has no place for what would be asked

    @property
    def mark(self) -> str:
        """One character for it."""
        return {True: "✓", False: "✗", None: "–"}[self.passed]


@dataclass
class Report:
    """All results and the grade that follows from them."""

    mode: str
    town: str
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def grade(self) -> str:
        """A: all passed. B: nothing essential or robust failed. C: nothing essential failed. D: the rest."""
        failed = {result.check.level for result in self.results if result.passed is False}
        if "essential" in failed:
            return "D"
        if "robust" in failed:
            return "C"
        unmade = [result for result in self.results if result.passed is None and result.applies]
        return "B" if failed or unmade else "A"


class Kit:
    """What the checks work with: the hub's side, the adapter, and how long to wait for either."""

    def __init__(
        self,
        mode: str,
        hub: Hub,
        adapter: Adapter,
        town: str,
        keys: Sequence[bytes],
        patience: float = 10.0,
        write: Writer = as_json,
        tray: Tray | None = None,
    ) -> None:
        self.mode, self.hub, self.adapter, self.town, self.keys = mode, hub, adapter, town, keys
        self.patience, self.write, self._tray = patience, write, tray

    # --- Handing over -------------------------------------------------------------------------------

    def notice(self, kind: str = "moveout.submitted", **changes: Any) -> dict[str, Any]:
        """A notice to the adapter's town."""
        return notice(self.town, kind, **changes)

    def content(self, told: dict[str, Any]) -> Content:
        """A notice as the adapter reads it."""
        try:
            body, content_type = self.write(told)
        except ValueError as error:
            raise Skipped("the layout has no place for it") from error
        return Content(told["type"], content_type, body)

    def written(self, kind: str = "moveout.submitted", **changes: Any) -> tuple[str, Content]:
        """The id of a notice, and the notice as the adapter reads it."""
        told = self.notice(kind, **changes)
        return str(told["noticeId"]), self.content(told)

    def offer(self, told: dict[str, Any], content: Content | None = None) -> str:
        """Hand a notice over as the hub does, again if it is asked to come later; its id."""
        name, content = str(told["noticeId"]), content or self.content(told)
        if self.mode != "push":
            self.place(name, content)
            return name
        deadline = time.monotonic() + self.patience
        while True:
            answer = self.push(name, content)
            if answer.taken:
                return name
            if answer.refused or time.monotonic() > deadline:
                raise Failed(f"the push was answered with {answer.status or 'nothing'}")
            time.sleep(0.1)

    def place(self, name: str, content: Content) -> None:
        """Let it be fetched, or lay it into the tray."""
        if self._tray:
            self.known(name, content)
            self._tray.lay(name, content)
            return
        with self.hub.changed:
            self.hub.known[name] = self.hub.ready[name] = content
            self.hub.leased.pop(name, None)

    def known(self, name: str, content: Content) -> None:
        """From now on the hub has made it, however it gets to the town."""
        with self.hub.changed:
            self.hub.known[name] = content

    @property
    def tray(self) -> Tray:
        """The folder of a town that exchanges files."""
        if self._tray is None:
            raise Skipped("the adapter exchanges no files")
        return self._tray

    def push(self, name: str, content: Content, **how: Any) -> Answer:
        """One signed push. ``keys``, ``at`` (seconds from now), ``signed`` (other bytes), ``unsigned``, ``cut``."""
        self.known(name, content)
        headers = self.headers(name, content, **{key: how[key] for key in how if key != "cut"})
        return self.adapter.post(headers, content.body, cut=how.get("cut", False), timeout=max(self.patience, 5.0))

    def headers(
        self,
        name: str,
        content: Content,
        *,
        keys: Sequence[bytes] | None = None,
        at: float = 0.0,
        signed: bytes | None = None,
        unsigned: bool = False,
    ) -> dict[str, str]:
        """The headers of a push."""
        stamp = int(time.time() + at)
        headers = {"Content-Type": content.content_type, "hikkoshi-notice-type": content.type}
        if unsigned:
            return headers
        signature = sign(keys or self.keys[:1], name, stamp, content.body if signed is None else signed)
        return headers | {"webhook-id": name, "webhook-timestamp": str(stamp), "webhook-signature": signature}

    # --- What must follow ------------------------------------------------------------------------------

    def until(self, true: Callable[[], Any], what: str, patience: float = 1.0) -> None:
        """Wait until something is so."""
        if not self.hub.wait(true, self.patience * patience):
            raise Failed(what)

    def expect_received(self, name: str, patience: float = 1.0) -> None:
        """A receipt that says it has it, and no refusal."""
        self.until(lambda: self.hub.kinds(name), "no receipt came", patience)
        if self.hub.kinds(name)[0] in REFUSALS:
            raise Failed("it was refused")

    def handed_over(self, kind: str = "moveout.submitted", **changes: Any) -> str:
        """A notice handed over and received; its id."""
        name = self.offer(self.notice(kind, **changes))
        self.expect_received(name)
        return name

    def expect_refusal(self, name: str, answer: Answer | None) -> None:
        """A refusal with a code: the push's own answer, or a receipt; and no effect."""
        if answer is None or not answer.refused:
            if answer is not None and not answer.taken:
                raise Failed(f"the push was answered with {answer.status or 'nothing'}: it would come again and again")
            self.until(lambda: REFUSALS & set(self.hub.kinds(name)), "it was not refused")
            if not any(self.hub.codes(name)):
                raise Failed("it was refused without a code")
        self.expect_no_effect(name)

    def expect_nothing(self, name: str, answer: Answer) -> None:
        """A push refused on the spot: 4xx, nothing kept, nothing said."""
        if not answer.refused:
            raise Failed(f"the push was answered with {answer.status or 'nothing'}, not with 4xx")
        time.sleep(PAUSE)
        if self.hub.kinds(name):
            raise Failed("a receipt came all the same")
        self.expect_no_effect(name)

    def expect_no_effect(self, name: str) -> None:
        """Nothing of it is in force, as far as the books are shown."""
        entry = (self.adapter.books() or {}).get(name)
        if entry and (entry.get("times") or entry.get("in_force")):
            raise Failed("it took effect")

    def expect_effect(self, name: str, content: Content | None = None) -> None:
        """One effect, of these bytes, as far as the books are shown."""
        books = self.adapter.books()
        if books is None:
            return
        entry = books.get(name)
        if entry is None:
            raise Failed("it is not in the books")
        if entry.get("times") != 1:
            raise Failed(f"it took effect {entry.get('times')} times")
        if content is not None and entry.get("sha256") != sha256(content.body).hexdigest():
            raise Failed("the books hold other bytes")

    def reports(self, receipt_no: str) -> list[str]:
        """Ids of the reports about a relocation."""
        with self.hub.changed:
            return [number for number, body in self.hub.reports.items() if receipt_no.encode() in body]

    def asked_again(self, name: str) -> bool:
        """Whether the town asked for a delivery again (message 73)."""
        with self.hub.changed:
            bodies = list(self.hub.reports.values())
        return any(b"resend.requested" in body and name.encode() in body for body in bodies)

    def until_put_away(self, name: str) -> None:
        """Wait until nothing of a notice lies in the tray any more."""
        deadline = time.monotonic() + self.patience
        while self.tray.holds(name):
            if time.monotonic() > deadline:
                raise Failed("what was taken still lies in the tray")
            time.sleep(0.05)

    def in_force(self, name: str) -> bool:
        """Whether the books say that it counts."""
        return bool(((self.adapter.books() or {}).get(name) or {}).get("in_force"))

    def refuse_in_pull(self, name: str, content: Content) -> Answer | None:
        """Hand over what is to be refused: the push's answer, or ``None`` after it was placed."""
        if self.mode != "push":
            self.place(name, content)
            return None
        return self.push(name, content)


def run(
    kit: Kit,
    checks: Mapping[str, Callable[[Kit], None]],
    only: Iterable[str] = (),
    tell: Callable[[Result], None] = lambda _result: None,
) -> Report:
    """Make the checks of the kit's mode, one after the other; ``only`` those named, if there are any."""
    wanted = set(only)
    report, started = Report(kit.mode, kit.town), time.monotonic()
    for check in table():
        if kit.mode not in check.modes.split() or (wanted and check.name not in wanted):
            continue
        result = _make(kit, check, checks[check.name])
        report.results.append(result)
        tell(result)
    report.seconds = time.monotonic() - started
    return report


def _make(kit: Kit, check: Check, work: Callable[[Kit], None]) -> Result:
    """One check; whatever it left behind is forgotten."""
    if check.needs == "books" and kit.adapter.books() is None:
        return Result(check, None, "the adapter's books are not shown (--books)")
    if check.needs == "restart" and not kit.adapter.can_restart:
        return Result(check, None, "the kit may not restart the adapter (--start or --restart)")
    try:
        work(kit)
    except Failed as failed:
        return Result(check, False, str(failed))
    except Skipped as skipped:
        return Result(check, None, str(skipped), applies=False)
    except (OSError, TimeoutError) as error:
        return Result(check, False, f"the adapter cannot be reached: {type(error).__name__}")
    finally:
        kit.hub.forget_faults()
    return Result(check, True)
