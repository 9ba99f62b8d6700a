"""Identifiers: time-ordered UUIDs (RFC 9562, version 7) and receipt numbers with a check character."""

import os
import secrets
import time
from uuid import UUID

#: Crockford's base 32: no I, L, O, U, so that a number survives being read out on the telephone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7() -> UUID:
    """Return a new UUID version 7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def check_character(body: str) -> str:
    """Return the Luhn mod 32 check character of a receipt number's body (hyphens ignored).

    >>> check_character("00-TEST-0001")
    'T'
    """
    total = 0
    for place, character in enumerate(reversed(body.replace("-", ""))):
        product = ALPHABET.index(character) * (2 if place % 2 == 0 else 1)
        total += product // 32 + product % 32
    return ALPHABET[-total % 32]


def receipt_no() -> str:
    """Return a new receipt number (受付番号): 14 characters, 50 random bits, no meaning in it."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(10))
    text = f"{body[:2]}-{body[2:6]}-{body[6:]}"
    return f"{text}-{check_character(text)}"


def is_receipt_no(text: str) -> bool:
    """Tell whether the text has the shape and check character of a receipt number.

    >>> is_receipt_no("00-TEST-0001-T"), is_receipt_no("00-TEST-0001-7")
    (True, False)
    """
    parts = text.split("-")
    if [len(part) for part in parts] != [2, 4, 4, 1] or not set("".join(parts)) <= set(ALPHABET):
        return False
    return check_character(text[:-2]) == text[-1]
