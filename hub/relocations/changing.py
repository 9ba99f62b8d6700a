"""What a filer says after filing: a new version, taking it back, asking for a cancellation, answers to questions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.utils import timezone

from hub.actors import HUB, Actor, acting
from hub.catalogue import raise_any, refuse
from hub.deliveries import services as deliveries
from hub.deliveries.states import State
from hub.procedures import services as procedures
from hub.procedures.conditions import HOUSEHOLD, Answers
from hub.relocations import corrections, facts, frozen, heirs, journey, legs, revised, services, signals
from hub.relocations.filing import Document, Filing
from hub.relocations.models import Relocation, Report
from hub.relocations.notes import Notes
from hub.vault.services import ShreddedError

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
    of a withdrawal. Raises ``Refusal`` with every problem of the new version. Where the filer may not learn more
    (``frozen``) it is kept, and looks as it would.
    """
    with acting(HUB):
        relocation = _mine(relocation_id, owner)
        if relocation.frozen_at is not None:
            return _keep_version(relocation, filing, leaving)
        rows, now = facts.read(relocation), services.opened(relocation)
        if relocation.state in ENDED or facts.decided(rows):
            raise refuse("E200", detail=DECIDED)
        before, notes = now.filing, Notes(relocation, rows)
        new = _fit(relocation, rows, before, filing, leaving)
        if leaving:
            rows.acts.append(notes.add("filing.withdrawn", movers=_named(rows, leaving)))
        rows.acts.extend(services.succeeded(notes, new.heirs))
        _change_legs(relocation, rows, notes, new)
        deliveries.take_back(relocation.pk, State.SUPERSEDED)
        document = Document.of(filing, now.document.elsewhere)  # who appeared elsewhere stays there
        changed = corrections.write(relocation, now.document, document, now.key, journey.AMENDED)
        relocation.planned_out_on, relocation.destination_id = filing.planned_out_on, new.there.destination or None
        relocation.save(update_fields=["planned_out_on", "destination"])
        notes.add("filing.amended", version=relocation.version, fields=sorted(changed))
        if set(facts.flows(rows).values()) != {filing.flow}:
            services.set_flow(relocation, rows, notes, filing.flow, facts.flows(rows))
        rows = facts.Rows(rows.movers, facts.read(relocation).deliveries, rows.reports, rows.acts)
        signals.stored.send(
            sender=Relocation, relocation=relocation, filing=filing, legs=legs.of(rows.movers), gone=new.gone
        )
        services.look_ahead(relocation, rows, filing)
        services.go_on(relocation, rows, notes, services.Opened(relocation, document, now.key))
    return relocation


def _fit(
    relocation: Relocation, rows: facts.Rows, before: Filing, filing: Filing, leaving: Collection[int]
) -> revised.New:
    """Return what a new version is in this move; raises ``Refusal`` with everything that is wrong with it."""
    today = timezone.localdate()
    new = revised.new(filing, rows, today, _named(rows, leaving))
    if (filing.kind, new.there.origin or None) != (before.kind, relocation.origin_id):
        raise refuse("E307", "/kind", "Another kind or another town that is left is another filing.")
    if len(filing.movers) < len(before.movers):
        raise refuse("E104", "/movers", "The movers keep their numbers; one of them may be withdrawn.")
    if len(new.gone) == len(filing.movers):
        raise refuse("E104", "/movers", "Nobody would move; withdraw the filing.")
    raise_any(heirs.problems(filing, today, new.places, new.gone))
    return new


def _change_legs(relocation: Relocation, rows: facts.Rows, notes: Notes, new: revised.New) -> None:
    """Add the legs that the new version has, and drop those that it has no longer; of movers who still move."""
    dropped, restored = revised.dropped(rows.movers, new.parts, new.gone), revised.restored(rows.movers, new.parts)
    services.add_legs(relocation, rows, new.parts)
    for type_, places in (("leg.restored", restored), ("leg.dropped", dropped)):
        for (role, code), ordinals in places.items():
            rows.acts.append(notes.add(type_, code, role=role.value, movers=ordinals))


def _keep_version(relocation: Relocation, filing: Filing, leaving: Collection[int]) -> Relocation:
    """Keep a new version, as ``amend`` where the filer may not learn more; returns the relocation as it looks then."""
    then = _look(relocation)
    if then.relocation.state in ENDED or then.is_decided:
        raise refuse("E200", detail=DECIDED)
    new = _fit(relocation, then.rows, then.filing, filing, leaving)
    at = frozen.keep(
        relocation, "filing.amended", _named(then.rows, leaving), then.relocation.agreement, msgspec.json.encode(filing)
    )
    signals.kept.send(sender=Relocation, relocation=relocation, before=then, filing=filing, gone=new.gone)
    return _look(relocation, at).relocation  # no town can have been told of it yet


def _look(relocation: Relocation, now: datetime | None = None) -> frozen.Look:
    """Return how it looks to a filer who may not learn more; E108 when nobody can say that any more."""
    assert relocation.frozen_at is not None  # noqa: S101 - everything else is as it is
    try:
        return frozen.look(relocation, relocation.frozen_at, now)
    except ShreddedError:
        raise refuse("E108") from None


def withdraw(relocation_id: UUID, owner: Actor, movers: Collection[int] = ()) -> Relocation:
    """Take a filing back (message 60), or some movers out of it, until the origin has decided about them.

    What has not left yet is not sent; towns that were told are told of the withdrawal. Of whom the origin has decided
    it is a request for a cancellation (61), which the towns decide: exactly one of decision and withdrawal comes first,
    under the relocation's lock. Where the filer may not learn more (``frozen``) it is kept and looks taken back; a
    request for a cancellation does not look like anything, as with any filing until a town has answered it.
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
        named, undecided, done = _who(rows, movers)
        if done and not undecided:
            return _ask_for_cancellation(relocation, rows, notes, named)
        if done:
            named = {"movers": undecided}
        deliveries.take_back(relocation.pk, movers=named.get("movers"))
        rows = facts.read(relocation)
        rows.acts.append(notes.add("filing.withdrawn", **named))
        services.go_on(relocation, rows, notes)
        others = done & (set(movers) or done)
        if others:  # a town has decided about some of them, and not about others
            rows, named = facts.read(relocation), {"movers": sorted(others)}
            return _ask_for_cancellation(relocation, rows, Notes(relocation, rows), named)
    return relocation


def _who(rows: facts.Rows, movers: Collection[int]) -> tuple[dict[str, Any], list[int], frozenset[int]]:
    """Return who is named, of whom of these a town is still to decide, and of whom any has decided; E104 as below."""
    named, done = {"movers": _named(rows, movers)} if movers else {}, facts.decided(rows)
    under_way = {
        mover.ordinal for mover in rows.movers if mover.state not in ENDED and mover.state not in journey.ELSEWHERE
    }
    return named, sorted((under_way & set(movers) if movers else under_way) - done), done


def _keep_withdrawal(relocation: Relocation, movers: Collection[int]) -> None:
    """Keep that it was taken back, of whom no town is shown to have decided."""
    then = _look(relocation)
    named, undecided, done = _who(then.rows, movers)
    if then.relocation.state not in ENDED and (undecided or not done):
        about = undecided if done else named.get("movers", ())
        frozen.keep(relocation, "filing.withdrawn", about, then.relocation.agreement)


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


def answer(relocation_id: UUID, owner: Actor, given: Answers) -> bool:
    """Keep what the citizen answered and let the relocation go on; as ``procedures.answer``.

    Where the filer may not learn more (``frozen``) the answers are kept and shown, and count only when that ends: by
    them it may look complete or not again, which is no matter to a move that waits by ``frozen_state``.
    Raises ``Refusal`` E108 for a relocation of somebody else, E104 for a person who does not move.
    """
    with acting(HUB):
        relocation = _mine(relocation_id, owner)
        hidden = relocation.frozen_at is not None
        rows = _look(relocation).rows.movers if hidden else relocation.movers.all()
        movers = {mover.ordinal for mover in rows}
        for number, question in given:
            if number != HOUSEHOLD and number not in movers:
                raise refuse("E104", f"/answers/{number}/{question}", "Nobody with this number moves.")
        new = procedures.answer(relocation.pk, relocation.owner, given)
        if new and not hidden:
            services.advance(relocation.pk)
    return new
