"""The desk's view of lanes, their hours and closures: pausing, announcing, and how large the backlog is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Exists, Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.catalogue import Refusal
from hub.deliveries import lanes, windows
from hub.deliveries.models import Closure, DatedHours, Delivery, Lane, WeeklyHours
from hub.deliveries.states import UNSENT, State


class WaitingFilter(admin.SimpleListFilter):
    """Lanes in which something waits."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [
            ("waiting", _("something waits")),
            ("held", _("something is held")),
            ("blocked", _("blocked after failures")),
            ("closed", _("closed by its hours")),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Lane]) -> QuerySet[Lane]:
        now = timezone.now()
        if self.value() == "blocked":
            return queryset.filter(blocked_until__gt=now)
        if self.value() == "closed":
            return queryset.filter(open_from__gt=now)
        states = {"waiting": list(UNSENT), "held": [State.HELD]}.get(self.value() or "")
        if states is None:
            return queryset
        return queryset.filter(Exists(Delivery.objects.filter(municipality=OuterRef("pk"), state__in=states)))


@admin.register(Lane)
class LaneAdmin(desk.Desk):
    """Lanes; an operator may pause one, which holds its deliveries and loses none."""

    list_display = ("municipality", "paused", "breaker", "opens", "waiting", "oldest", "failures", "blocked_until")
    list_filter = (WaitingFilter, "paused")
    list_select_related = ("municipality",)
    search_fields = ("municipality__code__startswith", "municipality__name", "municipality__prefecture")
    ordering = ("municipality",)
    fields = ("municipality", "paused", "failures", "blocked_until", "open_from", "open_until", "resumed_at")
    actions = ("pause", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        unsent = Delivery.objects.filter(municipality=OuterRef("pk"), state__in=UNSENT).order_by()
        counted = unsent.values("municipality").annotate(number=Count("pk"), since=Min("created_at"))
        rows: QuerySet[Lane] = super().get_queryset(request)
        return rows.annotate(
            waiting_number=Coalesce(Subquery(counted.values("number")), 0),
            waiting_since=Subquery(counted.values("since")),
        )

    @admin.display(description=_("waiting"))
    def waiting(self, row: Any) -> int:
        return int(row.waiting_number)

    @admin.display(description=_("oldest for"))
    def oldest(self, row: Any) -> str:
        since: datetime | None = row.waiting_since
        return timesince(since, depth=1) if since else desk.NOTHING

    @admin.display(description=_("breaker"))
    def breaker(self, row: Lane) -> str:
        return str(BREAKER[lanes.breaker(row.failures, row.blocked_until, timezone.now())])

    @admin.display(description=_("opens"))
    def opens(self, row: Lane) -> str:
        return desk.short(row.open_from) if row.open_from and row.open_from > timezone.now() else gettext("open")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Operators alone."""
        return desk.is_operator(request)

    @admin.action(description=_("Pause"), permissions=["pause"])
    def pause(self, request: HttpRequest, rows: QuerySet[Lane]) -> None:
        """Hold everything of these towns until they are resumed."""
        self._set(request, list(rows.values_list("pk", flat=True)), paused=True)

    @admin.action(description=_("Resume"), permissions=["pause"])
    def resume(self, request: HttpRequest, rows: QuerySet[Lane]) -> None:
        """Let these towns' deliveries go on, in order."""
        self._set(request, list(rows.values_list("pk", flat=True)), paused=False)

    def _set(self, request: HttpRequest, codes: Sequence[str], *, paused: bool) -> None:
        lanes.pause(codes, paused=paused)
        self.message_user(request, gettext("%(count)d lanes were changed.") % {"count": len(codes)})


BREAKER = {
    lanes.Breaker.CLOSED: _("works"),
    lanes.Breaker.OPEN: _("blocked"),
    lanes.Breaker.HALF_OPEN: _("is being tried"),
}


class HoursAdmin(desk.Desk):
    """Hours of a system: kept by operators for all, by clerks who plan connections for their own town."""

    list_select_related = ("municipality",)
    search_fields = ("municipality__code__startswith", "municipality__name")
    autocomplete_fields = ("municipality",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators."""
        return desk.is_operator(request)

    def has_change_permission(self, request: HttpRequest, _obj: object = None) -> bool:
        """Operators."""
        return desk.is_operator(request)

    def has_delete_permission(self, request: HttpRequest, _obj: object = None) -> bool:
        """Operators."""
        return desk.is_operator(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The lane follows at once; so does that of a town it was moved from."""
        before = type(obj).objects.filter(pk=obj.pk).values_list("municipality", flat=True).first() if change else None
        super().save_model(request, obj, form, change)
        windows.refresh({obj.municipality_id} | ({before} if before else set()))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """The lane follows at once."""
        super().delete_model(request, obj)
        windows.refresh([obj.municipality_id])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The lanes follow at once."""
        codes = list(queryset.values_list("municipality", flat=True))
        super().delete_queryset(request, queryset)
        windows.refresh(codes)


@admin.register(WeeklyHours)
class WeeklyHoursAdmin(HoursAdmin):
    """Weekly hours."""

    list_display = ("municipality", "day", "opens_at", "closes_at", "on_holidays")
    list_filter = ("day",)
    ordering = ("municipality", "day", "opens_at")


@admin.register(DatedHours)
class DatedHoursAdmin(HoursAdmin):
    """Hours on dates."""

    list_display = ("municipality", "day", "opens_at", "closes_at")
    ordering = ("-day", "municipality")


class ClosureForm(forms.ModelForm):  # type: ignore[type-arg]
    """A closure that can be announced."""

    class Meta:
        model = Closure
        fields = ("municipality", "starts", "ends", "note_code")


@admin.register(Closure)
class ClosureAdmin(desk.Desk):
    """Announced closures: made and taken back, never changed."""

    form = ClosureForm
    list_display = ("municipality", "starts", "ends", "note_code", "announced_at", "cancelled_at")
    list_filter = ("note_code",)
    list_select_related = ("municipality",)
    search_fields = ("municipality__code__startswith", "municipality__name")
    autocomplete_fields = ("municipality",)
    ordering = ("-ends",)
    actions = ("cancel",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators; a town announces through the API."""
        return desk.is_operator(request)

    def save_model(self, request: HttpRequest, obj: Closure, form: Any, change: bool) -> None:
        """Announce it, as the town's own system would."""
        try:
            obj.pk = windows.announce(obj.municipality_id, obj.starts, obj.ends, obj.note_code).pk
        except Refusal as refusal:
            self.message_user(request, f"{refusal.lead.entry.title} {refusal.lead.detail}", messages.ERROR)

    @admin.action(description=_("Take the announcement back"), permissions=["add"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Closure]) -> None:
        """The lanes open again, unless something else keeps them closed."""
        for row in rows:
            windows.cancel(row)
        self.message_user(request, gettext("The announcements were taken back."))
