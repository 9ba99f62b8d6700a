"""What every request and answer shares, and the problem document (RFC 9457)."""

import msgspec


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """An answer of the API."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to the API; a member that is not known is refused."""


class Wrong(Envelope, frozen=True):
    """One thing that is wrong: the catalogue's code, an RFC 6901 pointer into what was sent, and what to do."""

    code: str
    pointer: str
    detail: str
    remedy: str


class Problem(Envelope, frozen=True):
    """A problem document (RFC 9457): the leading problem on top, all of them under «errors»."""

    type: str
    title: str
    status: int
    code: str
    pointer: str
    detail: str
    remedy: str
    errors: tuple[Wrong, ...]
