"""Alerts: what a clerk is to look at. The hub says why and does not decide; a repeated alert is the same one."""

from collections.abc import Collection, Iterable, Iterator

from django.utils import timezone

from hub import actors
from hub.audit import services as audit
from hub.procedures import ages
from hub.relocations.filing import Filing
from hub.relocations.models import Alert, Relocation
from municipalities.notice import Flow, Role, Scope

#: From this age on a person is of age (Civil Code Art. 4).
ADULT = 18
#: The head leaves and nobody was named: the origin does not register the move-out before it is settled (O6).
UNDECIDED = "undecided"
#: Kinship that is said and not proven.
UNPROVEN = ("縁故者",)


def of_filing(filing: Filing) -> Iterator[tuple[Role, str, str]]:
    """Yield what a filing itself gives a clerk to look at: whose clerk, the code, what it is about."""
    left, today = filing.household_left, timezone.localdate()
    if left.head_moves and left.remaining_count >= 2:
        yield Role.ORIGIN, "A414", UNDECIDED if filing.head_undecided else ""
    if filing.scope is Scope.PART and all(
        ages.is_surely_under(mover.date_of_birth, ADULT, today) for mover in filing.movers
    ):
        yield Role.ORIGIN, "A406", ""
    # A foreign resident's kinship is proven by a document (Act Art. 30-49); without one 縁故者 is entered meanwhile.
    if any(mover.nationality != "JPN" and mover.relation_to == UNPROVEN for mover in filing.movers):
        yield Role.DESTINATION, "A412", ""
    heads = [mover for mover in filing.movers if mover.relation_from == ("世帯主",)]
    with_card = [mover.presents_card for mover in filing.movers]
    if filing.flow is Flow.CARD_SPECIAL and not all(with_card) and not any(head.presents_card for head in heads):
        yield Role.DESTINATION, "A410", ""


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
