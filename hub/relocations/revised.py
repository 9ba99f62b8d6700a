"""What a new version of a filing changes about its legs and movers; worked out, not stored."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from hub.relocations import facts, heirs, journey, services
from hub.relocations.filing import Filing
from hub.relocations.models import Mover
from municipalities.notice import Role

#: The movers of legs, by role and code.
Parts: TypeAlias = Mapping[tuple[Role, str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class New:
    """A new version in a move."""

    #: What its codes are today.
    places: heirs.Places
    #: The version with the codes that the legs have (``heirs.addressed``).
    there: Filing
    #: Who has the places of codes of the past that the move did not know of before.
    heirs: Mapping[str, str]
    #: Movers who were taken out, by now.
    gone: set[int]
    #: Who has a part in which leg.
    parts: Parts


def new(filing: Filing, rows: facts.Rows, today: date, leaving: Collection[int]) -> New:
    """Work out what a version is in this move; ``leaving``: movers whom it takes out.

    Of a merger that no leg has followed yet nobody has the place.
    """
    places, waiting = heirs.places(filing, today), {row.municipality_id for row in rows.movers}
    followed = {code: heir for code, heir in {**places.now, **rows.heirs}.items() if code not in waiting}
    there, gone = heirs.addressed(filing, followed), facts.withdrawn(rows) | set(leaving)
    return New(
        places,
        there,
        {code: heir for code, heir in followed.items() if code not in rows.heirs},
        gone,
        {
            place: [ordinal for ordinal in ordinals if ordinal not in gone]
            for place, ordinals in services.parts(there).items()
        },
    )


def restored(movers: Iterable[Mover], wanted: Parts) -> dict[tuple[Role, str], list[int]]:
    """Return who was dropped from a leg and is wanted there again."""
    again = [mover for mover in movers if mover.state == "DROPPED"]
    return _by_leg(mover for mover in again if mover.ordinal in wanted.get(_place(mover), ()))


def dropped(movers: Iterable[Mover], wanted: Parts, gone: Collection[int]) -> dict[tuple[Role, str], list[int]]:
    """Return who still moves and has no part in a leg any more; ``gone``: who was taken out."""
    here = [mover for mover in movers if mover.state not in journey.ELSEWHERE and mover.ordinal not in gone]
    return _by_leg(mover for mover in here if mover.ordinal not in wanted.get(_place(mover), ()))


def _place(mover: Mover) -> tuple[Role, str]:
    return Role(mover.role), mover.municipality_id


def _by_leg(movers: Iterable[Mover]) -> dict[tuple[Role, str], list[int]]:
    found: dict[tuple[Role, str], list[int]] = {}
    for mover in movers:
        found.setdefault(_place(mover), []).append(mover.ordinal)
    return {place: sorted(ordinals) for place, ordinals in found.items()}
