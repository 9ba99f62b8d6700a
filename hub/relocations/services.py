"""What can be done with a relocation: file, withdraw, advance. Every door calls only these."""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from hub import metrics
from hub.actors import HUB, Actor, acting
from hub.audit import services as audit
from hub.catalogue import raise_any, refuse
from hub.ids import uuid7
from hub.relocations import (
    alerts,
    facts,
    heirs,
    journey,
    legs,
    people,
    signals,
    tables,
    telling,
    timers,
)
from hub.relocations.filing import Document, Filing
from hub.relocations.models import Agreement, Event, IdempotencyKey, Mover, Relocation, Version
from hub.relocations.notes import Notes
from hub.rows import Reader, Writer
from hub.vault import cipher
from hub.vault import services as vault
from municipalities.notice import Flow, Role

_documents = msgspec.json.Decoder(Document)
RELOCATIONS, VERSIONS = Writer(Relocation), Writer(Version)
VERSION = Reader(Version, "WHERE relocation_id = %s AND number = %s")


def file(filing: Filing, owner: Actor, idempotency_key: str = "") -> tuple[Relocation, bool]:
    """Take a filing in: relocation, legs and first deliveries in one transaction, or nothing at all.

    Returns the relocation and whether it is new: the same key with the same filing gives the same
    relocation (E202 for another filing under the same key), also on a day on which it would not be taken in any more.
    Raises ``Refusal`` with every problem found.
    """
    today, body = timezone.localdate(), msgspec.json.encode(filing)
    places = heirs.places(filing, today)
    found = heirs.problems(filing, today, places)
    with acting(HUB):
        if found and (before := _taken_in(owner, idempotency_key, fingerprint(body))):
            return before, False
        raise_any(found)
        relocation_id = uuid7()
        if idempotency_key:
            first = _claim_key(owner, idempotency_key, fingerprint(body), relocation_id)
            if first != relocation_id:
                return Relocation.objects.get(pk=first), False
        relocation = _store(relocation_id, filing, body, owner, places.now)
        transaction.on_commit(lambda: metrics.add({"hub_filings_total": 1.0}))
    return relocation, True


def fingerprint(body: bytes) -> bytes:
    """Return a keyed hash of a body: equal bodies are recognised, the body cannot be guessed from it."""
    return hmac.new(settings.HUB_AUDIT_KEY.encode(), body, hashlib.sha256).digest()


# The key is taken together with what it will stand for; whoever comes second waits for the first and finds it.
CLAIM_KEY = """
INSERT INTO relocations_idempotencykey (client, key, fingerprint, relocation_id, created_at)
VALUES (%s, %s, %s, %s, now())
ON CONFLICT (client, key) DO UPDATE SET key = EXCLUDED.key
RETURNING fingerprint, relocation_id
"""


def _claim_key(owner: Actor, key: str, mark: bytes, relocation_id: UUID) -> UUID:
    """Take the key for a new relocation; returns the one that it stands for, which may be an earlier one."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_KEY, [owner.owner, key, mark, relocation_id])
        found, first = cursor.fetchone()
    if bytes(found) != mark:
        raise refuse("E202", detail="The Idempotency-Key was used for another filing.")
    return UUID(str(first))


def _taken_in(owner: Actor, key: str, mark: bytes) -> Relocation | None:
    """Return what was taken in before of this very filing under this key."""
    rows = IdempotencyKey.objects.filter(client=owner.owner, key=key) if key else IdempotencyKey.objects.none()
    row = rows.select_related("relocation").first()
    return row.relocation if row is not None and bytes(row.fingerprint) == mark else None


def _store(relocation_id: UUID, filing: Filing, body: bytes, owner: Actor, now: Mapping[str, str]) -> Relocation:
    """Write the relocation, its document, legs and first notices; ``now``: as ``heirs.Places``."""
    there = heirs.addressed(filing, now)
    relocation = Relocation(
        id=relocation_id,
        kind=filing.kind.value,
        flow=filing.flow.value,
        origin_id=there.origin or None,
        destination_id=there.destination or None,
        planned_out_on=filing.planned_out_on,
        filed_on=timezone.localdate(),
        follows=_move_before(filing, owner),
        owner=owner.owner,
        agreement=Agreement.PENDING if people.asked(filing, timezone.localdate()) else Agreement.NOT_NEEDED,
    )
    key = vault.create(relocation.pk)
    RELOCATIONS([relocation])
    version = Version(relocation=relocation)
    version.body = cipher.seal(key, body, version.identity)
    VERSIONS([version])
    notes = Notes(relocation)
    notes.add("filing.submitted", movers=len(filing.movers), filer=owner.kind.value)
    acts = [notes.add("filing.acknowledged"), *succeeded(notes, now)]
    movers = legs.make(relocation, parts(there), {})
    signals.stored.send(sender=Relocation, relocation=relocation, filing=filing, legs=legs.of(movers), gone=set())
    rows = facts.Rows(movers, [], [], acts)
    look_ahead(relocation, rows, filing)
    go_on(relocation, rows, notes, Opened(relocation, Document.of(filing), key))
    return relocation


def succeeded(notes: Notes, now: Mapping[str, str]) -> list[Event]:
    """Note whose place codes of the past that were filed are taken by (``heirs.Places.now``)."""
    return [notes.add("code.succeeded", heir, predecessor=code) for code, heir in sorted(now.items())]


def look_ahead(relocation: Relocation, rows: facts.Rows, filing: Filing) -> None:
    """Start the clocks that this version starts, and tell the clerks what it gives them to look at."""
    timers.start(relocation, rows, filing)
    towns = {Role.ORIGIN: relocation.origin_id, Role.DESTINATION: relocation.destination_id}
    for role, code, about, ordinals in alerts.of_filing(filing):
        alerts.tell(relocation, [towns[role]], code, ordinals, about)


def _move_before(filing: Filing, owner: Actor) -> Relocation | None:
    """Return the filer's own move before this one, if the filing names one; E108 when there is none."""
    if not filing.follows:
        return None
    found = Relocation.objects.filter(receipt_no=filing.follows, owner=owner.owner).first()
    if found is None:
        raise refuse("E108", "/follows")
    return found


def parts(filing: Filing) -> Mapping[tuple[Role, str], list[int]]:
    """Return the movers of each leg, as the table of kinds says: a domicile for citizens, for example.

    ``filing``: with the codes of today (``heirs.addressed``).

    No appendix notice goes to a domicile that made the entry itself (Act Art. 19(1)).
    """
    found: dict[tuple[Role, str], list[int]] = {}
    for part in tables.kinds()[filing.kind]:
        here = {Role.ORIGIN: filing.origin, Role.DESTINATION: filing.destination}
        here[Role.LAST_REGISTERED] = filing.last_registered
        for mover in filing.movers:
            code = here.get(part.role) or ""
            if part.role is Role.DOMICILE:
                code = mover.registry.local_government_code if mover.registry else ""
            if code and not (part.not_at and code == here[Role(part.not_at)]):
                found.setdefault((part.role, code), []).append(mover.ordinal)
    return found


def lock(relocation_id: UUID) -> Relocation:
    """Lock the relocation; whoever changes anything about it holds this lock."""
    return Relocation.objects.select_for_update(of=("self",)).get(pk=relocation_id)


def lock_all(relocation_ids: Iterable[UUID]) -> None:
    """Lock several, by ascending ids.

    Whoever needs more than one locks them here, before anything else is locked: there is no other order.
    """
    rows = Relocation.objects.select_for_update(of=("self",)).filter(pk__in=set(relocation_ids)).order_by("pk")
    list(rows.values_list("pk"))


def filing_of(relocation: Relocation, key: bytes | None = None) -> Filing:
    """Return the filing in its present version; raises ``ShreddedError`` when the relocation was shredded."""
    return document_of(relocation, key).filing


def document_of(relocation: Relocation, key: bytes | None = None) -> Document:
    """Unseal the present version; raises ``ShreddedError`` when the relocation was shredded."""
    key = key or vault.open_one(relocation.pk)
    [version] = VERSION(relocation.pk, relocation.version)
    return _documents.decode(cipher.unseal(key, bytes(version.body), version.identity))


class Opened:
    """The present version, unsealed once and only when somebody asks for it.

    Its members raise ``ShreddedError`` when the relocation was shredded. Whoever writes a new version makes a new one.
    """

    def __init__(self, relocation: Relocation, document: Document | None = None, key: bytes | None = None) -> None:
        self._relocation, self._document, self._key = relocation, document, key

    @property
    def key(self) -> bytes:
        """The relocation's key."""
        if self._key is None:
            self._key = vault.open_one(self._relocation.pk)
        return self._key

    @property
    def document(self) -> Document:
        """The document."""
        if self._document is None:
            self._document = document_of(self._relocation, self.key)
        return self._document

    @cached_property
    def filing(self) -> Filing:
        """The filing in it."""
        return self.document.filing

    def at(self, ordinal: int) -> Filing:
        """Return the filing as it is for this mover (``Document.at``)."""
        return self.document.at(ordinal) if self.document.elsewhere else self.filing


def advance(relocation_id: UUID) -> None:
    """Recompute the journey and add what is missing: states, notices. Repeating it adds nothing.

    Runs inside the caller's transaction as the hub.
    """
    relocation = lock(relocation_id)
    rows = facts.read(relocation)
    go_on(relocation, rows, Notes(relocation, rows))


def go_on(
    relocation: Relocation,
    rows: facts.Rows,
    notes: Notes,
    unsealed: Opened | None = None,
    *,
    only_states: bool = False,
) -> None:
    """As ``advance``, with the rows at hand; writes the notes.

    ``only_states``: since the last time nothing changed but what was reported and the states that follow from it:
    no document, no answer, no day.
    """
    unsealed = unsealed or Opened(relocation)
    before = facts.states(rows) if only_states else None
    situation = facts.situation(relocation, rows)
    result = journey.travel(situation)
    # Whether a settled filing is complete shows only once its tasks have followed.
    settled = result.state == journey.SETTLED
    state = relocation.state if settled and relocation.state == journey.COMPLETE else result.state
    if state != relocation.state:
        notes.add("state.changed", state=state)
    due = telling.apart(result.due, unsealed)
    for item in due:
        notes.add(f"{item.type}.queued", item.municipality, role=item.role.value, movers=list(item.ordinals))
    # As in the courier, the audit chain is locked before movers and tasks: the two can meet, never in a deadlock.
    if settled and not notes.events:
        audit.lock(relocation.pk)
    notes.write()
    over = state in facts.OVER and relocation.state not in facts.OVER
    moved = facts.write_states(relocation, rows, result.states, state)
    if due:
        rows.deliveries.extend(telling.tell(relocation, rows, unsealed, due))
    if moved:
        timers.follow(relocation, journey.pasts(situation))
    signals.went_on.send(
        sender=Relocation,
        relocation=relocation,
        rows=rows,
        situation=situation,
        journey=result,
        before=before,
        unsealed=unsealed,
    )
    if settled:
        follow_tasks(relocation)
    if over:
        for later in relocation.followed_by.all():
            advance(later.pk)


def follow_tasks(relocation: Relocation) -> None:
    """Let a settled filing be complete once nobody owes a procedure, and settled again when somebody does.

    The caller holds the locks of the relocation and of its audit chain, and has made sure that the journey is settled.
    """
    state = facts.whole(relocation, journey.SETTLED)
    if state != relocation.state:
        relocation.state = state
        relocation.save(update_fields=["state"])
        notes = Notes(relocation)
        notes.add("state.changed", state=state)
        notes.write()


def change_flow(relocation: Relocation, rows: facts.Rows, notes: Notes, flow: Flow, ordinals: Collection[int]) -> None:
    """Go on with these movers' certificates in another way (Order Art. 24-2; standard 4.1.3.0.3)."""
    changed = sorted(ordinal for ordinal, now in facts.flows(rows).items() if ordinal in ordinals and now is not flow)
    if changed:
        notes.add("flow.changed", flow=flow.value, movers=changed)
        set_flow(relocation, rows, notes, flow, changed)


def set_flow(relocation: Relocation, rows: facts.Rows, notes: Notes, flow: Flow, ordinals: Collection[int]) -> None:
    """Write how these movers' certificates travel, on every leg of theirs, and what that is for the whole."""
    notes.write()  # the audit chain is locked before the movers, as everywhere
    for mover in rows.movers:
        if mover.ordinal in ordinals:
            mover.flow = flow.value
    Mover.objects.filter(relocation=relocation, ordinal__in=ordinals).update(flow=flow.value)
    relocation.flow = tables.whole_flow(facts.flows(rows).values()).value
    relocation.save(update_fields=["flow"])


def opened(relocation: Relocation) -> Opened:
    """Unseal the present version; raises ``ShreddedError`` when the relocation was shredded."""
    key = vault.open_one(relocation.pk)
    return Opened(relocation, document_of(relocation, key), key)


def add_legs(relocation: Relocation, rows: facts.Rows, wanted: Mapping[tuple[Role, str], Sequence[int]]) -> None:
    """Add the legs and movers that are not there yet."""
    flows = {mover.ordinal: mover.flow for mover in rows.movers}
    rows.movers.extend(legs.make(relocation, legs.missing(rows.movers, wanted), flows, legs.of(rows.movers)))
