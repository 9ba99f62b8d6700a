"""What a filer changes after filing: a new version, taking it back, asking for a cancellation."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from hub.actors import HUB, Actor, acting
from hub.catalogue import raise_any, refuse
from hub.deliveries import services as deliveries
from hub.deliveries.states import State
from hub.relocations import corrections, facts, frozen, heirs, journey, legs, services, signals
from hub.relocations.filing import Document, Filing
from hub.relocations.models import Relocation, Report
from hub.relocations.notes import Notes
from hub.vault.services import ShreddedError
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
        before, notes = now.filing, Notes(relocation, rows)
        places = heirs.places(filing, timezone.localdate())
        followed = _followed(places, rows)
        there = heirs.addressed(filing, followed)
        if (filing.kind, there.origin or None) != (before.kind, relocation.origin_id):
            raise refuse("E307", "/kind", "Another kind or another town that is left is another filing.")
        if len(filing.movers) < len(before.movers):
            raise refuse("E104", "/movers", "The movers keep their numbers; one of them may be withdrawn.")
        gone = facts.withdrawn(rows) | set(_named(rows, leaving))
        if len(gone) == len(filing.movers):
            raise refuse("E104", "/movers", "Nobody would move; withdraw the filing.")
        raise_any(heirs.problems(filing, timezone.localdate(), places, gone))
        if leaving:
            rows.acts.append(notes.add("filing.withdrawn", movers=_named(rows, leaving)))
        new = {code: heir for code, heir in followed.items() if code not in rows.heirs}
        rows.acts.extend(services.succeeded(notes, new))
        _change_legs(relocation, rows, notes, there, gone)
        deliveries.take_back(relocation.pk, State.SUPERSEDED)
        document = Document.of(filing, now.document.elsewhere)  # who appeared elsewhere stays there
        changed = corrections.write(relocation, now.document, document, now.key, journey.AMENDED)
        relocation.planned_out_on, relocation.destination_id = filing.planned_out_on, there.destination or None
        relocation.save(update_fields=["planned_out_on", "destination"])
        notes.add("filing.amended", version=relocation.version, fields=sorted(changed))
        if set(facts.flows(rows).values()) != {filing.flow}:
            services.set_flow(relocation, rows, notes, filing.flow, facts.flows(rows))
        rows = facts.Rows(rows.movers, facts.read(relocation).deliveries, rows.reports, rows.acts)
        signals.stored.send(
            sender=Relocation, relocation=relocation, filing=filing, legs=legs.of(rows.movers), gone=gone
        )
        services.look_ahead(relocation, rows, filing)
        services.go_on(relocation, rows, notes, services.Opened(relocation, document, now.key))
    return relocation


def _followed(places: heirs.Places, rows: facts.Rows) -> dict[str, str]:
    """Return who has the places of codes of the past in this move; of a merger that no leg has followed yet nobody."""
    now, waiting = {**places.now, **rows.heirs}, {row.municipality_id for row in rows.movers}
    return {code: heir for code, heir in now.items() if code not in waiting}


def _change_legs(relocation: Relocation, rows: facts.Rows, notes: Notes, filing: Filing, gone: set[int]) -> None:
    """Add the legs that the new version has, and drop those that it has no longer; of movers who still move.

    ``filing``: with the codes that the legs have (``heirs.addressed``).
    """
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
    """Take a filing back (message 60), or some movers out of it, until the origin has decided about them.

    What has not left yet is not sent; towns that were told are told of the withdrawal. Of whom the origin has decided
    it is a request for a cancellation (61), which the towns decide: exactly one of decision and withdrawal comes first,
    under the relocation's lock. Where the filer may not learn more (``frozen``) nothing happens, and nothing says so:
    it looks as if a town had decided, where nobody is shown a request for a cancellation until it is answered; as long
    as no town is shown to have been told, it looks taken back.
    """
    with acting(HUB):
        relocation = _mine(relocation_id, owner)
        if relocation.frozen_at is not None:
            _keep_withdrawal(relocation, movers)
            return relocation
        if relocation.state in ENDED:
            return relocation
        rows = facts.read(relocation)
        notes = Notes(relocation, rows)
        named: dict[str, Any] = {"movers": _named(rows, movers)} if movers else {}
        done = facts.decided(rows)
        undecided = (_under_way(rows) & set(movers) if movers else _under_way(rows)) - done
        if done and not undecided:
            return _ask_for_cancellation(relocation, rows, notes, named)
        if done:
            named = {"movers": sorted(undecided)}
        deliveries.take_back(relocation.pk, movers=named.get("movers"))
        rows = facts.read(relocation)
        rows.acts.append(notes.add("filing.withdrawn", **named))
        services.go_on(relocation, rows, notes)
        others = done & (set(movers) or done)
        if others:  # a town has decided about some of them, and not about others
            rows, named = facts.read(relocation), {"movers": sorted(others)}
            return _ask_for_cancellation(relocation, rows, Notes(relocation, rows), named)
    return relocation


def _under_way(rows: facts.Rows) -> set[int]:
    """Return the movers of whom something is still to be decided."""
    return {mover.ordinal for mover in rows.movers if mover.state not in ENDED and mover.state not in journey.ELSEWHERE}


def _keep_withdrawal(relocation: Relocation, movers: Collection[int]) -> None:
    """Keep that it was taken back where no town is shown to have been told: none can have decided."""
    assert relocation.frozen_at is not None  # noqa: S101 - everything else is taken back
    try:
        then = frozen.look(relocation, relocation.frozen_at)
    except ShreddedError:
        raise refuse("E108") from None
    told = any(row.sent_at for row in then.deliveries)
    if not told and then.relocation.state not in ENDED:
        frozen.keep(relocation, "filing.withdrawn", _named(then.rows, movers), then.relocation.agreement)


def _named(rows: facts.Rows, movers: Collection[int]) -> list[int]:
    """Return the movers in order; E104 when one is not in the filing."""
    if not set(movers) <= {mover.ordinal for mover in rows.movers}:
        raise refuse("E104", "/movers", "Name movers by their ordinals.")
    return sorted(set(movers))


def _stands_after_all(since: Sequence[Report]) -> bool:
    """Tell whether a town refused to cancel, or cancelled the move-in and registered it again."""
    cancelled = False
    for row in since:
        if (row.type, row.outcome) == ("cancel.decided", "REFUSED"):
            return True
        if cancelled and (row.type, row.outcome) == ("movein.decided", "REGISTERED"):
            return True
        cancelled = cancelled or (row.type, row.outcome) in journey.UNDONE
    return False


def _ask_for_cancellation(relocation: Relocation, rows: facts.Rows, notes: Notes, named: dict[str, Any]) -> Relocation:
    """Ask the towns to cancel (message 61)."""
    if ask(rows, notes, named):
        services.go_on(relocation, rows, notes)
    return relocation


def ask(rows: facts.Rows, notes: Notes, named: dict[str, Any]) -> bool:
    """Note that a cancellation is asked for, of everybody or of the ``movers`` named; tells whether that is new.

    Asking again changes nothing, unless a town refused meanwhile, or cancelled and registered the movers again.
    """
    everyone = {mover.ordinal for mover in rows.movers}
    who = set(named.get("movers", everyone))
    same = [act for act in rows.acts if act.type == "cancel.asked" and who <= set(act.detail.get("movers", everyone))]
    again = bool(same) and _stands_after_all(
        [row for row in rows.reports if row.received_at > same[-1].at and not who.isdisjoint(row.ordinals)]
    )
    if again or not same:
        rows.acts.append(notes.add("cancel.asked", again=again, **named))
    return again or not same
