"""What the filer of a protected person's move is still shown: how it stood when the measure was set, nothing since.

Whoever filed for somebody who is now under protection measures (支援措置) may be the one they protect from.
The filing looks to that account as if no town had said anything any more; nothing says why. States are worked out from
what had happened by then, as the journey works them out at any time; what the filer says since looks as if it counted
(``onward``).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from hub.actors import HUB, acting
from hub.deliveries.models import Delivery, Receipt
from hub.deliveries.services import RANK
from hub.deliveries.states import Answer, State
from hub.relocations import alerts, facts, heirs, hindsight, journey, onward, services, tables
from hub.relocations.filing import Capacity, Filing
from hub.relocations.models import Agreement, Event, Guard, Kept, Leg, Relocation, Report
from hub.vault import cipher
from hub.vault import services as vault
from hub.vault.services import ShreddedError
from municipalities.notice import Flow, Role

States = Mapping[tuple[Role, str, int], str]
Place = tuple[Role, str]
#: How types of messages begin of which nobody learns but towns (message 75).
HIDDEN = "protection."
#: To the clerks who protect: that the filer said something which is only shown.
SAID_BY_THE_FILER = "A435"


@dataclass(frozen=True, slots=True)
class Look:
    """A relocation and its rows as they stood at a moment; the relocation is never stored."""

    relocation: Relocation
    filing: Filing
    #: States by leg, as the municipalities were then, and mover; a leg that came later has none.
    states: States
    rows: facts.Rows
    #: Codes that the legs had then, by the ones that they have now: municipalities merge.
    codes: Mapping[Place, str]
    #: Whether a municipality had decided, so that nothing was amended or withdrawn any more.
    is_decided: bool
    #: When the version was filed that is shown.
    filed_at: datetime
    #: Legs that came in by a version that was kept since; never stored.
    legs: Sequence[Leg]
    #: Who had taken over from whom, in order.
    taken_over: Sequence[Event]

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """What the towns had been told."""
        return self.rows.deliveries

    @property
    def flows(self) -> Mapping[int, Flow]:
        """How the movers' certificates were to travel."""
        return facts.flows(self.rows)

    @property
    def reports(self) -> Sequence[Report]:
        """What they had said."""
        return self.rows.reports

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


def look(relocation: Relocation, at: datetime, now: datetime | None = None) -> Look:
    """Return how a relocation stood, seen at another moment than this one (``now``); raises ``ShreddedError``."""
    with acting(HUB):
        rows, then = facts.read(relocation), Relocation.objects.get(pk=relocation.pk)
        answers = _answers(relocation, at)
        filings = _versions(then, at)
        filed_at, filing = filings[-1]
        flows, then.agreement = _flows(then, filing, at), _agreement(then, at)
        then.flow = tables.whole_flow(flows.values()).value
        if then.follows is not None:
            then.follows = _before(then.follows, at)
    # That a town is to protect, or said so, is never shown, whenever it was.
    reports = [row for row in rows.reports if row.received_at <= at and not row.type.startswith(HIDDEN)]
    taken_over = facts.Rows([], [], [], [row for row in rows.acts if row.at <= at]).heirs
    addressed = [heirs.addressed(version, rows.named) for _, version in filings]
    legs, codes = _legs(addressed, reports, rows.heirs, taken_over)
    before = facts.Rows(
        [row for row in rows.movers if row.ordinal in legs.get((Role(row.role), row.municipality_id), ())],
        [
            _at(row, at, answers.get(row.pk, ""))
            for row in rows.deliveries
            if row.created_at <= at and not row.type.startswith(HIDDEN)
        ],
        reports,
        # A merger gives what had happened to the successor, whenever it was: the legs have its code by now.
        [row for row in rows.acts if row.at <= at or row.type == "leg.succeeded"],
    )
    for mover in before.movers:
        mover.flow = flows[mover.ordinal].value
    shown = onward.Onward(then, filing, before, codes, filed_at)
    found = _travel(then, before, at)
    if then.frozen_at == at:
        found = _go_on(shown, found, at, now or timezone.now())
    then.state = found.state
    for role in (Role.ORIGIN, Role.DESTINATION):
        code = getattr(then, f"{role.value}_id")
        setattr(then, f"{role.value}_id", codes.get((role, code), code))
    states = {(role, codes[role, code], ordinal): state for (role, code, ordinal), state in found.states.items()}
    overs = [act for act in before.acts if act.type in facts.SUCCEEDED and (act.at <= at or act.pk is None)]
    decided = bool(facts.decided(before))
    looked = Look(then, shown.filing, states, before, codes, decided, shown.filed_at, shown.legs, overs)
    if found.state == journey.SETTLED and not hindsight.is_owed(looked, at):
        then.state = journey.COMPLETE
    return looked


def _travel(then: Relocation, before: facts.Rows, at: datetime) -> journey.Journey:
    """Work out the journey as of that day, and let the movers have its states."""
    found = journey.travel(replace(facts.situation(then, before), today=timezone.localdate(at)))
    for mover in before.movers:
        mover.state = found.states[Role(mover.role), mover.municipality_id, mover.ordinal]
    return found


def _go_on(shown: onward.Onward, found: journey.Journey, at: datetime, now: datetime) -> journey.Journey:
    """Let it look as if what was said since had counted, and what had to be told was handed over."""
    then, before = shown.relocation, shown.rows
    with acting(HUB):
        before.deliveries.extend(_due(found, then, shown.codes, at))
        for row in kept_of(then):
            onward.hand_over(before.deliveries, min(row.at, now))
            shown.take(row)
            found = _travel(then, before, at)
            before.deliveries.extend(_due(found, then, shown.codes, row.at))
        onward.hand_over(before.deliveries, now)
        return _travel(then, before, at)


def _answers(relocation: Relocation, at: datetime) -> dict[UUID, str]:
    """Return what had been answered, by delivery; that something arrived answers nothing."""
    rows = Receipt.objects.filter(delivery__relocation_id=relocation.pk, at__lte=at).exclude(kind=Answer.RECEIVED)
    found = rows.values_list("delivery", "kind")
    return dict(sorted(found, key=lambda pair: RANK[Answer(pair[1])]))


def kept_of(relocation: Relocation) -> list[Kept]:
    """Return what was said since its filer is shown nothing new, in order."""
    return list(relocation.kept.filter(at__gte=relocation.frozen_at).order_by("pk")) if relocation.frozen_at else []


def keep(
    relocation: Relocation,
    type_: str,
    ordinals: Sequence[int],
    agreement: str,
    body: bytes | None = None,
    **consent: Any,
) -> datetime:
    """Keep what was said, for its filer to be shown; called as the hub by who holds the relocation's lock.

    ``body``: what is to be sealed. Returns when it was said.
    """
    assert relocation.frozen_at is not None  # noqa: S101 - everything else counts
    at = max(timezone.now(), relocation.frozen_at)  # by the clock of whatever machine
    row = Kept(relocation=relocation, at=at, type=type_, ordinals=list(ordinals), agreement=agreement, **consent)
    if body is not None:
        row.body = cipher.seal(vault.open_one(relocation.pk), body, row.identity)
    row.save(force_insert=True)
    if type_ in ("filing.amended", "filing.withdrawn"):  # who protects asks the person; nothing of it is carried out
        own = relocation.legs.filter(guard=Guard.OWN).values_list("municipality", flat=True)
        everyone = relocation.movers.values_list("ordinal", flat=True)
        alerts.tell(relocation, set(own), SAID_BY_THE_FILER, list(ordinals) or set(everyone), f"{type_} {row.pk}")
    before = relocation.frozen_state
    relocation.frozen_state = look(relocation, relocation.frozen_at).relocation.state
    relocation.save(update_fields=["frozen_state"])
    if relocation.frozen_state in facts.OVER and before not in facts.OVER:
        for later in relocation.followed_by.all():
            services.advance(later.pk)
    return at


def _due(found: journey.Journey, then: Relocation, codes: Mapping[Place, str], at: datetime) -> list[Delivery]:
    """Return what towns would be told by now; of what had happened by then they were told already."""
    return [
        Delivery(
            type=item.type,
            role=item.role.value,
            municipality_id=codes[item.role, item.municipality],
            ordinals=list(item.ordinals),
            version=then.version,
            created_at=at,
            due_at=at,
        )
        for item in found.due
        if not item.type.startswith(HIDDEN)
    ]


def _before(relocation: Relocation, at: datetime) -> Relocation:
    """Return the move before as it was shown then; nobody can say any more of one that was shredded."""
    if relocation.frozen_at is None or relocation.frozen_at > at:
        with suppress(ShreddedError):
            relocation.state, relocation.frozen_at = look(relocation, at).relocation.state, None
    return relocation


def _versions(then: Relocation, at: datetime) -> list[tuple[datetime, Filing]]:
    """Unseal the versions that there were, in order, and let the relocation have the last of them."""
    key, found = vault.open_one(then.pk), []
    for version in then.versions.filter(created_at__lte=at).order_by("number"):
        then.version, then.version_by = version.number, version.by
        found.append((version.created_at, services.filing_of(then, key)))
    return found


def _flows(then: Relocation, filing: Filing, at: datetime) -> dict[int, Flow]:
    """How each mover's certificate was to go: as the filer said last, unless it had changed since."""
    filed = then.versions.filter(number__lte=then.version, by__in=("", journey.AMENDED)).order_by("number").last()
    assert filed is not None  # noqa: S101 - the first version is the filer's
    found = {mover.ordinal: filing.flow for mover in filing.movers}
    changed = then.events.filter(type="flow.changed", at__gte=filed.created_at, at__lte=at).order_by("pk")
    for detail in changed.values_list("detail", flat=True):  # at first a change was everybody's
        found |= dict.fromkeys(detail.get("movers", found), Flow(detail["flow"]))
    return found


def _agreement(then: Relocation, at: datetime) -> str:
    """What the consents amounted to: whatever was answered later was still waited for."""
    later = then.events.filter(type__in=("consent.confirmed", "consent.refused"), at__gt=at)
    return Agreement.PENDING if later.exists() else then.agreement


def _legs(
    filings: Sequence[Filing], reports: Sequence[Report], now: Mapping[str, str], then: Mapping[str, str]
) -> tuple[Mapping[Place, set[int]], dict[Place, str]]:
    """Return the legs that there were and whose, as filed or where somebody appeared, and their codes of then.

    Legs go by the codes that they have now; ``now`` and ``then``: who has taken over from whom. ``filings``: each
    with the codes by which it was sent.
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
    elif row.state == State.ANSWERED and not answer:
        row.state = State.SENT
    row.answer = answer
    return row


def is_for(filing: Filing, protected: Sequence[int]) -> bool:
    """Tell whether who filed is one of the protected persons and may go on seeing everything."""
    filer = filing.filer
    return filer.capacity is Capacity.SELF and filer.ordinal in protected
