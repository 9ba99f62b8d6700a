"""The desk's page of consents: what was said at the own counter, and writing down what somebody says there now."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.actors import ActorKind
from hub.catalogue import Refusal
from hub.consents import services
from hub.consents.forms import AGREES, FindForm, RecordForm
from hub.consents.models import Means, Request
from hub.consents.services import Outline


@admin.register(Request)
class RequestAdmin(desk.Desk):
    """Consents given at the own counter; by link, nobody at a desk sees them."""

    list_display = ("receipt_no", "who", "answer", "means", "answered_at", "clerk")
    list_select_related = ("relocation",)
    search_fields = ("relocation__receipt_no__startswith",)
    ordering = ("-pk",)
    fields = readonly_fields = ("receipt_no", "who", "answer", "means", "answered_at", "clerk")

    def of_town(self, rows: QuerySet[Any], code: str) -> QuerySet[Any]:
        """Those given at this town's counter."""
        return rows.filter(counter=code)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The clerks of a town."""
        actor = desk.actor_of(request)
        return actor.kind is ActorKind.CLERK and bool(actor.municipality)

    def has_view_permission(self, request: HttpRequest, _obj: Model | None = None) -> bool:
        """As for adding."""
        return self.has_add_permission(request)

    @admin.display(description=_("receipt number"))
    def receipt_no(self, row: Request) -> str:
        return row.relocation.receipt_no

    @admin.display(description=_("person"))
    def who(self, row: Request) -> str:
        if row.is_head:
            return gettext("head of the household that is joined")
        return gettext("mover %(number)s") % {"number": row.ordinal}

    @admin.display(description=_("recorded by"))
    def clerk(self, row: Request) -> str:
        return gettext("account %(number)s") % {"number": row.recorded_by}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Find the filing by its number, then write down who said what."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        find = FindForm(request.POST or None)
        outlines: list[Outline] = []
        record: RecordForm | None = None
        if request.method == "POST" and find.is_valid():
            try:
                outlines = services.at_counter(find.cleaned_data["receipt_no"], desk.actor_of(request))
                record = RecordForm(outlines, request.POST if "record" in request.POST else None)
                if record.is_valid():
                    return self._record(request, record)
            except Refusal as refusal:
                find.add_error("receipt_no", f"{refusal.lead.entry.title} {refusal.lead.entry.remedy}")
                record = None
        if record is not None:
            record.initial["receipt_no"] = find.cleaned_data["receipt_no"]
        context = self.admin_site.each_context(request) | {
            "title": gettext("Consent at the counter"),
            "find": find,
            "form": record,
            "outline": outlines[0] if outlines else None,
            "opts": self.opts,
        }
        return render(request, "consents/counter.html", context)

    def _record(self, request: HttpRequest, form: RecordForm) -> HttpResponse:
        answers = form.cleaned_data
        agrees = answers["answer"] == AGREES
        services.record(answers["person"], desk.actor_of(request), Means(answers["means"]), agrees=agrees)
        told = gettext("The consent was recorded.") if agrees else gettext("It was recorded that there is no consent.")
        self.message_user(request, told)
        return redirect("admin:consents_request_changelist")
