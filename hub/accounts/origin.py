"""From where a request comes: the address and the TLS certificate of the client, as a trusted proxy says them.

Without a trusted proxy the address is that of the connection, and no certificate is believed: a header is only
what somebody wrote. Both settings are empty unless told otherwise.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def networks(texts: Iterable[str]) -> list[Network]:
    """Read networks in CIDR notation; ``ValueError`` for what is none."""
    return [ip_network(text) for text in texts]


def contains(those: Iterable[Network], address: Address) -> bool:
    """Tell whether one of the networks holds the address; an IPv4 address in IPv6 clothes counts as itself."""
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in those)


def address_of(meta: Mapping[str, Any]) -> Address | None:
    """The client's address: of the connection, or of the last hop that no trusted proxy made."""
    hops = [hop.strip() for hop in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",") if hop.strip()]
    trusted = networks(settings.HUB_TRUSTED_PROXIES)
    try:
        address = ip_address(str(meta.get("REMOTE_ADDR", "")))
        while hops and contains(trusted, address):
            address = ip_address(hops.pop())
    except ValueError:
        return None
    return address


def thumbprint_of(meta: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint (x5t#S256, RFC 8705) of the certificate that a trusted proxy saw; else empty."""
    if not settings.HUB_CERTIFICATE_HEADER:
        return ""
    try:
        proxy = ip_address(str(meta.get("REMOTE_ADDR", "")))
    except ValueError:
        return ""
    if not contains(networks(settings.HUB_TRUSTED_PROXIES), proxy):
        return ""
    name = "HTTP_" + settings.HUB_CERTIFICATE_HEADER.upper().replace("-", "_")
    return thumbprint(str(meta.get(name, "")))


def thumbprint(text: str) -> str:
    """The thumbprint of a certificate: ``:base64 of DER:`` (RFC 9440), or PEM, escaped or plain; else empty."""
    try:
        if text.startswith(":"):
            certificate = x509.load_der_x509_certificate(base64.b64decode(text.strip(":"), validate=True))
        else:
            certificate = x509.load_pem_x509_certificate(unquote(text).encode())
    except ValueError:
        return ""
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
