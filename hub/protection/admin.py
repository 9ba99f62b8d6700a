"""The desk's pages of the protection role: measures, guarded filings, what takes two clerks, wishes to talk."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import catalogue, desk
from hub.catalogue import Refusal
from hub.protection import services
from hub.protection.expiring import nearest
from hub.protection.forms import SetForm
from hub.protection.models import Act, ContactWish, Expiry, Guarded, Measure, Release, State
from hub.relocations import heirs


class Entrusted(desk.Desk):
    """Pages of the protection role; to everybody else they do not exist."""

    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those of the own town, for who is entrusted with them."""
        rows = super().get_queryset(request)
        return rows if services.protects(desk.actor_of(request)) else rows.none()

    def of_town(self, rows: QuerySet[Any], code: str) -> QuerySet[Any]:
        """Those of this municipality, and of the ones in whose place it stands."""
        return rows.filter(municipality__in=heirs.kept(code, timezone.localdate()))

    def has_view_permission(self, request: HttpRequest, _obj: Model | None = None) -> bool:
        """The protection role of a town."""
        return services.protects(desk.actor_of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As for each page."""
        return services.protects(desk.actor_of(request))

    def each(self, request: HttpRequest, rows: QuerySet[Any], work: Callable[[Any], object]) -> None:
        """Do it to each chosen row, and say how many could be done and why others could not."""
        done, problems = 0, []
        for row in rows:
            try:
                work(row)
                done += 1
            except Refusal as refusal:
                problems.append(refusal.lead.entry)
        if done:
            self.message_user(request, gettext("Done: %(count)d.") % {"count": done})
        for entry in dict.fromkeys(problems):
            self.message_user(request, f"{entry.title} {entry.remedy}", messages.WARNING)


class ExpiryFilter(admin.SimpleListFilter):
    """What an end of term asks of a clerk."""

    title = _("last day")
    parameter_name = "expires"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [("soon", _("within a month: extend or not?")), ("passed", _("passed, still protecting"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Measure]) -> QuerySet[Measure]:
        return expiring(queryset, self.value() or "")


def expiring(rows: QuerySet[Measure], which: str) -> QuerySet[Measure]:
    """Measures whose last day is near or gone; the hub ends none by itself."""
    today = timezone.localdate()
    if which == "soon":
        return rows.exclude(state=State.ENDED).filter(expires_on__gte=today, expires_on__lte=nearest(today))
    return rows.exclude(state=State.ENDED).filter(expires_on__lt=today) if which == "passed" else rows


@admin.register(Measure)
class MeasureAdmin(Entrusted):
    """Measures by number; whom they protect, the filings alone say."""

    list_display = ("id", "state", "contact_office", "expires_on", "set_at")
    list_filter = (ExpiryFilter, "state")
    ordering = ("expires_on", "pk")
    fields = readonly_fields = ("state", "contact_office", "expires_on", "set_at", "ended_at", "filings")
    actions = ("confirm", "extend", "ask_for_end")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The protection role sets measures; nobody else, and no citizen."""
        return services.protects(desk.actor_of(request))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Set a measure for a mover of a filing, or for a resident who may file later."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SetForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                measure = form.set(desk.actor_of(request))
            except Refusal as refusal:
                form.add_error(None, f"{refusal.lead.entry.title} {refusal.lead.entry.remedy}")
            else:
                self.message_user(request, gettext("The measure protects from now on."))
                return redirect("admin:protection_measure_change", measure.pk)
        context = self.admin_site.each_context(request) | {
            "title": gettext("Set a protection measure"),
            "form": form,
            "opts": self.opts,
        }
        return render(request, "protection/set.html", context)

    @admin.display(description=_("guarded filings"))
    def filings(self, row: Measure) -> str:
        link = reverse("admin:protection_guarded_changelist")
        return format_html('<a href="{}?measure__id__exact={}">{}</a>', link, row.pk, row.guarded.count())

    @admin.action(description=_("Confirm: no longer provisional"), permissions=["view"])
    def confirm(self, request: HttpRequest, rows: QuerySet[Measure]) -> None:
        """Turn provisional ones into measures in force."""
        self.each(request, rows, lambda row: services.confirm(desk.actor_of(request), row.pk))

    @admin.action(description=_("Extend by a year"), permissions=["view"])
    def extend(self, request: HttpRequest, rows: QuerySet[Measure]) -> None:
        """Move the last day on by a year."""
        year = timedelta(days=365)
        self.each(
            request,
            rows,
            lambda row: services.extend(
                desk.actor_of(request), row.pk, max(row.expires_on, timezone.localdate()) + year
            ),
        )

    @admin.action(description=_("Ask for the end (a second clerk releases it)"), permissions=["view"])
    def ask_for_end(self, request: HttpRequest, rows: QuerySet[Measure]) -> None:
        """Ask; nothing ends before another clerk of the role has released it."""
        self.each(request, rows, lambda row: services.ask(desk.actor_of(request), Act.END, row.pk))


@admin.register(Expiry)
class ExpiryAdmin(Entrusted):
    """Measures whose term ends within a month, or has ended: extend or not; nothing ends by itself.

    Of a measure that another town set, its office and the filing say which it is.
    """

    list_display = ("words", "number", "receipt_no", "contact_office", "expires_on", "at", "settled_at")
    list_filter = (("settled_at", admin.EmptyFieldListFilter),)
    list_select_related = ("relocation",)
    ordering = ("settled_at", "expires_on", "pk")
    fields = readonly_fields = (
        *("words", "remedy", "number", "receipt_no", "contact_office", "expires_on", "at", "settled_at"),
    )

    @admin.display(description=_("alert"))
    def words(self, row: Expiry) -> str:
        return f"{row.code} {catalogue.entry(row.code).title}"

    @admin.display(description=_("what to do"))
    def remedy(self, row: Expiry) -> str:
        return catalogue.entry(row.code).remedy

    @admin.display(description=_("protection measure"), ordering="measure")
    def number(self, row: Expiry) -> str:
        if row.relocation_id:
            return gettext("of another municipality")
        link = reverse("admin:protection_measure_change", args=[row.measure_id])
        return format_html('<a href="{}">{}</a>', link, row.measure_id)

    @admin.display(description=_("receipt number"))
    def receipt_no(self, row: Expiry) -> str:
        return row.relocation.receipt_no if row.relocation else desk.NOTHING


@admin.register(Guarded)
class GuardedAdmin(Entrusted):
    """Filings under a measure; their content opens to two clerks."""

    list_display = ("receipt_no", "ordinal", "since", "number", "sight")
    list_filter = ("measure__state",)
    list_select_related = ("relocation", "measure")
    search_fields = ("relocation__receipt_no__startswith",)
    ordering = ("-pk",)
    fields = readonly_fields = ("receipt_no", "ordinal", "since", "number", "sight")
    actions = ("ask_to_see",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """A measure's page links to its filings."""
        return lookup == "measure__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("receipt number"), ordering="relocation__receipt_no")
    def receipt_no(self, row: Guarded) -> str:
        return row.relocation.receipt_no

    @admin.display(description=_("protection measure"), ordering="measure")
    def number(self, row: Guarded) -> str:
        return str(row.measure_id)

    @admin.display(description=_("content"))
    def sight(self, row: Guarded) -> str:
        """Where it can be read, as far as it was released."""
        until = (
            Release.objects.filter(relocation=row.relocation_id, until__gt=timezone.now()).order_by("-until").first()
        )
        if until is None:
            return str(_("closed: ask, and have a second clerk release it"))
        link = reverse("admin:deliveries_delivery_changelist")
        return format_html(
            '<a href="{}?q={}">{}</a> {}',
            link,
            row.relocation.receipt_no,
            gettext("Deliveries"),
            desk.short(until.until),
        )

    @admin.action(description=_("Ask to see (a second clerk releases it)"), permissions=["view"])
    def ask_to_see(self, request: HttpRequest, rows: QuerySet[Guarded]) -> None:
        """Ask for half an hour of sight."""
        self.each(
            request,
            rows,
            lambda row: services.ask(desk.actor_of(request), Act.SEE, row.measure_id, row.relocation_id),
        )


@admin.register(Release)
class ReleaseAdmin(Entrusted):
    """What was asked for and waits for another clerk."""

    list_display = ("act", "measure", "receipt_no", "who", "asked_at", "released_at", "until")
    list_filter = (("released_at", admin.EmptyFieldListFilter), "act")
    list_select_related = ("relocation", "measure")
    ordering = ("released_at", "-pk")
    fields = readonly_fields = ("act", "measure", "receipt_no", "who", "asked_at", "released_at", "until")
    actions = ("release",)

    @admin.display(description=_("receipt number"))
    def receipt_no(self, row: Release) -> str:
        return row.relocation.receipt_no if row.relocation else desk.NOTHING

    @admin.display(description=_("asked by"))
    def who(self, row: Release) -> str:
        return gettext("account %(number)s") % {"number": row.asked_by}

    @admin.action(description=_("Release what another clerk asked for"), permissions=["view"])
    def release(self, request: HttpRequest, rows: QuerySet[Release]) -> None:
        """Release; an own request stays as it is."""
        self.each(request, rows, lambda row: services.release(desk.actor_of(request), row.pk))


@admin.register(ContactWish)
class ContactWishAdmin(Entrusted):
    """Citizens who want to talk about protection."""

    list_display = ("receipt_no", "at", "settled_at")
    list_filter = (("settled_at", admin.EmptyFieldListFilter),)
    list_select_related = ("relocation",)
    ordering = ("settled_at", "-pk")
    fields = readonly_fields = ("receipt_no", "at", "settled_at")
    actions = ("settle",)

    @admin.display(description=_("receipt number"))
    def receipt_no(self, row: ContactWish) -> str:
        return row.relocation.receipt_no

    @admin.action(description=_("Settled: the citizen was contacted"), permissions=["view"])
    def settle(self, request: HttpRequest, rows: QuerySet[ContactWish]) -> None:
        """Take them off the list."""
        self.each(request, rows, lambda row: services.settle_wish(desk.actor_of(request), row.pk))
