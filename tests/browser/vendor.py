"""The vendor's system of a walk: the adapter to copy, with a reader of its own layout and nothing else changed."""

import sys
from typing import Any

import msgspec

from municipalities import standard
from municipalities.conformance import reference_adapter as reference
from municipalities.conformance.reference_line import Refused
from municipalities.errors import DeliveryError


def reads(name: str) -> Any:
    """A reader of this record standard in the place of the adapter's."""
    layout = standard.load(name)

    def read(content: bytes, _content_type: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = msgspec.to_builtins(layout.read(content))
        except (DeliveryError, msgspec.MsgspecError, ValueError) as error:
            raise Refused(422, getattr(error, "code", "E100")) from None
        return found

    return read


if __name__ == "__main__":
    reference.read = reads(sys.argv[1])
    reference.main()
