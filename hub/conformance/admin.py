"""The desk's view of conformance reports: which adapter got which grade, and what it still has to do."""

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.conformance.models import Report
from hub.conformance.reading import lines


@admin.register(Report)
class ReportAdmin(desk.Desk):
    """Reports as the kit made them, newest first; a clerk sees those of the own town."""

    list_display = ("municipality", "at", "mode", "standard", "grade", "failed")
    list_filter = ("grade", "mode")
    list_select_related = ("municipality",)
    search_fields = ("municipality__code__exact", "municipality__name", "standard")
    ordering = ("-id",)
    fields = readonly_fields = ("municipality", "at", "mode", "standard", "grade", "recorded_by", "found")

    @admin.display(description=_("failed"))
    def failed(self, row: Report) -> int:
        return sum(one["passed"] is False for one in row.checks)

    @admin.display(description=_("checks"))
    def found(self, row: Report) -> SafeString:
        return render_to_string("conformance/checks.html", {"lines": lines(row)})
