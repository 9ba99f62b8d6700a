"""Identifiers: time-ordered UUIDs (RFC 9562, version 7) and receipt numbers with a check character."""

import os
import secrets
import threading
import time
from datetime import date, datetime
from uuid import UUID

from municipalities.opening import JST

#: Crockford's base 32: no I, L, O, U, so that a number survives being read out on the telephone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Return a new UUID version 7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, 74 random bits.

    Those of one process ascend, also within a millisecond and when the clock goes back (RFC 9562, 6.2, method 2): what
    was told first has the smaller id, by which a town that exchanges files reads its tray.
    """
    global _last
    random = int.from_bytes(os.urandom(10), "big") & ((1 << 74) - 1)
    value = (time.time_ns() // 1_000_000 << 74) | random
    with _lock:
        if value <= _last:
            value = _last + 1 + (random & 0xFFFFFFFF)
        _last = value
    high, low = value >> 62, value & ((1 << 62) - 1)
    return UUID(int=(high >> 12 << 80) | (0x7 << 76) | ((high & 0xFFF) << 64) | (0x2 << 62) | low)


def seen(key: UUID) -> None:
    """Let what this process makes from now on be larger than a key (a version 7 one) that another process made.

    Of one filing later ids are larger so, whoever makes them and however far the clocks of their machines are apart.
    """
    global _last
    high, low = key.int >> 64, key.int & ((1 << 62) - 1)
    value = ((high >> 16 << 12 | high & 0xFFF) << 62) | low
    with _lock:
        _last = max(_last, value)


def first_of(day: date) -> UUID:
    """Return the smallest UUID version 7 that can be made on a day in Japan: a day is a range of keys.

    >>> str(first_of(date(2026, 4, 1)))
    '019d4468-9d80-0000-0000-000000000000'
    """
    begins = datetime.combine(day, datetime.min.time(), JST)
    return UUID(int=int(begins.timestamp() * 1000) << 80)


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
