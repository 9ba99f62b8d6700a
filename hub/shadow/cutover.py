"""Plans a town's change to another connection on a date, and takes a plan back: one step, nothing in between."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from hub.audit import services as audit
from hub.conformance import services as conformance
from hub.deliveries import keys
from hub.deliveries.models import Delivery
from hub.deliveries.states import State
from hub.vault import cipher
from hub.vault import services as vault
from municipalities.models import Connection, GaijiTable, Municipality

DAY = timedelta(days=1)
#: A delivery in one of these is not over; it stays with its connection.
UNDER_WAY = (State.QUEUED, State.READY, State.HELD, State.SENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """From this day on: this standard at this address."""

    municipality: str
    standard: str
    address: str
    valid_from: date
    concurrency: int
    gaiji: GaijiTable | None = None
    tried_from: date | None = None
    #: Why an operator lets it go live below the conformance grade that is needed.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """The connection that was made, and the signing key that the town has to be given, if it is a new one."""

    connection: Connection
    new_key: bytes = b""


def check(plan: Plan) -> Connection:
    """Return the connection that would end; raises ``ValidationError`` saying in plain words what stands against it."""
    today = timezone.localdate()
    if plan.valid_from <= today:
        raise _wrong("valid_from", gettext("Tomorrow is the earliest: what is written today is bound already."))
    town = Municipality.objects.get(pk=plan.municipality)
    if town.valid_to and town.valid_to < plan.valid_from:
        told = {"town": town, "day": _day(town.valid_to)}
        raise _wrong("valid_from", gettext("%(town)s ends on %(day)s.") % told)
    later = Connection.objects.filter(municipality=town, valid_from__gt=today).order_by("valid_from").first()
    if later is not None:
        told = {"standard": later.standard, "day": _day(later.valid_from)}
        text = gettext("A change to %(standard)s on %(day)s is planned already; take that back first.")
        raise _wrong("valid_from", text % told)
    present = Connection.objects.valid_on(today).filter(municipality=town).first()
    if present is None:
        raise _wrong(None, gettext("The municipality has no connection today: there is nothing to change from."))
    if present.valid_to and present.valid_to < plan.valid_from - DAY:
        text = gettext("The present connection ends on %(day)s: from then on there would be none.")
        raise _wrong("valid_from", text % {"day": _day(present.valid_to)})
    same = (present.standard, present.address, present.gaiji_id, present.concurrency)
    if same == (plan.standard, plan.address, plan.gaiji.pk if plan.gaiji else None, plan.concurrency):
        raise _wrong("standard", gettext("Nothing would change."))
    if (present.standard, present.address) != (plan.standard, plan.address):
        conformance.check(plan.municipality, plan.standard, plan.address, plan.reason)
    return present


def _wrong(field: str | None, text: str) -> ValidationError:
    return ValidationError({field: text}) if field else ValidationError(text)


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def preview(plan: Plan) -> Iterator[str]:
    """What will happen, sentence by sentence; as ``check`` when it cannot."""
    present = check(plan)
    last = plan.valid_from - DAY
    told = {"standard": present.standard, "last": _day(last), "next": plan.standard, "first": _day(plan.valid_from)}
    text = gettext("What is queued until %(last)s goes in %(standard)s, what is queued from %(first)s in %(next)s.")
    yield text % told
    yield from _under_way(present)
    if present.address != plan.address:
        yield gettext("The present address has to be served until the last of them is answered; retries take days.")
    if _is_signed(plan.address) and not present.signing_key:
        yield gettext("A signing key is made for the pushes and shown once; the town needs it before the day.")
    if (present.standard, present.address) != (plan.standard, plan.address) and (
        why := conformance.against(plan.municipality, plan.standard, plan.address)
    ):
        yield gettext("%(why)s It goes live all the same, because: %(reason)s") % {"why": why, "reason": plan.reason}
    if plan.tried_from:
        text = gettext("From %(day)s on, what goes out is tried in the next standard too; the town notices nothing.")
        yield text % {"day": _day(plan.tried_from)}


def _under_way(present: Connection) -> Iterator[str]:
    rows = Delivery.objects.filter(connection=present.pk, state__in=UNDER_WAY).values_list("state")
    numbers = {str(state): number for state, number in rows.annotate(number=Count("pk"))}
    texts = {
        State.QUEUED: ngettext(
            "%(count)d delivery waits to be sent: it keeps the present layout and address.",
            "%(count)d deliveries wait to be sent: they keep the present layout and address.",
            numbers.get(State.QUEUED, 0),
        ),
        State.READY: ngettext(
            "%(count)d delivery waits to be fetched: it is handed out in the present layout.",
            "%(count)d deliveries wait to be fetched: they are handed out in the present layout.",
            numbers.get(State.READY, 0),
        ),
        State.HELD: ngettext(
            "%(count)d delivery is held: once released it goes in the present layout.",
            "%(count)d deliveries are held: once released they go in the present layout.",
            numbers.get(State.HELD, 0),
        ),
        State.SENT: ngettext(
            "%(count)d delivery is not answered yet: sent again, it is the same bytes.",
            "%(count)d deliveries are not answered yet: sent again, they are the same bytes.",
            numbers.get(State.SENT, 0),
        ),
    }
    for state, text in texts.items():
        if number := numbers.get(state):
            yield text % {"count": number}
    if not numbers:
        yield gettext("Nothing is under way now.")


def _way(address: str) -> str:
    return address.partition(":")[0]


def _is_signed(address: str) -> bool:
    """Whether the hub signs there: pushes, or in at an SFTP server."""
    return _way(address) in ("http", "https", "sftp")


@transaction.atomic
def make(plan: Plan) -> Planned:
    """End the present connection the day before, create the next, and write it down."""
    Municipality.objects.select_for_update(no_key=True).get(pk=plan.municipality)  # two plans at once
    present = check(plan)
    present.valid_to = plan.valid_from - DAY
    present.save(update_fields=["valid_to"])
    row = Connection(
        municipality_id=plan.municipality,
        standard=plan.standard,
        address=plan.address,
        gaiji=plan.gaiji,
        concurrency=plan.concurrency,
        # The town's own limits stay as they were; an operator may set others on the new row.
        per_second=present.per_second,
        retry_hours=present.retry_hours,
        valid_from=plan.valid_from,
        tried_from=plan.tried_from,
    )
    row.full_clean()
    row.save()
    planned = Planned(row, _sign(present, row))
    detail = {"from": present.standard, "to": row.standard, "address": row.address, "first_day": str(row.valid_from)}
    if plan.reason:
        detail["reason"] = plan.reason
    audit.record(audit.Act("connection.planned", f"municipality:{plan.municipality}", detail))
    return planned


def _sign(present: Connection, following: Connection) -> bytes:
    """Give a connection that signs its key: the town's own as before, or a new one, which is returned."""
    if not _is_signed(following.address):
        return b""
    if present.signing_key:
        key, new = vault.masters().unwrap(bytes(present.signing_key), keys.identity(present.pk)), b""
    else:
        key = new = cipher.new_key()
    following.signing_key = vault.masters().wrap(key, keys.identity(following.pk))
    following.save(update_fields=["signing_key"])
    return new


@transaction.atomic
def take_back(following: Connection) -> Connection:
    """Undo a plan that has not begun: the connection before it goes on without end; returns that."""
    Municipality.objects.select_for_update(no_key=True).get(pk=following.municipality_id)
    row = Connection.objects.filter(pk=following.pk, valid_from__gt=timezone.localdate()).first()
    earlier = Connection.objects.filter(municipality=following.municipality_id, valid_to=following.valid_from - DAY)
    present = earlier.first()
    if row is None or present is None:
        raise ValidationError(gettext("It has begun: plan a change back instead."))
    detail = {"from": row.standard, "to": present.standard, "first_day": str(row.valid_from)}
    row.delete()
    present.valid_to = None
    present.save(update_fields=["valid_to"])
    audit.record(audit.Act("connection.taken_back", f"municipality:{following.municipality_id}", detail))
    return present
