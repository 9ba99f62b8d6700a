"""Municipalities for clerks and operators: looking them up, how they are reached, when they are open.

What comes from the tables is shown, never edited here: it would be undone by the next synchronisation.
"""

import unicodedata
from typing import Any, ClassVar

import jaconv
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Prefetch, QuerySet
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from municipalities import connections, gaiji, standard, transports
from municipalities.characters import GaijiError
from municipalities.errors import RefusedError
from municipalities.loader import FROM_TABLE
from municipalities.models import CalendarException, Connection, Gaiji, GaijiTable, Municipality, Outage, Succession


class ConnectionForm(forms.ModelForm):
    """A connection whose standard is there and whose address could work."""

    class Meta:
        model = Connection
        fields = (
            "standard", "address", "gaiji", "valid_from", "valid_to", "concurrency", "per_second", "retry_hours",
            "sets_protection",
        )  # fmt: skip
        widgets: ClassVar = {"address": forms.TextInput(attrs={"size": 60})}

    def clean_standard(self) -> str:
        name: str = self.cleaned_data["standard"]
        if name not in standard.names():
            names = ", ".join(standard.names())
            raise ValidationError(gettext("There is no such record standard; there are: %(names)s.") % {"names": names})
        if self.instance.pk and name != self.initial["standard"] and self.initial["valid_from"] <= timezone.localdate():
            raise ValidationError(gettext("What is under way keeps its standard: plan a change for a date."))
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

    def clean(self) -> dict[str, Any]:
        """The standard takes the gaiji table, if there is one."""
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        name, table = answers.get("standard"), answers.get("gaiji")
        if name and table:
            try:
                standard.load(name, table.value())
            except ValueError as error:
                why = gettext("This standard cannot use the table: %(why)s.") % {"why": error}
                raise ValidationError({"gaiji": why}) from error
        return answers


class GuardedForm(ConnectionForm):
    """A connection that nothing stands against: what is new or changed in it is asked about."""

    def clean(self) -> dict[str, Any]:
        """Ask those who keep proofs of towns' systems."""
        answers = super().clean()
        standard, address = answers.get("standard"), answers.get("address")
        if standard and address and {"standard", "address"} & set(self.changed_data):
            told = (self.instance.municipality_id, standard, address)
            if found := [why for guard in connections.guards if (why := guard(*told))]:
                raise ValidationError({"standard": found})
        return answers


class ConnectionInline(admin.TabularInline):
    """The municipality's connections, one after the other; what was used is ended, not deleted."""

    model = Connection
    form = GuardedForm
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


class GaijiTableForm(forms.ModelForm):
    """A gaiji table, and its rows as a CSV file: a wrong cell is named by row and column, and nothing is taken."""

    csv = forms.FileField(
        label=_("rows (CSV)"),
        required=False,
        help_text=_("In the place of all rows: the columns private, sequence and note; U+E000 or the character."),
    )

    class Meta:
        model = GaijiTable
        fields = ("name", "title", "source")

    def clean_csv(self) -> list[Gaiji] | None:
        """The rows of the file; None when none was given."""
        file = self.cleaned_data["csv"]
        if not file:
            return None
        try:
            return gaiji.read(file.name, file.read())
        except GaijiError as error:
            raise ValidationError(gettext("The table was not taken: %(why)s.") % {"why": error}) from error


@admin.register(GaijiTable)
class GaijiTableAdmin(admin.ModelAdmin):
    """Gaiji tables; their rows come from a CSV file and go out as one."""

    form = GaijiTableForm
    list_display = ("name", "title", "version", "size", "source")
    search_fields = ("name", "title")
    fields = ("name", "title", "source", "csv", "version", "export")

    def get_queryset(self, request: HttpRequest) -> QuerySet[GaijiTable]:
        rows: QuerySet[GaijiTable] = super().get_queryset(request)
        return rows.annotate(number=Count("rows"))

    def get_readonly_fields(self, _request: HttpRequest, obj: GaijiTable | None = None) -> tuple[str, ...]:
        """The name stays: what clerks decided is kept under it."""
        return ("name", "version", "export") if obj else ("version", "export")

    def get_urls(self) -> list[URLPattern]:
        """One address more: the rows as a file."""
        view = self.admin_site.admin_view(self.download)
        return [path("<int:pk>/csv/", view, name="municipalities_gaijitable_csv"), *super().get_urls()]

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The rows as CSV."""
        table = get_object_or_404(GaijiTable, pk=pk)
        if not self.has_view_permission(request, table):
            raise PermissionDenied
        headers = {"Content-Disposition": f'attachment; filename="{table.name}-{table.version}.csv"'}
        return HttpResponse(gaiji.write(table.rows.all()), content_type="text/csv; charset=utf-8", headers=headers)

    def save_model(self, request: HttpRequest, obj: GaijiTable, form: forms.ModelForm, change: bool) -> None:
        """Save the table and, if a file was given, its rows."""
        super().save_model(request, obj, form, change)
        rows = form.cleaned_data["csv"]
        if rows is not None and gaiji.replace(obj, rows):
            told = gettext("The table has %(count)d rows now; it is version %(version)d.")
            self.message_user(request, told % {"count": len(rows), "version": obj.version})

    @admin.display(description=_("rows"))
    def size(self, row: Any) -> int:
        return int(row.number)

    @admin.display(description=_("rows"), empty_value="—")
    def export(self, row: GaijiTable) -> str:
        if row.pk is None:
            return ""
        link = reverse("admin:municipalities_gaijitable_csv", args=[row.pk])
        return format_html('<a href="{}">{}</a>', link, gettext("Rows as CSV"))


@admin.register(Gaiji)
class GaijiAdmin(admin.ModelAdmin):
    """The rows of all gaiji tables, to look a character up."""

    list_display = ("table", "code", "sequence", "points", "note")
    list_filter = ("table",)
    list_select_related = ("table",)
    search_fields = ("private", "sequence", "note")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Gaiji | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Gaiji | None = None) -> bool:
        return False

    @admin.display(description=_("private character"), ordering="private")
    def code(self, row: Gaiji) -> str:
        return gaiji.points(row.private)

    @admin.display(description=_("code points"))
    def points(self, row: Gaiji) -> str:
        return gaiji.points(row.sequence)


@admin.register(Outage)
class OutageAdmin(admin.ModelAdmin):
    """Outages of the statutory line: entered when it fails, ended when it works again, never removed."""

    list_display = ("municipality", "since", "until")
    list_select_related = ("municipality",)
    autocomplete_fields = ("municipality",)

    def has_delete_permission(self, _request: HttpRequest, _obj: Outage | None = None) -> bool:
        return False
