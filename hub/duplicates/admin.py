"""The desk's view of duplicates: which filings seem to name one person, and what a clerk found out."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from hub import catalogue, desk
from hub.actors import ActorKind
from hub.catalogue import Refusal
from hub.duplicates import services
from hub.duplicates.models import Case, Member

#: What a case asks of its clerk, in the words of the error catalogue.
ADVICE = ("A402", "A417")


class MemberRows(desk.Rows):
    """The filings of a case, to be compared."""

    model = Member
    fields = readonly_fields = ("filing", "state", "ordinal", "registered")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        return super().get_queryset(request).select_related("relocation").order_by("relocation_id")

    @admin.display(description=_("receipt number"))
    def filing(self, row: Member) -> str:
        link = reverse("admin:relocations_relocation_change", args=[row.relocation_id])
        return format_html('<a href="{}">{}</a>', link, row.relocation.receipt_no)

    @admin.display(description=_("state"))
    def state(self, row: Member) -> str:
        return row.relocation.get_state_display()


@admin.register(Case)
class CaseAdmin(desk.Desk):
    """Cases of the own town; what is open stands first."""

    list_display = ("id", "finding", "size", "opened_at", "decided_at")
    list_filter = ("finding", "opened_at")
    ordering = ("decided_at", "-pk")
    inlines = (MemberRows,)
    fields = readonly_fields = ("finding", "size", "opened_at", "decided_at", "advice")
    actions = ("same", "different")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """Clerks alone: an operator sees no persons and no likeness of persons."""
        rows = super().get_queryset(request)
        return rows if desk.actor_of(request).kind is ActorKind.CLERK else rows.none()

    @admin.display(description=_("What to do"))
    def advice(self, _row: Case) -> str:
        return "\n".join(f"{one.code} {one.title} – {one.remedy}" for one in map(catalogue.entry, ADVICE))

    @admin.action(description=_("The same person: one move-out alone may be registered"), permissions=["view"])
    def same(self, request: HttpRequest, rows: QuerySet[Case]) -> None:
        """Decide so for the chosen cases."""
        self._decide(request, rows, same=True)

    @admin.action(description=_("Different persons: each filing goes its own way"), permissions=["view"])
    def different(self, request: HttpRequest, rows: QuerySet[Case]) -> None:
        """Decide so for the chosen cases."""
        self._decide(request, rows, same=False)

    def _decide(self, request: HttpRequest, rows: QuerySet[Case], *, same: bool) -> None:
        decided, left = 0, 0
        for case in rows:
            try:
                services.decide(case.pk, desk.actor_of(request), same=same)
                decided += 1
            except Refusal:
                left += 1
        told: Any = ngettext("%(count)d case was decided.", "%(count)d cases were decided.", decided)
        self.message_user(request, told % {"count": decided})
        if left:
            told = ngettext("%(count)d was decided before.", "%(count)d were decided before.", left)
            self.message_user(request, told % {"count": left}, messages.WARNING)
