"""Towns that pull: list what is ready, fetch it, take it in; at a ring, and slowly by themselves.

What is to be fetched is written down before it is fetched, because the fetch makes it «sent» at the hub:
a town that dies in between fetches it again. One that has lost its books asks for all it was ever told,
however that came to it first.
"""

import base64
from collections import defaultdict
from hashlib import sha256
from typing import TypeVar

import msgspec

from municipalities.errors import TemporaryError, UnfitError
from municipalities.simulator.agenda import Agenda
from municipalities.simulator.api import Answer
from municipalities.simulator.desk import LATER
from municipalities.simulator.intake import Envelope, Intake
from municipalities.simulator.office import Office
from municipalities.simulator.outtray import by_files
from municipalities.simulator.town import Town, reached_by

T = TypeVar("T")

DELIVERIES, CHANGES = "/api/v1/deliveries", "/api/v1/changes"
PAGE = 100

#: States of a delivery whose record is to be had, and of one that comes, or has come and that was not noted yet.
THERE = frozenset({"ready", "sent", "answered"})
ON_ITS_WAY = "queued"

#: How often a town looks again for what a ring announced and the list did not show yet.
LOOKS = 8

#: Seconds within which all towns look what is ready after their process was killed.
SOON = 20.0

#: The delivery is not offered (any more): withdrawn, superseded, not ours.
GONE = frozenset({404, 409, 410})


class Listed(msgspec.Struct):
    """One line of the list."""

    id: str


class Listing(msgspec.Struct):
    """One page of the list."""

    deliveries: list[Listed]
    next: str | None = None


class Changed(msgspec.Struct):
    """One line of the changes."""

    id: str
    state: str


class Changes(msgspec.Struct):
    """One page of the changes."""

    changes: list[Changed]
    cursor: str | None = None
    more: bool = False


class Fetcher:
    """One round per town at a time, few towns at a time."""

    def __init__(self, office: Office, intake: Intake) -> None:
        self._office = office
        self._intake = intake
        self._rung: dict[str, dict[str, int]] = defaultdict(dict)
        self._failures: dict[str, int] = {}
        self.agenda = Agenda(self.work, office.settings.width)
        intake.on_loss = self.lost

    def start(self) -> None:
        """Spread the towns' polls, but soon after a crash, for rings went unheard; first what is half fetched."""
        within = SOON if self._office.ledger.was_killed else self._office.settings.poll_every
        for town in reached_by(self._office.towns.values(), "pull"):
            wait = self._office.faults.draw(town.code, "poll") * within
            self.agenda.put(town.code, 0 if self._office.ledger.wanted(town.code) else wait)
        for code in self._office.ledger.losers():
            self.lost(code)

    def lost(self, code: str) -> None:
        """The town has lost its books: ask for everything, unless it lies in its tray."""
        if not by_files(self._office.towns[code]):
            self.agenda.put(code)

    def ring(self, code: str, notice_id: str) -> None:
        """Something waits, says the hub: look now."""
        if notice_id and not self._office.ledger.has(code, notice_id):
            self._rung[code].setdefault(notice_id, 0)
        self.agenda.put(code)

    async def work(self, code: str) -> float | None:
        """One round of one town; seconds until the next, ``None`` if it does not fetch by itself."""
        town = self._office.towns[code]
        if self._office.faults.rests(code):
            return self._office.look_again()
        try:
            await self._round(town)
        except TemporaryError:
            failures = self._failures[code] = self._failures.get(code, 0) + 1
            return self._office.back_off(code, "fetch", failures)
        self._failures.pop(code, None)
        return self._until_next(code) if town.way == "pull" else None

    def _until_next(self, code: str) -> float:
        """A ring may come before the hub has committed what it rings for: then look again soon."""
        rung = self._rung.pop(code, {})
        missing = {i: looks + 1 for i, looks in rung.items() if not self._office.ledger.has(code, i)}
        missing = {i: looks for i, looks in missing.items() if looks < LOOKS}
        if not missing:
            return self._office.settings.poll_every
        self._rung[code] = missing
        return float(0.1 * 2 ** min(missing.values()))

    async def _round(self, town: Town) -> None:
        if town.code in self._office.ledger.losers():
            await self._recover(town)
        if town.way == "pull":
            await self._office.ledger.want(town.code, await self._list(town))
        failed = False
        for notice_id in self._office.ledger.wanted(town.code):
            failed |= not await self._fetch(town, notice_id)
        if failed or town.code in self._office.ledger.losers():
            raise TemporaryError("some are still to be fetched")

    async def _list(self, town: Town) -> list[str]:
        """Ids of all that is ready for this town."""
        found: list[str] = []
        query = {"state": "ready", "limit": str(PAGE)}
        while True:
            page = await self._page(town, DELIVERIES, query, Listing)
            found += [listed.id for listed in page.deliveries]
            if not page.next or not page.deliveries:
                return found
            query["after"] = page.next

    async def _recover(self, town: Town) -> None:
        """Want all that the town was ever told. What is on its way may have been lost with the rest: look again."""
        changed = await self._all(town)
        await self._office.ledger.want(town.code, [one.id for one in changed if one.state in THERE])
        if not any(one.state == ON_ITS_WAY for one in changed):
            await self._office.ledger.recover(town.code)

    async def _all(self, town: Town) -> list[Changed]:
        """All that concerns this town, as it is now."""
        found: list[Changed] = []
        query = {"limit": str(PAGE)}
        while True:
            page = await self._page(town, CHANGES, query, Changes)
            found += page.changes
            if not page.more or not page.cursor:
                return found
            query["since"] = page.cursor

    async def _page(self, town: Town, path: str, query: dict[str, str], kind: type[T]) -> T:
        answer = await self._office.api.get(town, path, query)
        if answer.status != 200:
            raise TemporaryError(f"HTTP {answer.status}")
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError as error:
            raise TemporaryError("the list cannot be read") from error

    async def _fetch(self, town: Town, notice_id: str) -> bool:
        """Fetch one and take it in; tells whether there is nothing left to do about it."""
        answer = await self._office.api.get(town, f"{DELIVERIES}/{notice_id}/content", {})
        if 400 <= answer.status < 500 and answer.status not in LATER:
            return await self._give_up(town, notice_id, answer)
        if answer.status != 200 or not is_whole(answer) or self._breaks_off(town, notice_id):
            return False
        try:
            envelope = Envelope(notice_id, answer.headers.get("hikkoshi-notice-type", ""))
            await self._intake.take(town, envelope, answer.content)
        except UnfitError as error:
            await self._intake.reject(town, notice_id, error)
        return True

    async def _give_up(self, town: Town, notice_id: str, answer: Answer) -> bool:
        """It is not to be had now; if it is still meant for us, the list will say so again."""
        if answer.status not in GONE:
            await self._office.ledger.problem(town.code, notice_id, "fetch", answer.status, answer.code)
        await self._office.ledger.unwant(town.code, notice_id)
        return True

    def _breaks_off(self, town: Town, notice_id: str) -> bool:
        """Whether a flaky town loses what it has just fetched."""
        faults, failures = self._office.faults, self._failures.get(town.code, 0)
        lost = faults.strikes(faults.of(town.code).fails, "fetch", town.code, notice_id, failures)
        if lost:
            self._office.diary.note(town.code, "broke", notice_id)
        return lost


def is_whole(answer: Answer) -> bool:
    """Whether the content has the digest its header names (RFC 9530), if it names one."""
    named = answer.headers.get("Repr-Digest", "")
    digest = base64.b64encode(sha256(answer.content).digest()).decode()
    return not named.startswith("sha-256=") or named == f"sha-256=:{digest}:"
