"""A kept report as a person reads it: what failed first, why it is asked and what to do, in the reader's language."""

from typing import Any

from django.utils.translation import get_language

from hub.conformance.models import Report
from municipalities.conformance import kit


def lines(row: Report) -> list[dict[str, Any]]:
    """One per check that the table still has."""
    language = "en" if get_language() == "en" else "ja"
    asked = {check.name: check for check in kit.table()}
    found = [_line(one, asked[one["name"]], language) for one in row.checks if one["name"] in asked]
    return sorted(found, key=lambda line: (line["passed"] is not False, line["passed"] is not None))


def _line(one: dict[str, Any], check: kit.Check, language: str) -> dict[str, Any]:
    return one | {
        "title": check.title[language],
        "why": check.why[language],
        "remedy": check.remedy[language],
        "level": check.level,
    }
