"""A layout as a JSON Schema (draft 2020-12): of its document, or of its rows as objects of texts."""

from collections.abc import Iterable
from typing import Any

from municipalities.exports.items import Content, Placed, content, records, source_of
from municipalities.standard import Field, Standard
from municipalities.standard.head import ROWS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def json_schema(layout: Standard) -> Schema:
    """Of JSON the document, of XML its elements as members, of rows a list of objects by the names of their items."""
    about: Schema = {"$schema": DIALECT, "title": layout.title, "description": _description(layout)}
    if layout.format not in ROWS:
        return about | _document(layout)
    kinds = {kind: _row(layout, placed) for kind, placed in records(layout.tables).items()}
    if len(kinds) == 1:
        return about | {"type": "array", "minItems": 1, "items": next(iter(kinds.values()))}
    rows = {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds]}
    return about | {"type": "array", "minItems": 1, "items": rows, "$defs": kinds}


def _description(layout: Standard) -> str:
    return "; ".join(filter(None, (layout.source, f"provisional: {layout.reason}" if layout.provisional else "")))


def _row(layout: Standard, placed: Iterable[Placed]) -> Schema:
    members = {one.field.name: _cell(layout, one.field) for one in placed}
    return _object(members, list(members))


def _object(members: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def _document(layout: Standard) -> Schema:
    """Two trees: the notice, and in it the movers' own, which repeat."""
    notice: Schema = {}
    mover: Schema = {}
    for item in layout.items:
        source = source_of(item)
        own = source.part.of_mover if source else item.record == "person"
        _put(mover if own else notice, item.name.split("/"), _cell(layout, item))
    _put(notice, layout.tables.head.movers.split("/"), {"type": "array", "items": _closed(mover)})
    return _closed(notice)


def _put(tree: Schema, path: list[str], cell: Schema) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {}).setdefault("members", {})
    tree[path[-1]] = {"cell": cell}


def _closed(tree: Schema) -> Schema:
    """The schema of a tree; what is never blank is always there."""
    members, required = {}, []
    for name, node in tree.items():
        members[name] = _closed(node["members"]) if "members" in node else node["cell"]
        if node.get("cell", {}).get("minLength"):
            required.append(name)
    return _object(members, required)


def _cell(layout: Standard, item: Field) -> Schema:
    cell = content(layout, item)
    schema = _typed(layout, cell)
    if item.note:
        schema["description"] = item.note
    return schema


def _typed(layout: Standard, cell: Content) -> Schema:
    if cell.kind is not str:
        words: Schema = {"type": "array", "items": {"type": "string"}}
        return {list: words, int: {"type": "integer"}, bool: {"type": "boolean"}}[cell.kind]
    schema: Schema = {"type": ["string", "null"] if cell.blank and layout.format == "json" else "string"}
    if cell.values:
        schema["enum"] = _with_blanks(layout, cell)
    elif cell.pattern:
        schema["pattern"] = f"^({cell.pattern})?$" if cell.blank else f"^({cell.pattern})$"
    if not cell.blank and "" not in cell.values:
        schema["minLength"] = 1
    return schema


def _with_blanks(layout: Standard, cell: Content) -> list[str | None]:
    blanks: list[str | None] = [] if not cell.blank else ["", None] if layout.format == "json" else [""]
    return [*cell.values, *(blank for blank in blanks if blank not in cell.values)]
