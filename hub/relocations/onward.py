"""What was said of a filing whose filer may not learn more, as it would have counted: replayed, and never stored."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from hub.deliveries import windows
from hub.deliveries.models import Delivery
from hub.deliveries.states import State
from hub.relocations import facts, filing, journey, legs, revised, tables
from hub.relocations.models import Event, Kept, Leg, Relocation
from hub.vault import cipher
from hub.vault import services as vault
from municipalities.models import Municipality
from municipalities.notice import Role

#: How long a hand-over takes that nothing hinders.
TAKES = timedelta(milliseconds=50)


def hand_over(deliveries: Iterable[Delivery], until: datetime) -> None:
    """Let what waits look handed over: when it was due or, where a town's system was closed then, when that opened.

    As with any filing whose towns have nothing in their way. What never leaves would tell that nothing happens.
    """
    waiting = [row for row in deliveries if row.sent_at is None and row.state in (State.QUEUED, State.READY)]
    if not waiting:
        return
    dues = [max(row.due_at, row.created_at) for row in waiting]
    schedules = windows.schedules({row.municipality_id for row in waiting}, min(dues))
    for row, due in zip(waiting, dues, strict=True):
        period = schedules[row.municipality_id].period(due)
        if period is not None and (at := max(period.opens, due) + TAKES) <= until:
            row.sent_at, row.state = at, State.SENT


@dataclass(slots=True)
class Onward:
    """A filing as it looked, into which is taken what was said since; all of it in memory."""

    relocation: Relocation
    filing: filing.Filing
    rows: facts.Rows
    #: Codes that the legs are shown with, by the ones that they have.
    codes: dict[tuple[Role, str], str]
    filed_at: datetime
    #: Legs that a version brought.
    legs: list[Leg] = field(default_factory=list)

    def take(self, row: Kept) -> None:
        """Let something count that was said. What towns would be told by it is the journey's to say."""
        if row.type == "filing.withdrawn":
            self._withdraw(row)
        elif row.type == "filing.amended":
            self._amend(row)
        self.relocation.agreement = row.agreement

    def _withdraw(self, row: Kept) -> None:
        self._act(row, "filing.withdrawn", **({"movers": row.ordinals} if row.ordinals else {}))
        for delivery in self.rows.deliveries:
            if delivery.sent_at is None and (not row.ordinals or set(delivery.ordinals) <= set(row.ordinals)):
                delivery.state = State.WITHDRAWN

    def _amend(self, row: Kept) -> None:
        """As ``changing.amend``."""
        key = vault.open_one(self.relocation.pk)
        self.filing = filing.decode(cipher.unseal(key, bytes(row.body or b""), row.identity))
        new = revised.new(self.filing, self.rows, timezone.localdate(row.at), row.ordinals)
        if row.ordinals:
            self._act(row, "filing.withdrawn", movers=row.ordinals)
        for code, heir in sorted(new.heirs.items()):
            self._act(row, "code.succeeded", heir, predecessor=code)
        dropped, restored = (
            revised.dropped(self.rows.movers, new.parts, new.gone),
            revised.restored(self.rows.movers, new.parts),
        )
        self._add_legs(new.parts)
        for type_, places in (("leg.restored", restored), ("leg.dropped", dropped)):
            for (role, code), ordinals in places.items():
                self._act(row, type_, code, role=role.value, movers=ordinals)
        for delivery in self.rows.deliveries:
            if delivery.sent_at is None:
                delivery.state = State.SUPERSEDED
        self.filed_at = row.at
        self.relocation.version, self.relocation.version_by = self.relocation.version + 1, journey.AMENDED
        self.relocation.planned_out_on = self.filing.planned_out_on
        self.relocation.destination_id = new.there.destination or None
        for mover in self.rows.movers:
            mover.flow = self.filing.flow.value
        self.relocation.flow = tables.whole_flow(facts.flows(self.rows).values()).value

    def _add_legs(self, parts: revised.Parts) -> None:
        missing = legs.missing(self.rows.movers, parts)
        existing = [*{id(mover.leg): mover.leg for mover in self.rows.movers}.values()]
        new = legs.added(self.relocation, missing, existing)
        towns = Municipality.objects.in_bulk([leg.municipality_id for leg in new])
        for number, leg in enumerate(new, len(self.legs) + 1):
            leg.pk, leg.municipality = -number, towns[leg.municipality_id]
            self.codes[Role(leg.role), leg.municipality_id] = leg.municipality_id
        self.legs.extend(new)
        flows = {mover.ordinal: mover.flow for mover in self.rows.movers}
        self.rows.movers.extend(legs.entered(self.relocation, missing, flows, [*existing, *new]))

    def _act(self, row: Kept, type_: str, municipality: str | None = None, **detail: Any) -> None:
        self.rows.acts.append(
            Event(relocation=self.relocation, at=row.at, type=type_, municipality_id=municipality, detail=detail)
        )
