"""Whether a connection's address works and means to be called: asked before anything is sent there."""

import asyncio

from django.conf import settings

from municipalities import transports
from municipalities.errors import DeliveryError
from municipalities.transports import Line, https
from municipalities.transports.guard import Guard

#: Seconds an answer may take.
PATIENCE = 5.0


class Unproven(Exception):
    """The address did not prove itself; ``code`` is the catalogue's, ``why`` is for technicians."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


def is_pushed(address: str) -> bool:
    """Tell whether notices are pushed to this address, so that it can be asked to prove itself."""
    return address.startswith(("https:", "http:"))


def prove(address: str, key: bytes) -> None:
    """Try an address: what is pushed to must answer a signed challenge. Raises ``Unproven``.

    A system that fetches proves itself by its token, a tray of files by the first round of its transport.
    """
    try:
        transports.find(address)
        if is_pushed(address):
            asyncio.run(_ask(address, key))
    except DeliveryError as error:
        raise Unproven(error.code, error.detail) from error


async def _ask(address: str, key: bytes) -> None:
    async with transports.open_session(limit=1, guard=Guard(settings.HUB_CALLBACK_NETWORKS)) as session:
        await https.prove(address, Line(session, key, timeout=PATIENCE))
