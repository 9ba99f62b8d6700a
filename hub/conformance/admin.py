"""The desk's view of conformance reports: which adapter got which grade, and what it still has to do."""

from typing import Any

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.conformance.models import Report
from municipalities.conformance import kit


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
        language = "en" if get_language() == "en" else "ja"
        asked = {check.name: check for check in kit.table()}
        lines = [_line(one, asked[one["name"]], language) for one in row.checks if one["name"] in asked]
        lines.sort(key=lambda line: (line["passed"] is not False, line["passed"] is not None))
        return render_to_string("conformance/checks.html", {"lines": lines})


def _line(one: dict[str, Any], check: kit.Check, language: str) -> dict[str, Any]:
    return one | {
        "title": check.title[language],
        "why": check.why[language],
        "remedy": check.remedy[language],
        "level": check.level,
    }
