"""What the filer is shown of a relocation: where it stands, or where it stood when a measure was set (``frozen``)."""

from collections.abc import Iterable
from contextlib import suppress

from hub.catalogue import Refusal
from hub.citizens import changes, standing
from hub.citizens.phrases import day
from hub.relocations import frozen, status
from hub.relocations.models import Relocation
from municipalities.notice import Flow


def every(relocations: Iterable[Relocation]) -> list[Relocation]:
    """Let each read as its filer is shown it; what cannot be said any more is left out."""
    found = []
    for relocation in relocations:
        with suppress(Refusal):
            found.append(status.as_it_stands(relocation))
    return found


def of(relocation: Relocation) -> standing.Standing:
    """Read everything the page shows; the caller has made sure whose it is. Raises ``Refusal`` as ``status.look``."""
    if relocation.frozen_at is None:
        return standing.of(relocation)
    return as_it_stood(status.look(relocation, relocation.frozen_at))


def as_it_stood(then: frozen.Look) -> standing.Standing:
    """What the page showed, and nothing to do about it here: the counter is asked."""
    relocation = then.relocation
    waiting = relocation.state in standing.BEFORE_ARRIVAL
    names = {mover.ordinal: mover.full_name for mover in then.filing.movers}
    replaced = changes.replaced(relocation.pk)
    legs, before = status.frozen_legs(then)
    return standing.Standing(
        relocation=relocation,
        state=str(relocation.get_state_display()),
        next=standing.next_of(relocation),
        bring=str(standing.BRING.get(Flow(relocation.flow), "")) if waiting else "",
        clocks=list(standing.clocks(relocation, then.filing)) if waiting else [],
        towns=[
            standing.town(
                leg,
                then.movers(leg),
                then.told(leg, status.codes_of(leg, before)),
                then.reports,
                names,
                replaced,
                {},
                before,
            )
            for leg in legs
        ],
        procedures=None,
        may_withdraw=False,
        may_amend=False,
        may_cancel=False,
        consents=[],
        filed_on=day(relocation.filed_on),
        planned_out_on=day(relocation.planned_out_on),
    )
