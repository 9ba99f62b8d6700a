"""Legs and their movers' states: made at intake, moved by what was handed over and by the journey."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import OperationalError, connection, transaction
from psycopg.types.json import Jsonb

from hub.actors import HUB, acting, current
from hub.relocations import tables
from hub.relocations.models import Guard, Leg, Mover, Relocation
from hub.rows import Writer
from municipalities.notice import Role

log = structlog.get_logger(__name__)

LEGS, MOVERS = Writer(Leg), Writer(Mover)

#: Steps that a hand-over makes: the state that a leg comes to, by the notice, the leg's role and its state before; of
#: the receiver's leg, and of any leg of the move.
_OWN, _ANY = (
    {
        f"{step.on} {step.role} {step.start}": step.end
        for step in tables.leg_steps()
        if step.start != step.end
        and step.whose == whose
        and (whose == "any" or (step.on, step.role) in tables.notices())
    }
    for whose in ("own", "any")
)
#: Notices that move legs besides the receiver's.
_MOVES_OTHERS = {key.split()[0] for key in _ANY}
#: Notices whose hand-over may change the state of the whole filing.
_MOVES_FILING = {
    *("moveout.submitted", "arrival.planned", "arrival.prefill"),
    *("filing.amended", "correction.notified", "movein.cancelled"),
}

# The steps are looked up, not joined: joined, every mover told would be compared with every step that there is. Who was
# moved by somebody else meanwhile is left to them.
FOLLOW = """
UPDATE relocations_mover AS mover SET state = went.state
  FROM (SELECT leg.id, leg.state AS before, coalesce(
               CASE WHEN leg.municipality_id = told.town AND leg.role = told.role
                    THEN %(own)s::jsonb ->> concat_ws(' ', told.type, leg.role, leg.state) END,
               %(any)s::jsonb ->> concat_ws(' ', told.type, leg.role, leg.state)) AS state
          FROM unnest(%(relocations)s::uuid[], %(types)s::varchar[], %(movers)s::int[], %(towns)s::varchar[],
                      %(roles)s::varchar[]) AS told(relocation, type, ordinal, town, role)
          JOIN relocations_mover AS leg ON leg.relocation_id = told.relocation AND leg.ordinal = told.ordinal
       ) AS went
 WHERE mover.id = went.id AND mover.state = went.before AND went.state IS NOT NULL
"""


def follow(deliveries: Iterable[tuple[UUID, UUID, str, Sequence[int], str, str]], **_: Any) -> None:
    """Move the legs of deliveries that were handed over, in one statement for the whole batch.

    They move at once, as the journey would move them, and with them the states of their filings, in the same
    transaction: a courier that dies right after the commit leaves none behind. No filing is read for it.
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
    names = ("relocations", "types", "movers", "towns", "roles")
    parameters: dict[str, Any] = dict(zip(names, map(list, zip(*told, strict=True)), strict=True))
    with acting(HUB) if others else nullcontext(), connection.cursor() as cursor:
        cursor.execute(FOLLOW, parameters | {"own": Jsonb(_OWN), "any": Jsonb(_ANY)})
    concerned = {relocation for relocation, type_, *_rest in told if type_ in _MOVES_FILING}
    if concerned:
        busy = restate(sorted(concerned))
        if busy:  # whoever has them read what was true before this hand-over
            transaction.on_commit(partial(restate_later, busy), robust=True)


# As ``journey.roll_up``, for what a hand-over can change and nothing else. After an unfiled stay another leg leads:
# there the next event says it. Inside a hand-over nobody is waited for, who locks relocations first and then waits
# for its deliveries: what somebody is changing right now is returned.
RESTATE = """
WITH asked AS (
    SELECT id FROM relocations_relocation
     WHERE id = ANY(%(relocations)s::uuid[]) AND state IN ('SUBMITTED', 'RETURNED', 'SETTLED', 'COMPLETE')
       AND agreement IN ('', 'GIVEN')
), told AS (
    SELECT id, state, kind IN ('DOMESTIC', 'OVERSEAS_OUT') AS filed, kind = 'OVERSEAS_OUT' AS leaves
      FROM relocations_relocation
     WHERE id = ANY(%(relocations)s::uuid[]) AND state IN ('SUBMITTED', 'RETURNED', 'SETTLED', 'COMPLETE')
       AND agreement IN ('', 'GIVEN') ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), now AS (
    SELECT told.id, CASE told.state
           WHEN 'SUBMITTED' THEN CASE WHEN bool_or(waits) THEN told.state
                                      WHEN told.filed THEN 'IN_REVIEW' ELSE 'AWAITING_ARRIVAL' END
           WHEN 'RETURNED' THEN CASE WHEN bool_or(waits OR returned) THEN told.state ELSE 'IN_REVIEW' END
           ELSE CASE WHEN NOT bool_or(told_again) THEN told.state
                     WHEN told.leaves THEN 'MOVEOUT_ACCEPTED' ELSE 'ARRIVED' END
           END AS state
      FROM told JOIN LATERAL (
           SELECT (told.filed AND role = 'origin' AND mover.state = 'PENDING')
                  OR (NOT told.filed AND role = 'destination' AND mover.state = 'NONE') AS waits,
                  role = 'origin' AND mover.state = 'RETURNED' AS returned,
                  (role = 'domicile' AND mover.state = 'NOTICE_SENT')
                  OR (NOT told.leaves AND role = 'origin' AND mover.state = 'EFFECTIVE')
                  OR (role = 'domicile' AND mover.state = 'REVOKED' AND EXISTS (
                      SELECT FROM relocations_mover AS there
                       WHERE there.relocation_id = told.id AND there.ordinal = mover.ordinal
                         AND there.role = 'destination' AND there.state IN ('REGISTERED', 'NOTIFIED', 'CLOSED')))
                      AS told_again,
                  role = 'last_registered' AS unfiled
             FROM relocations_mover AS mover WHERE mover.relocation_id = told.id) AS part ON true
     GROUP BY told.id, told.state, told.filed, told.leaves
    HAVING NOT bool_or(unfiled)
), moved AS (
    UPDATE relocations_relocation AS relocation SET state = now.state FROM now
     WHERE relocation.id = now.id AND relocation.state <> now.state
)
SELECT id FROM asked EXCEPT SELECT id FROM told
"""


def restate(relocations: Sequence[UUID]) -> list[UUID]:
    """Let the stored states of filings follow their legs: lists are filtered by them.

    Returns those that somebody else was changing. Runs inside the caller's transaction.
    """
    with nullcontext() if current() == HUB else acting(HUB), connection.cursor() as cursor:
        cursor.execute(RESTATE, {"relocations": list(relocations)})
        return [pk for (pk,) in cursor.fetchall()]


#: How long somebody is waited for who changes a filing while a part of it is handed over.
WAIT = "1s"


def restate_later(relocations: Sequence[UUID]) -> None:
    """Do it once those who were changing these filings are done, in a transaction of its own that holds nothing else.

    Who takes longer than ``WAIT`` holds up no courier: that state follows with the filing's next event.
    """
    rows = Relocation.objects.select_for_update(of=("self",)).filter(pk__in=relocations).order_by("pk")
    try:
        with acting(HUB):
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WAIT])
            list(rows.values_list("pk"))  # a statement of its own: what follows sees what they wrote
            restate(relocations)
    except OperationalError as error:
        log.warning("state_not_followed", error=type(error).__name__, relocations=len(relocations))


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
    relocation: Relocation,
    parts: Mapping[tuple[Role, str], Sequence[int]],
    flows: Mapping[int, str],
    existing: Sequence[Leg] = (),
) -> list[Mover]:
    """Make legs and their movers, each in its first state; returns the movers.

    ``flows``: how their certificates travel, where that is not as for the whole.
    ``existing``: legs that are there already, which take in movers too. Where one of them is under protection
    measures, a town that comes in later is told to protect as well.
    """
    new = added(relocation, parts, existing)
    LEGS(new)
    movers = entered(relocation, parts, flows, [*existing, *new])
    MOVERS(movers)
    return movers


def missing(
    movers: Iterable[Mover], wanted: Mapping[tuple[Role, str], Sequence[int]]
) -> dict[tuple[Role, str], list[int]]:
    """Return of the wanted parts what is not there yet."""
    have = {(Role(mover.role), mover.municipality_id, mover.ordinal) for mover in movers}
    found = {
        (role, code): [ordinal for ordinal in ordinals if (role, code, ordinal) not in have]
        for (role, code), ordinals in wanted.items()
    }
    return {place: ordinals for place, ordinals in found.items() if ordinals}


def added(relocation: Relocation, parts: Iterable[tuple[Role, str]], existing: Sequence[Leg]) -> list[Leg]:
    """Return the legs that these parts need besides those that there are; as ``make``, not stored."""
    guarded = next((leg for leg in existing if leg.guard != Guard.NONE), None)
    guard = {"guard": Guard.TOLD, "contact_office": guarded.contact_office} if guarded else {}
    have = {(Role(leg.role), leg.municipality_id) for leg in existing}
    return [
        Leg(relocation=relocation, role=role.value, municipality_id=code, owner=relocation.owner, **guard)
        for role, code in parts
        if (role, code) not in have
    ]


def entered(
    relocation: Relocation,
    parts: Mapping[tuple[Role, str], Sequence[int]],
    flows: Mapping[int, str],
    legs: Iterable[Leg],
) -> list[Mover]:
    """Return the movers of these parts, each in its first state; as ``make``, not stored."""
    there = {(Role(leg.role), leg.municipality_id): leg for leg in legs}
    return [
        Mover(
            leg=there[role, code],
            relocation=relocation,
            municipality_id=code,
            role=role.value,
            ordinal=ordinal,
            state=tables.START[role],
            flow=flows.get(ordinal, relocation.flow),
        )
        for (role, code), ordinals in parts.items()
        for ordinal in ordinals
    ]
