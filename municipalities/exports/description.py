"""A standard described: what it is, its items, code tables and omissions, as plain values; and its items as CSV."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from municipalities.exports.items import COLUMNS, Placed, cells, records, row, told
from municipalities.standard import Standard
from municipalities.standard.head import Head
from municipalities.standard.tables import Tables

#: Members of a description by themselves.
APART = frozenset({"reason", "source", "published"})


def summary(layout: Standard) -> dict[str, Any]:
    """One standard in the list."""
    return {
        "name": layout.name,
        "title": layout.title,
        "format": layout.format,
        "encoding": layout.encoding,
        "extends": layout.extends,
        "items": len(layout.items),
        "provisional": layout.provisional,
    }


def description(layout: Standard) -> dict[str, Any]:
    """Everything that the tables say, the layout it extends already in it."""
    return summary(layout) | {
        "reason": layout.reason,
        "source": layout.source,
        "published": layout.published,
        "content_type": layout.content_type,
        "settings": settings(layout),
        "records": _records(layout.tables),
        "answers": _records(layout.tables.answers),
        "codes": {name: dict(table) for name, table in layout.codes.items()},
        "omits": dict(layout.omits),
    }


def settings(layout: Standard) -> Mapping[str, Any]:
    """How the bytes are made, as far as ``standard.toml`` says more than that it is so by default."""
    usual = told(Head(title="", source="", format="")) | summary(layout)
    own = {name: value for name, value in told(layout.tables.head).items() if value != usual.get(name)}
    return {name: value for name, value in own.items() if value and name not in APART}


def _records(tables: Tables | None) -> dict[str, Any]:
    if tables is None:
        return {}
    return {kind or "document": list(map(_item, placed)) for kind, placed in records(tables).items()}


def _item(placed: Placed) -> dict[str, Any]:
    said = {column: value for column, value in row(placed.field).items() if value or column in {"name", "source"}}
    return said | ({} if placed.offset is None else {"offset": placed.offset})


def items_csv(layout: Standard) -> str:
    """``fields.csv``, the layout it extends already in it: UTF-8, a header, CRLF."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(map(cells, layout.items))
    return out.getvalue()
