"""The desk's view of reconciliations: whose books agree, and the differences that a person settles."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.catalogue import Refusal
from hub.deliveries import reconciliation, services
from hub.deliveries.models import Discrepancy, Reconciliation


@admin.register(Reconciliation)
class ReconciliationAdmin(desk.Desk):
    """One row per town and day."""

    list_display = ("municipality", "day", "our_number", "their_number", "agrees", "compared_at")
    list_filter = ("agrees", "day")
    list_select_related = ("municipality",)
    search_fields = ("municipality__code__startswith",)
    ordering = ("-pk",)
    fields = ("municipality", "day", "ours", "theirs", "agrees", "compared_at")

    @admin.display(description=_("of the hub"))
    def our_number(self, row: Reconciliation) -> int:
        return int(row.ours["count"])

    @admin.display(description=_("of the municipality"))
    def their_number(self, row: Reconciliation) -> Any:
        return row.theirs["count"] if row.theirs else desk.NOTHING


class OpenFilter(admin.SimpleListFilter):
    """Differences that nobody settled yet."""

    title = _("state")
    parameter_name = "open"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("to be settled")), ("no", _("settled"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Discrepancy]) -> QuerySet[Discrepancy]:
        if self.value() is None:
            return queryset
        return queryset.filter(settled_at__isnull=self.value() == "yes")


@admin.register(Discrepancy)
class DiscrepancyAdmin(desk.Desk):
    """Differences in the books."""

    list_display = ("municipality", "day", "kind", "delivery_id", "found_at", "settled_at")
    list_filter = (OpenFilter, "kind")
    list_select_related = ("municipality",)
    search_fields = ("municipality__code__startswith", "delivery_id__exact")
    ordering = ("-pk",)
    fields = ("municipality", "day", "kind", "delivery_id", "found_at", "settled_at", "settled_by")
    actions = ("send_again", "settle")

    @admin.action(description=_("Send again what the municipality lacks"), permissions=["view"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Discrepancy]) -> None:
        """Under the same ids: what it has after all, it sees as a duplicate."""
        count = 0
        for row in rows.filter(kind=Discrepancy.Kind.MISSING, settled_at=None):
            try:
                services.send_again(services.locked(UUID(row.delivery_id), row.municipality_id), "reconciliation")
                count += reconciliation.settle([row], desk.actor_of(request).name)
            except Refusal:
                continue  # it has been superseded or shredded since: the row stays for a person
        self.message_user(request, gettext("%(count)d were sent again.") % {"count": count})

    @admin.action(description=_("Settled"), permissions=["view"])
    def settle(self, request: HttpRequest, rows: QuerySet[Discrepancy]) -> None:
        """A person has looked."""
        count = reconciliation.settle(rows, desk.actor_of(request).name)
        self.message_user(request, gettext("%(count)d were settled.") % {"count": count})
