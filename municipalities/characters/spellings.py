"""Ways of writing a text in an item that allow less than its encoding: full width, half width, half-width kana."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from unicodedata import normalize

#: JIS X 0201 katakana ↔ JIS X 0208 katakana, from Unicode's own compatibility mapping.
SINGLE = {chr(code): normalize("NFKC", chr(code)) for code in range(0xFF61, 0xFF9E)} | {"ﾞ": "゛", "ﾟ": "゜"}
VOICED = {
    half + mark: normalize("NFC", full + combining)
    for half, full in SINGLE.items()
    for mark, combining in (("ﾞ", "\u3099"), ("ﾟ", "\u309a"))
    if len(normalize("NFC", full + combining)) == 1
}
HALF_KANA = str.maketrans({full: half for half, full in (SINGLE | VOICED).items()} | {"\u3000": " "})
FULL_KANA = str.maketrans(SINGLE | {" ": "\u3000"})
VOICED_HALF = re.compile("|".join(VOICED))

WIDE = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {" ": "\u3000"} | SINGLE
NARROW = {full: half for half, full in WIDE.items() if half not in SINGLE}
KATAKANA = {chr(code): chr(code + 0x60) for code in range(0x3041, 0x3097)}


def to_half_kana(text: str) -> str:
    """Katakana in JIS X 0201, the voiced mark as a character of its own.

    >>> to_half_kana("ミホン　ガヴ")
    'ﾐﾎﾝ ｶﾞｳﾞ'
    """
    return text.translate(HALF_KANA)


def from_half_kana(text: str) -> str:
    """Full-width katakana again.

    >>> from_half_kana("ﾐﾎﾝ ｶﾞｳﾞ")
    'ミホン　ガヴ'
    """
    return VOICED_HALF.sub(lambda pair: VOICED[pair[0]], text).translate(FULL_KANA)


def as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Spelling:
    """A way of writing text in an item: what it allows, and the respelling of a character it does not."""

    allows: re.Pattern[str]
    gaiji: bool  #: whether a town's own characters, which are full width, may stand here
    rule: str
    instead: dict[str, str]
    write: Callable[[str], str] = as_it_is
    read: Callable[[str], str] = as_it_is


SPELLINGS = {
    "": Spelling(re.compile(".*", re.DOTALL), True, "", {}),
    "wide": Spelling(re.compile("[^\x00-\x7f｡-ﾟ]*"), True, "full width only", WIDE),
    "half": Spelling(re.compile("[ -~]*"), False, "half width only", NARROW),
    "half_kana": Spelling(
        re.compile("[ -~｡-ﾟ]*"),
        False,
        "JIS X 0201 kana",
        NARROW | KATAKANA | SINGLE | {" ": "\u3000"},
        to_half_kana,
        from_half_kana,
    ),
}
