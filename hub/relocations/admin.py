"""The desk's view of relocations: where each stands and who must act next. Who moves, only notices say."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from hub import catalogue, desk, words
from hub.deliveries.models import Delivery
from hub.ids import is_receipt_no
from hub.keyset import KeysetDesk, SinceFilter
from hub.relocations import alerts, card_admin, history, outages, tables
from hub.relocations.lists import WAITS, HeldFilter, RelocationList, RoleFilter, WaitingFilter, mark_held
from hub.relocations.models import Alert, Deadline, Event, Mover, Relocation, Report
from municipalities.notice import Kind


def numbers(row: Alert | Deadline | Report) -> str:
    """The movers that something is about, by number."""
    return ", ".join(map(str, row.ordinals))


class MoverRows(desk.Rows):
    """Movers by number, with the state of each town's part."""

    model = Mover
    fk_name = "relocation"
    fields = readonly_fields = ("ordinal", "role_words", "municipality", "state_words", "way")
    verbose_name_plural = _("movers")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mover]:
        return super().get_queryset(request).select_related("municipality").order_by("ordinal", "role")

    @admin.display(description=_("role"))
    def role_words(self, row: Mover) -> str:
        return str(words.ROLES.get(row.role, row.role))

    @admin.display(description=_("state"))
    def state_words(self, row: Mover) -> str:
        return words.leg_state(row.role, row.state)

    @admin.display(description=_("way of the certificate"))
    def way(self, row: Mover) -> str:
        """For whom a notice may say it; a town of the family register is not told."""
        told = any("flow" in tables.allowed(type_, role) for type_, role in tables.notices() if role.value == row.role)
        return str(words.FLOWS.get(row.flow, row.flow)) if told else desk.NOTHING


class ReportRows(desk.Rows):
    """What municipalities reported."""

    model = Report
    fields = readonly_fields = ("received_at", "municipality", "words", "movers")
    verbose_name_plural = _("reports")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return super().get_queryset(request).select_related("municipality").order_by("received_at")

    @admin.display(description=_("report"))
    def words(self, row: Report) -> str:
        return words.report(row.type, row.outcome)

    @admin.display(description=_("movers"))
    def movers(self, row: Report) -> str:
        return numbers(row)


class EventRows(desk.Rows):
    """What happened, step by step."""

    model = Event
    fields = readonly_fields = ("at", "type", "municipality", "actor_kind", "detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).select_related("municipality").order_by("pk")


class DeadlineRows(desk.Rows):
    """What must have happened by when."""

    model = Deadline
    fields = readonly_fields = ("words", "municipality", "movers", "starts_on", "due_on", "rolled_due_on", "state")
    verbose_name_plural = _("deadlines")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deadline]:
        return super().get_queryset(request).select_related("municipality").order_by("due_on", "pk")

    @admin.display(description=_("deadline"))
    def words(self, row: Deadline) -> str:
        return words.clock(row.clock)

    @admin.display(description=_("movers"))
    def movers(self, row: Deadline) -> str:
        return numbers(row)


@admin.register(Relocation)
class RelocationAdmin(KeysetDesk):
    """Relocations; a clerk sees those of which the own town was told something."""

    list_display = ("receipt_no", "state", "waiting_for", "our_part", "held", "route", "planned", "filed")
    list_filter = (WaitingFilter, RoleFilter, HeldFilter, "state", SinceFilter)
    list_select_related = ("origin", "destination")
    search_fields = ("receipt_no__startswith",)
    search_help_text = _("Receipt number, or how it begins.")
    inlines = (MoverRows, DeadlineRows, ReportRows, EventRows)
    readonly_fields = ("waiting_for", "held", "planned", "way", "card", "deliveries", "known", "line")
    fieldsets = (
        (None, {"fields": ("receipt_no", "state", "waiting_for", "held", "line")}),
        (_("Move"), {"fields": ("origin", "destination", "planned", "way", "card", "filed_on", "version")}),
        (_("Deliveries"), {"fields": ("deliveries", "known")}),
    )

    def of_town(self, rows: QuerySet[Relocation], code: str) -> QuerySet[Relocation]:
        """A leg alone is not enough: a domicile learns of a move when it or its predecessor is told, not before."""
        told = Delivery.objects.filter(relocation_id=OuterRef("pk"), municipality=code)
        succeeded = Event.objects.filter(relocation=OuterRef("pk"), municipality=code, type="leg.succeeded")
        return rows.filter(Exists(told) | Exists(succeeded)).prefetch_related(
            Prefetch("movers", Mover.objects.filter(municipality=code).order_by("ordinal"), to_attr="our_movers")
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Pages by key."""
        return RelocationList

    def get_urls(self) -> list[URLPattern]:
        """One page more: that the card was presented."""
        view = self.admin_site.admin_view(never_cache(self.present))
        return [path("<uuid:pk>/card/", view, name="relocations_relocation_card"), *super().get_urls()]

    def present(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Take from a clerk of the destination that somebody presented the card who had appeared before."""
        found = self.get_queryset(request).filter(pk=pk).first() if desk.town_of(request) else None
        if found is None or not card_admin.waiting(found, desk.town_of(request)):
            raise Http404
        return card_admin.page(request, self.admin_site, found)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """An operator has no part of the own."""
        return [name for name in self.list_display if name != "our_part" or desk.town_of(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Relocation], search_term: str
    ) -> tuple[QuerySet[Relocation], bool]:
        """Receipt numbers are found in small letters too; a whole one at once, however many rows there are."""
        term = search_term.strip().upper()
        if is_receipt_no(term):
            return queryset.filter(receipt_no=term), False
        return super().get_search_results(request, queryset, term)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Relocation | None:
        """Remember who asks: the deliveries shown are theirs."""
        found: Relocation | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.shown_to = desk.town_of(request)  # type: ignore[attr-defined]
            found.shown_on = _day(request.GET.get("known", ""))  # type: ignore[attr-defined]
            mark_held([found], desk.town_of(request))
        return found

    @admin.display(description=_("waiting for"))
    def waiting_for(self, row: Relocation) -> str:
        return str(next(title for title, states in WAITS.values() if row.state in states))

    @admin.display(description=_("held"))
    def held(self, row: Any) -> str:
        return " / ".join(filter(None, row.held_for)) or (gettext("held") if row.held_for else desk.NOTHING)

    @admin.display(description=_("continued use of the card"))
    def card(self, row: Any) -> str:
        """A link for the town that waits for the card."""
        if not row.shown_to or not card_admin.waiting(row, row.shown_to):
            return desk.NOTHING
        link = reverse("admin:relocations_relocation_card", args=[row.pk])
        return format_html('<a href="{}">{}</a>', link, gettext("It was presented"))

    @admin.display(description=_("statutory line"))
    def line(self, row: Relocation) -> str:
        silent = outages.down(code for code in (row.origin_id, row.destination_id) if code)
        return gettext("unavailable") if silent else gettext("available")

    @admin.display(description=_("our part"))
    def our_part(self, row: Any) -> str:
        parts = {
            f"{words.ROLES[mover.role]}: {words.leg_state(mover.role, mover.state)}": None for mover in row.our_movers
        }
        return " / ".join(parts)

    @admin.display(description=_("from → to"))
    def route(self, row: Relocation) -> str:
        abroad = gettext("abroad")
        places = (town.full_name if town else abroad for town in (row.origin, row.destination))
        return " → ".join(dict.fromkeys(places))

    @admin.display(description=_("planned move-out date"), ordering="planned_out_on")
    def planned(self, row: Any) -> str:
        return desk.short(row.planned_out_on) if may_know(row, "planned_out_on") else desk.NOTHING

    @admin.display(description=_("filed on"), ordering="pk")
    def filed(self, row: Relocation) -> str:
        return desk.short(row.filed_on)

    @admin.display(description=_("way of the certificate"))
    def way(self, row: Any) -> str:
        return str(words.FLOWS.get(row.flow, row.flow)) if may_know(row, "flow") else desk.NOTHING

    @admin.display(description=_("what our municipality knew"))
    def known(self, row: Any) -> SafeString | str:
        """Links to the days on which it changed; of the day that is asked for, what had been handed over by then."""
        if not row.shown_to:
            return desk.NOTHING
        links = format_html_join(
            " ", '<a href="?known={}">{}</a>', ((day, desk.short(day)) for day in history.days(row, row.shown_to))
        )
        if row.shown_on is None:
            return links
        found = history.known(row, row.shown_to, row.shown_on)
        return format_html("{}<p>{}</p>{}", links, desk.short(row.shown_on), table(found.handed))

    @admin.display(description=_("deliveries"))
    def deliveries(self, row: Any) -> str:
        rows = Delivery.objects.filter(relocation_id=row.pk).select_related("municipality").order_by("pk")
        shown = rows.filter(municipality=row.shown_to) if row.shown_to else rows
        return table(shown) if shown else desk.NOTHING


def _day(text: str) -> date | None:
    """The day asked for, if it is one."""
    with suppress(ValueError):
        return date.fromisoformat(text)
    return None


def may_know(row: Any, field: str) -> bool:
    """Tell whether a notice to one of the town's roles may carry this field (``data/disclosure.csv``)."""
    ours: Iterable[Mover] | None = getattr(row, "our_movers", None)
    if ours is None:
        return True
    roles = {mover.role for mover in ours}
    kind = Kind(row.kind)
    return any(field in tables.allowed(type_, role, kind) for type_, role in tables.notices() if role.value in roles)


def table(rows: Iterable[Delivery]) -> SafeString:
    """Deliveries as a list of links."""
    return format_html(
        "<ul>{}</ul>",
        format_html_join(
            "",
            '<li><a href="{}">{}</a> → {}: {} {}</li>',
            (
                (
                    reverse("admin:deliveries_delivery_change", args=[row.pk]),
                    words.notice(row.type),
                    row.municipality.full_name,
                    row.get_state_display(),
                    row.get_answer_display(),
                )
                for row in rows
            ),
        ),
    )


class OpenFilter(admin.SimpleListFilter):
    """Open alerts first: what is settled is shown on request."""

    title = _("settled")
    parameter_name = "settled"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("settled")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        found = list(super().choices(changelist))
        found[0]["display"] = _("open")
        return iter(found)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        if self.value() == "all":
            return queryset
        return queryset.filter(settled_at__isnull=self.value() != "yes")


@admin.register(Alert)
class AlertAdmin(KeysetDesk):
    """What a clerk is to look at: why, and what to do."""

    list_display = ("words", "relocation", "movers", "at", "settled_at")
    list_filter = (OpenFilter, "code")
    list_select_related = ("relocation",)
    fields = readonly_fields = (
        "words",
        "remedy",
        "relocation",
        "municipality",
        "about",
        "movers",
        "at",
        "settled_at",
    )
    actions = ("settle",)

    @admin.display(description=_("alert"))
    def words(self, row: Alert) -> str:
        return f"{row.code} {catalogue.entry(row.code).title}"

    @admin.display(description=_("movers"))
    def movers(self, row: Alert) -> str:
        return numbers(row)

    @admin.display(description=_("what to do"))
    def remedy(self, row: Alert) -> str:
        return catalogue.entry(row.code).remedy

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """The clerk of the town settles; an operator sees."""
        return bool(desk.town_of(request))

    @admin.action(description=_("I have looked at it"), permissions=["settle"])
    def settle(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        for row in queryset:
            alerts.settle(row)
        self.message_user(request, gettext("Settled."))
