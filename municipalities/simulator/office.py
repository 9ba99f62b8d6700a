"""What the parts of the simulator share: the towns, their books, the line to the hub, who behaves how."""

import random
import time
from dataclasses import dataclass, field

from municipalities.simulator.api import Api
from municipalities.simulator.diary import Diary
from municipalities.simulator.faults import Faults
from municipalities.simulator.ledger import Ledger
from municipalities.simulator.town import Settings, Town

#: Seconds after which a town that is down or rests looks whether it is time again.
RECHECK = 1.0

#: Longest wait between attempts; they never end, for what a town owes the hub stays owed.
LONGEST_WAIT = 15.0


@dataclass(frozen=True, slots=True)
class Office:
    """All towns of this process."""

    towns: dict[str, Town]
    settings: Settings
    ledger: Ledger
    api: Api
    faults: Faults
    diary: Diary = field(default_factory=Diary)
    _locks: dict[str, float] = field(default_factory=dict)

    def thinking_time(self, code: str, subject: str, n: int) -> float:
        """Seconds the clerk of this town takes before the next answer."""
        return self.faults.within(self.faults.of(code).thinks, code, subject, n) / self.settings.speed

    def locked_for(self, code: str, notice_id: str) -> float:
        """Seconds for which somebody still has this record open; counted from the first time it is asked."""
        profile = self.faults.of(code)
        if not self.faults.strikes(profile.locks, "lock", code, notice_id):
            return 0.0
        now = time.monotonic()
        seconds = self.faults.within(profile.locked_for, code, notice_id) / self.settings.speed
        return max(0.0, self._locks.setdefault(f"{code}/{notice_id}", now + seconds) - now)

    def look_again(self) -> float:
        """Seconds until a town that rests looks whether it is time; never the same, or it would miss its turns."""
        return max(0.1, RECHECK / self.settings.speed) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def back_off(self, code: str, subject: str, attempt: int) -> float:
        """Growing seconds before another attempt, spread so that towns do not return all at once."""
        spread = 0.75 + 0.5 * self.faults.draw(code, subject, attempt)
        return min(LONGEST_WAIT, 0.2 * 2.0 ** min(attempt, 10)) * spread / self.settings.speed
