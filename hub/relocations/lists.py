"""The desk's list of relocations: whom each waits for, what our part is, and whether something is held."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from hub import desk, words
from hub.deliveries.models import Delivery
from hub.deliveries.states import Cause, State
from hub.keyset import KeysetList
from hub.relocations import tables
from hub.relocations.models import Mover, Relocation

#: Whom a relocation waits for, by its state; what is in none of these has come to an end.
WAITS = {
    "citizen": (
        _("the citizen"),
        ("CONSENT_PENDING", "RETURNED", "MOVEOUT_ACCEPTED", "AWAITING_ARRIVAL", "NON_ARRIVAL"),
    ),
    "towns": (_("a municipality"), ("SUBMITTED", "IN_REVIEW", "ARRIVED")),
    "departments": (_("a department"), ("SETTLED",)),
    "nobody": (_("nobody: it has ended"), ("COMPLETE", "REJECTED", "WITHDRAWN", "CANCELLED")),
}
#: What this town's own clerks have to do: its leg is in one of these.
OURS = (
    Q(role="origin", state__in=["DELIVERED", "PROVISIONAL"])
    | Q(role="origin", state="EFFECTIVE", relocation__state="ARRIVED")
    | Q(role="destination", state__in=["AT_COUNTER", "PROVISIONAL"])
    | Q(role="domicile", state__in=["NOTICE_SENT", "MISMATCH", "REVOKED"])
    | Q(role="last_registered", state="NOTIFIED")
)


def for_us(rows: QuerySet[Relocation], town: str) -> QuerySet[Relocation]:
    """Those in which this town's clerks must do something."""
    return rows.filter(Exists(Mover.objects.filter(OURS, relocation=OuterRef("pk"), municipality=town)))


class WaitingFilter(admin.SimpleListFilter):
    """Whom it waits for."""

    title = _("waiting for")
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        ours = [("us", _("our municipality"))] if desk.town_of(request) else []
        return ours + [(value, title) for value, (title, _states) in WAITS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Relocation]) -> QuerySet[Relocation]:
        if self.value() == "us":
            return for_us(queryset, desk.town_of(request))
        wanted = WAITS.get(self.value() or "")
        return queryset.filter(state__in=wanted[1]) if wanted else queryset


class RoleFilter(admin.SimpleListFilter):
    """What our municipality is to it."""

    title = _("our role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [(role.value, words.ROLES[role.value]) for role in tables.START] if desk.town_of(request) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Relocation]) -> QuerySet[Relocation]:
        if not self.value():
            return queryset
        mine = Mover.objects.filter(relocation=OuterRef("pk"), municipality=desk.town_of(request), role=self.value())
        return queryset.filter(Exists(mine))


class HeldFilter(admin.SimpleListFilter):
    """Of which a delivery is held: somebody must clear it before the town can be told."""

    title = _("held")
    parameter_name = "held"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("a delivery is held"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Relocation]) -> QuerySet[Relocation]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(pk__in=held_in(desk.town_of(request)).values("relocation_id"))


def held_in(town: str) -> QuerySet[Delivery]:
    """Deliveries that are held: a clerk's own town's, an operator's all."""
    rows = Delivery.objects.filter(state=State.HELD)
    return rows.filter(municipality=town) if town else rows


def mark_held(rows: Sequence[Relocation], town: str) -> None:
    """Note with each of these what it is held for, in one statement."""
    found: dict[Any, list[str]] = {}
    about = held_in(town).filter(relocation_id__in=[row.pk for row in rows]).order_by("pk")
    for pk, cause in about.values_list("relocation_id", "cause"):
        found.setdefault(pk, []).append(str(Cause(cause).label) if cause else "")
    for row in rows:
        row.held_for = list(dict.fromkeys(found.get(row.pk, ())))  # type: ignore[attr-defined]


class RelocationList(KeysetList):
    """A page of relocations, each with what it is held for."""

    def get_results(self, request: HttpRequest) -> None:
        """Look it up for the rows of the page alone."""
        super().get_results(request)
        mark_held(self.result_list, desk.town_of(request))
