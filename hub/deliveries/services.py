"""What can be done with deliveries. Views, the admin, tasks and the journey call only these."""

import base64
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from hub import numbers
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.deliveries import binding, feed, lanes, parking, signals, steps, writing
from hub.deliveries.models import Delivery, Receipt
from hub.deliveries.states import UNSENT, Answer, Cause, State
from hub.vault import cipher
from hub.vault import services as vault
from municipalities import standard
from municipalities.errors import UnfitError
from municipalities.notice import Notice

_notices = msgspec.json.Decoder(Notice)

#: A later receipt of a higher rank replaces the answer shown; a final refusal outranks a review.
RANK = {answer: rank for rank, answer in enumerate(Answer.values)}
#: A code of the catalogue; anything else in its place may be personal and stays sealed.
CODE = re.compile("[EA][0-9]{3}")


class Told(msgspec.Struct, frozen=True):
    """A notice to be queued: what it tells, of which relocation, and which of several."""

    relocation_id: UUID
    notice: Notice
    part: int
    key: bytes


def queue(told: Sequence[Told], last: Mapping[str, int], at: datetime) -> list[Delivery]:
    """Queue one delivery per notice, in the order given, each over the connection of today.

    This is the moment of binding: a delivery keeps this connection, its record standard and its address through
    every wait, hold, retry and re-issue, however often the municipality changes over in the meantime.
    ``last`` is the last sequence number of this relocation by municipality, 0 when absent; ``at``: when it happens.
    Raises ``Refusal`` E120 when a municipality has no connection. The database refuses a second delivery of
    the same notice; the caller holds the relocation's lock, so that cannot race.
    """
    numbers = dict(last)
    rows = []
    for item in told:
        notice = item.notice
        numbers[notice.recipient] = numbers.get(notice.recipient, 0) + 1
        row = Delivery(
            id=UUID(notice.notice_id),
            relocation_id=item.relocation_id,
            receipt_no=notice.receipt_no,
            version=notice.version,
            type=notice.type,
            role=notice.role.value,
            part=item.part,
            ordinals=[mover.ordinal for mover in notice.movers],
            municipality_id=notice.recipient,
            sequence=numbers[notice.recipient],
            created_at=at,
        )
        row.notice = cipher.seal(item.key, msgspec.json.encode(notice), row.identity)
        rows.append(row)
    lanes.ensure_known(row.municipality_id for row in rows)
    binding.insert(rows, at)
    transaction.on_commit(lanes.wake)
    return rows


def _write_down(rows: Iterable[Delivery], code: str = "", note: str = "") -> None:
    """Write the present state of each delivery as its next step."""
    steps.write([steps.Step(row.pk, row.state, row.attempts, code, note) for row in rows], timezone.now())


def notice_of(delivery: Delivery, key: bytes | None = None) -> Notice:
    """Unseal the notice; raises ``ShreddedError`` when the relocation was shredded."""
    key = key or vault.open_one(delivery.relocation_id)
    return _notices.decode(cipher.unseal(key, bytes(delivery.notice), delivery.identity))


def ready(municipality: str, after: feed.Position | None, limit: int) -> list[Delivery]:
    """Return what waits to be fetched in the order of becoming ready, a page at a time; nothing while it is paused.

    What a worker has leased is not shown; once its lease is over it becomes ready anew, behind every kept place.
    """
    rows = Delivery.objects.for_town(municipality).filter(state=State.READY, municipality__lane__paused=False)
    rows = rows.filter(leased_until=None)
    rows = rows.filter(feed.after(after)).select_related("connection__gaiji")
    return list(rows.order_by("changed_at", "pk")[:limit])


#: A worker's name, and the shortest and longest lease of a town's worker, in seconds.
WORKER = re.compile(r"[\w.:@-]{1,64}", re.ASCII)
LEASE_SECONDS = (5, 3_600)


def lease(municipality: str, worker: str, limit: int, seconds: int) -> list[Delivery]:
    """Let one worker of the town have up to ``limit`` ready deliveries for so many seconds, oldest first.

    No other worker gets them meanwhile. What it reads stays ``ready`` until a receipt says that it has it; a worker
    that dies in between loses nothing, for the lease runs out and the next one gets the same again. Of one
    relocation there is at most one at a time, in order. Asking again as the same worker renews what it holds.
    Raises ``Refusal`` E110 for a name or a time that is not possible.
    """
    if not WORKER.fullmatch(worker):
        raise refuse("E110", "/worker", "1 to 64 letters, digits or any of . : @ _ -")
    if not LEASE_SECONDS[0] <= seconds <= LEASE_SECONDS[1]:
        raise refuse("E110", "/seconds", f"From {LEASE_SECONDS[0]} to {LEASE_SECONDS[1]}.")
    now = timezone.now()
    rows = Delivery.objects.for_town(municipality).filter(state=State.READY, municipality__lane__paused=False)
    free = Q(leased_until=None) | Q(leased_until__lte=now) | Q(leased_by=worker)
    locked_rows = rows.filter(free).select_for_update(of=("self",), skip_locked=True)
    found = list(locked_rows.select_related("connection__gaiji").order_by("pk")[:limit])
    until = now + timedelta(seconds=seconds)
    Delivery.objects.filter(pk__in=[row.pk for row in found]).update(leased_until=until, leased_by=worker)
    for row in found:
        row.leased_until, row.leased_by = until, worker
    return found


def give_back(municipality: str, worker: str) -> int:
    """End this worker's leases, so that others may fetch what it has not answered; returns how many."""
    mine = Delivery.objects.for_town(municipality).filter(state=State.READY, leased_by=worker)
    return parking.end(mine.filter(leased_until__isnull=False))


def locked(delivery_id: UUID, municipality: str) -> Delivery:
    """Lock one delivery of this municipality; E108 when there is none."""
    rows = Delivery.objects.for_town(municipality).select_for_update(of=("self",))
    delivery = rows.select_related("connection__gaiji").filter(pk=delivery_id).first()
    if delivery is None:
        raise refuse("E108")
    return delivery


def one(delivery_id: UUID, municipality: str) -> Delivery:
    """Return one delivery of this municipality as it stands, not locked; E108 when there is none."""
    rows = Delivery.objects.for_town(municipality).select_related("connection__gaiji")
    delivery = rows.filter(pk=delivery_id).first()
    if delivery is None:
        raise refuse("E108")
    return delivery


def fetch(delivery: Delivery) -> tuple[standard.Written, Notice]:
    """Return the record in the layout it is bound to; the fetch of a ready delivery makes it sent.

    What was ever leased is sent by the receipt, so that nothing is lost with a worker that dies in between; also
    after the lease ran out, for a slow worker may still be reading what it leased.
    Raises ``Refusal`` E108 for one not offered yet, E133 when the bytes would differ from the first issue, E134
    when its record standard is not there any more.
    """
    if delivery.state not in (State.READY, State.SENT, State.ANSWERED):
        raise refuse("E108")
    notice = notice_of(delivery)
    try:
        written, _ = writing.write(layout_of(delivery), notice)
    except UnfitError as error:
        raise refuse(error.code, error.pointer) from error
    if delivery.content_sha256 and bytes(delivery.content_sha256) != hashlib.sha256(written.content).digest():
        raise refuse("E133")
    if delivery.state == State.READY and not delivery.leased_by:
        _hand_over(delivery)
    return written, notice


def layout_of(delivery: Delivery) -> standard.Standard:
    """Return the layout of the delivery's day; E134 when this installation does not have it (any more)."""
    try:
        return delivery.connection.layout()
    except standard.TableError as error:
        raise refuse("E134", detail=f"Record standard «{delivery.connection.standard}».") from error


def hand_over_on_paper(delivery: Delivery) -> None:
    """Take note that the town took it on paper: what waits behind it goes on. E200 for one that is not held."""
    if delivery.state != State.HELD or delivery.cause != Cause.DATA:
        raise refuse("E200", detail=f"The delivery is {delivery.state}.")
    delivery.cause = delivery.code = ""
    delivery.save(update_fields=["cause", "code"])
    _hand_over(delivery, "paper")


def _hand_over(delivery: Delivery, note: str = "") -> None:
    """Mark as sent, tell who follows, and wake the courier for what was parked behind."""
    again, now = delivery.sent_at is not None, timezone.now()
    delivery.state, delivery.sent_at, delivery.leased_until = State.SENT, delivery.sent_at or now, None
    delivery.held_at = None
    delivery.save(update_fields=["state", "sent_at", "leased_until", "held_at"])
    parking.release([delivery])
    _write_down([delivery], note=note)
    audit.record(act("delivery.sent", delivery, **({"how": note} if note else {})))
    if not again:
        announce([delivery])
    transaction.on_commit(lanes.wake)


def announce(rows: Iterable[Delivery]) -> None:
    """Tell the listeners of ``signals.sent``."""
    told = [(row.pk, row.relocation_id, row.type, row.ordinals, row.municipality_id, row.role) for row in rows]
    signals.sent.send(sender=Delivery, deliveries=told)


def act(action: str, delivery: Delivery, **detail: Any) -> audit.Act:
    """Return an audit act about a delivery, on its relocation's chain."""
    detail |= {"type": delivery.type, "municipality": delivery.municipality_id}
    return audit.Act(action, f"delivery:{delivery.pk}", detail, delivery.relocation_id)


class ReceiptBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a town's system posts as a receipt (message 70)."""

    kind: Answer
    errors: list[dict[str, str]] = []
    legal_date: date | None = None
    differences: list[dict[str, Any]] = []


def receive(delivery: Delivery, body: ReceiptBody) -> tuple[Receipt, bool]:
    """Write a receipt down and answer the delivery; a repeated kind is the same receipt (order rule O12).

    Returns the receipt and whether it is new. A receipt also proves that the delivery arrived. One for a version
    that was superseded is acknowledged and changes nothing (O10).
    """
    for pointer, text in numbers.texts({"errors": body.errors, "differences": body.differences}):
        if numbers.is_forbidden(text):
            raise refuse("E140", pointer)
    existing = delivery.receipts.filter(kind=body.kind).first()
    if existing is not None:
        if (
            delivery.state == State.READY and delivery.leased_until is not None
        ):  # issued anew, a worker has it and says so
            _hand_over(delivery)
        if delivery.state == State.SENT and body.kind != Answer.RECEIVED:  # handed over again, answered as before
            _answer(delivery, body.kind, timezone.now())
        return existing, False
    if delivery.state in (State.HELD, State.WITHDRAWN, State.EXPIRED):
        raise refuse("E200", detail=f"The delivery is {delivery.state}.")
    key = vault.open_one(delivery.relocation_id)
    codes = [code for error in body.errors if CODE.fullmatch(code := error.get("code", ""))]
    receipt = Receipt(delivery=delivery, kind=body.kind, codes=codes)
    receipt.body = cipher.seal(key, msgspec.json.encode(body), f"{delivery.identity}:{body.kind}")
    receipt.save()
    if delivery.state in (State.QUEUED, State.READY):
        _hand_over(delivery)
    if body.kind != Answer.RECEIVED and delivery.state != State.SUPERSEDED:
        _answer(delivery, body.kind, receipt.at)
    audit.record(act("delivery.receipt", delivery, kind=body.kind.value))
    return receipt, True


def _answer(delivery: Delivery, kind: Answer, at: datetime) -> None:
    if not delivery.answer or RANK[kind] > RANK[delivery.answer]:
        delivery.answer = kind
    delivery.state, delivery.answered_at = State.ANSWERED, at
    delivery.save(update_fields=["state", "answer", "answered_at"])
    _write_down([delivery], note=kind.value)


def send_again(delivery: Delivery, note: str) -> None:
    """Queue the same delivery again under the same id: asked for by the town, or decided by a person."""
    if delivery.state == State.QUEUED:
        return  # it is on its way already
    if delivery.state not in (State.READY, State.SENT, State.ANSWERED, State.HELD):
        raise refuse("E200", detail=f"The delivery is {delivery.state}.")
    delivery.state, delivery.due_at, delivery.leased_until = State.QUEUED, timezone.now(), None
    delivery.cause = delivery.code = ""
    delivery.attempts_before, delivery.held_at = delivery.attempts, None
    fields = ["state", "due_at", "leased_until", "cause", "code", "attempts_before", "held_at"]
    delivery.save(update_fields=fields)
    parking.release([delivery])
    _write_down([delivery], note=note)
    audit.record(act("delivery.again", delivery, why=note))
    transaction.on_commit(lanes.wake)


def hold(delivery: Delivery, cause: Cause, code: str) -> None:
    """Hold a delivery until a person has looked."""
    delivery.state, delivery.cause, delivery.code, delivery.leased_until = State.HELD, cause, code, None
    delivery.held_at = timezone.now()
    delivery.save(update_fields=["state", "cause", "code", "leased_until", "held_at"])
    _write_down([delivery], code=code)
    audit.record(act("delivery.held", delivery, code=code))


def take_back(
    relocation_id: UUID,
    state: State = State.WITHDRAWN,
    municipalities: Collection[str] | None = None,
    movers: Collection[int] | None = None,
) -> list[Delivery]:
    """Take back what has not left yet; what a courier or a fetch holds right now counts as sent.

    ``municipalities``: only what goes to these. ``movers``: only what is about none but these.
    """
    # Ready and never leased or fetched; held because it cannot be written; queued and never tried.
    here = Q(state=State.READY) | Q(state=State.HELD, cause=Cause.DATA) | Q(state=State.QUEUED, attempts=0)
    rows = Delivery.objects.filter(here, relocation_id=relocation_id, leased_until=None, leased_by="", sent_at=None)
    if municipalities is not None:
        rows = rows.filter(municipality__in=municipalities)
    unsent = [
        row for row in rows.select_for_update(skip_locked=True) if movers is None or set(row.ordinals) <= set(movers)
    ]
    for row in unsent:
        row.state, row.held_at = state, None
        row.save(update_fields=["state", "held_at"])
    parking.release(unsent)
    _write_down(unsent)
    audit.record_all(act(f"delivery.{state.value}", row) for row in unsent)
    return unsent


def unsent(relocation_id: UUID, municipality: str) -> list[Delivery]:
    """Lock what this town was not handed yet, whether it was tried or not."""
    rows = Delivery.objects.filter(relocation_id=relocation_id, municipality=municipality, sent_at=None)
    return list(rows.filter(state__in=UNSENT).select_for_update(of=("self",)).order_by("sequence"))


def under_way(relocation_id: UUID, municipality: str) -> bool:
    """Tell whether a courier or a worker of the town holds anything of this relocation right now."""
    rows = Delivery.objects.filter(relocation_id=relocation_id, municipality=municipality, state__in=UNSENT)
    return rows.filter(leased_until__gt=timezone.now()).exists()


def supersede(delivery: Delivery, successor: str) -> None:
    """Take back what was not handed over, for another municipality is told it in its place."""
    delivery.state, delivery.held_at, delivery.leased_until = State.SUPERSEDED, None, None
    delivery.save(update_fields=["state", "held_at", "leased_until"])
    _write_down([delivery], note=f"succeeded by {successor}")
    audit.record(act("delivery.superseded", delivery, successor=successor))


def content_digest(content: bytes) -> str:
    """Return the Repr-Digest field value (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
