"""The desk's view of the audit entries: operators read who did what; nobody changes anything."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from hub.audit.models import Entry
from hub.keyset import KeysetDesk


class KindFilter(admin.SimpleListFilter):
    """Who did it."""

    title = _("by")
    parameter_name = "by"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [
            ("hub", _("the hub")),
            ("operator", _("an operator")),
            ("clerk", _("a clerk")),
            ("system", _("a municipality's system")),
            ("citizen", _("a citizen")),
            ("front", _("a partner front")),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        return queryset.filter(actor_kind=self.value()) if self.value() else queryset


@admin.register(Entry)
class EntryAdmin(KeysetDesk):
    """Acts, the newest first; the detail holds ids, states and codes."""

    list_display = ("at", "actor_kind", "actor", "municipality", "action", "subject", "number")
    list_filter = (KindFilter,)
    search_fields = ("subject__exact", "action__exact")
    search_help_text = _("Subject or action as written, for instance lane:131016 or delivery.read.")
    fields = ("at", "actor_kind", "actor", "municipality", "action", "subject", "detail", "chain_id", "number")

    def of_town(self, rows: QuerySet[Entry], _code: str) -> QuerySet[Entry]:
        """Not for clerks."""
        return rows.none()
