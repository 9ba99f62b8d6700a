"""Ask, make a link, answer. Whoever is asked sees the own data and the outline of the filing, and nothing more."""

import hashlib
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.audit import services as audit
from hub.catalogue import Refusal, refuse
from hub.consents import unseen
from hub.consents.models import Answer, Means, Request
from hub.consents.wanted import amount_to, wanted_of
from hub.ids import uuid7
from hub.relocations import changing, facts, frozen, people, services
from hub.relocations.filing import Filing
from hub.relocations.models import Guard, Kept, Leg, Relocation
from hub.relocations.notes import Notes
from hub.vault.services import ShreddedError
from municipalities import calendars
from municipalities.notice import Address, Mover

#: States of a filing in which nobody need answer any more.
ENDED = ("WITHDRAWN", "REJECTED", "CANCELLED", "SETTLED", "COMPLETE")


def asked_anew(relocation: Relocation, filing: Filing, gone: Collection[int]) -> list[int]:
    """Return who would have to agree to this version and has not agreed to the same before; asked as the hub.

    Where the filer may not learn more, as it looks (``frozen``).
    """
    rows = list(relocation.consents.exclude(answer=Answer.VOID))
    if relocation.frozen_at is not None:
        rows = unseen.as_it_stood(frozen.look(relocation, relocation.frozen_at), relocation.frozen_at)
    have = {bytes(row.subject) for row in rows if row.answer == Answer.CONFIRMED}
    return [ordinal for mark, ordinal in wanted_of(filing, gone).items() if mark not in have]


def ask(relocation: Relocation, filing: Filing, gone: Collection[int], **_: Any) -> None:
    """Ask whom this version needs (receiver of ``signals.stored``); what was answered before and still fits, holds."""
    wanted = wanted_of(filing, gone)
    if not wanted and relocation.version == 1:
        return
    rows = {bytes(row.subject): row for row in relocation.consents.exclude(answer=Answer.VOID)}
    for mark, row in rows.items():
        if mark not in wanted:
            row.answer, row.token = Answer.VOID, None
            row.save(update_fields=["answer", "token"])
        elif row.ordinal != wanted[mark]:
            row.ordinal = wanted[mark]
            row.save(update_fields=["ordinal"])
    new = [mark for mark in wanted if mark not in rows]
    Request.objects.bulk_create(Request(relocation=relocation, ordinal=wanted[mark], subject=mark) for mark in new)
    settle(relocation)


def settle(relocation: Relocation) -> None:
    """Write on the relocation what its consents amount to: one refusal refuses, one that is missing waits."""
    answers = relocation.consents.exclude(answer=Answer.VOID).values_list("answer", flat=True)
    relocation.agreement = amount_to(list(answers))
    relocation.save(update_fields=["agreement"])


def of_filer(relocation: Relocation) -> list[Request]:
    """Return the consents of a filing for its filer; row-level security shows them to nobody else."""
    return list(relocation.consents.exclude(answer=Answer.VOID).order_by("ordinal"))


def take_kept(relocation: Relocation) -> None:
    """Let answers count that were kept while the filer could not learn more; who holds the lock calls it as the hub.

    What was answered at a counter meanwhile stands. What the filer asked for is asked for again, if it is still meant.
    """
    for row in relocation.kept.filter(type__in=unseen.SAID).order_by("pk"):
        waiting = relocation.consents.filter(pk__in=[row.request_id], answer=Answer.PENDING).first()
        if waiting is not None and relocation.state not in ENDED:
            waiting.relocation, waiting.account = relocation, row.account
            with suppress(Refusal):  # an account that has answered for somebody else
                _take(waiting, agrees=unseen.SAID[row.type] == Answer.CONFIRMED)


def make_link(request_id: UUID, owner: Actor) -> tuple[Request, str]:
    """Return a consent and a fresh token for its link, which is stored as a hash only; the link before it is void.

    E108 when it is not this filer's to ask for, or answered already.
    """
    with acting(HUB):
        rows = Request.objects.select_for_update(of=("self",)).filter(pk=request_id, relocation__owner=owner.owner)
        row = rows.select_related("relocation").first()
        shown, _ = unseen.shown(row) if row else (None, None)
        if row is None or shown is None or shown.answer != Answer.PENDING:
            raise refuse("E108")
        token = secrets.token_urlsafe(32)
        row.token = digest(token)
        row.save(update_fields=["token"])
        _note(row.relocation, "consent.link_made", row)
    return row, token


def digest(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True, slots=True)
class Outline:
    """What somebody who is asked may know: the own data and the filing in outline."""

    request: Request
    kind: str
    origin: str
    destination: str
    planned_on: Any
    persons: int
    #: The own birth date as the register prints it.
    born: str
    #: The own data, as filed; ``None`` for the head of the household joined, who is no mover.
    mover: Mover | None
    #: Names of who would join the household; for its head alone.
    joining: tuple[str, ...]
    #: The head's own name, as the filer wrote it; for the head alone.
    head_name: str


def outline(token: str, actor: Actor) -> Outline:
    """Return what the person behind a link is shown.

    E108 for a link that is unknown, used, renewed or ended, for the filer's own account, and for a filing under
    protection measures: all of them look the same. Where the filer must not learn of the measure either, the link
    shows what it showed before, for the filer may have handed it to anybody.
    """
    with acting(HUB):
        row, then = _asked(token, actor)
        return _outline(row, then.filing if then else None)


def _asked(token: str, actor: Actor, *, lock: bool = False) -> tuple[Request, frozen.Look | None]:
    """Find what a link is about; one that leads nowhere asks as much of the database as one that is dead."""
    row = Request.objects.select_related("relocation").filter(token=digest(token)).first()
    number, relocation_id = (row.pk, row.relocation_id) if row else (uuid7(), uuid7())
    if lock:
        relocation = Relocation.objects.select_for_update(of=("self",)).filter(pk=relocation_id).first()
        row = Request.objects.filter(pk=number).first()  # as it is under the lock
        if row is not None and relocation is not None:
            row.relocation = relocation
    behind = guarded(relocation_id)
    if row is None:
        raise refuse("E108")
    shown, then = unseen.shown(row)
    used = shown is None or shown.answer != Answer.PENDING or bytes(row.token or b"") != digest(token)
    hidden = then is None and behind
    state = then.relocation.state if then else row.relocation.state
    if used or hidden or actor.kind is not ActorKind.CITIZEN or actor.owner == row.relocation.owner or state in ENDED:
        raise refuse("E108")
    return row, then


def guarded(relocation_id: UUID) -> bool:
    """Tell whether the filing is under protection measures; asked as the hub."""
    return Leg.objects.filter(relocation=relocation_id).exclude(guard=Guard.NONE).exists()


def _outline(row: Request, filing: Filing | None = None) -> Outline:
    try:
        filing = filing or services.filing_of(row.relocation)
    except ShreddedError:
        raise refuse("E108") from None
    head = row.is_head
    mover = None if head else next(mover for mover in filing.movers if mover.ordinal == row.ordinal)
    return Outline(
        request=row,
        kind=filing.kind.value,
        origin=_place(filing.old_address),
        destination=_place(filing.new_address),
        planned_on=filing.planned_out_on,
        persons=len(filing.movers),
        born=calendars.in_words(mover.date_of_birth) if mover and mover.date_of_birth else "",
        mover=mover,
        joining=tuple(mover.full_name for mover in filing.movers) if head else (),
        head_name=filing.household_joined.head_name if head else "",
    )


def _place(address: Address) -> str:
    """The municipality, not the address."""
    return f"{address.prefecture}{address.city_and_county}" or address.country


def answer(token: str, actor: Actor, *, agrees: bool) -> None:
    """Take an answer in, under the relocation's lock, and let the journey go on; the link is used up.

    E108 as ``outline``, and for an account that answered for somebody else of the same filing already.
    """
    with acting(HUB):
        row, then = _asked(token, actor, lock=True)
        row.account = actor.owner
        if then is None:
            _take(row, agrees=agrees)
            return
        if actor.owner in _accounts(row.relocation):
            raise refuse("E108")
        type_ = "consent.confirmed" if agrees else "consent.refused"
        unseen.keep(row, then, type_, unseen.SAID[type_], actor.owner)
        Request.objects.filter(pk=row.pk).update(token=None)


def _accounts(relocation: Relocation) -> set[str]:
    """Return the accounts that have answered for somebody of this filing."""
    given = relocation.consents.exclude(answer=Answer.VOID).exclude(account="")
    return {*given.values_list("account", flat=True), *(row.account for row in frozen.kept_of(relocation))}


def _take(row: Request, *, agrees: bool, **where: str) -> None:
    """Write the answer down and let the journey go on; the caller holds the relocation's lock."""
    row.answer = Answer.CONFIRMED if agrees else Answer.REFUSED
    row.answered_at, row.token = timezone.now(), None
    try:
        with transaction.atomic():
            row.save(
                update_fields=["answer", "account", "answered_at", "token", "counter", "means", "recorded_by"],
            )
    except IntegrityError:
        raise refuse("E108") from None
    settle(row.relocation)
    notes = Notes(row.relocation)
    notes.add("consent.confirmed" if agrees else "consent.refused", movers=[row.ordinal], **where)
    services.go_on(row.relocation, facts.read(row.relocation), notes)


def at_counter(receipt_no: str, clerk: Actor) -> list[Outline]:
    """Return who still has to agree to a filing, for a clerk before whom one of them stands with the receipt number.

    E108 unless the clerk's town has a part in it; a filing under protection measures is as one that does not exist,
    but for the town's clerks of that duty: nobody else could take these consents, for no link goes out any more.
    """
    with acting(HUB):
        rows = _at_counter(clerk).filter(relocation__receipt_no=receipt_no).select_related("relocation")
        found = [_outline(row) for row in rows.order_by("ordinal")]
    if not found:
        raise refuse("E108", "/receipt_no")
    relocation = found[0].request.relocation_id
    audit.record(audit.Act("consent.looked_up", f"relocation:{relocation}", {}, relocation))
    return found


def _at_counter(clerk: Actor) -> QuerySet[Request]:
    """Requests that this town's counter may answer: in one statement, so that nobody can tell why there are none."""
    if clerk.kind is not ActorKind.CLERK or not clerk.municipality:
        return Request.objects.none()
    own = Leg.objects.filter(relocation=OuterRef("relocation"), municipality=clerk.municipality)
    hidden = Leg.objects.filter(relocation=OuterRef("relocation")).exclude(guard=Guard.NONE)
    seen = Q() if clerk.duty == PROTECTS else ~Exists(hidden)
    return Request.objects.filter(seen, Exists(own), answer=Answer.PENDING).exclude(relocation__state__in=ENDED)


def record(request_id: UUID, clerk: Actor, means: Means, *, agrees: bool) -> Request:
    """Write down what somebody said in person at the clerk's counter; who it is was made sure by ``means``.

    E108 as ``at_counter``, and for what was answered meanwhile.
    """
    with acting(HUB):
        seen = _at_counter(clerk).filter(pk=request_id).values_list("relocation", flat=True).first()
        if seen is None:
            raise refuse("E108")
        relocation = services.lock(seen)
        row = _at_counter(clerk).filter(pk=request_id).first()
        if row is None:
            raise refuse("E108")
        row.relocation = relocation
        row.counter_id, row.means, row.recorded_by = clerk.municipality, means, clerk.name
        _take(row, agrees=agrees, at="counter", means=means.value)
    said = {"answer": row.answer, "means": row.means}
    audit.record(audit.Act("consent.recorded", f"consent:{row.pk}", said, row.relocation_id))
    return row


def take_out(request_id: UUID, owner: Actor) -> None:
    """Take somebody who does not agree out of the filing (message 60 for one mover); the others go on.

    E108 when it is not this filer's, for who has agreed, and for the head of the household joined.
    """
    with acting(HUB):
        rows = Request.objects.filter(pk=request_id, relocation__owner=owner.owner).exclude(ordinal=people.JOINED_HEAD)
        row = rows.select_related("relocation").first()
        if row is None:
            raise refuse("E108")
        row.relocation = services.lock(row.relocation_id)
        row.refresh_from_db(fields=["answer"])
        shown, then = unseen.shown(row)
        if shown is None or shown.answer not in (Answer.PENDING, Answer.REFUSED):
            raise refuse("E108")
        if then is not None:
            unseen.keep(row, then, "filing.withdrawn", Answer.VOID)
            return
        row.answer, row.token = Answer.VOID, None
        row.save(update_fields=["answer", "token"])
        settle(row.relocation)
        changing.withdraw(row.relocation_id, owner, [row.ordinal])


def _note(relocation: Relocation, type_: str, row: Request) -> None:
    notes = Notes(relocation)
    notes.add(type_, movers=[row.ordinal])
    notes.write()


def answered_by(actor: Actor) -> list[Outline]:
    """Return the filings that this account agreed to, in outline; one under protection measures is not there."""
    with acting(HUB):
        kept = Kept.objects.filter(account=actor.owner, at__gte=F("relocation__frozen_at"), type="consent.confirmed")
        agreed = Q(account=actor.owner, answer=Answer.CONFIRMED) | Q(pk__in=kept.values("request_id"))
        rows = Request.objects.filter(agreed).select_related("relocation")
        return [found for row in rows.order_by("-pk")[:50] if (found := _agreed(row))]


def _agreed(row: Request) -> Outline | None:
    """Return what was agreed to; of a filing whose filer may not learn more, as the filer is shown it."""
    if row.relocation.frozen_at is None:
        return None if guarded(row.relocation_id) else _outline(row)
    shown, then = unseen.shown(row)
    return _outline(row, then.filing) if shown is not None and then is not None else None
