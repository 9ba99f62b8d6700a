"""What a shadow run found, added up, and whether the next standard is ready: a pure function of the counts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext, ngettext

from hub.shadow.models import KINDS, Outcome
from municipalities.compare import Difference, Kind

#: Differences that lose or refuse something; the others are recorded substitutes, or gains.
GRAVE = (Kind.REFUSED, Kind.UNREADABLE, Kind.CHANGED, Kind.LOST)


@dataclass(frozen=True, slots=True)
class Line:
    """One difference with how many notices had it, and the reason if the layout says one."""

    difference: Difference
    count: int
    reason: str = ""

    @property
    def words(self) -> str:
        """What happens to the item."""
        return str(KINDS[self.difference.kind])

    @property
    def is_grave(self) -> bool:
        """Whether somebody must look before the change; what the layout omits for a reason was looked at."""
        return self.difference.kind in GRAVE and not (self.difference.kind is Kind.LOST and self.reason)


@dataclass(frozen=True, slots=True)
class Report:
    """Notices by outcome, and the differences."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    differences: Counter[Difference] = field(default_factory=Counter)
    #: Items that the next layout omits, with its reason.
    omits: Mapping[str, str] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        """How many notices were tried."""
        return sum(self.outcomes.values()) - self.outcomes[Outcome.UNREAD]

    @property
    def share(self) -> float:
        """The share of notices that come through equal, from 0 to 1."""
        return self.outcomes[Outcome.EQUAL] / self.tried if self.tried else 0.0

    @property
    def percent(self) -> str:
        """The share in words; never rounded up to all of them."""
        return f"{int(self.share * 1000) / 10:.1f} %"

    def lines(self) -> list[Line]:
        """The differences, the gravest kind first, then by how many."""
        order = list(Kind)
        found = [Line(one, count, self.reason(one)) for one, count in self.differences.items()]
        return sorted(found, key=lambda line: (order.index(line.difference.kind), -line.count, line.difference.item))

    def reason(self, difference: Difference) -> str:
        """Why the layout does not carry the item, if it says so."""
        if difference.kind is not Kind.LOST:
            return ""
        part = difference.item.rpartition(".")[0]
        return self.omits.get(difference.item) or self.omits.get(part, "")

    def obstacles(self) -> list[str]:
        """Why it is not ready, in words; nothing if it is."""
        if not self.tried:
            return [gettext("Nothing was tried yet.")]
        found = []
        if refused := self.outcomes[Outcome.REFUSED]:
            text = ngettext("%(count)d notice would be refused.", "%(count)d notices would be refused.", refused)
            found.append(text % {"count": refused})
        for line in self.lines():
            if line.is_grave:
                told = {"item": line.difference.item, "what": line.words, "code": line.difference.code}
                text = gettext("%(item)s %(what)s (%(code)s)") if line.difference.code else gettext("%(item)s %(what)s")
                found.append(text % told)
        return found

    @property
    def is_ready(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.obstacles()

    def kept(self) -> dict[str, Any]:
        """The counts, to be written down: no word of any language, nothing personal."""
        return {
            "outcomes": {outcome.value: number for outcome, number in self.outcomes.items()},
            "differences": [[one.kind.value, one.item, one.code, n] for one, n in self.differences.items()],
        }

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "ready": self.is_ready,
            "why": self.obstacles(),
            "tried": self.tried,
            "equal": self.outcomes[Outcome.EQUAL],
            "share": round(self.share, 4),
            "outcomes": {outcome.value: count for outcome, count in sorted(self.outcomes.items())},
            "differences": [
                {
                    "kind": line.difference.kind.value,
                    "item": line.difference.item,
                    "code": line.difference.code,
                    "count": line.count,
                    "reason": line.reason,
                }
                for line in self.lines()
            ],
        }


def restored(kept: Mapping[str, Any], omits: Mapping[str, str]) -> Report:
    """The report of what ``Report.kept`` wrote down."""
    return Report(
        outcomes=Counter({Outcome(outcome): number for outcome, number in kept["outcomes"].items()}),
        differences=Counter({Difference(Kind(kind), item, code): n for kind, item, code, n in kept["differences"]}),
        omits=omits,
    )


def collect(trials: Iterable[tuple[Outcome, Iterable[Difference]]], omits: Mapping[str, str]) -> Report:
    """Add trials up."""
    report = Report(omits=omits)
    for outcome, differences in trials:
        report.outcomes[outcome] += 1
        report.differences.update(differences)
    return report
