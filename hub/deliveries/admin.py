"""The desk's view of deliveries: what waits and why, sending again, and reading a notice."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from hub import catalogue, desk, words
from hub.actors import ActorKind
from hub.audit import services as audit
from hub.deliveries import questions, services
from hub.deliveries.lane_admin import ClosureAdmin, DatedHoursAdmin, LaneAdmin, WeeklyHoursAdmin
from hub.deliveries.models import Delivery, Event, Receipt
from hub.deliveries.reading import changes, sections
from hub.deliveries.reconciliation_admin import DiscrepancyAdmin, ReconciliationAdmin
from hub.deliveries.replay_admin import ReplayAdmin
from hub.deliveries.states import UNWELCOME, Cause, State
from hub.fidelity.models import Substitution
from hub.ids import is_receipt_no
from hub.keyset import KeysetDesk, SinceFilter
from hub.vault.services import ShreddedError

__all__ = [
    "ClosureAdmin",
    "DatedHoursAdmin",
    "DeliveryAdmin",
    "DiscrepancyAdmin",
    "LaneAdmin",
    "ReconciliationAdmin",
    "ReplayAdmin",
    "WeeklyHoursAdmin",
]


class NoticeFilter(admin.SimpleListFilter):
    """Which notice."""

    title = _("notice")
    parameter_name = "type"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return list(words.NOTICES.items())

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(type=self.value()) if self.value() else queryset


class CauseFilter(admin.SimpleListFilter):
    """Who must act about what is not over."""

    title = _("who must act")
    parameter_name = "cause"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return list(Cause.choices)

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(cause=self.value(), state__in=[State.HELD, State.QUEUED]) if self.value() else queryset


class AnswerFilter(admin.SimpleListFilter):
    """Answers after which somebody has something to do; all others are the rule."""

    title = _("answer")
    parameter_name = "answer"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [(answer.value, answer.label) for answer in UNWELCOME]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(answer=self.value()) if self.value() in UNWELCOME else queryset


class StepRows(desk.Rows):
    """Steps of a delivery."""

    model = Event
    fields = readonly_fields = ("at", "state", "attempt", "code", "note", "actor_kind")

    def of_town(self, rows: QuerySet[Event], code: str) -> QuerySet[Event]:
        return rows.filter(delivery__municipality=code)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).order_by("pk")


class ReceiptRows(desk.Rows):
    """Receipts of a delivery."""

    model = Receipt
    fields = readonly_fields = ("at", "kind", "codes")

    def of_town(self, rows: QuerySet[Receipt], code: str) -> QuerySet[Receipt]:
        return rows.filter(delivery__municipality=code)


@admin.register(Delivery)
class DeliveryAdmin(KeysetDesk):
    """Deliveries; what is held can be sent again."""

    list_display = (
        "receipt_no",
        "notice_words",
        "municipality",
        "state",
        "answer",
        "cause",
        "error",
        "attempts",
        "due",
        "sent",
    )
    list_filter = ("state", CauseFilter, AnswerFilter, NoticeFilter, SinceFilter)
    list_select_related = ("municipality",)
    search_fields = ("receipt_no__startswith", "municipality__code__exact")
    search_help_text = _("Receipt number, or how it begins; or the six digits of a municipality.")
    inlines = (StepRows, ReceiptRows)
    actions = ("send_again", "take_on_paper")
    readonly_fields = ("notice_words", "error", "way", "reading", "asking", "changed")
    fieldsets = (
        (None, {"fields": ("receipt_no", "notice_words", "role", "municipality", "ordinals", "reading", "changed")}),
        (_("State"), {"fields": ("state", "answer", "cause", "error", "asking", "attempts")}),
        (_("Times"), {"fields": ("created_at", "due_at", "held_at", "sent_at", "answered_at")}),
        (_("Way"), {"fields": ("way", "sequence", "version", "id")}),
    )

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """A clerk knows the own town."""
        return [name for name in self.list_display if name != "municipality" or not desk.town_of(request)]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """One notice of many is looked for among the own town's rows, never among those of the whole country."""
        return [one for one in self.list_filter if one is not NoticeFilter or desk.town_of(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        """Receipt numbers are found in small letters too; a whole one at once, however many rows there are.

        How one begins is looked for row by row: under row-level security no index may answer LIKE.
        """
        term = search_term.strip().upper()
        if is_receipt_no(term):
            return queryset.filter(receipt_no=term), False
        return super().get_search_results(request, queryset, term)

    def get_urls(self) -> list[URLPattern]:
        """Two pages more: the notice itself, and what a person must decide about it."""
        pages = {"notice": self.read, "questions": self.ask}
        return [
            *(
                path(
                    f"<uuid:pk>/{name}/",
                    self.admin_site.admin_view(never_cache(view)),
                    name=f"deliveries_delivery_{name}",
                )
                for name, view in pages.items()
            ),
            *super().get_urls(),
        ]

    def ask(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Show what keeps a delivery from being written, to a clerk of its town or an operator; take the answers."""
        rows = self.get_queryset(request).filter(pk=pk, state=State.HELD, cause=Cause.DATA)
        delivery = rows.select_related("connection__gaiji").first()
        if delivery is None or not self.has_view_permission(request):
            raise Http404
        try:
            return questions.page(request, self.admin_site, delivery)
        except ShreddedError as error:
            raise Http404 from error

    def read(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Show a notice to a clerk of the town it was written to, and write down that it was read."""
        if desk.actor_of(request).kind is not ActorKind.CLERK:
            raise PermissionDenied
        delivery = self.get_queryset(request).filter(pk=pk).first()
        if delivery is None:
            raise Http404
        try:
            notice = services.notice_of(delivery)
        except ShreddedError as error:
            raise Http404 from error
        audit.record(services.act("delivery.read", delivery))
        context = self.admin_site.each_context(request) | {
            "title": words.notice(delivery.type),
            "delivery": delivery,
            "sections": list(sections(notice)),
            "changes": list(changes(delivery)),
            "opts": self.opts,
        }
        return render(request, "deliveries/notice.html", context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Delivery | None:
        """Remember whether who asks may read the notice."""
        found: Delivery | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.readable = desk.actor_of(request).kind is ActorKind.CLERK  # type: ignore[attr-defined]
        return found

    @admin.display(description=_("notice"), ordering="type")
    def notice_words(self, row: Delivery) -> str:
        return words.notice(row.type)

    @admin.display(description=_("error"), ordering="code")
    def error(self, row: Delivery) -> str:
        known = catalogue.entries().get(row.code)
        return f"{row.code} {known.title}" if known else row.code or desk.NOTHING

    @admin.display(description=_("next attempt"), ordering="due_at")
    def due(self, row: Delivery) -> str:
        return desk.short(row.due_at) if row.state == State.QUEUED else desk.NOTHING

    @admin.display(description=_("handed over"), ordering="sent_at")
    def sent(self, row: Delivery) -> str:
        return desk.short(row.sent_at)

    @admin.display(description=_("connection"))
    def way(self, row: Delivery) -> str:
        link = row.connection
        shown = f"{link.standard}, {link.address.partition(':')[0]}"
        if link.valid_to is None or link.valid_to >= timezone.localdate():
            return shown
        ended = gettext("%(way)s; ended on %(day)s: what was queued until then keeps this layout and address")
        return ended % {"way": shown, "day": desk.short(link.valid_to)}

    @admin.display(description=_("to be decided"))
    def asking(self, row: Delivery) -> str:
        if row.state != State.HELD or row.cause != Cause.DATA:
            return desk.NOTHING
        link = reverse("admin:deliveries_delivery_questions", args=[row.pk])
        return format_html('<a href="{}">{}</a>', link, gettext("Show what is asked, and decide"))

    @admin.display(description=_("changed characters"))
    def changed(self, row: Delivery) -> str:
        count = Substitution.objects.filter(delivery_id=row.pk).count()
        if not count:
            return desk.NOTHING
        link = reverse("admin:fidelity_substitution_changelist") + f"?q={row.pk}"
        told = ngettext("%(count)d item was written otherwise", "%(count)d items were written otherwise", count)
        return format_html('<a href="{}">{}</a>', link, told % {"count": count})

    @admin.display(description=_("content"))
    def reading(self, row: Any) -> str:
        if not row.readable:
            return desk.NOTHING
        link = reverse("admin:deliveries_delivery_notice", args=[row.pk])
        return format_html(
            '<a href="{}">{}</a> ({})', link, gettext("Read the notice"), gettext("this is written down")
        )

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Clerks for their own town, operators for all."""
        return self.has_view_permission(request)

    @admin.action(description=_("Send again what is held"), permissions=["resend"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        """Queue the chosen deliveries that are held; others are left alone."""
        chosen = list(rows.order_by("pk").values_list("pk", "municipality_id"))
        held = [row for row in (services.locked(pk, code) for pk, code in chosen) if row.state == State.HELD]
        for delivery in held:
            services.send_again(delivery, "desk")
        told = ngettext("%(count)d delivery is sent again.", "%(count)d deliveries are sent again.", len(held))
        self.message_user(request, told % {"count": len(held)})
        if len(held) < len(chosen):
            text = gettext("%(count)d were not held and were left alone.") % {"count": len(chosen) - len(held)}
            self.message_user(request, text, messages.WARNING)

    @admin.action(description=_("Taken on paper by the town"), permissions=["resend"])
    def take_on_paper(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        """Take note that the town took the chosen held deliveries on paper; others are left alone."""
        chosen = [services.locked(pk, code) for pk, code in rows.order_by("pk").values_list("pk", "municipality_id")]
        held = [row for row in chosen if row.state == State.HELD and row.cause == Cause.DATA]
        for delivery in held:
            services.hand_over_on_paper(delivery)
        told = ngettext(
            "%(count)d delivery was taken on paper.", "%(count)d deliveries were taken on paper.", len(held)
        )
        self.message_user(request, told % {"count": len(held)})
        if len(held) < len(chosen):
            text = gettext("%(count)d were not held for a decision and were left alone.")
            self.message_user(request, text % {"count": len(chosen) - len(held)}, messages.WARNING)
