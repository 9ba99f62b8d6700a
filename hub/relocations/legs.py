"""Legs and their movers' states: made at intake, moved by what was handed over and by the journey."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

from django.db import connection

from hub.actors import HUB, acting, current
from hub.relocations import tables
from hub.relocations.models import Guard, Leg, Mover, Relocation
from hub.rows import Writer
from municipalities.notice import Role

LEGS, MOVERS = Writer(Leg), Writer(Mover)

#: Steps that a hand-over makes, as rows (role, from, message, to, whether it moves other legs than the receiver's).
_SENT_STEPS = [
    (step.role.value, step.start, step.on, step.end, step.whose == "any")
    for step in tables.leg_steps()
    if step.start != step.end
    and ((step.on, step.role) in tables.notices() if step.whose == "own" else step.whose == "any")
]
#: Notices that move legs besides the receiver's.
_MOVES_OTHERS = {message for _role, _start, message, _end, any_leg in _SENT_STEPS if any_leg}

FOLLOW = """
UPDATE relocations_mover AS mover
   SET state = step.ends
  FROM unnest(%(relocations)s::uuid[], %(types)s::varchar[], %(movers)s::int[], %(towns)s::varchar[],
              %(roles)s::varchar[]) AS told(relocation, type, ordinal, town, role),
       unnest(%(step_roles)s::varchar[], %(starts)s::varchar[], %(ons)s::varchar[], %(ends)s::varchar[],
              %(anys)s::boolean[]) AS step(role, starts, message, ends, any_leg)
 WHERE mover.relocation_id = told.relocation AND mover.ordinal = told.ordinal
   AND (step.any_leg OR (mover.municipality_id = told.town AND mover.role = told.role))
   AND step.role = mover.role AND step.message = told.type AND step.starts = mover.state
"""


def follow(deliveries: Iterable[tuple[UUID, UUID, str, Sequence[int], str, str]], **_: Any) -> None:
    """Move the legs of deliveries that were handed over, in one statement for the whole batch.

    They move at once, as the journey would move them; the state of the whole filing follows with the next
    recomputation, or at reading (``status.as_it_stands``), so that a courier need not read each filing.
    """
    told = [
        (relocation, kind, ordinal, town, role)
        for _, relocation, kind, ordinals, town, role in deliveries
        for ordinal in ordinals
    ]
    if not told:
        return
    # A town that fetches may not touch the legs of others; what it was handed may.
    others = any(type_ in _MOVES_OTHERS for _relocation, type_, *_rest in told) and current() != HUB
    columns = list(map(list, zip(*told, strict=True)))
    steps = list(map(list, zip(*_SENT_STEPS, strict=True)))
    names = ("relocations", "types", "movers", "towns", "roles", "step_roles", "starts", "ons", "ends", "anys")
    with acting(HUB) if others else nullcontext(), connection.cursor() as cursor:
        cursor.execute(FOLLOW, dict(zip(names, [*columns, *steps], strict=True)))


def of(movers: Iterable[Mover]) -> list[Leg]:
    """Return the legs of these movers, each once."""
    return list({mover.leg_id: mover.leg for mover in movers}.values())


def rename(relocation: Relocation, code: str, successor: str) -> None:
    """Give the parts of a municipality of the past to its successor, each mover with the state that it has."""
    for leg in relocation.legs.filter(municipality=code):
        there = relocation.legs.filter(municipality=successor, role=leg.role).first()
        movers = Mover.objects.filter(leg=leg)
        if there is None:
            leg.municipality_id = successor
            leg.save(update_fields=["municipality"])
        else:  # who has a part there already keeps that one
            movers = movers.exclude(ordinal__in=there.movers.values("ordinal"))
        movers.update(leg=there or leg, municipality=successor)


def make(
    relocation: Relocation, parts: Mapping[tuple[Role, str], Sequence[int]], existing: Sequence[Leg] = ()
) -> list[Mover]:
    """Make legs and their movers, each in its first state; returns the movers.

    ``existing``: legs that are there already, which take in movers too. Where one of them is under protection
    measures, a town that comes in later is told to protect as well.
    """
    guarded = next((leg for leg in existing if leg.guard != Guard.NONE), None)
    guard = {"guard": Guard.TOLD, "contact_office": guarded.contact_office} if guarded else {}
    legs = {(Role(leg.role), leg.municipality_id): leg for leg in existing}
    new = {
        (role, code): Leg(relocation=relocation, role=role.value, municipality_id=code, owner=relocation.owner, **guard)
        for role, code in parts
        if (role, code) not in legs
    }
    LEGS(list(new.values()))
    legs |= new
    movers = [
        Mover(
            leg=legs[role, code],
            relocation=relocation,
            municipality_id=code,
            role=role.value,
            ordinal=ordinal,
            state=tables.START[role],
        )
        for (role, code), ordinals in parts.items()
        for ordinal in ordinals
    ]
    MOVERS(movers)
    return movers
