"""One XML document: elements in the namespaces of the layout, attributes on the first only; no document type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lxml import etree

from municipalities.errors import UnfitError

Tree = dict[str, Any]

#: Names remembered between documents; foreign documents must not fill the memory.
MOST_NAMES = 1000


@dataclass(frozen=True, slots=True)
class Root:
    """The document element; a prefix of a name is one of ``namespaces`` ("" is the default)."""

    name: str
    namespaces: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    start: str = field(init=False)  #: all that stands before the first item

    def __post_init__(self) -> None:
        declared = {f"xmlns{':' if prefix else ''}{prefix}": uri for prefix, uri in self.namespaces.items()}
        attributes = "".join(
            f' {name}="{_quoted(value)}"' for name, value in (declared | dict(self.attributes)).items()
        )
        start = f'<?xml version="1.0" encoding="UTF-8"?>\n<{self.name}{attributes}>\n'
        object.__setattr__(self, "start", start)


def render(tree: Tree, root: Root) -> bytes:
    """The document with indented elements.

    >>> print(render({"人:氏名": "見本 & 試験"}, Root("通知", {"": "urn:x", "人": "urn:y"}, {"版": "1"})).decode())
    <?xml version="1.0" encoding="UTF-8"?>
    <通知 xmlns="urn:x" xmlns:人="urn:y" 版="1">
      <人:氏名>見本 &amp; 試験</人:氏名>
    </通知>
    <BLANKLINE>
    """
    out = [root.start]
    for name, value in tree.items():
        _element(name, value, "  ", out)
    out.append(f"</{root.name}>\n")
    return "".join(out).encode()


def _element(name: str, value: Any, indent: str, out: list[str]) -> None:
    if isinstance(value, str):
        out.append(f"{indent}<{name}>{_escape(value)}</{name}>\n")
    elif isinstance(value, dict):
        out.append(f"{indent}<{name}>\n")
        for inner, content in value.items():
            _element(inner, content, indent + "  ", out)
        out.append(f"{indent}</{name}>\n")
    else:
        for content in value:
            _element(name, content, indent, out)


def _escape(text: str) -> str:
    if "&" in text or "<" in text or ">" in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;") if "\r" in text else text


def _quoted(text: str) -> str:
    return _escape(text).replace('"', "&quot;")


def parse(content: bytes, root: Root, lists: frozenset[str]) -> Tree:
    """The tree of a document; the elements whose paths are in ``lists`` may repeat.

    >>> parse("<通知 xmlns='u'><人>妻</人><人>子</人></通知>".encode(), Root("通知", {"": "u"}), frozenset(["人"]))
    {'人': ['妻', '子']}
    """
    # No entities, no network, no huge trees: what comes back from a town is still foreign input.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        document = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise UnfitError(f"not well-formed XML (line {error.lineno})", code="E100") from None
    except ValueError:
        raise UnfitError("not XML in the encoding it declares", code="E100") from None
    if document.getroottree().docinfo.internalDTD is not None:
        raise UnfitError("a document type is not allowed", code="E100")
    reader = _Reader(root.namespaces, lists)
    if reader.names[document.tag] != root.name:
        raise UnfitError(f"the document must begin with {root.name}", code="E100")
    for name, value in document.attrib.items():
        known = reader.names[name] if str(name).startswith("{") else str(name)
        if root.attributes.get(known) != value:
            raise UnfitError(f"{known} of {root.name} is not known or has another value", code="E100")
    return reader.children(document, "")


class _Names(dict[object, str]):
    """Tags as the parser has them → names with the layout's own prefixes, whichever the document uses."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self.prefixes = {uri: prefix for prefix, uri in namespaces.items()}
        if "" not in namespaces:
            self.prefixes[""] = ""

    def __missing__(self, tag: object) -> str:
        if not isinstance(tag, str):
            raise UnfitError("only elements are allowed", code="E100")
        uri, _, local = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
        if uri not in self.prefixes:
            raise UnfitError("an element is in a foreign namespace", code="E100")
        prefix = self.prefixes[uri]
        name = f"{prefix}:{local}" if prefix else local
        if len(self) < MOST_NAMES:
            self[tag] = name
        return name


@cache
def _names(namespaces: tuple[tuple[str, str], ...]) -> _Names:
    return _Names(dict(namespaces))


class _Reader:
    """Turns elements into a tree under the names of the layout."""

    def __init__(self, namespaces: Mapping[str, str], lists: frozenset[str]) -> None:
        self.names = _names(tuple(namespaces.items()))
        self.lists = lists

    def children(self, parent: etree._Element, path: str) -> Tree:
        tree: Tree = {}
        names, lists = self.names, self.lists
        for element in parent:
            name = names[element.tag]
            here = path + name
            value = self.children(element, f"{here}/") if len(element) else element.text or ""
            if here in lists:
                tree.setdefault(name, []).append(value)
            elif name in tree:
                raise UnfitError(f"{here} stands twice", code="E100", pointer=here)
            else:
                tree[name] = value
            if element.keys() or (element.tail and element.tail.strip()):
                raise UnfitError(f"{here} has attributes, or text beside it", code="E100", pointer=here)
        if tree and parent.text and parent.text.strip():
            raise UnfitError(f"{path} mixes text and elements", code="E100", pointer=path)
        return tree
