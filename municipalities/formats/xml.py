"""One XML document: elements only, in the namespaces of the layout; no attributes, no document type."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from lxml import etree

from municipalities.errors import UnfitError

Tree = dict[str, Any]

#: Characters that XML 1.0 cannot hold, not even as references (production 2).
CONTROLS = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D})
#: Names remembered between documents; foreign documents must not fill the memory.
MOST_NAMES = 1000
NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())


def render(tree: Tree, root: str, namespaces: Mapping[str, str]) -> bytes:
    """The document with indented elements; a prefix of a name is one of ``namespaces`` ("" is the default).

    >>> print(render({"人:氏名": "見本 & 試験"}, "通知", {"": "urn:x", "人": "urn:y"}).decode())
    <?xml version="1.0" encoding="UTF-8"?>
    <通知 xmlns="urn:x" xmlns:人="urn:y">
      <人:氏名>見本 &amp; 試験</人:氏名>
    </通知>
    <BLANKLINE>
    """
    declared = "".join(f' xmlns{":" if prefix else ""}{prefix}="{_escape(uri)}"' for prefix, uri in namespaces.items())
    out = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{declared}>\n']
    for name, value in tree.items():
        _element(name, value, "  ", out)
    out.append(f"</{root}>\n")
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


def holds(content: bytes) -> bool:
    """Whether every character of a rendered document may stand in XML."""
    return len(content.translate(None, CONTROLS)) == len(content) and not any(mark in content for mark in NONCHARACTERS)


def parse(content: bytes, root: str, namespaces: Mapping[str, str], lists: Collection[str]) -> Tree:
    """The tree of a document; the elements whose paths are in ``lists`` may repeat.

    >>> parse("<通知 xmlns='u'><人>妻</人><人>子</人></通知>".encode(), "通知", {"": "u"}, ["人"])
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
    reader = _Reader(namespaces, frozenset(lists))
    if reader.names[document.tag] != root or document.keys():
        raise UnfitError(f"the document must begin with {root}", code="E100")
    return reader.children(document, "")


class _Names(dict[object, str]):
    """Tags as the parser has them → names with the layout's own prefixes, whichever the document uses."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self.prefixes = {uri: prefix for prefix, uri in namespaces.items()}

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
