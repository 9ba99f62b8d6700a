"""Municipalities for clerks and operators: looking them up, how they are reached, when they are open.

What comes from the tables is shown, never edited here: it would be undone by the next synchronisation.
"""

import unicodedata
from typing import Any, ClassVar

import jaconv
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from municipalities import standard, transports
from municipalities.errors import RefusedError
from municipalities.loader import FROM_TABLE
from municipalities.models import CalendarException, Connection, Municipality, Succession


class ConnectionForm(forms.ModelForm):
    """A connection whose standard is there and whose address could work."""

    class Meta:
        model = Connection
        fields = ("standard", "address", "valid_from", "valid_to", "concurrency")
        widgets: ClassVar = {"address": forms.TextInput(attrs={"size": 60})}

    def clean_standard(self) -> str:
        name: str = self.cleaned_data["standard"]
        if name not in standard.names():
            names = ", ".join(standard.names())
            raise ValidationError(gettext("There is no such record standard; there are: %(names)s.") % {"names": names})
        return name

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        try:
            transports.find(address)
        except RefusedError as error:
            raise ValidationError(
                gettext("No transport can use this address: %(why)s.") % {"why": error.detail}
            ) from error
        return address


class ConnectionInline(admin.TabularInline):
    """The municipality's connections, one after the other; what was used is ended, not deleted."""

    model = Connection
    form = ConnectionForm
    extra = 0
    can_delete = False


class CalendarExceptionInline(admin.TabularInline):
    """Days on which the counter keeps other hours."""

    model = CalendarException
    extra = 0


class SuccessorInline(admin.TabularInline):
    """Who took over from it."""

    model = Succession
    fk_name = "predecessor"
    fields = ("successor", "on", "part")
    verbose_name_plural = _("successors")
    extra = 0

    def has_add_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


class PredecessorInline(SuccessorInline):
    """From whom it took over."""

    fk_name = "successor"
    fields = ("predecessor", "on", "part")
    verbose_name_plural = _("predecessors")


class InForceFilter(admin.SimpleListFilter):
    """Codes in force today, or those of the past."""

    title = _("in force")
    parameter_name = "in_force"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Any]]:
        return [
            ("yes", pgettext_lazy("municipality", "today")),
            ("no", pgettext_lazy("municipality", "ended")),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Municipality]) -> QuerySet[Municipality]:
        in_force = Municipality.objects.valid_on(timezone.localdate()).values("pk")
        if self.value() == "yes":
            return queryset.filter(pk__in=in_force)
        return queryset.exclude(pk__in=in_force) if self.value() == "no" else queryset


@admin.register(Municipality)
class MunicipalityAdmin(admin.ModelAdmin):
    """The list of municipalities; an operator edits hours, exceptions and connections."""

    list_display = ("code", "full_name", "kana", "kind", "standard_today", "transport_today", "valid_to")
    list_filter = (InForceFilter, "kind", "prefecture")
    search_fields = ("code__startswith", "address", "kana")
    search_help_text = _("Name, reading or code, for instance 札幌市中央区, さっぽろ or 011011.")
    readonly_fields = ("code", *FROM_TABLE)
    fieldsets = (
        (None, {"fields": ("code", "kind", "prefecture", "within", "name", "kana", "parent_code")}),
        (_("Validity"), {"fields": ("valid_from", "valid_to")}),
        (_("Counter"), {"fields": ("opens_at", "closes_at")}),
    )
    inlines = (ConnectionInline, CalendarExceptionInline, SuccessorInline, PredecessorInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Municipality]:
        rows: QuerySet[Municipality] = super().get_queryset(request)
        today = Connection.objects.valid_on(timezone.localdate())
        return rows.annotate(address=Concat("prefecture", "within", "name")).prefetch_related(
            Prefetch("connections", today, to_attr="today")
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Municipality], search_term: str
    ) -> tuple[QuerySet[Municipality], bool]:
        """Readings are found in hiragana too, codes in full-width digits."""
        term = jaconv.hira2kata(unicodedata.normalize("NFKC", search_term))
        found, twice = super().get_search_results(request, queryset, search_term)
        also, also_twice = super().get_search_results(request, queryset, term)
        return found | also, twice or also_twice

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Municipality | None = None) -> bool:
        return False

    @admin.display(description=pgettext_lazy("municipality", "name"), ordering="code")
    def full_name(self, row: Municipality) -> str:
        return row.full_name

    @admin.display(description=_("record standard"), empty_value="—")
    def standard_today(self, row: Any) -> str:
        return ", ".join(connection.standard for connection in row.today)

    @admin.display(description=_("transport"), empty_value="—")
    def transport_today(self, row: Any) -> str:
        return ", ".join(connection.address.partition(":")[0] for connection in row.today)
