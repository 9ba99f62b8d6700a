"""Takes a record in: read in the town's own layout, checked, written down, laid on the clerk's desk."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.simulator import clerk, counter
from municipalities.simulator.desk import Desk
from municipalities.simulator.ledger import Arrival, Outcome, chain_of
from municipalities.simulator.office import Office
from municipalities.simulator.outtray import by_files
from municipalities.simulator.town import Town


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the way in says about a record."""

    notice_id: str
    type: str
    records: int | None = None  #: where it is said


class Intake:
    """The same for all ways in."""

    def __init__(self, office: Office, desk: Desk) -> None:
        self._office = office
        self._desk = desk
        #: Told of a town that has just lost its books.
        self.on_loss: Callable[[str], None] = lambda _code: None

    async def take(self, town: Town, envelope: Envelope, content: bytes) -> Outcome:
        """Take the record in; ``UnfitError`` if it is not what this town reads. A repeat has no effect."""
        notice = read(town, envelope, content)
        # The same report has one date, also when it is made again on a later day, after a lost disk: it has one id.
        day = self._office.ledger.dated(chain_of(town.code, notice.notice_id)) or clerk.today()
        arrival = Arrival(town.code, notice, content, day)
        what = await self._office.ledger.arrive(arrival, self._plan(town, notice, day))
        if what == "new":
            self._lay(arrival.chain, town, self._lock(town, notice.notice_id))
            await self._perhaps_lose(town)
        if what == "conflict":
            await self._office.ledger.problem(town.code, notice.notice_id, "same id, other bytes")
        return what

    async def reject(self, town: Town, notice_id: str, error: UnfitError) -> None:
        """Answer what cannot be read with a formal rejection (message 71), where no status could say it."""
        told = {"code": error.code, "pointer": error.pointer, "detail": "not of this town's layout"}
        chain = f"{town.code}/{notice_id}/unreadable"
        steps = [clerk.receipt(notice_id, "rejected", errors=(told,))]
        await self._office.ledger.begin(chain, town.code, steps)
        await self._office.ledger.problem(town.code, notice_id, "unreadable", code=error.code)
        await self._office.ledger.unwant(town.code, notice_id)
        self._lay(chain, town)

    async def ask_again(self, town: Town, notice_id: str, spoilt: str) -> None:
        """Ask for a delivery that arrived spoilt (message 73)."""
        chain = f"{town.code}/{notice_id}/resend/{spoilt}"
        await self._office.ledger.begin(chain, town.code, [clerk.resend(town.code, notice_id, spoilt)])
        await self._office.ledger.problem(town.code, notice_id, "spoilt on the way")
        self._lay(chain, town)

    async def hear(self, town: Town, said: counter.Said) -> bool:
        """Take in what a person says at the counter; no if it comes too late to change anything."""
        steps = counter.steps(town.code, said, clerk.today())
        # Towns that exchange files have said all of a chain at once: what is begun there cannot be halted.
        hasty = {one.code for one in self._office.towns.values() if by_files(one)}
        heard = await self._office.ledger.hear(town.code, said, steps, hasty)
        if heard and steps:
            self._lay(f"{town.code}/{said.receipt_no}/{said.what}", town)
        return heard

    def _plan(self, town: Town, notice: Notice, day: date) -> tuple[clerk.Step, ...]:
        if self._office.faults.of(town.code).refuses:
            told = {"code": "E301", "pointer": "", "detail": "refused by the simulated town"}
            return (clerk.receipt(notice.notice_id, "rejected", errors=(told,)),)
        return clerk.plan(notice, day)

    def _lock(self, town: Town, notice_id: str) -> float:
        """A push finds the lock itself; whoever fetches has the record and cannot enter it yet."""
        locked = 0.0 if town.way == "push" else self._office.locked_for(town.code, notice_id)
        if locked:
            self._office.diary.note(town.code, "locked", notice_id)
        return locked

    async def _perhaps_lose(self, town: Town) -> None:
        """The town's disk is gone, with all that it knew; it knows that much."""
        after, ledger = self._office.faults.of(town.code).loses_after, self._office.ledger
        if after and not ledger.has_lost(town.code) and ledger.count(town.code) >= after:
            await ledger.lose(town.code)
            self._office.diary.note(town.code, "disk")
            self.on_loss(town.code)

    def _lay(self, chain: str, town: Town, wait: float = 0.0) -> None:
        self._desk.agenda.put(chain, wait + self._office.thinking_time(town.code, chain, -1))


def read(town: Town, envelope: Envelope, content: bytes) -> Notice:
    """The record as this town's system reads it, with the checks any system makes of its envelope."""
    notice = town.read(content)
    for pointer, found, expected in (
        ("/recipient", notice.recipient, town.code),
        ("/noticeId", notice.notice_id, envelope.notice_id),
        ("/type", notice.type, envelope.type),
        ("/records", max(1, len(notice.movers)), envelope.records),
    ):
        if expected is not None and found != expected:
            raise UnfitError("the record and its envelope disagree", code="E100", pointer=pointer)
    if notice.type not in clerk.TYPES:
        raise UnfitError("no notice of this type is known here", code="E102", pointer="/type")
    return notice
