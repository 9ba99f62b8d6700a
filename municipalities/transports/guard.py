"""Keeps call-back addresses from reaching what is not public: the hub's own network is no place to push to.

A host name is judged by the address that is really connected to, at the moment of connecting: a name that changes
its mind after it was checked (DNS rebinding) gains nothing. Internal networks in which towns really are (LGWAN, a
leased line, the loopback of a demo) are named one by one.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

#: The class, under a name that no method here has.
Socket = socket.socket


class InternalAddressError(OSError):
    """The address is internal and in none of the networks that were named."""


class Guard:
    """Which addresses may be connected to: every public one, and those in the named networks (CIDR)."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self.allowed = tuple(ip_network(text) for text in allowed)

    def permits(self, host: str) -> bool:
        """Tell whether an IP address may be connected to.

        >>> guard = Guard(["10.20.0.0/16"])
        >>> [guard.permits(host) for host in ("203.0.114.7", "10.20.0.9", "10.21.0.9", "127.0.0.1", "169.254.169.254")]
        [True, True, False, False, False]
        >>> [guard.permits(host) for host in ("::1", "::ffff:127.0.0.1", "fe80::1%eth0", "64:ff9b::7f00:1", "x")]
        [False, False, False, False, False]
        """
        try:
            address = plain(ip_address(host.partition("%")[0]))
        except ValueError:
            return False
        if any(address in network for network in self.allowed):
            return True
        return address.is_global and not address.is_multicast

    def socket(self, info: Sequence[Any]) -> Socket:
        """Open the socket for an address, as aiohttp's ``socket_factory``; or raise ``InternalAddressError``."""
        family, kind, protocol, _, where = info
        if not self.permits(str(where[0])):
            raise InternalAddressError("the address is internal")
        return socket.socket(family, kind, protocol)

    async def connect(self, host: str, port: int) -> Socket:
        """Return a socket that is connected to a host; every address that the name has is judged by itself."""
        loop = asyncio.get_running_loop()
        failed: OSError = ConnectionRefusedError()
        for info in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                opened = self.socket(info)
            except OSError as error:
                failed = error
                continue
            opened.setblocking(False)
            try:
                await loop.sock_connect(opened, info[4])
            except BaseException as error:
                opened.close()
                if not isinstance(error, OSError):
                    raise
                failed = error
            else:
                return opened
        raise failed

    def check(self, address: str) -> None:
        """Raise ``InternalAddressError`` for a URL whose host has an address that is not permitted."""
        parts = urlsplit(address)
        for info in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM):
            if not self.permits(str(info[4][0])):
                raise InternalAddressError("the address is internal")


Factory = Callable[[Sequence[Any]], Socket]


def plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one that stands for it (mapped, 6to4, NAT64); else itself."""
    if isinstance(address, IPv6Address):
        if address in ip_network("64:ff9b::/96"):
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address
