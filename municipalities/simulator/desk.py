"""The clerks' desk: sends receipts and reports step by step until the hub has taken each of them."""

import time
from typing import Literal

from municipalities.simulator.agenda import Agenda
from municipalities.simulator.api import SILENCE, Answer
from municipalities.simulator.faults import Profile
from municipalities.simulator.ledger import Next
from municipalities.simulator.letters import Letter, letter, wrong
from municipalities.simulator.office import Office
from municipalities.simulator.outtray import by_files, file_name, lay, place
from municipalities.simulator.town import Town

#: Answers after which the same message may be taken later; 5xx and silence besides.
LATER = frozenset({401, 408, 425, 429})

#: Catalogue codes of a 409 that pass by themselves: gate not met yet, record locked.
PASSING = frozenset({"E200", "E210"})

#: A newer version exists: what this message would say no longer matters (order rule O10).
STALE = "E201"

HALF = 0.5
BROKEN = (b'{"kind": "regi', b"\xff\xfe\x00", b"[]", b'{"kind": "sold"}', b'{"type": 12}', b"null", b"")


def judge(answer: Answer) -> Literal["done", "again", "failed"]:
    """What an answer of the hub means for the message.

    >>> judge(Answer(201)), judge(Answer(503)), judge(Answer(409, b'{"code": "E200"}')), judge(Answer(404))
    ('done', 'again', 'again', 'failed')
    """
    if 200 <= answer.status < 300:
        return "done"
    if answer.status == 0 or answer.status in LATER or answer.status >= 500:
        return "again"
    if answer.status == 409 and answer.code in PASSING:
        return "again"
    return "done" if answer.status == 409 and answer.code == STALE else "failed"


class Desk:
    """One agenda for all clerks; a chain of answers is worked on step by step."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._attempts: dict[str, int] = {}
        self.agenda = Agenda(self.work, office.settings.width)

    def resume(self) -> None:
        """Take up what was not finished when the process ended."""
        now = time.time()
        for chain, due_at in self._office.ledger.open_chains():
            self.agenda.put(chain, due_at - now)

    async def work(self, chain: str) -> float | None:
        """Send the next message of a chain; seconds until the one after, ``None`` at the end."""
        office = self._office
        following = office.ledger.next_step(chain)
        if following is None:
            await office.ledger.settle(chain)
            return None
        if following.town not in office.towns:
            return None  # not played in this run
        town = office.towns[following.town]
        profile = office.faults.of(town.code)
        if office.faults.rests(town.code):
            return office.look_again()
        attempt = self._attempts.get(chain, 0)
        answer = await self._say(town, chain, following, profile, attempt)
        verdict = judge(answer)
        if verdict == "again":
            return await self._again(town, chain, following, answer, attempt)
        self._attempts.pop(chain, None)
        if verdict == "failed":
            await office.ledger.problem(town.code, chain, following.step.name, answer.status, answer.code)
        wait = office.thinking_time(town.code, chain, following.n)
        more = await office.ledger.finish(chain, following, verdict, time.time() + wait)
        return wait if more else None

    async def _again(self, town: Town, chain: str, following: Next, answer: Answer, attempt: int) -> float:
        """Wait, longer each time; a town that cannot sign in for long is a problem for a person."""
        self._attempts[chain] = attempt + 1
        if attempt == 5 and answer.status == 401:
            await self._office.ledger.problem(town.code, chain, following.step.name, 401)
        asked = answer.headers.get("Retry-After", "")
        wait = min(float(asked), 300.0) if asked.isascii() and asked.isdigit() else 0.0
        return max(wait, self._office.back_off(town.code, chain, attempt))

    async def _say(self, town: Town, chain: str, following: Next, profile: Profile, attempt: int) -> Answer:
        """Send one message the way this town sends: perhaps broken, too early, twice, or into the void."""
        step, faults, note = following.step, self._office.faults, self._office.diary.note
        if faults.strikes(profile.garbles, "garble", town.code, step.key, attempt):
            note(town.code, "garbled", chain)
            return await self._spoil(town, chain, following, attempt, self._garbage(following, attempt))
        if faults.strikes(profile.wrongs, "wrong", town.code, step.key, attempt):
            note(town.code, "wrong", chain)
            return await self._spoil(town, chain, following, attempt, wrong(step, attempt))
        if profile.hasty and attempt == 0 and step.is_report:
            note(town.code, "hurried", chain)
            await self._hurry(town, chain)
        fails = faults.strikes(profile.fails, "say", town.code, step.key, attempt)
        if fails:
            note(town.code, "broke", chain)
        if fails and faults.draw(town.code, step.key, attempt) < HALF:
            return SILENCE  # before the hub heard anything
        answer = await self._post(town, chain, following)
        for repeat in range(1, profile.times):
            note(town.code, "again", chain)
            answer = await self._post(town, chain, following, repeat)
        return SILENCE if fails else answer  # before the town heard the answer

    def _garbage(self, following: Next, attempt: int) -> Letter:
        return Letter(following.step.path, BROKEN[(following.n + attempt) % len(BROKEN)])

    async def _spoil(self, town: Town, chain: str, following: Next, attempt: int, sent: Letter) -> Answer:
        """Send what the hub has to refuse."""
        if by_files(town):
            name = file_name(chain, following.n, f"garbage{attempt}")
            await lay(place(town, self._office.settings.folder_root), name, sent)
            return SILENCE
        answer = await self._office.api.post(town, sent.path, sent.body, sent.headers)
        if 200 <= answer.status < 300:
            await self._office.ledger.problem(town.code, following.step.key, "garbage was accepted", answer.status)
        return SILENCE

    async def _hurry(self, town: Town, chain: str) -> None:
        """Send the chain's next but one report first; what the hub says to that is not listened to."""
        reports = [later for later in self._office.ledger.open_steps(chain, 9) if later.step.is_report]
        if len(reports) > 1:
            await self._post(town, chain, reports[1])

    async def _post(self, town: Town, chain: str, following: Next, repeat: int = 0) -> Answer:
        """Post a message as this town writes it; a town that exchanges files lays down all it has to say at once."""
        if self._office.ledger.next_step(chain) is None:
            return SILENCE  # the town has just lost its books
        record = self._office.ledger.content(chain)
        if not by_files(town):
            sent = letter(town, following.step, record)
            return await self._office.api.post(town, sent.path, sent.body, sent.headers)
        tray, ledger = place(town, self._office.settings.folder_root), self._office.ledger
        laid = [later for later in ledger.open_steps(chain, 9) if later.n >= following.n]
        said = [
            await lay(tray, file_name(chain, later.n, later.step.name, repeat), letter(town, later.step, record))
            for later in laid
        ]
        # What was taken has taken effect, also while the hub has not taken an earlier one.
        for later, answer in list(zip(laid, said, strict=True))[1:]:
            if judge(answer) == "done":
                await ledger.finish(chain, later, "done", time.time())
        return said[0]
