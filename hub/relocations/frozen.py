"""What the filer of a protected person's move is still shown: how it stood when the measure was set, nothing since.

Whoever filed for somebody who is now under protection measures (支援措置, D 1.12) may be the one they protect from.
The filing looks to that account as if nothing had happened any more; nothing says why. States are worked out from
what had happened by then, as the journey works them out at any time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery, Receipt
from hub.deliveries.states import State
from hub.relocations import facts, journey, services
from hub.relocations.filing import Capacity, Filing
from hub.relocations.models import Agreement, Leg, Relocation, Report
from hub.vault import services as vault
from municipalities.notice import Role

States = Mapping[tuple[Role, str, int], str]
Place = tuple[Role, str]


@dataclass(frozen=True, slots=True)
class Look:
    """A relocation and its rows as they stood at a moment; the relocation is never stored."""

    relocation: Relocation
    filing: Filing
    #: States by leg, as the municipalities were then, and mover; a leg that came later has none.
    states: States
    deliveries: Sequence[Delivery]
    reports: Sequence[Report]
    #: Codes that the legs had then, by the ones that they have now: municipalities merge.
    codes: Mapping[Place, str]

    def code(self, leg: Leg) -> str:
        """Return the municipality that the leg had then."""
        return self.codes.get((Role(leg.role), leg.municipality_id), leg.municipality_id)

    def told(self, leg: Leg, codes: Sequence[str]) -> list[Delivery]:
        """Return what had been told to this leg, whose codes up to then are ``codes``."""
        return [row for row in self.deliveries if row.role == leg.role and row.municipality_id in codes]

    def movers(self, leg: Leg) -> list[tuple[int, str]]:
        """Return the movers of this leg and their states, by number."""
        here = (Role(leg.role), leg.municipality_id)
        return sorted((key[2], state) for key, state in self.states.items() if key[:2] == here)


def look(relocation: Relocation, at: datetime) -> Look:
    """Return how a relocation stood; raises ``ShreddedError``."""
    with acting(HUB):
        rows, then = facts.read(relocation), Relocation.objects.get(pk=relocation.pk)
        receipts = Receipt.objects.filter(delivery__relocation_id=relocation.pk, at__lte=at).order_by("at")
        answers = dict(receipts.values_list("delivery", "kind"))
        filings = _versions(then, at)
        filing = filings[-1]
        then.flow, then.agreement = _flow(then, filing, at), _agreement(then, at)
    reports = [row for row in rows.reports if row.received_at <= at]
    heirs = facts.Rows([], [], [], [row for row in rows.acts if row.at <= at]).heirs
    legs, codes = _legs(filings, reports, rows.heirs, heirs)
    before = facts.Rows(
        [row for row in rows.movers if row.ordinal in legs.get((Role(row.role), row.municipality_id), ())],
        [_at(row, at, answers.get(row.pk, "")) for row in rows.deliveries if row.created_at <= at],
        reports,
        # A merger gives what had happened to the successor, whenever it was: the legs have its code by now.
        [row for row in rows.acts if row.at <= at or row.type == "leg.succeeded"],
    )
    situation = replace(facts.situation(then, before), today=timezone.localdate(at))
    found = journey.travel(situation)
    then.state = found.state
    for role in (Role.ORIGIN, Role.DESTINATION):
        code = getattr(then, f"{role.value}_id")
        setattr(then, f"{role.value}_id", codes.get((role, code), code))
    states = {(role, codes[role, code], ordinal): state for (role, code, ordinal), state in found.states.items()}
    return Look(then, filing, states, before.deliveries, before.reports, codes)


def _versions(then: Relocation, at: datetime) -> list[Filing]:
    """Unseal the versions that there were, in order, and let the relocation have the last of them."""
    key, found = vault.open_one(then.pk), []
    for version in then.versions.filter(created_at__lte=at).order_by("number"):
        then.version, then.version_by = version.number, version.by
        found.append(services.filing_of(then, key))
    return found


def _flow(then: Relocation, filing: Filing, at: datetime) -> str:
    """How the certificate was to go: as the version says, unless the clock had changed it since."""
    since = then.versions.get(number=then.version).created_at
    changed = then.events.filter(type="flow.changed", at__gte=since, at__lte=at).order_by("pk").last()
    return str(changed.detail["flow"]) if changed else filing.flow.value


def _agreement(then: Relocation, at: datetime) -> str:
    """What the consents amounted to: whatever was answered later was still waited for."""
    later = then.events.filter(type__in=("consent.confirmed", "consent.refused"), at__gt=at)
    return Agreement.PENDING if later.exists() else then.agreement


def _legs(
    filings: Sequence[Filing], reports: Sequence[Report], now: Mapping[str, str], then: Mapping[str, str]
) -> tuple[Mapping[Place, set[int]], Mapping[Place, str]]:
    """Return the legs that there were and whose, as filed or where somebody appeared, and their codes of then.

    Legs go by the codes that they have now; ``now`` and ``then``: who has taken over from whom.
    """
    legs: dict[Place, set[int]] = {}
    codes: dict[Place, str] = {}
    parts = [part for filing in filings for part in services.parts(filing).items()]
    parts += [
        ((Role.DESTINATION, str(row.municipality_id)), row.ordinals)
        for row in reports
        if row.type == "arrival.diverted"
    ]
    for (role, code), ordinals in parts:
        place = (role, now.get(code, code))
        legs.setdefault(place, set()).update(ordinals)
        codes[place] = then.get(code, code)
    return legs, codes


def _at(row: Delivery, at: datetime, answer: str) -> Delivery:
    """The delivery without what became of it later; ``answer``: the last one by then."""
    if row.sent_at is not None and row.sent_at > at:
        row.sent_at, row.state, row.due_at = None, State.QUEUED, row.created_at
    elif row.sent_at is None and row.changed_at > at:
        row.state, row.due_at = State.QUEUED, row.created_at
    elif row.state == State.ANSWERED and (row.answered_at is None or row.answered_at > at):
        row.state = State.SENT
    row.answer = answer
    return row


def is_for(filing: Filing, protected: Sequence[int]) -> bool:
    """Tell whether who filed is one of the protected persons and may go on seeing everything."""
    filer = filing.filer
    return filer.capacity is Capacity.SELF and filer.ordinal in protected
