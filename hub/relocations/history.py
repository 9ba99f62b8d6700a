"""What a town knew on a day: from what it was handed by then, never from what is known now.

Versions, deliveries and reports are never overwritten, so any day can be asked about: when something counts (its
legal date) and since when the town knew of it are two dates (resident-record standard 4.2.3.3).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from hub.deliveries.models import Delivery
from hub.relocations.models import Relocation, Report
from municipalities.opening import JST


@dataclass(frozen=True, slots=True)
class Known:
    """What a town had been handed and had said by the end of a day in Japan, in order."""

    handed: list[Delivery]
    said: list[Report]

    def latest(self, ordinal: int) -> Delivery | None:
        """Return the last notice about a mover: of several the latest counts (standard 4.1.3.1.2)."""
        return next((row for row in reversed(self.handed) if ordinal in row.ordinals), None)


def known(relocation: Relocation, town: str, day: date) -> Known:
    """Return what the town knew when that day ended; the caller may see the town's rows."""
    end = datetime.combine(day + timedelta(days=1), time(), JST)
    handed = Delivery.objects.filter(relocation_id=relocation.pk, municipality=town, sent_at__lt=end)
    said = relocation.reports.filter(municipality=town, received_at__lt=end)
    return Known(list(handed.order_by("sequence")), list(said.order_by("received_at")))


def days(relocation: Relocation, town: str) -> list[date]:
    """Return the days on which what the town knew became another."""
    rows = Delivery.objects.filter(relocation_id=relocation.pk, municipality=town, sent_at__isnull=False)
    moments = [*rows.values_list("sent_at", flat=True)]
    moments += relocation.reports.filter(municipality=town).values_list("received_at", flat=True)
    return sorted({moment.astimezone(JST).date() for moment in moments if moment})
