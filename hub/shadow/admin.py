"""The desk's view of changes of connections: planning one in a step, what its shadow run found, taking it back."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget, AutocompleteSelect
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.shadow import cutover, services
from hub.shadow.models import Change, Outcome, Trial
from municipalities import standard
from municipalities.admin import ConnectionForm
from municipalities.models import Connection, Municipality

#: How far back the form proposes to try what went out already.
BACK = 30


def layouts() -> Iterator[tuple[str, str]]:
    """Every record standard, by its name and title."""
    for name in standard.names():
        yield name, f"{standard.load(name).title} ({name})"


class PlanForm(ConnectionForm):
    """From this day on: this standard at this address."""

    municipality = forms.ModelChoiceField(
        Municipality.objects.leaf(),
        label=_("municipality"),
        widget=AutocompleteSelect(Connection._meta.get_field("municipality"), admin.site),
    )
    standard = forms.ChoiceField(label=_("record standard"), choices=layouts)
    reason = forms.CharField(
        label=_("reason to go live below the needed conformance grade"),
        required=False,
        max_length=200,
        help_text=_("Operators only; it is kept in the audit."),
    )

    class Meta:
        model = Connection
        fields = ("municipality", "valid_from", "standard", "address", "gaiji", "concurrency", "tried_from")
        widgets: ClassVar = ConnectionForm.Meta.widgets | {
            "valid_from": AdminDateWidget(),
            "tried_from": AdminDateWidget(),
        }

    def __init__(self, request: HttpRequest, answers: Any) -> None:
        town = desk.town_of(request) or request.GET.get("municipality", "")
        since = timezone.localdate() - BACK * cutover.DAY
        super().__init__(answers, initial={"municipality": town, "tried_from": since})
        if own := desk.town_of(request):
            rows = Municipality.objects.filter(pk=own)
            self.fields["municipality"] = forms.ModelChoiceField(rows, label=_("municipality"))

    def plan(self) -> cutover.Plan:
        """What was asked for."""
        answers = self.cleaned_data
        return cutover.Plan(
            municipality=answers["municipality"].pk,
            standard=answers["standard"],
            address=answers["address"],
            valid_from=answers["valid_from"],
            concurrency=answers["concurrency"],
            gaiji=answers["gaiji"],
            tried_from=answers["tried_from"],
            reason=answers["reason"].strip(),
        )


@admin.register(Change)
class ChangeAdmin(desk.Desk):
    """Changes of connections: those planned, and those that were made."""

    list_display = ("municipality", "from_standard", "standard", "valid_from", "tried", "verdict")
    list_select_related = ("municipality", "gaiji")
    search_fields = ("municipality__code__exact", "municipality__name", "standard")
    ordering = ("-valid_from", "municipality")
    date_hierarchy = "valid_from"
    actions = ("start_over", "take_back")
    fields = readonly_fields = (
        *("municipality", "from_standard", "standard", "gaiji", "way", "valid_from", "tried_from", "report"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        """Connections with one before them, and those that are planned as the first."""
        same = Connection.objects.filter(municipality=OuterRef("municipality"))
        earlier = same.filter(valid_from__lt=OuterRef("valid_from")).order_by("-valid_from")
        equal = Count("trials", filter=Q(trials__outcome=Outcome.EQUAL))
        rows: QuerySet[Change] = super().get_queryset(request)
        rows = rows.annotate(earlier=Subquery(earlier.values("standard")[:1]))
        rows = rows.filter(Q(earlier__isnull=False) | Q(valid_from__gt=timezone.localdate()))
        return rows.annotate(number=Count("trials"), equal=equal)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators, and clerks for the own town who were given the right."""
        return request.user.has_perm("shadow.add_change")

    def has_plan_permission(self, request: HttpRequest) -> bool:
        """Who may plan may take back."""
        return self.has_add_permission(request)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask, show what will happen, and do it once that was confirmed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PlanForm(request, request.POST or None)
        context = self.admin_site.each_context(request) | {
            "title": gettext("Plan a change of connection"),
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
        }
        if request.method == "POST" and form.is_valid():
            try:
                if "confirm" in request.POST:
                    return self._made(request, cutover.make(form.plan()))
                if "back" not in request.POST:
                    context["preview"] = list(cutover.preview(form.plan()))
            except ValidationError as error:
                form.add_error(None, error)
        return render(request, "shadow/plan.html", context)

    def _made(self, request: HttpRequest, row: Connection) -> HttpResponse:
        """Say that it is planned, and show what its shadow run finds."""
        told = {"town": row.municipality, "standard": row.standard, "day": desk.short(row.valid_from)}
        self.message_user(request, gettext("%(town)s changes to %(standard)s on %(day)s.") % told)
        return redirect("admin:shadow_change_change", row.pk)

    @admin.action(description=_("Try everything again"), permissions=["plan"])
    def start_over(self, request: HttpRequest, rows: QuerySet[Change]) -> None:
        """Begin the shadow runs anew, after a table was corrected or clerks decided."""
        chosen = [row for row in rows if row.valid_from > timezone.localdate()]
        for row in chosen:
            services.start_over(row)
        self.message_user(request, gettext("%(count)d shadow runs begin anew.") % {"count": len(chosen)})

    @admin.action(description=_("Take the plan back"), permissions=["plan"])
    def take_back(self, request: HttpRequest, rows: QuerySet[Change]) -> None:
        """Undo plans that have not begun."""
        for row in rows:
            try:
                present = cutover.take_back(row)
            except ValidationError as error:
                self.message_user(request, f"{row.municipality}: {' '.join(error.messages)}", messages.ERROR)
            else:
                told = {"town": row.municipality, "standard": present.standard if present else desk.NOTHING}
                self.message_user(request, gettext("%(town)s stays with %(standard)s.") % told)

    @admin.display(description=_("present standard"), ordering="earlier")
    def from_standard(self, row: Any) -> str:
        return row.earlier or desk.NOTHING

    @admin.display(description=_("transport"))
    def way(self, row: Change) -> str:
        return row.address.partition(":")[0]

    @admin.display(description=_("tried"))
    def tried(self, row: Any) -> str:
        return f"{row.equal} / {row.number}" if row.number else desk.NOTHING

    @admin.display(description=_("verdict"))
    def verdict(self, row: Any) -> str:
        if not row.number or row.valid_from <= timezone.localdate():
            return desk.NOTHING
        return gettext("ready") if services.report_of(row).is_ready else gettext("not ready")

    @admin.display(description=_("shadow run"))
    def report(self, row: Change) -> SafeString:
        days = Trial.objects.filter(connection=row.pk).values("day").order_by("-day")
        equal = Count("pk", filter=Q(outcome=Outcome.EQUAL))
        refused = Count("pk", filter=Q(outcome=Outcome.REFUSED))
        by_day = days.annotate(number=Count("pk"), equal=equal, refused=refused)
        return render_to_string("shadow/report.html", {"report": services.report_of(row), "days": by_day[:31]})
