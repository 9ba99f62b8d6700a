"""The forms in which a standard is given to others, by the names that the command and the API use."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from municipalities.exports.description import description, items_csv
from municipalities.exports.json_schema import json_schema
from municipalities.exports.page import page
from municipalities.exports.table_schema import table_schema
from municipalities.standard import Standard
from municipalities.standard.head import ROWS


@dataclass(frozen=True, slots=True)
class Export:
    """One form: its media type and what makes it."""

    media_type: str
    make: Callable[[Standard], str]


def forms(layout: Standard) -> tuple[str, ...]:
    """The forms that a layout has: only rows are a table."""
    return tuple(form for form in EXPORTS if form != "table-schema" or layout.format in ROWS)


def as_json(value: Any) -> str:
    """JSON to be read by people too."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


EXPORTS: Mapping[str, Export] = {
    "json": Export("application/json", lambda layout: as_json(description(layout))),
    "csv": Export("text/csv", items_csv),
    "table-schema": Export(
        "application/vnd.datapackage.table-schema+json", lambda layout: as_json(table_schema(layout))
    ),
    "json-schema": Export("application/schema+json", lambda layout: as_json(json_schema(layout))),
    "page": Export("text/html", page),
}
