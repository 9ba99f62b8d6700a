"""A layout as a Table Schema (https://datapackage.org/standard/table-schema/): for records in rows.

A file with several kinds of records is a data package with one table each.
"""

from collections.abc import Iterable
from typing import Any

from municipalities.exports.items import Content, Placed, content, records
from municipalities.standard import Standard
from municipalities.standard.head import ROWS

PROFILES = "https://datapackage.org/profiles/2.0"


class NoTableError(ValueError):
    """The layout is no table."""


def table_schema(layout: Standard) -> dict[str, Any]:
    """Every cell is a text: a schema that made numbers of codes would lose their leading zeros."""
    if layout.format not in ROWS:
        raise NoTableError(
            f"{layout.name} is a {layout.format} document: a Table Schema describes rows; use JSON Schema"
        )
    kinds = records(layout.tables)
    about: dict[str, Any] = {"name": layout.name, "title": layout.title, "sources": [{"title": layout.source}]}
    if layout.provisional:
        about["description"] = f"Provisional: {layout.reason}"
    if len(kinds) == 1:
        return {"$schema": f"{PROFILES}/tableschema.json", **about, **_schema(layout, *kinds.values())}
    tables = [{"name": kind, "schema": _schema(layout, placed)} for kind, placed in kinds.items()]
    return {"$schema": f"{PROFILES}/datapackage.json", **about, "resources": tables}


def _schema(layout: Standard, placed: Iterable[Placed]) -> dict[str, Any]:
    return {"fields": [_field(layout, one) for one in placed], "missingValues": [""]}


def _field(layout: Standard, placed: Placed) -> dict[str, Any]:
    item = placed.field
    field: dict[str, Any] = {"name": item.name, "type": "string"}
    if item.note:
        field["description"] = item.note
    if constraints := _constraints(content(layout, item)):
        field["constraints"] = constraints
    if item.source:
        field["hub:source"] = item.source
    if item.width:
        field["hub:width"] = item.width
        field["hub:unit"] = "bytes" if layout.format == "fixed_width" else layout.tables.head.unit
    if placed.offset is not None:
        field["hub:offset"] = placed.offset
    return field


def _constraints(cell: Content) -> dict[str, Any]:
    constraints: dict[str, Any] = {} if cell.blank else {"required": True}
    if cell.values:
        constraints["enum"] = [value for value in cell.values if value]
    elif cell.pattern:
        constraints["pattern"] = cell.pattern
    if "" in cell.values:
        constraints.pop("required", None)
    return constraints
