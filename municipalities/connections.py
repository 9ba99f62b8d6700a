"""Gives every register office a connection to a simulated town, always the same one.

Which of the standards and transports a place really uses is not published; here its code decides, so that
every demonstration, test and benchmark sees the same country. An operator's connections are left alone.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from hashlib import sha256

from django.db import transaction

from municipalities import standard
from municipalities.models import Connection, Municipality

#: Asked before a connection is made or changed at the desk, with municipality, standard and address: what stands
#: against it, in words, or nothing. Who keeps proofs of towns' systems enters here.
guards: list[Callable[[str, str, str], str]] = []

#: Of nine: most core systems sit in closed networks and fetch for themselves.
TRANSPORTS = ("pull",) * 6 + ("https",) * 2 + ("folder",)
TOWNS = "http://127.0.0.1:9100"


def assign(code: str) -> tuple[str, str]:
    """The standard and the transport of a municipality.

    >>> assign("011011") == assign("011011")
    True
    """
    transport = TRANSPORTS[_number(f"transport {code}") % len(TRANSPORTS)]
    return draw(standard.names(), f"standard {code}"), transport


def draw(choices: Iterable[str], seed: str) -> str:
    """The choice with the highest lot: a new choice takes places over and moves nobody between the others."""
    return max(choices, key=lambda choice: _number(f"{seed} {choice}"))


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")


def address(code: str, transport: str, towns: str = TOWNS) -> str:
    """Where the simulated town of this code is reached.

    >>> address("011011", "pull")
    'pull:?ring=http://127.0.0.1:9100/towns/011011/ring'
    """
    addresses: Mapping[str, str] = {
        "pull": f"pull:?ring={towns}/towns/{code}/ring",
        "https": f"{towns}/towns/{code}/inbox",
        "folder": f"folder:towns/{code}",
    }
    return addresses[transport]


@transaction.atomic
def create_missing(day: date, towns: str = TOWNS) -> list[str]:
    """Connect, from that day on, every register office that never had a connection; returns their codes."""
    unconnected = Municipality.objects.leaf().valid_on(day).filter(connections__isnull=True)
    new = [connection(code, day, towns.rstrip("/")) for code in unconnected.values_list("code", flat=True)]
    Connection.objects.bulk_create(new)
    return [row.municipality_id for row in new]


def connection(code: str, day: date, towns: str) -> Connection:
    """The assigned connection, not yet saved."""
    name, transport = assign(code)
    where = address(code, transport, towns)
    return Connection(municipality_id=code, standard=name, address=where, valid_from=day)
