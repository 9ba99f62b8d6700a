"""Makes a parcel ready to be fetched through the API, and rings the municipality's doorbell if it has one.

Municipal core systems sit in closed networks and poll outwards; most have no bell. A ring says only
that something waits: no content, no name, and if nobody answers nothing is lost.
"""

from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import aiohttp

from municipalities.errors import RefusedError
from municipalities.transports import Line, Parcel, Sent, https, signing

#: Seconds to wait for the bell: a hint is not worth more.
RING_TIMEOUT = 1.0


def check(address: str) -> None:
    """Refuse anything but ``pull:`` and ``pull:?ring=<https address>``."""
    parts = urlsplit(address)
    if parts.netloc or parts.path or parts.fragment or not set(parse_qs(parts.query)) <= {"ring"}:
        raise RefusedError("a pull address is 'pull:' with at most a ring")
    if bell := bell_of(address):
        https.check(bell)


def bell_of(address: str) -> str:
    """The doorbell's address, empty if there is none.

    >>> bell_of("pull:?ring=http://127.0.0.1:9100/towns/011011/ring"), bell_of("pull:")
    ('http://127.0.0.1:9100/towns/011011/ring', '')
    """
    return parse_qs(urlsplit(address).query).get("ring", [""])[0]


async def send(address: str, parcel: Parcel, line: Line) -> Sent:
    """Say that the parcel is ready."""
    if bell := bell_of(address):
        await _ring(bell, parcel.name, line)
    return Sent("ready")


async def _ring(bell: str, name: str, line: Line) -> None:
    timeout = aiohttp.ClientTimeout(total=min(RING_TIMEOUT, line.timeout))
    headers = {signing.ID: name, "User-Agent": "hikkoshi-hub"}
    with suppress(aiohttp.ClientError, OSError):
        async with line.session.post(bell, headers=headers, timeout=timeout, allow_redirects=False):
            pass
