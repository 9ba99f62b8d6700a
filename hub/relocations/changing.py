"""What a filer changes after filing: a new version, taking it back, asking for a cancellation."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.utils import timezone

from hub.actors import HUB, Actor, acting
from hub.catalogue import raise_any, refuse
from hub.deliveries import services as deliveries
from hub.deliveries.states import State
from hub.relocations import corrections, facts, journey, legs, services, signals
from hub.relocations.checks import check
from hub.relocations.filing import Filing
from hub.relocations.models import Relocation
from hub.relocations.notes import Notes
from municipalities.notice import Role

#: States in which nothing can be amended, withdrawn or cancelled any more.
ENDED = ("WITHDRAWN", "CANCELLED", "REJECTED")
#: Said too where the filer may not learn more (``frozen``).
DECIDED = "The town has decided; what is wrong in its record the town corrects."


def _mine(relocation_id: UUID, owner: Actor) -> Relocation:
    """Lock the owner's own relocation; E108 when it is not theirs."""
    mine = Relocation.objects.filter(pk=relocation_id, owner=owner.owner)
    relocation = mine.select_for_update(of=("self",)).first()
    if relocation is None:
        raise refuse("E108")
    return relocation


def amend(relocation_id: UUID, filing: Filing, owner: Actor, leaving: Collection[int] = ()) -> Relocation:
    """Put a new version in the place of what was filed (message 50), until the origin has decided; E200 afterwards.

    Kind and town left stay (another filing); all else may change. Movers keep their numbers: one may join at the end,
    and ``leaving`` are taken out as by ``withdraw`` though the document still names them. What has not left yet is
    superseded, towns that were told are told the new version, a town that has nothing to do with it any more is told
    of a withdrawal. Raises ``Refusal`` with every problem of the new version.
    """
    with acting(HUB):
        relocation = _mine(relocation_id, owner)
        if relocation.frozen_at is not None:
            raise refuse("E200", detail=DECIDED)
        rows, now = facts.read(relocation), services.opened(relocation)
        if relocation.state in ENDED or facts.decided(rows):
            raise refuse("E200", detail=DECIDED)
        before, notes = now.filing, Notes(relocation)
        if (filing.kind, filing.origin) != (before.kind, before.origin):
            raise refuse("E307", "/kind", "Another kind or another town that is left is another filing.")
        if len(filing.movers) < len(before.movers):
            raise refuse("E104", "/movers", "The movers keep their numbers; one of them may be withdrawn.")
        gone = facts.withdrawn(rows) | set(_named(rows, leaving))
        if len(gone) == len(filing.movers):
            raise refuse("E104", "/movers", "Nobody would move; withdraw the filing.")
        raise_any(check(filing, timezone.localdate(), services.register_offices(filing), gone))
        if leaving:
            rows.acts.append(notes.add("filing.withdrawn", movers=_named(rows, leaving)))
        _change_legs(relocation, rows, notes, filing, gone)
        deliveries.take_back(relocation.pk, State.SUPERSEDED)
        changed = corrections.write(relocation, before, filing, now.key, journey.AMENDED)
        relocation.flow, relocation.planned_out_on = filing.flow.value, filing.planned_out_on
        relocation.destination_id = filing.destination or None
        relocation.save(update_fields=["flow", "planned_out_on", "destination"])
        notes.add("filing.amended", version=relocation.version, fields=sorted(changed))
        rows = facts.Rows(rows.movers, facts.read(relocation).deliveries, rows.reports, rows.acts)
        signals.stored.send(
            sender=Relocation, relocation=relocation, filing=filing, legs=legs.of(rows.movers), gone=gone
        )
        services.look_ahead(relocation, rows, filing)
        services.go_on(relocation, rows, notes, services.Opened(relocation, filing, now.key))
    return relocation


def _change_legs(relocation: Relocation, rows: facts.Rows, notes: Notes, filing: Filing, gone: set[int]) -> None:
    """Add the legs that the new version has, and drop those that it has no longer; of movers who still move."""
    wanted = {
        place: [ordinal for ordinal in ordinals if ordinal not in gone]
        for place, ordinals in services.parts(filing).items()
    }
    here: dict[tuple[Role, str], list[int]] = {}
    for mover in rows.movers:
        if mover.state not in journey.ELSEWHERE and mover.ordinal not in gone:
            here.setdefault((Role(mover.role), mover.municipality_id), []).append(mover.ordinal)
    services.add_legs(relocation, rows, wanted)
    for mover in rows.movers:
        again = mover.state == "DROPPED" and mover.ordinal in wanted.get((Role(mover.role), mover.municipality_id), ())
        if again:
            rows.acts.append(notes.add("leg.restored", mover.municipality_id, role=mover.role, movers=[mover.ordinal]))
    for (role, code), ordinals in here.items():
        dropped = sorted(set(ordinals) - set(wanted.get((role, code), ())))
        if dropped:
            rows.acts.append(notes.add("leg.dropped", code, role=role.value, movers=dropped))


def withdraw(relocation_id: UUID, owner: Actor, movers: Collection[int] = ()) -> Relocation:
    """Take a filing back (message 60), or some movers out of it, until the origin has decided.

    What has not left yet is not sent; towns that were told are told of the withdrawal. Once the origin has decided it
    is a request for a cancellation (61), which the towns decide: exactly one of decision and withdrawal comes first,
    under the relocation's lock. Where the filer may not learn more (``frozen``) nothing happens, and nothing says so:
    it looks as if a town had decided, which is asked for a cancellation and keeps its states until it answers.
    """
    with acting(HUB):
        relocation = _mine(relocation_id, owner)
        if relocation.frozen_at is not None or relocation.state in ENDED:
            return relocation
        rows, notes = facts.read(relocation), Notes(relocation)
        named: dict[str, Any] = {"movers": _named(rows, movers)} if movers else {}
        if facts.decided(rows):
            return _ask_for_cancellation(relocation, rows, notes, named)
        deliveries.take_back(relocation.pk, movers=movers or None)
        rows = facts.read(relocation)
        rows.acts.append(notes.add("filing.withdrawn", **named))
        services.go_on(relocation, rows, notes)
    return relocation


def _named(rows: facts.Rows, movers: Collection[int]) -> list[int]:
    """Return the movers in order; E104 when one is not in the filing."""
    if not set(movers) <= {mover.ordinal for mover in rows.movers}:
        raise refuse("E104", "/movers", "Name movers by their ordinals.")
    return sorted(set(movers))


def _ask_for_cancellation(relocation: Relocation, rows: facts.Rows, notes: Notes, named: dict[str, Any]) -> Relocation:
    """Ask the towns to cancel (message 61); asking again changes nothing, unless a town refused meanwhile."""
    same = [act for act in rows.acts if act.type == "cancel.asked" and act.detail.get("movers") == named.get("movers")]
    refused = [report for report in rows.reports if (report.type, report.outcome) == ("cancel.decided", "REFUSED")]
    again = bool(same) and any(report.received_at > same[-1].at for report in refused)
    if again or not same:
        rows.acts.append(notes.add("cancel.asked", again=again, **named))
        services.go_on(relocation, rows, notes)
    return relocation
