"""Numbers that the hub must not hold: recognised in any text, so that it is refused before it is stored."""

import re
from collections.abc import Iterator

_DIGITS = str.maketrans("０１２３４５６７８９－ー‐−　", "0123456789---- ")
_RUN = re.compile(r"\d(?:[ -]?\d){9,}")


def texts(value: object, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a decoded JSON document with its pointer."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, f"{pointer}/{name}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from texts(inner, f"{pointer}/{index}")


def is_forbidden(text: str) -> bool:
    """Tell whether a text seems to hold a number that the hub must not keep.

    An Individual Number (12 digits with its check digit, Number Act), a resident record code (11 digits;
    telephone numbers begin with 0) or a basic pension number (10 digits written 4-6).

    >>> is_forbidden("03-1234-5678, 090-1234-5678")
    False
    >>> is_forbidden("コードは １２３４５－６７８９０１ です")
    True
    """
    plain = text.translate(_DIGITS)
    for run in _RUN.findall(plain):
        digits = re.sub("[ -]", "", run)
        if len(digits) == 12 and individual_number_check(digits[:11]) == digits[11]:
            return True
        if len(digits) == 11 and not digits.startswith("0"):
            return True
        if re.fullmatch(r"\d{4}-\d{6}", run):
            return True
    return False


def individual_number_check(body: str) -> str:
    """Return the check digit of an Individual Number's first 11 digits; only to recognise and refuse one."""
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11
    return "0" if rest <= 1 else str(11 - rest)
