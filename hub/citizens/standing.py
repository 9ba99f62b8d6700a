"""Where a relocation stands, in a citizen's words: each town, what it was told and said, what comes next, by when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import words
from hub.citizens import calendar, changes, consents, last_days, procedures
from hub.citizens.phrases import bring, day, moment, person_name
from hub.consents import services as asking
from hub.deliveries import windows
from hub.deliveries.models import Delivery
from hub.deliveries.states import Answer, State
from hub.relocations import facts, journey, outages, services, status, tables
from hub.relocations.filing import Filing
from hub.relocations.models import Agreement, Leg, Relocation, Report
from hub.relocations.services import Opened
from hub.vault.services import ShreddedError
from municipalities.notice import Flow, Kind, Role

#: What a municipality is to who moves, in their words.
ROLES = {
    "origin": _("The municipality you leave"),
    "destination": _("The municipality you move to"),
    "domicile": _("The municipality of your family register (本籍)"),
    "last_registered": _("The municipality where you were registered before"),
}
#: States in which the citizen still has to go to the counter of the new municipality.
BEFORE_ARRIVAL = outages.BEFORE_ARRIVAL
#: States that end a relocation.
ENDED = frozenset({"WITHDRAWN", "REJECTED", "CANCELLED", "SETTLED", "COMPLETE"})
#: States in which the towns can still be asked to cancel.
CANCELLABLE = frozenset({"MOVEOUT_ACCEPTED", "AWAITING_ARRIVAL", "NON_ARRIVAL", "ARRIVED", "SETTLED", "COMPLETE"})
#: Colour of a mover's state: what is done, and what is wrong; all others are under way.
DONE = frozenset(
    {("origin", "CONFIRMED"), ("origin", "EFFECTIVE"), ("origin", "REGISTERED"), ("domicile", "APPLIED")}
    | {("destination", state) for state in ("REGISTERED", "NOTIFIED", "CLOSED")}
    | {("last_registered", "CONFIRMED")}
)
WRONG = frozenset({"RETURNED", "REJECTED"})

NEXT = {
    "SUBMITTED": _("Your filing is on its way to the municipality you leave. There is nothing to do for you now."),
    "IN_REVIEW": _(
        "The municipality you leave is reviewing your filing. This takes two or three open days."
        " There is nothing to do for you now."
    ),
    "CONSENT_PENDING": _(
        "Everyone named below must agree first. Give each of them their link; until then no municipality is told."
    ),
    "RETURNED": _("Something must be corrected. Please call the counter of the municipality you leave."),
    "MOVEOUT_ACCEPTED": _(
        "After moving, go to the counter of the new municipality in person and make the move-in filing."
    ),
    "AWAITING_ARRIVAL": _(
        "After moving, go to the counter of the new municipality in person and make the move-in filing."
    ),
    "NON_ARRIVAL": _("No town knows of your move-in yet. Go to the counter of the new municipality without delay."),
    "ARRIVED": _("You are registered. The municipalities tell each other; there is nothing to do for you."),
    "SETTLED": _("The move itself is done. What is left are the follow-on procedures below."),
    "COMPLETE": _(
        "The move is complete: everything that the law asks of you is done. What you may still apply for stands below."
    ),
    "REJECTED": _("A municipality did not accept the filing. Please ask at its counter."),
    "WITHDRAWN": _("You took this filing back. If you move after all, file again."),
    "CANCELLED": _("The move was cancelled. If you move after all, file again."),
}
#: Where there is no other municipality, or where nobody is awaited in it.
_WITHIN = {
    "SUBMITTED": _("Your filing is on its way to the municipality."),
    "AWAITING_ARRIVAL": _(
        "The municipality has your filing. Go to its counter in person, within 14 days of the change."
    ),
    "ARRIVED": _("You are registered. There is nothing left to do for you at this counter."),
}
_OUT = {
    "MOVEOUT_ACCEPTED": _("The municipality accepted your move abroad. There is no counter to go to in Japan."),
    "ARRIVED": _("The municipality accepted your move abroad. There is no counter to go to in Japan."),
}
NEXT_OF_KIND: dict[str, dict[str, Any]] = {
    Kind.IN_CITY.value: _WITHIN,
    Kind.HOUSEHOLD_CHANGE.value: _WITHIN,
    Kind.OVERSEAS_IN.value: _WITHIN,
    Kind.OVERSEAS_OUT.value: _OUT,
}
#: States at the town that is left of who has left it and is not registered elsewhere for good.
LEFT = frozenset({"REGISTERED", "EFFECTIVE", "CONFIRMED", "NON_ARRIVAL"})
MOVE_IN_CANCELLED = _(
    "The registration of the move-in was cancelled. Ask at the counter of the municipality that cancelled it what to do"
    " next. If you live in another one, make the move-in filing there; if you did not move, ask the municipality that"
    " you left to cancel the move-out."
)
#: A consent was refused: who refused and why is theirs to say.
NOT_AS_IT_IS = _("This filing cannot go on as it is. Please change who moves, or withdraw it.")


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened between the hub and a town, or will."""

    text: str
    at: datetime | None
    answer: str = ""
    kind: str = "told"


@dataclass(frozen=True, slots=True)
class Person:
    """A mover and the state at one town."""

    name: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class Town:
    """One town's part."""

    title: str
    name: str
    people: list[Person]
    steps: list[Step]
    #: Characters that this town was told otherwise than they were filed.
    changes: list[str]
    #: From when its system receives, while it is closed and something waits for it; empty otherwise.
    receives_from: str = ""
    #: That something cannot be handed over yet, which is for the hub to clear.
    later: str = ""
    #: That the statutory line is down there, while something must still pass over it.
    line: str = ""
    #: On which day it would rather see the movers.
    suggested: str = ""
    #: Its counter for resident records is the one to ask; that of the family register only notes the new address.
    is_asked: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """The whole page."""

    relocation: Relocation
    state: str
    next: str
    bring: str
    clocks: list[last_days.Clock]
    towns: list[Town]
    procedures: procedures.Procedures | None
    may_withdraw: bool
    may_amend: bool
    may_cancel: bool
    consents: list[consents.Asked]
    filed_on: str
    planned_out_on: str


def of(relocation: Relocation) -> Standing:
    """Read everything the page shows; the caller has made sure whose it is."""
    opened = _unsealed(relocation)
    filing = opened.filing if opened else None
    waiting = relocation.state in BEFORE_ARRIVAL
    legs = [(leg, status.states(leg)) for leg in status.legs(relocation)] if waiting else []
    ways, names = status.flows(leg for leg, _states in legs), names_of(filing)
    return Standing(
        relocation=relocation,
        state=str(relocation.get_state_display()),
        next=next_of(relocation, legs),
        bring=bring(relocation.kind, awaited(ways, legs), names) if waiting else "",
        clocks=list(last_days.clocks(relocation, filing, ways, legs, names, reminded(relocation))) if waiting else [],
        towns=towns(relocation, opened),
        procedures=procedures.of(relocation, opened) if opened else None,
        may_withdraw=may_withdraw(relocation),
        may_amend=may_withdraw(relocation),
        may_cancel=opened is not None and may_cancel(relocation),
        consents=consents.of_filing(asking.of_filer(relocation), filing),
        filed_on=day(relocation.filed_on),
        planned_out_on=day(relocation.planned_out_on),
    )


def names_of(filing: Filing | None) -> dict[int, str]:
    """The movers' names by number; none of a filing that was shredded."""
    return {mover.ordinal: mover.full_name for mover in filing.movers} if filing else {}


#: States of a town that is entered in which the movers still have to bring something.
TO_COME = frozenset({"NONE", "SPECIAL_LAPSED", *outages.WAITING})


def awaited(ways: Mapping[int, Flow], legs: last_days.Legs) -> dict[int, Flow]:
    """How the certificates travel of those who still have to go to a counter."""
    return {
        ordinal: ways[ordinal]
        for leg, movers in legs
        for ordinal, state in movers
        if leg.role == Role.DESTINATION and state in TO_COME
    }


def next_of(relocation: Relocation, legs: Iterable[tuple[Leg, status.States]] = ()) -> str:
    """What comes next; ``legs`` with their movers' states, as this filer is shown them."""
    before = relocation.follows
    shown = facts.shown_state(before) if before else ""
    if before and relocation.state == "SUBMITTED" and shown not in facts.OVER:
        return gettext(
            "This filing waits until the move before it (%(number)s) is registered. First finish that one."
        ) % {"number": before.receipt_no}
    if before and relocation.state in ("SUBMITTED", "IN_REVIEW") and shown not in facts.REGISTERED:
        return gettext(
            "The move before this one (%(number)s) did not come about. The municipality that you leave now checks"
            " whether you are registered there. If you are not, withdraw this filing and file again, from where you are"
            " registered."
        ) % {"number": before.receipt_no}
    if relocation.state in ("AWAITING_ARRIVAL", "NON_ARRIVAL") and _is_cancelled(legs):
        return str(MOVE_IN_CANCELLED)
    refused = relocation.state == "RETURNED" and relocation.agreement == Agreement.REFUSED
    of_kind = NEXT_OF_KIND.get(relocation.kind, {})
    return str(NOT_AS_IT_IS if refused else of_kind.get(relocation.state, NEXT[relocation.state]))


def _is_cancelled(legs: Iterable[tuple[Leg, status.States]]) -> bool:
    """Whether somebody's move-in was cancelled who neither goes elsewhere nor was entered again where they left."""
    left, cancelled, goes_on = set[int](), set[int](), set[int]()
    for leg, movers in legs:
        for ordinal, state in movers:
            if leg.role == Role.ORIGIN and state in LEFT:
                left.add(ordinal)
            elif leg.role == Role.DESTINATION and state not in journey.ELSEWHERE:
                (cancelled if state == "CANCELLED" else goes_on).add(ordinal)
    return bool(cancelled & left - goes_on)


def entries(standing: Standing) -> list[calendar.Entry]:
    """The last days that are still to come, for the calendar file; without anybody's name."""
    found = [calendar.Entry(clock.key, clock.on, clock.title, clock.hint) for clock in standing.clocks]
    groups = standing.procedures.groups if standing.procedures else []
    found += [
        calendar.Entry(item.key, item.due_on, item.title, item.place)
        for group in groups
        for item in group.items
        if item.due_on is not None and item.tone != "done"
    ]
    today = timezone.localdate()
    return [entry for entry in found if entry.on >= today]


def _unsealed(relocation: Relocation) -> Opened | None:
    """What was filed, unless it was shredded."""
    try:
        return services.opened(relocation)
    except ShreddedError:
        return None


def reminded(relocation: Relocation) -> last_days.Reminders:
    """Return of which clocks the citizen was reminded, and for whom."""
    return list(relocation.events.filter(type="deadline.near").values_list("detail", flat=True))


def may_cancel(relocation: Relocation) -> bool:
    """Whether a cancellation can be asked for (message 61): a town has decided, and nothing has ended."""
    return relocation.state in CANCELLABLE and status.decided(relocation)


def may_withdraw(relocation: Relocation) -> bool:
    """Whether it can still be taken back: until the municipality that is left has decided."""
    return relocation.state not in ENDED and not status.decided(relocation)


def towns(relocation: Relocation, opened: Opened | None) -> list[Town]:
    """Each town's part, in the order of the move."""
    names = names_of(opened.filing if opened else None)
    reports = list(relocation.reports.order_by("received_at"))
    days = status.suggested(reports, opened) if opened else {}
    found = changes.replaced(relocation.pk)
    legs, before = status.legs(relocation), status.taken_over(relocation)
    closed = windows.receives_from(leg.municipality_id for leg in legs)
    silent = outages.silent(relocation, [(leg, status.states(leg)) for leg in legs], status.flows(legs))
    return [
        replace(
            town(leg, status.states(leg), status.told(relocation, leg, before), reports, names, found, closed, before),
            line=line() if leg.pk in silent else "",
            suggested=suggested(leg, status.states(leg), days),
        )
        for leg in legs
    ]


def suggested(leg: Leg, movers: status.States, days: Mapping[str, date]) -> str:
    """That the town asks for a visit on another day, as long as one is still to come."""
    on = days.get(leg.municipality_id) if leg.role == Role.DESTINATION else None
    if on is None or all(state not in TO_COME for _ordinal, state in movers):
        return ""
    return gettext("This municipality asks you to come on %(day)s if you can.") % {"day": day(on)}


def line() -> str:
    """What it means that the statutory line is down at this town."""
    return gettext(
        "The line between municipalities (Juki-net) is down here. Nothing is lost and you need not file again."
        " Until it works, the move-in can only be registered with a move-out certificate on paper; ask the"
        " municipality you leave for one, or wait."
    )


def town(
    leg: Leg,
    movers: status.States,
    told: Iterable[Delivery],
    reports: Iterable[Report],
    names: Mapping[int, str],
    replaced: Mapping[UUID, changes.Replaced],
    closed: Mapping[str, datetime],
    before: Sequence[status.TakenOver],
) -> Town:
    """One town's part."""
    told = [row for row in told if row.state not in (State.WITHDRAWN, State.SUPERSEDED)]
    codes = status.codes_of(leg, before)
    said = [
        Step(words.report(row.type, row.outcome), row.received_at, kind="said")
        for row in reports
        if row.municipality_id in codes and leg.role in tables.reports().get(row.type, ())
    ]
    heard = [Step(took_over(one), one.at, kind="said") for one in before if one.heir in codes]
    # What departments were told stands with each procedure.
    steps = [handed(row) for row in told if not row.type.startswith("task.")] + said + heard
    return Town(
        title=str(ROLES.get(leg.role, leg.role)),
        name=leg.municipality.full_name,
        people=[person(leg.role, ordinal, state, names) for ordinal, state in movers],
        steps=sorted(steps, key=lambda step: (step.at is None, step.at or timezone.now())),
        changes=changes.sentences(replaced, told),
        receives_from=receives_from(closed.get(leg.municipality_id), told),
        later=later(told),
        is_asked=leg.role != Role.DOMICILE,
    )


def took_over(one: status.TakenOver) -> str:
    """That the municipality is another one now."""
    if one.was_filed:
        return gettext("keeps the register of %(town)s today; your filing went here") % {"town": one.former.full_name}
    return gettext("took over from %(town)s; you need not file again") % {"town": one.former.full_name}


def receives_from(opens: datetime | None, told: Iterable[Delivery]) -> str:
    """When the town will receive what waits for it, while its system is closed."""
    if opens is None or all(row.state != State.QUEUED for row in told):
        return ""
    later = gettext("This municipality's system is closed now. It will receive your filing from %(moment)s.")
    paper = gettext("If you cannot wait, its counter takes the filing on paper.")
    return f"{later % {'moment': moment(opens)}} {paper}"


def later(told: Iterable[Delivery]) -> str:
    """That something is held before it was handed over: whoever must clear it, nobody has refused anything."""
    if all(row.state != State.HELD or row.sent_at is not None for row in told):
        return ""
    return gettext(
        "Your filing is accepted by the hub. This municipality will receive it later; there is nothing to do for you."
    )


def person(role: str, ordinal: int, state: str, names: Mapping[int, str]) -> Person:
    """A mover's state at this town."""
    tone = "done" if (role, state) in DONE else "wrong" if state in WRONG else "under-way"
    return Person(person_name(ordinal, names), words.leg_state(role, state), tone)


#: A receipt as a citizen reads it: that something arrived is no decision, and a doubt is for the clerks.
ANSWERS = {
    Answer.RECEIVED.value: _("arrived"),
    Answer.ACCEPTED_FOR_REVIEW.value: _("arrived and is being looked at"),
    Answer.REGISTERED.value: _("arrived and was recorded"),
    Answer.RETURNED.value: _("a clerk has a question"),
    Answer.REJECTED.value: _("a clerk has a question"),
    Answer.IMPLAUSIBLE.value: _("a clerk has a question"),
}


def handed(row: Delivery) -> Step:
    """A notice on its way; one that is stuck is our business, never a refusal."""
    notice = words.notice(row.type)
    if row.sent_at is None:
        return Step(gettext("will be handed over: %(notice)s") % {"notice": notice}, None, kind="waiting")
    return Step(gettext("was handed: %(notice)s") % {"notice": notice}, row.sent_at, str(ANSWERS.get(row.answer, "")))
