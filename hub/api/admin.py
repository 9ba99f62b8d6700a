"""The desk's view of heartbeats: which towns' systems were heard when, those that are silent longest first."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.api.models import SILENT, Heartbeat


class SilentFilter(admin.SimpleListFilter):
    """Systems that were heard lately, or not."""

    title = _("heard")
    parameter_name = "silent"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("silent for more than 15 minutes")), ("no", _("lately"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Heartbeat]) -> QuerySet[Heartbeat]:
        since = timezone.now() - SILENT
        if self.value() == "yes":
            return queryset.filter(at__lt=since)
        return queryset.filter(at__gte=since) if self.value() == "no" else queryset


@admin.register(Heartbeat)
class HeartbeatAdmin(desk.Desk):
    """What each town's system last said of itself."""

    list_display = ("municipality", "heard", "ago", "works", "open", "backlog", "software")
    list_filter = (SilentFilter, "open")
    list_select_related = ("municipality",)
    search_fields = ("municipality__code__startswith", "municipality__name")
    ordering = ("at",)
    fields = readonly_fields = ("municipality", "at", "open", "backlog", "software")

    @admin.display(description=_("last heard"), ordering="at")
    def heard(self, row: Heartbeat) -> str:
        return desk.short(row.at)

    @admin.display(description=_("silent for"))
    def ago(self, row: Heartbeat) -> str:
        return timesince(row.at, depth=1)

    @admin.display(description=_("works"), boolean=True)
    def works(self, row: Heartbeat) -> bool:
        return not row.is_silent
