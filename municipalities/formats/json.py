"""One JSON document (RFC 8259)."""

from typing import Any

import msgspec

from municipalities.errors import UnfitError

Tree = dict[str, Any]

DECODER = msgspec.json.Decoder(dict[str, Any])


def render(tree: Tree) -> bytes:
    """The document, without spaces.

    >>> render({"氏名": "見本"}).decode()
    '{"氏名":"見本"}'
    """
    return msgspec.json.encode(tree)


def parse(content: bytes) -> Tree:
    """The document, which must be an object."""
    try:
        return DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnfitError("not a JSON object in UTF-8", code="E100") from None
    except RecursionError:
        raise UnfitError("the document is nested too deeply", code="E100") from None
