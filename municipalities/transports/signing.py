"""Standard Webhooks signatures: what proves that a push comes from the hub, unchanged and not long ago.

Scheme v1 of https://www.standardwebhooks.com: base64 of HMAC-SHA256 over ``id.timestamp.body``. The
header may hold several signatures, so that a key can be replaced while the old one still works.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping

from municipalities.errors import RefusedError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

#: Seconds a message may be old or early (Standard Webhooks, "Verifying webhook authenticity").
TOLERANCE = 300

TIME = re.compile(r"[0-9]{1,12}")

#: Standard Webhooks asks for 24 to 64 random bytes; a shorter key is a mistake in the settings.
SHORTEST_KEY = 24


def sign(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The signature header, one signature per key, newest key first.

    The example is the specification's own test vector.

    >>> key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> sign([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    return " ".join(f"v1,{_digest(key, message_id, str(timestamp), body)}" for key in keys)


def verify(keys: Iterable[bytes], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The message's id, once one of its signatures fits one of our keys; else ``RefusedError``.

    ``headers`` is looked up by lower-case names.
    """
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not (message_id and message_id.isascii() and TIME.fullmatch(timestamp)):
        raise RefusedError("the signature headers are missing or malformed", code="E114")
    if abs(now - int(timestamp)) > TOLERANCE:
        raise RefusedError("the signature is too old or too early", code="E114")
    expected = [_digest(key, message_id, timestamp, body).encode() for key in keys]
    if not _any_fits(headers.get(SIGNATURE, ""), expected):
        raise RefusedError("the signature does not fit", code="E114")
    return message_id


def _any_fits(header: str, expected: list[bytes]) -> bool:
    """Whether one of the header's v1 signatures is an expected one; takes equally long either way."""
    fits = False
    for part in header.split(" ")[:10]:
        version, _, signature = part.partition(",")
        for digest in expected:
            fits |= version == "v1" and hmac.compare_digest(signature.encode(errors="replace"), digest)
    return fits


def _digest(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    if len(key) < SHORTEST_KEY:
        raise RefusedError("the signing key is missing or too short", code="E114")
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
