"""What the kit hands over: notices about persons who do not exist (見本 太郎, 試験 花子), as canonical JSON.

A vendor whose adapter reads another layout gives the kit a writer: ``manage.py conformance --standard NAME`` has one.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

JSON = "application/json; charset=utf-8"

#: Writes a notice for the adapter: its bytes and their content type.
Writer: TypeAlias = Callable[[dict[str, Any]], tuple[bytes, str]]

#: Names that go wrong where a system converts, trims or normalizes: beyond the BMP, with a variation selector,
#: a compatibility ideograph (NFC would change it), U+FF0D and U+2212, half-width katakana with a sound mark.
NAMES = ("𠮷野　太郎", "邉\U000e0100見　花子", "神\ufa19田　試験", "見本－太郎−", "ﾐﾎﾝ　ｶﾞ")


def as_json(notice: dict[str, Any]) -> tuple[bytes, str]:
    """Canonical JSON, names as they are."""
    return json.dumps(notice, ensure_ascii=False).encode(), JSON


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): in the order of time."""
    number = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10))
    number = number & ~(0xF << 76) | 7 << 76
    return str(UUID(int=number & ~(3 << 62) | 2 << 62))


def receipt_no() -> str:
    """A receipt number as the hub writes them; only its shape matters here."""
    return f"00-KIT{os.urandom(2).hex().upper()}-{os.urandom(2).hex().upper()}-0"


def notice(town: str, kind: str = "moveout.submitted", **changes: Any) -> dict[str, Any]:
    """A notice to this town."""
    told: dict[str, Any] = {
        "noticeId": new_id(),
        "type": kind,
        "receiptNo": receipt_no(),
        "version": 1,
        "recipient": town,
        "role": "origin" if kind.startswith(("moveout", "withdraw", "movein", "cancel")) else "destination",
        "filedOn": "2025-03-20",
        "plannedOutOn": "2025-04-01",
        "personCount": 1,
        "movers": [mover(1, "見本　太郎")],
    }
    return told | changes


def mover(ordinal: int, name: str, **changes: Any) -> dict[str, Any]:
    """A person who moves."""
    birth = {"year": 1990, "month": 2, "day": 3}
    return {"ordinal": ordinal, "fullName": name, "dateOfBirth": birth, "sex": "1"} | changes
