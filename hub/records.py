"""Decode what a client sent into a record, or refuse it with the catalogue's code and a pointer."""

import re
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from hub import numbers
from hub.catalogue import refuse

T = TypeVar("T")
_PATH = re.compile(r" - at `([^`]+)`$")
_VALUE = re.compile(r" '.*'| -?\d[\d.eE+-]*$", re.DOTALL)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Read a JSON document; ``Refusal`` E100 for what is not JSON, E104 with a pointer for a wrong field."""
    _refuse_nul(body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise refuse("E104", *where(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refuse("E100", detail="The body is not one valid JSON document in UTF-8.") from None


def where(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return the pointer to what is wrong and what it is; never the value, which may be personal."""
    path = _PATH.search(str(error))
    return pointer_of(path.group(1)) if path else "", _VALUE.sub("", _PATH.sub("", str(error)))


def _refuse_nul(body: bytes) -> None:
    if b"\\u0000" not in body:
        return
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # told by who decodes it
        refuse_nul(msgspec.json.decode(body))


def refuse_nul(document: Any) -> None:
    """Refuse U+0000 in any text: no field means it, and PostgreSQL cannot hold it (E104)."""
    for pointer, text in numbers.texts(document):
        if "\0" in text:
            raise refuse("E104", pointer, "A text holds U+0000.")


def pointer_of(path: str) -> str:
    """Turn msgspec's path into a pointer (RFC 6901).

    >>> pointer_of("$.movers[0].dateOfBirth"), pointer_of("$.errors[0][...]")
    ('/movers/0/dateOfBirth', '/errors/0')
    """
    # Of a member of any name msgspec says «[...]»: the pointer ends before it.
    return path.removeprefix("$").partition("[...]")[0].replace("[", "/").replace("]", "").replace(".", "/")
