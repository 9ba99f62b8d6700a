"""What can be done with a relocation: file, withdraw, advance. Every door calls only these."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection
from django.utils import timezone

from hub.actors import HUB, Actor, acting
from hub.catalogue import raise_any, refuse
from hub.deliveries import services as deliveries
from hub.ids import uuid7
from hub.relocations import facts, journey, legs, notices
from hub.relocations.filing import Filing, check
from hub.relocations.models import IdempotencyKey, Relocation, Version
from hub.relocations.notes import Notes
from hub.vault import cipher
from hub.vault import services as vault
from municipalities.models import Municipality
from municipalities.notice import Role

_filings = msgspec.json.Decoder(Filing)


def file(filing: Filing, owner: Actor, idempotency_key: str = "") -> tuple[Relocation, bool]:
    """Take a filing in: relocation, legs and first deliveries in one transaction, or nothing at all.

    Returns the relocation and whether it is new: the same key with the same filing gives the same
    relocation (E202 for another filing under the same key). Raises ``Refusal`` with every problem found.
    """
    today = timezone.localdate()
    raise_any(check(filing, today, _register_offices(filing).__contains__))
    body = msgspec.json.encode(filing)
    with acting(HUB):
        key = _claim_key(owner, idempotency_key, fingerprint(body)) if idempotency_key else None
        if key is not None and key.relocation_id:
            return Relocation.objects.get(pk=key.relocation_id), False
        relocation = _store(filing, body, owner)
        if key is not None:
            key.relocation = relocation
            key.save(update_fields=["relocation"])
    return relocation, True


def _register_offices(filing: Filing) -> set[str]:
    """Return which of the filing's codes are register offices today."""
    codes = {filing.origin, filing.destination}
    codes |= {mover.registry.local_government_code for mover in filing.movers if mover.registry}
    offices = Municipality.objects.leaf().valid_on(timezone.localdate())
    return set(offices.filter(pk__in=codes).values_list("pk", flat=True))


def fingerprint(body: bytes) -> bytes:
    """Return a keyed hash of a body: equal bodies are recognised, the body cannot be guessed from it."""
    return hmac.new(settings.HUB_AUDIT_KEY.encode(), body, hashlib.sha256).digest()


def _claim_key(owner: Actor, key: str, mark: bytes) -> IdempotencyKey:
    """Take the key, or wait for the request that has it and check that it is the same filing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO relocations_idempotencykey (client, key, fingerprint, created_at)"
            " VALUES (%s, %s, %s, now()) ON CONFLICT (client, key) DO NOTHING",
            [owner.owner, key, mark],
        )
    row = IdempotencyKey.objects.select_for_update().get(client=owner.owner, key=key)
    if bytes(row.fingerprint) != mark:
        raise refuse("E202", detail="The Idempotency-Key was used for another filing.")
    return row


def _store(filing: Filing, body: bytes, owner: Actor) -> Relocation:
    """Write the relocation, its document, legs and first notices."""
    relocation = Relocation(
        kind=filing.kind.value,
        flow=filing.flow.value,
        origin_id=filing.origin,
        destination_id=filing.destination,
        planned_out_on=filing.planned_out_on,
        filed_on=timezone.localdate(),
        owner=owner.owner,
    )
    key = vault.create(relocation.pk)
    relocation.save(force_insert=True)
    version = Version(relocation=relocation)
    version.body = cipher.seal(key, body, version.identity)
    version.save(force_insert=True)
    notes = Notes(relocation)
    notes.add("filing.submitted", movers=len(filing.movers), filer=owner.kind.value)
    acknowledged = notes.add("filing.acknowledged")
    rows = facts.Rows(legs.make(relocation, parts(filing)), [], [], [acknowledged])
    go_on(relocation, rows, notes, Opened(filing, key))
    return relocation


def parts(filing: Filing) -> Mapping[tuple[Role, str], list[int]]:
    """Return the movers of each leg: origin and destination for all, a domicile for citizens.

    No appendix notice goes to a domicile that is the destination itself (Act Art. 19(1)).
    """
    everyone = [mover.ordinal for mover in filing.movers]
    found = {(Role.ORIGIN, filing.origin): everyone, (Role.DESTINATION, filing.destination): everyone}
    for mover in filing.movers:
        if mover.registry is not None and mover.registry.local_government_code != filing.destination:
            found.setdefault((Role.DOMICILE, mover.registry.local_government_code), []).append(mover.ordinal)
    return found


def lock(relocation_id: UUID) -> Relocation:
    """Lock the relocation; whoever changes anything about it holds this lock."""
    return Relocation.objects.select_for_update(of=("self",)).get(pk=relocation_id)


def filing_of(relocation: Relocation, key: bytes | None = None) -> Filing:
    """Unseal the present version; raises ``ShreddedError`` when the relocation was shredded."""
    version = relocation.versions.get(number=relocation.version)
    key = key or vault.open_one(relocation.pk)
    return _filings.decode(cipher.unseal(key, bytes(version.body), version.identity))


@dataclass(frozen=True, slots=True)
class Opened:
    """A filing that is already unsealed, with the key that opened it."""

    filing: Filing
    key: bytes


def advance(relocation_id: UUID) -> None:
    """Recompute the journey and add what is missing: states, notices. Repeating it adds nothing.

    Runs inside the caller's transaction as the hub.
    """
    relocation = lock(relocation_id)
    go_on(relocation, facts.read(relocation), Notes(relocation))


def go_on(relocation: Relocation, rows: facts.Rows, notes: Notes, opened: Opened | None = None) -> None:
    """As ``advance``, with the rows at hand; writes the notes."""
    result = journey.travel(facts.situation(relocation, rows))
    if result.state != relocation.state:
        notes.add("state.changed", state=result.state)
    for item in result.due:
        notes.add(f"{item.type}.queued", item.municipality, role=item.role.value, movers=list(item.ordinals))
    # As in the courier, the audit chain is locked before the movers: the two can meet, never in a deadlock.
    notes.write()
    facts.write_states(rows, result.states)
    if result.state != relocation.state:
        relocation.state = result.state
        relocation.save(update_fields=["state"])
    if result.due:
        _tell(relocation, rows, opened or _open(relocation), result.due)


def _open(relocation: Relocation) -> Opened:
    key = vault.open_one(relocation.pk)
    return Opened(filing_of(relocation, key), key)


def _tell(relocation: Relocation, rows: facts.Rows, opened: Opened, due: tuple[journey.Due, ...]) -> None:
    """Compose and queue the notices that became due."""
    told = [
        deliveries.Told(
            relocation_id=relocation.pk,
            notice=notices.compose(
                opened.filing,
                notice_id=uuid7(),
                type_=item.type,
                receipt_no=relocation.receipt_no,
                version=relocation.version,
                recipient=item.municipality,
                role=item.role,
                ordinals=item.ordinals,
                filed_on=relocation.filed_on,
                actual_in_on=facts.actual_in_on(rows, opened.key, item.ordinals),
            ),
            part=facts.part(rows, item),
            key=opened.key,
        )
        for item in due
    ]
    deliveries.queue(told, facts.last_sequences(rows))


def withdraw(relocation_id: UUID, owner: Actor) -> Relocation:
    """Take a filing back (message 60), possible until the origin has decided; E200 afterwards.

    What has not left yet is not sent; towns that were told are told of the withdrawal.
    """
    with acting(HUB):
        mine = Relocation.objects.filter(pk=relocation_id, owner=owner.owner)
        relocation = mine.select_for_update(of=("self",)).first()
        if relocation is None:
            raise refuse("E108")
        if relocation.state == "WITHDRAWN":
            return relocation
        if facts.decided(facts.read(relocation)):
            raise refuse("E200", detail="The origin has decided; a cancellation is asked for at its counter.")
        deliveries.withdraw_unsent(relocation.pk)
        notes, rows = Notes(relocation), facts.read(relocation)
        rows.acts.append(notes.add("filing.withdrawn"))
        go_on(relocation, rows, notes)
    return relocation
