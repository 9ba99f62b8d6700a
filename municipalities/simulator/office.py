"""What the parts of the simulator share: the towns, their books, the line to the hub, who misbehaves."""

from dataclasses import dataclass

from municipalities.simulator.api import Api
from municipalities.simulator.faults import Faults
from municipalities.simulator.ledger import Ledger
from municipalities.simulator.town import Settings, Town

#: Seconds after which a town that is down looks whether it is up again.
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

    def thinking_time(self, code: str, subject: str, n: int) -> float:
        """Seconds the clerk of this town takes before the next answer."""
        return self.faults.within(self.faults.of(code).thinks, code, subject, n) / self.settings.speed

    def back_off(self, code: str, subject: str, attempt: int) -> float:
        """Growing seconds before another attempt, spread so that towns do not return all at once."""
        spread = 0.75 + 0.5 * self.faults.draw(code, subject, attempt)
        return min(LONGEST_WAIT, 0.2 * 2.0 ** min(attempt, 10)) * spread / self.settings.speed
