"""Plans a town's change to another connection on a date, and takes a plan back: one step, nothing in between."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from hub.audit import services as audit
from hub.conformance import services as conformance
from hub.deliveries import callbacks, keys
from hub.deliveries.models import Delivery
from hub.deliveries.states import State
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
    #: Whether its answers may set protection measures; as they may now, unless it is said.
    sets_protection: bool | None = None
    tried_from: date | None = None
    #: Why an operator lets it go live below the conformance grade that is needed.
    reason: str = ""


def check(plan: Plan) -> Connection | None:
    """Return the connection that would end, if there is one.

    Raises ``ValidationError`` saying in plain words what stands against it.
    """
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
    present = callbacks.present_of(plan.municipality)
    if present is None:
        callbacks.check(plan.municipality, plan.address)
        conformance.check(plan.municipality, plan.standard, plan.address, plan.reason)
        return None
    if present.valid_to and present.valid_to < plan.valid_from - DAY:
        text = gettext("The present connection ends on %(day)s: from then on there would be none.")
        raise _wrong("valid_from", text % {"day": _day(present.valid_to)})
    same = (present.standard, present.address, present.gaiji_id, present.concurrency)
    if same == (plan.standard, plan.address, plan.gaiji.pk if plan.gaiji else None, plan.concurrency) and (
        plan.sets_protection in (None, present.sets_protection)
    ):
        raise _wrong("standard", gettext("Nothing would change."))
    if (present.standard, present.address) != (plan.standard, plan.address):
        callbacks.check(plan.municipality, plan.address)
        conformance.check(plan.municipality, plan.standard, plan.address, plan.reason)
    return present


def _wrong(field: str, text: str) -> ValidationError:
    return ValidationError({field: text})


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def preview(plan: Plan) -> Iterator[str]:
    """What will happen, sentence by sentence; as ``check`` when it cannot."""
    present = check(plan)
    if present is None:
        told = {"next": plan.standard, "first": _day(plan.valid_from)}
        yield gettext("Nothing goes there yet; what is queued from %(first)s on goes in %(next)s.") % told
    else:
        yield from _following(present, plan)
    if (present is None or (present.standard, present.address) != (plan.standard, plan.address)) and (
        why := conformance.against(plan.municipality, plan.standard, plan.address)
    ):
        yield gettext("%(why)s It goes live all the same, because: %(reason)s") % {"why": why, "reason": plan.reason}
    if plan.sets_protection not in (None, present is not None and present.sets_protection):
        may = gettext("From %(day)s on its answers may set protection measures.")
        never = gettext("From %(day)s on its answers set no protection measures any more.")
        yield (may if plan.sets_protection else never) % {"day": _day(plan.valid_from)}
    if plan.tried_from and present is not None:
        text = gettext("From %(day)s on, what goes out is tried in the next standard too; the town notices nothing.")
        yield text % {"day": _day(plan.tried_from)}


def _following(present: Connection, plan: Plan) -> Iterator[str]:
    """What becomes of what goes there now."""
    last = plan.valid_from - DAY
    told = {"standard": present.standard, "last": _day(last), "next": plan.standard, "first": _day(plan.valid_from)}
    text = gettext("What is queued until %(last)s goes in %(standard)s, what is queued from %(first)s in %(next)s.")
    yield text % told
    yield from _under_way(present)
    if present.address != plan.address:
        yield gettext("The present address has to be served until the last of them is answered; retries take days.")


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


@transaction.atomic
def make(plan: Plan) -> Connection:
    """End the present connection the day before, create the next, and write it down."""
    Municipality.objects.select_for_update(no_key=True).get(pk=plan.municipality)  # two plans at once
    present = check(plan)
    limits: dict[str, Any] = {}
    if present is not None:
        present.valid_to = plan.valid_from - DAY
        present.save(update_fields=["valid_to"])
        # The town's own limits and rights stay as they were; an operator may set others on the new row.
        limits = {name: getattr(present, name) for name in ("per_second", "retry_hours", "sets_protection")}
    if plan.sets_protection is not None:
        limits["sets_protection"] = plan.sets_protection
    row = Connection(
        municipality_id=plan.municipality,
        standard=plan.standard,
        address=plan.address,
        gaiji=plan.gaiji,
        concurrency=plan.concurrency,
        valid_from=plan.valid_from,
        tried_from=plan.tried_from if present else None,
        **limits,
    )
    row.full_clean()
    row.save()
    _sign(present, row)
    detail = {
        "from": present.standard if present else "",
        "to": row.standard,
        "address": row.address,
        "first_day": str(row.valid_from),
    }
    if row.sets_protection:
        detail["sets_protection"] = "yes"
    if plan.reason:
        detail["reason"] = plan.reason
    audit.record(audit.Act("connection.planned", f"municipality:{plan.municipality}", detail))
    return row


def _sign(present: Connection | None, following: Connection) -> None:
    """Give a connection that signs its key: the town's own as before, or that with which the address proved itself."""
    if not callbacks.is_signed(following.address):
        return
    if present is not None and present.signing_key:
        key = keys.opened(present.pk, bytes(present.signing_key))
    else:
        registered, _ = callbacks.register(following.municipality_id, following.address)
        key = callbacks.key_of(registered)
    following.signing_key = keys.wrapped(following.pk, key)
    following.save(update_fields=["signing_key"])


@transaction.atomic
def take_back(following: Connection) -> Connection | None:
    """Undo a plan that has not begun: the connection before it goes on without end; returns that, if there was one."""
    Municipality.objects.select_for_update(no_key=True).get(pk=following.municipality_id)
    row = Connection.objects.filter(pk=following.pk, valid_from__gt=timezone.localdate()).first()
    if row is None:
        raise ValidationError(gettext("It has begun: plan a change back instead."))
    earlier = Connection.objects.filter(municipality=row.municipality_id, valid_to=row.valid_from - DAY)
    present = earlier.first()
    detail = {"from": row.standard, "to": present.standard if present else "", "first_day": str(row.valid_from)}
    row.delete()
    if present is not None:
        present.valid_to = None
        present.save(update_fields=["valid_to"])
    audit.record(audit.Act("connection.taken_back", f"municipality:{following.municipality_id}", detail))
    return present
