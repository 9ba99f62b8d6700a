"""What is the same for everybody, and the answers of the token endpoint."""

from datetime import date
from typing import Any

from hub.api.shapes.base import Envelope


class Municipality(Envelope, frozen=True):
    """A municipality under one code, and when that code is valid."""

    code: str
    kind: str
    prefecture: str
    name: str
    kana: str
    parent_code: str
    valid_from: date | None
    valid_to: date | None


class Municipalities(Envelope, frozen=True):
    """Dated codes."""

    municipalities: tuple[Municipality, ...]


class Entry(Envelope, frozen=True):
    """One row of the error catalogue, in the reader's language."""

    code: str
    status: int
    who: str
    title: str
    remedy: str


class Entries(Envelope, frozen=True):
    """The error catalogue, in its order of precedence."""

    errors: tuple[Entry, ...]


class Message(Envelope, frozen=True):
    """One type of the message catalogue."""

    no: str
    type: str
    sender: str
    recipient: str
    purpose: str
    outcomes: tuple[str, ...]


class Messages(Envelope, frozen=True):
    """The message catalogue."""

    messages: tuple[Message, ...]


class Codes(Envelope, frozen=True):
    """The hub's own code tables: every value and what it is called in the reader's language."""

    tables: dict[str, dict[str, str]]


class Standards(Envelope, frozen=True):
    """Every record standard."""

    standards: tuple[dict[str, Any], ...]


class Token(Envelope, frozen=True):
    """An access token (RFC 6749, 5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class TokenError(Envelope, frozen=True):
    """Why there is no token (RFC 6749, 5.2)."""

    error: str
    error_description: str = ""
