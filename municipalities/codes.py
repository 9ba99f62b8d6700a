"""Codes of local governments (全国地方公共団体コード): six digits, of which the last checks the others."""

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
WEIGHTS = (6, 5, 4, 3, 2)
SIX_DIGITS = re.compile(r"[0-9]{6}", re.ASCII)


def complete(first_five: str) -> str:
    """The six-digit code of five digits (JIS X 0401 and 0402) without their check digit.

    >>> [complete(code) for code in ("01101", "13101", "27100", "47382")]
    ['011011', '131016', '271004', '473821']
    """
    total = sum(int(digit) * weight for digit, weight in zip(first_five, WEIGHTS, strict=True))
    return first_five + str((11 - total % 11) % 10)


def is_valid(code: str) -> bool:
    """Whether the code has six digits and the last is right; it may still belong to nobody.

    >>> is_valid("011011"), is_valid("011012"), is_valid("11011"), is_valid("０１１０１１")
    (True, False, False, False)
    """
    return bool(SIX_DIGITS.fullmatch(code)) and complete(code[:5]) == code


@cache
def prefectures() -> Mapping[str, str]:
    """The 47 prefectures by their two digits, north to south as JIS X 0401 numbers them."""
    with (DATA / "prefectures.csv").open(encoding="utf-8", newline="") as file:
        return {row["number"]: row["name"] for row in csv.DictReader(file)}


def prefecture(code: str) -> str:
    """The prefecture in which a code lies.

    >>> prefecture("011011")
    '北海道'
    """
    return prefectures()[code[:2]]


def reached(codes: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """These codes and whatever the pairs lead to from them, by any number of steps.

    >>> reached(["a"], [("a", "b"), ("b", "c"), ("d", "e")])
    ['a', 'b', 'c']
    """
    following: dict[str, list[str]] = {}
    for one, other in pairs:
        following.setdefault(one, []).append(other)
    found = list(codes)
    for code in found:
        found += [other for other in following.get(code, []) if other not in found]
    return found
