"""The desk's view of changed characters and of what clerks decided; texts are shown with the delivery they are of."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from hub import desk, words
from hub.fidelity import services
from hub.fidelity.models import Decision, Substitution


@admin.register(Substitution)
class SubstitutionAdmin(desk.Desk):
    """Every value that reached a town otherwise than it was filed, by its code points."""

    list_display = ("at", "municipality", "path", "points", "why", "standard", "decided_by", "delivery")
    list_filter = ("standard", ("decision", admin.EmptyFieldListFilter), "at")
    list_select_related = ("municipality", "decision")
    search_fields = ("points", "path__startswith", "delivery_id__exact")
    search_help_text = _("Code points like U+20BB7, the item, or the identifier of a delivery.")
    ordering = ("-pk",)
    fields = ("at", "municipality", "delivery", "path", "points", "why", "standard", "decided_by")
    readonly_fields = ("why", "decided_by", "delivery")

    @admin.display(description=_("rule"), ordering="rule")
    def why(self, row: Substitution) -> str:
        return words.rule(row.rule)

    @admin.display(description=_("decided by"))
    def decided_by(self, row: Substitution) -> str:
        return by(row.decision) if row.decision else desk.NOTHING

    @admin.display(description=_("delivery"))
    def delivery(self, row: Substitution) -> str:
        link = reverse("admin:deliveries_delivery_change", args=[row.delivery_id])
        return format_html('<a href="{}">{}</a>', link, gettext("Delivery"))


def by(row: Decision) -> str:
    """Who decided, as far as it is told: the kind of account and its number."""
    who = {"clerk": gettext("clerk"), "operator": gettext("operator of the hub")}
    return f"{who.get(row.decided_by_kind, row.decided_by_kind)} {row.decided_by}"


@admin.register(Decision)
class DecisionAdmin(desk.Desk):
    """What was decided, by whom and when; it can be ended, never changed."""

    list_display = ("decided_at", "municipality", "target", "points", "kind", "basis", "who", "ended_at")
    list_filter = ("kind", ("ended_at", admin.EmptyFieldListFilter), "target")
    list_select_related = ("municipality",)
    search_fields = ("points",)
    search_help_text = _("Code points like U+20BB7.")
    ordering = ("-pk",)
    fields = ("decided_at", "municipality", "target", "points", "kind", "basis", "who", "ended_at", "ended_by")
    readonly_fields = ("who",)
    actions = ("end",)

    @admin.display(description=_("decided by"))
    def who(self, row: Decision) -> str:
        return by(row)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Clerks end those of their own town, operators any."""
        return self.has_view_permission(request)

    @admin.action(description=_("Ask again next time"), permissions=["end"])
    def end(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """End the chosen decisions; what was sent stays as it is."""
        ended = services.end(rows.order_by("pk"))
        told = ngettext("%(count)d decision was ended.", "%(count)d decisions were ended.", ended)
        self.message_user(request, told % {"count": ended})
