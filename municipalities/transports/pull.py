"""Makes a parcel ready to be fetched through the API, and rings the municipality's doorbell if it has one.

Municipal core systems sit in closed networks and poll outwards; most have no bell. A ring says only
that something waits: no content, no name, and if nobody answers nothing is lost.
"""

import secrets
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


async def prove(address: str, line: Line) -> None:
    """Whether the bell answers a ring with success; a system that fetches proves itself by its token."""
    if bell := bell_of(address):
        try:
            status = await _post(bell, f"challenge_{secrets.token_hex(8)}", line, line.timeout)
        except (aiohttp.ClientError, OSError) as error:
            raise https.unreached(error) from None
        if not 200 <= status < 300:
            raise RefusedError(f"HTTP {status}", code="E117")


async def _ring(bell: str, name: str, line: Line) -> None:
    with suppress(aiohttp.ClientError, OSError):
        await _post(bell, name, line, min(RING_TIMEOUT, line.timeout))


async def _post(bell: str, name: str, line: Line, seconds: float) -> int:
    timeout = aiohttp.ClientTimeout(total=seconds)
    headers = {signing.ID: name, "User-Agent": "hikkoshi-hub"}
    async with line.session.post(bell, headers=headers, timeout=timeout, allow_redirects=False) as answer:
        return answer.status
