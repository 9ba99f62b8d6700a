"""Pushes a parcel to a municipality's HTTPS address, signed; plain HTTP only to this machine."""

import ipaddress
import re
import secrets
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
import msgspec

from municipalities.errors import DeliveryError, RefusedError, TemporaryError, UnprovenError
from municipalities.transports import Line, Parcel, Sent, signing
from municipalities.transports.guard import InternalAddressError

#: Statuses after which the same request may succeed (RFC 9110 15.5.9, RFC 4918 11.3, RFC 8470, RFC 6585); 5xx besides.
#: 423 Locked is said of the record's state, not of the request: who has it open closes it again.
RETRY = frozenset({408, 423, 425, 429})

#: Our signature is not believed. The one other 4xx that is not final: the next attempt is signed anew (RFC 9110 15.5.2
#: has the request repeated with other credentials), so a clock set right or a key entered late cures it.
UNPROVEN = 401

#: "Already have it": the parcel's name is the receiver's key to see a duplicate.
DUPLICATE = 409

#: Codes of the catalogue with which a 409 says «not now» instead: something must come first, the record is locked.
NOT_NOW = frozenset({"E200", "E210"})

#: What a challenge is called in the place of a notice's type.
CHALLENGE = "endpoint.challenge"

#: An answer's body is read no further than this; the status alone decides.
LONGEST_BODY = 65_536


class Problem(msgspec.Struct):
    """The members of a problem document (RFC 9457) that may be kept: a code, never free text."""

    code: str = ""


def check(address: str) -> None:
    """Refuse what is not HTTPS, plain HTTP beyond loopback, and credentials in the address."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise RefusedError("the address cannot be read") from error
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise RefusedError("the address needs a host and must hold no credentials or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise RefusedError("plain HTTP is for this machine only")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, without asking a name server.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("127.0.0.1.example.jp")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # RFC 6761 6.3: always loopback


class Word(msgspec.Struct):
    """What a challenge asks for and its answer repeats."""

    challenge: str


async def send(address: str, parcel: Parcel, line: Line) -> Sent:
    """Post the parcel; an acceptance or a duplicate is a success."""
    answer, body = await _post(address, parcel, line)
    return _judge(answer, body)


async def prove(address: str, line: Line) -> None:
    """Ask whether who answers at the address means to: it repeats the word of a signed challenge.

    Raises ``RefusedError`` E117 for another answer, else as ``send``. An address that anybody may have written down
    becomes no target of ours before this.
    """
    word = Word(secrets.token_urlsafe(24))
    parcel = Parcel(
        name=f"challenge_{secrets.token_hex(8)}",
        type=CHALLENGE,
        content=msgspec.json.encode(word),
        content_type="application/json",
        extension="json",
        records=0,
    )
    answer, body = await _post(address, parcel, line)
    _judge(answer, body)
    try:
        repeated = msgspec.json.decode(body or b"", type=Word)
    except msgspec.MsgspecError:
        repeated = Word("")
    if not secrets.compare_digest(repeated.challenge.encode(), word.challenge.encode()):
        raise RefusedError("the answer to the challenge is not its word", code="E117")


async def _post(address: str, parcel: Parcel, line: Line) -> tuple[aiohttp.ClientResponse, bytes | None]:
    headers = _headers(parcel, line)
    timeout = aiohttp.ClientTimeout(total=line.timeout)
    try:
        async with line.session.post(
            address, data=parcel.content, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            return answer, await _read(answer)
    except aiohttp.InvalidURL as error:
        raise RefusedError("the address cannot be read") from error
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        raise unreached(error) from None  # the cause may name host, path or content


def unreached(error: Exception) -> DeliveryError:
    """What a failure to connect means: an internal address is refused, everything else may pass."""
    if isinstance(getattr(error, "os_error", error), InternalAddressError):
        return RefusedError("the address leads into an internal network", code="E116")
    return TemporaryError(type(error).__name__)


def _headers(parcel: Parcel, line: Line) -> dict[str, str]:
    timestamp = int(time.time())
    keys = (line.signing_key, *line.previous_keys)
    return {
        "Content-Type": parcel.content_type,
        "User-Agent": "hikkoshi-hub",
        "hikkoshi-notice-type": parcel.type,
        signing.ID: parcel.name,
        signing.TIMESTAMP: str(timestamp),
        signing.SIGNATURE: signing.sign(keys, parcel.name, timestamp, parcel.content),
    }


async def _read(answer: aiohttp.ClientResponse) -> bytes | None:
    """What the body says, as far as it is read; ``None`` for one that broke off."""
    body = b""
    try:
        while len(body) < LONGEST_BODY and (part := await answer.content.read(LONGEST_BODY - len(body))):
            body += part
    except (aiohttp.ClientError, OSError):
        return None
    return body


def _judge(answer: aiohttp.ClientResponse, body: bytes | None) -> Sent:
    """What an answer means. A broken body takes nothing away from its status, except where its code would decide.

    4xx is final, because the same bytes would be refused again; except ``RETRY``, and 401 (``UnprovenError``), because
    no two attempts carry the same signature.
    """
    status = answer.status
    not_now = status == DUPLICATE and (body is None or _code(body) in NOT_NOW)
    if 200 <= status < 300 or (status == DUPLICATE and not not_now):
        return Sent("sent", answer.headers.get("Location", "")[:200])
    wait = retry_after(answer.headers.get("Retry-After", ""), datetime.now(UTC))
    if status == UNPROVEN:
        raise UnprovenError(f"HTTP {status}", code=_code(body), retry_after=wait)
    if status in RETRY or status >= 500 or not_now:
        raise TemporaryError(f"HTTP {status}", retry_after=wait)
    raise RefusedError(f"HTTP {status}", code=_code(body))


def _code(body: bytes | None) -> str:
    """The catalogue code of a problem document, if it is one."""
    try:
        code = msgspec.json.decode(body or b"", type=Problem).code
    except msgspec.MsgspecError:
        return ""
    return code if re.fullmatch(r"[EA][0-9]{3}", code) else ""


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 10.2.3), ``None`` if it says nothing.

    >>> now = datetime(2025, 4, 1, 0, 0, tzinfo=UTC)
    >>> retry_after("120", now), retry_after("Tue, 01 Apr 2025 00:01:00 GMT", now), retry_after("soon", now)
    (120.0, 60.0, None)
    """
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())
