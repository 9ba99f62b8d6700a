"""Between the rows and the journey: reads what happened into a ``Situation``, writes its states back."""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec
from django.db.models import Max
from django.utils import timezone

from hub.deliveries.models import Delivery
from hub.deliveries.states import State
from hub.relocations.journey import Due, Fact, LegFacts, Situation
from hub.relocations.models import Mover, Relocation
from hub.vault import cipher
from municipalities.notice import Flow, Role

#: A delivery that never left: its notice is not a fact and its town need not be told of a withdrawal.
NEVER_LEFT = (State.WITHDRAWN, State.SUPERSEDED, State.EXPIRED)


def situation(relocation: Relocation) -> Situation:
    """Read everything the journey depends on."""
    movers = list(relocation.movers.order_by("leg_id", "ordinal"))
    sent = list(Delivery.objects.filter(relocation_id=relocation.pk).order_by("sequence"))
    everyone = frozenset(mover.ordinal for mover in movers)
    return Situation(
        flow=Flow(relocation.flow),
        planned_out_on=relocation.planned_out_on,
        legs=_legs(movers, {row.municipality_id for row in sent if row.state not in NEVER_LEFT}),
        facts=tuple(fact for _, fact in sorted(_facts(relocation, sent, everyone), key=lambda pair: pair[0])),
        covered=_covered(sent),
        today=timezone.localdate(),
    )


def _legs(movers: list[Mover], told: set[str]) -> tuple[LegFacts, ...]:
    found: dict[tuple[str, str], list[int]] = {}
    for mover in movers:
        found.setdefault((mover.role, mover.municipality_id), []).append(mover.ordinal)
    return tuple(LegFacts(Role(role), code, tuple(ordinals), code in told) for (role, code), ordinals in found.items())


def _facts(relocation: Relocation, sent: list[Delivery], everyone: frozenset[int]) -> list[tuple[datetime, Fact]]:
    found = [
        (event.at, Fact(event.type, everyone))
        for event in relocation.events.filter(type__in=["filing.acknowledged", "filing.withdrawn"])
    ]
    found += [
        (row.sent_at, Fact(row.type, frozenset(row.ordinals), municipality=row.municipality_id))
        for row in sent
        if row.sent_at is not None
    ]
    found += [
        (row.received_at, Fact(row.type, frozenset(row.ordinals), row.outcome, row.municipality_id))
        for row in relocation.reports.all()
    ]
    return found


def _covered(sent: list[Delivery]) -> Mapping[tuple[str, Role, str], frozenset[int]]:
    found: dict[tuple[str, Role, str], frozenset[int]] = {}
    for row in sent:
        key = (row.type, Role(row.role), row.municipality_id)
        found[key] = found.get(key, frozenset()) | frozenset(row.ordinals)
    return found


def write_states(relocation: Relocation, states: Mapping[tuple[Role, str, int], str]) -> None:
    """Write the states that changed; the database refuses a step that is not in the table."""
    for mover in relocation.movers.all():
        state = states[Role(mover.role), mover.municipality_id, mover.ordinal]
        if state != mover.state:
            mover.state = state
            mover.save(update_fields=["state"])


def part(relocation: Relocation, due: Due) -> int:
    """Return which of several notices of this kind the next one is."""
    rows = Delivery.objects.filter(
        relocation_id=relocation.pk, type=due.type, role=due.role.value, municipality_id=due.municipality
    )
    last: int | None = rows.aggregate(last=Max("part"))["last"]
    return (last or 0) + 1


def decided(relocation: Relocation) -> bool:
    """Tell whether the origin has registered or rejected the move-out of any mover."""
    return relocation.reports.filter(type="moveout.decided", outcome__in=["REGISTERED", "REJECTED"]).exists()


class LegalDate(msgspec.Struct):
    """The part of a report's body that a later notice repeats."""

    legal_date: date | None = None


def actual_in_on(relocation: Relocation, key: bytes, ordinals: tuple[int, ...]) -> date | None:
    """Return the move-in date that the destination registered for these movers, when it has."""
    for report in relocation.reports.filter(type="movein.decided", outcome="REGISTERED").order_by("-received_at"):
        if set(report.ordinals) & set(ordinals):
            body = cipher.unseal(key, bytes(report.body), report.identity)
            return msgspec.json.decode(body, type=LegalDate).legal_date
    return None
