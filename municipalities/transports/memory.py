"""Keeps parcels in this process, by name of outbox: a transport without a network, for tests."""

from urllib.parse import urlsplit

from municipalities.errors import RefusedError
from municipalities.transports import Line, Parcel, Sent

_outboxes: dict[str, dict[str, Parcel]] = {}


def check(address: str) -> None:
    """Refuse an outbox without a name."""
    if not urlsplit(address).path:
        raise RefusedError("a memory address is 'memory:' with a name")


async def send(address: str, parcel: Parcel, _line: Line) -> Sent:
    """Keep the parcel; the same again is a success, other bytes under its name are refused."""
    outbox = _outboxes.setdefault(urlsplit(address).path, {})
    if outbox.setdefault(parcel.name, parcel).content != parcel.content:
        raise RefusedError("another parcel is already there under this name", code="E202")
    return Sent("sent", parcel.name)


async def prove(_address: str, _line: Line) -> None:
    """It is always there."""


def outbox(name: str) -> tuple[Parcel, ...]:
    """What was sent to ``memory:<name>``, in order of first arrival."""
    return tuple(_outboxes.get(name, {}).values())


def clear() -> None:
    """Empty all outboxes."""
    _outboxes.clear()
