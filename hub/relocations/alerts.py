"""Alerts: what a clerk is to look at. The hub says why and does not decide; a repeated alert is the same one."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date

from django.utils import timezone

from hub import actors
from hub.audit import services as audit
from hub.procedures import ages
from hub.relocations import clocks
from hub.relocations.filing import Filing
from hub.relocations.models import Alert, Relocation
from municipalities.notice import Flow, Mover, Role, Scope

#: From this age on a person is of age (Civil Code Art. 4).
ADULT = 18
#: The head leaves and nobody was named: the origin does not register the move-out before it is settled (O6).
UNDECIDED = "undecided"
#: Who is older than this is rare enough to be looked at once more. Ours, not the law's.
UNUSUAL_AGE = 110
#: Kinship that is said and not proven.
UNPROVEN = ("縁故者",)


def of_filing(filing: Filing) -> Iterator[tuple[Role, str, str, list[int]]]:
    """Yield what a filing itself gives a clerk to look at: whose clerk, the code, what it is about, which movers."""
    left, today = filing.household_left, timezone.localdate()
    everyone = [mover.ordinal for mover in filing.movers]
    if left.head_moves and left.remaining_count >= 2:
        yield Role.ORIGIN, "A414", UNDECIDED if filing.head_undecided else "", everyone
    if filing.scope is Scope.PART and all(
        ages.is_surely_under(mover.date_of_birth, ADULT, today) for mover in filing.movers
    ):
        yield Role.ORIGIN, "A406", "", everyone
    for code in _days_to_look_at(filing, today):
        yield Role.ORIGIN, code, "plannedOutOn", everyone
    old = [mover.ordinal for mover in filing.movers if _is_unusually_old(mover, today)]
    if old:
        yield Role.ORIGIN if filing.origin else Role.DESTINATION, "A426", "", old
    leaving = [mover.ordinal for mover in filing.movers if _stay_ends(mover, filing)]
    if leaving:
        yield Role.DESTINATION, "A425", "", leaving
    # A foreign resident's kinship is proven by a document (Act Art. 30-49); without one 縁故者 is entered meanwhile.
    unproven = [
        mover.ordinal for mover in filing.movers if mover.nationality != "JPN" and mover.relation_to == UNPROVEN
    ]
    if unproven:
        yield Role.DESTINATION, "A412", "", unproven
    heads = [mover for mover in filing.movers if mover.relation_from == ("世帯主",)]
    without = [mover.ordinal for mover in filing.movers if not mover.presents_card]
    if filing.flow is Flow.CARD_SPECIAL and without and not any(head.presents_card for head in heads):
        yield Role.DESTINATION, "A410", "", without


def _days_to_look_at(filing: Filing, today: date) -> Iterator[str]:
    """Yield what a clerk is to look at about the days of leaving; none of it is an error."""
    days = {mover.leaves_on or filing.planned_out_on for mover in filing.movers} - {None}
    late, far = clocks.table()["LATE_OUT"], clocks.table()["FAR_OUT"]
    if any(today > late.last_day(day) for day in days if day):
        yield late.alert
    if any(today < far.last_day(day) for day in days if day):
        yield far.alert


def _is_unusually_old(mover: Mover, today: date) -> bool:
    day = ages.certain(mover.date_of_birth) if mover.date_of_birth else None
    return day is not None and today >= ages.reached_on(day, UNUSUAL_AGE)


def _stay_ends(mover: Mover, filing: Filing) -> bool:
    """Tell whether a foreign resident's period of stay ends before the day of moving in."""
    arrives = mover.arrives_on or filing.living_from
    expires = mover.residence.expires_on if mover.residence else None
    return expires is not None and arrives is not None and expires < arrives


def tell(
    relocation: Relocation, towns: Iterable[str | None], code: str, movers: Collection[int], about: str = ""
) -> None:
    """Raise an alert at each of the towns, unless it was raised before."""
    Alert.objects.bulk_create(
        [
            Alert(relocation=relocation, municipality_id=town, code=code, about=about, ordinals=sorted(movers))
            for town in towns
            if town
        ],
        ignore_conflicts=True,
    )


def settle(alert: Alert) -> None:
    """Note that a person has looked at it; settling again changes nothing."""
    if alert.settled_at is None:
        alert.settled_at, alert.settled_by = timezone.now(), actors.current().name
        alert.save(update_fields=["settled_at", "settled_by"])
        audit.record(audit.Act("alert.settled", f"alert:{alert.pk}", {"code": alert.code}, alert.relocation_id))
