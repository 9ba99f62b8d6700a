"""Documents to bytes and back: what the format of a standard makes of a tree of named items."""

from collections.abc import Collection
from typing import Any, Protocol

from municipalities.formats import json, sheet, xml
from municipalities.standard.head import Head

Items = dict[str, Any]


class Document(Protocol):
    """Writes and reads one document."""

    def render(self, tree: Items) -> bytes:
        """The bytes."""

    def parse(self, content: bytes) -> Items:
        """The tree, or ``UnfitError`` (E100)."""


def document_of(head: Head, lists: Collection[str]) -> Document:
    """``lists`` are the paths that may repeat."""
    if head.format == "json":
        return Json()
    return Sheet(head) if head.format == "sheet" else Xml(head, lists)


class Json:
    """One JSON object."""

    def render(self, tree: Items) -> bytes:
        return json.render(tree)

    def parse(self, content: bytes) -> Items:
        return json.parse(content)


class Xml:
    """One XML document."""

    def __init__(self, head: Head, lists: Collection[str]) -> None:
        self.root = xml.Root(head.root, head.namespaces, head.attributes)
        self.lists = frozenset(lists)

    def render(self, tree: Items) -> bytes:
        return xml.render(tree, self.root)

    def parse(self, content: bytes) -> Items:
        return xml.parse(content, self.root, self.lists)


class Sheet:
    """Labelled lines for people, and for e-mail."""

    def __init__(self, head: Head) -> None:
        self.form = sheet.Form(head.root, head.movers, head.encoding, head.line_end)

    def render(self, tree: Items) -> bytes:
        return sheet.render(tree, self.form)

    def parse(self, content: bytes) -> Items:
        return sheet.parse(content, self.form)
