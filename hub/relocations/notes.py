"""Events of one relocation, collected while it changes and written once, with their audit entries."""

from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from hub import actors
from hub.audit import services as audit
from hub.relocations import facts
from hub.relocations.models import Event, Relocation
from hub.rows import Writer

EVENTS = Writer(Event)


@dataclass
class Notes:
    """What happened to one relocation in this transaction; nothing is written before ``write``.

    ``rows``: what happened before, which none of it comes before (``facts.moment``).
    """

    relocation: Relocation
    rows: facts.Rows | None = None
    events: list[Event] = field(default_factory=list)

    def add(self, type_: str, municipality: str | None = None, **detail: Any) -> Event:
        """Note an event; ``detail`` holds ids, counts and codes only."""
        event = Event(
            relocation=self.relocation,
            at=facts.moment(self.rows) if self.rows else timezone.now(),
            type=type_,
            municipality_id=municipality,
            actor_kind=actors.current().kind.value,
            detail=detail,
        )
        self.events.append(event)
        return event

    def write(self) -> None:
        """Write events and audit entries, each in one round of statements."""
        EVENTS(self.events)
        audit.record_all(
            audit.Act(
                event.type,
                f"relocation:{self.relocation.pk}",
                event.detail | ({"municipality": event.municipality_id} if event.municipality_id else {}),
                self.relocation.pk,
            )
            for event in self.events
        )
        self.events = []
