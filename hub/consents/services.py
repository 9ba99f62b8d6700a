"""Ask, make a link, answer. Whoever is asked sees the own data and the outline of the filing, and nothing more."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from hub.actors import HUB, Actor, ActorKind, acting
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.consents.models import Answer, Means, Request
from hub.relocations import changing, facts, people, services
from hub.relocations.filing import Filing
from hub.relocations.models import Agreement, Guard, Leg, Relocation
from hub.relocations.notes import Notes
from hub.vault.services import ShreddedError
from municipalities import calendars
from municipalities.notice import Address, Mover

#: States of a filing in which nobody need answer any more.
ENDED = ("WITHDRAWN", "REJECTED", "CANCELLED", "DIVERTED", "SETTLED", "COMPLETE")


def wanted_of(filing: Filing, gone: Collection[int]) -> dict[bytes, int]:
    """Return whose consent a version needs, each by what it is about; who was taken out is not asked."""
    asked = people.asked(filing, timezone.localdate())
    return {subject(filing, ordinal): ordinal for ordinal in asked if ordinal not in gone}


def asked_anew(relocation: Relocation, filing: Filing, gone: Collection[int]) -> list[int]:
    """Return who would have to agree to this version and has not agreed to the same before; asked as the hub."""
    given = relocation.consents.filter(answer=Answer.CONFIRMED).values_list("subject", flat=True)
    have = set(map(bytes, given))
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


def subject(filing: Filing, ordinal: int) -> bytes:
    """Return the keyed hash of what this person agrees to; another address or another person is another consent."""
    town = people.keeper(filing)
    movers = {mover.ordinal: people.mark_of(town, mover) for mover in filing.movers}
    who = [movers[ordinal]] if ordinal else [filing.household_joined.head_name.encode(), *sorted(movers.values())]
    place = [filing.old_address.full_address, filing.new_address.full_address]
    text = msgspec.json.encode([ordinal == people.JOINED_HEAD, who, place])
    return hmac.new(settings.HUB_AUDIT_KEY.encode(), b"consent" + text, hashlib.sha256).digest()


def settle(relocation: Relocation) -> None:
    """Write on the relocation what its consents amount to: one refusal refuses, one that is missing waits."""
    answers = set(relocation.consents.exclude(answer=Answer.VOID).values_list("answer", flat=True))
    found = Agreement.GIVEN if answers else Agreement.NOT_NEEDED
    for answer, amounts_to in ((Answer.PENDING, Agreement.PENDING), (Answer.REFUSED, Agreement.REFUSED)):
        if answer in answers:
            found = amounts_to
    relocation.agreement = found
    relocation.save(update_fields=["agreement"])


def of_filer(relocation: Relocation) -> list[Request]:
    """Return the consents of a filing for its filer; row-level security shows them to nobody else."""
    return list(relocation.consents.exclude(answer=Answer.VOID).order_by("ordinal"))


def make_link(request_id: UUID, owner: Actor) -> tuple[Request, str]:
    """Return a consent and a fresh token for its link, which is stored as a hash only; the link before it is void.

    E108 when it is not this filer's to ask for, or answered already.
    """
    with acting(HUB):
        rows = Request.objects.select_for_update(of=("self",)).filter(pk=request_id, relocation__owner=owner.owner)
        row = rows.filter(answer=Answer.PENDING, relocation__frozen_at=None).select_related("relocation").first()
        if row is None:
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
    protection measures: all of them look the same.
    """
    with acting(HUB):
        row = _asked(token, actor)
        return _outline(row)


def _asked(token: str, actor: Actor, *, lock: bool = False) -> Request:
    row = Request.objects.select_related("relocation").filter(token=digest(token), answer=Answer.PENDING).first()
    if row is None:
        raise refuse("E108")
    if lock:
        row.relocation = services.lock(row.relocation_id)
        row.refresh_from_db(fields=["answer", "token"])
    used = row.answer != Answer.PENDING or bytes(row.token or b"") != digest(token)
    hidden = actor.kind is not ActorKind.CITIZEN or actor.owner == row.relocation.owner or guarded(row.relocation_id)
    if used or hidden or row.relocation.state in ENDED:
        raise refuse("E108")
    return row


def guarded(relocation_id: UUID) -> bool:
    """Tell whether the filing is under protection measures; asked as the hub."""
    return Leg.objects.filter(relocation=relocation_id).exclude(guard=Guard.NONE).exists()


def _outline(row: Request) -> Outline:
    try:
        filing = services.filing_of(row.relocation)
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
        row = _asked(token, actor, lock=True)
        row.account = actor.owner
        _take(row, agrees=agrees)


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

    E108 unless the clerk's town has a part in it; a filing under protection measures is as one that does not exist.
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
    return Request.objects.filter(Exists(own), ~Exists(hidden), answer=Answer.PENDING).exclude(
        relocation__state__in=ENDED
    )


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
        row = rows.filter(answer__in=[Answer.PENDING, Answer.REFUSED]).select_related("relocation").first()
        if row is None:
            raise refuse("E108")
        row.relocation = services.lock(row.relocation_id)
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
        rows = Request.objects.filter(account=actor.owner, answer=Answer.CONFIRMED).select_related("relocation")
        return [_outline(row) for row in rows.order_by("-pk")[:50] if not guarded(row.relocation_id)]
