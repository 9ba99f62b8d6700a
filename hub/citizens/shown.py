"""What the filer is shown of a relocation: where it stands, or where it stood when a measure was set (``frozen``)."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from hub.catalogue import Refusal
from hub.citizens import changes, consents, last_days, procedures, standing
from hub.citizens.phrases import bring, day
from hub.consents import unseen
from hub.deliveries import windows
from hub.relocations import frozen, hindsight, outages, services, status
from hub.relocations.filing import Document
from hub.relocations.models import Relocation


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
    return as_it_stood(status.look(relocation, relocation.frozen_at), relocation.frozen_at)


def as_it_stood(then: frozen.Look, at: datetime) -> standing.Standing:
    """What the page showed, with what it offered and what was answered since."""
    relocation = then.relocation
    waiting = relocation.state in standing.BEFORE_ARRIVAL
    names = standing.names_of(then.filing)
    replaced = changes.replaced(relocation.pk)  # of those deliveries that are shown
    legs, before = status.frozen_legs(then)
    closed = windows.receives_from(leg.municipality_id for leg in legs)
    standings = [(leg, then.movers(leg)) for leg in legs]
    silent = outages.silent(relocation, standings, then.flows)
    listed, _told = status.procedures_of(then)
    opened = services.Opened(relocation, Document.of(then.filing))
    days = status.suggested(then.reports, opened)
    near = hindsight.reminded(then, at) if waiting else []
    return standing.Standing(
        relocation=relocation,
        state=str(relocation.get_state_display()),
        next=standing.next_of(relocation, standings),
        bring=bring(relocation.kind, standing.awaited(then.flows, standings), names) if waiting else "",
        clocks=list(last_days.clocks(relocation, then.filing, then.flows, standings, names, near)) if waiting else [],
        towns=[
            replace(
                standing.town(
                    leg,
                    then.movers(leg),
                    then.told(leg, status.codes_of(leg, before)),
                    then.reports,
                    names,
                    replaced,
                    closed,
                    before,
                ),
                line=standing.line() if leg.pk in silent else "",
                suggested=standing.suggested(leg, then.movers(leg), days),
            )
            for leg in legs
        ],
        procedures=procedures.section(listed, relocation, opened),
        may_withdraw=standing.may_withdraw(relocation),
        may_amend=standing.may_withdraw(relocation),
        may_cancel=standing.may_cancel(relocation),
        consents=consents.of_filing(unseen.as_it_stood(then, at), then.filing),
        filed_on=day(relocation.filed_on),
        planned_out_on=day(relocation.planned_out_on),
    )
