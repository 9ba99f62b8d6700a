"""Many deliveries sent again by one decision: previewed, confirmed by a second operator above a limit, stoppable.

What is chosen is a filter, not a list: each delivery is looked at again when its turn comes, under its own lock, and
what was accepted meanwhile, or is under way already, is skipped. Everything goes under its own id, in the order of
its making, through the lanes like everything else, so that a replay can storm nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import msgspec
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.catalogue import Refusal, refuse
from hub.deliveries import services
from hub.deliveries.models import Delivery, Replay
from hub.deliveries.states import Answer, State
from hub.ids import first_of

#: More than so many need a second operator.
FOUR_EYES = 100
#: Looked at in one transaction.
BATCH = 50
#: From these states a delivery may be sent again.
STATES = (State.HELD, State.SENT, State.ANSWERED)
#: Answers after which sending again would be of no use.
ACCEPTED = (Answer.ACCEPTED_FOR_REVIEW, Answer.REGISTERED)


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries; an empty field chooses all. Days are those of making, in Japan's time, both included."""

    municipality: str = ""
    state: str = State.HELD.value
    type: str = ""
    cause: str = ""
    code: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen: how many would go where, and how many are skipped because the town accepted them."""

    going: Mapping[str, int]
    accepted: int

    @property
    def total(self) -> int:
        """How many would go."""
        return sum(self.going.values())

    @property
    def needs_two(self) -> bool:
        """Whether a second operator must confirm."""
        return self.total > FOUR_EYES


def matching(chosen: Chosen) -> QuerySet[Delivery]:
    """Everything that the filter chooses, accepted or not."""
    if chosen.state not in STATES:
        raise refuse("E110", "/state", f"One of {', '.join(STATES)}.")
    rows = Delivery.objects.filter(state=chosen.state)
    fields = {"municipality": chosen.municipality, "type": chosen.type, "cause": chosen.cause, "code": chosen.code}
    rows = rows.filter(**{name: value for name, value in fields.items() if value})
    if chosen.since is not None:
        rows = rows.filter(pk__gte=first_of(chosen.since))
    if chosen.until is not None:
        rows = rows.filter(pk__lt=first_of(chosen.until + timedelta(days=1)))
    return rows


def preview(chosen: Chosen) -> Preview:
    """Work out what would happen now; changes nothing."""
    rows = matching(chosen)
    accepted = Q(answer__in=ACCEPTED)
    going = rows.exclude(accepted).order_by().values_list("municipality").annotate(number=Count("pk"))
    return Preview(going=dict(going.order_by("municipality")), accepted=rows.filter(accepted).count())


def ask(chosen: Chosen, reason: str, account: User) -> Replay:
    """Begin a replay, or leave it to a second operator; E110 without a reason, or when nothing would go."""
    found = preview(chosen)
    if not reason.strip() or not found.total:
        raise refuse("E110", "/reason" if found.total else "", "A reason, and at least one delivery to send again.")
    state = Replay.State.WAITING if found.needs_two else Replay.State.RUNNING
    replay = Replay.objects.create(
        chosen=msgspec.to_builtins(chosen),
        reason=reason.strip()[:200],
        state=state,
        expected=found.total,
        asked_by=account,
    )
    _act("replay.asked", replay, expected=found.total)
    return replay


def confirm(replay: Replay, account: User) -> None:
    """Let it run, as a second operator; E107 for who asked, E200 when it does not wait."""
    row = _locked(replay)
    if row.state != Replay.State.WAITING:
        raise refuse("E200", detail=f"The replay is {row.state}.")
    if row.asked_by_id == account.pk:
        raise refuse("E107", detail="Another operator confirms.")
    row.state, row.confirmed_by = Replay.State.RUNNING, account
    row.save(update_fields=["state", "confirmed_by"])
    _act("replay.confirmed", row)


def stop(replay: Replay) -> None:
    """Stop it where it is; what was sent again stays sent. Stopping what has ended changes nothing."""
    row = _locked(replay)
    if row.state in (Replay.State.WAITING, Replay.State.RUNNING):
        row.state, row.ended_at = Replay.State.STOPPED, timezone.now()
        row.save(update_fields=["state", "ended_at"])
        _act("replay.stopped", row, sent=row.sent, skipped=row.skipped)


def _locked(replay: Replay) -> Replay:
    return Replay.objects.select_for_update().get(pk=replay.pk)


def advance() -> int:
    """Take the next batch of the oldest replay that runs; returns how many deliveries were looked at.

    Several processes may do so at once: each takes another replay, or none.
    """
    with acting(HUB):
        running = Replay.objects.filter(state=Replay.State.RUNNING).order_by("pk")
        replay = running.select_for_update(skip_locked=True).first()
        if replay is None:
            return 0
        rows = _next(replay)
        for pk, code in rows:
            if _again(pk, code, replay):
                replay.sent += 1
            else:
                replay.skipped += 1
            replay.reached = pk
        if len(rows) < BATCH:
            replay.state, replay.ended_at = Replay.State.DONE, timezone.now()
            _act("replay.done", replay, sent=replay.sent, skipped=replay.skipped)
        replay.save(update_fields=["state", "ended_at", "sent", "skipped", "reached"])
        return len(rows)


def _next(replay: Replay) -> list[tuple[UUID, str]]:
    """What was made before it was asked for and comes behind what was looked at, in the order of making."""
    rows = matching(msgspec.convert(replay.chosen, Chosen)).filter(created_at__lte=replay.asked_at)
    if replay.reached is not None:
        rows = rows.filter(pk__gt=replay.reached)
    return list(rows.order_by("pk").values_list("pk", "municipality_id")[:BATCH])


def _again(pk: UUID, code: str, replay: Replay) -> bool:
    delivery = services.locked(pk, code)
    if delivery.answer in ACCEPTED or delivery.state not in STATES:
        return False
    try:
        services.send_again(delivery, f"replay {replay.pk}")
    except Refusal:
        return False
    return True


def _act(action: str, replay: Replay, **detail: int) -> None:
    audit.record(audit.Act(action, f"replay:{replay.pk}", {**detail}))
