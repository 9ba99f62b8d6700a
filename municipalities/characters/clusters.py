"""What a reader sees as one character: never separated, and counted once."""

import re

#: Variation selectors (Unicode 23.4).
SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
#: Combining marks: accents of Latin letters, voiced marks of kana (Unicode 2.11); tone marks of kanji are Han's own.
COMBINING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u302a-\u302f\u3099\u309a\ufe20-\ufe2f"
MARKS = SELECTORS + COMBINING

CLUSTER = re.compile(f"[^{MARKS}]?[{MARKS}]+|[^{MARKS}]")
SELECTOR = re.compile(f"[{SELECTORS}]")
MARK = re.compile(f"[{MARKS}]")

#: Private-use characters: every vendor's mean something else (S41).
PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")

#: What no file may carry: surrogates alone, noncharacters, and the byte order mark, which readers swallow.
BROKEN = re.compile(
    "[\ud800-\udfff\ufdd0-\ufdef\ufeff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
    + "]"
)


def length(text: str) -> int:
    """How many characters a reader sees: a selector or an accent belongs to the character before it.

    >>> length("𠮷田"), length("邉\U000e0100"), length("か\u3099")
    (2, 1, 1)
    """
    return len(CLUSTER.findall(text)) if MARK.search(text) else len(text)


def points(text: str) -> str:
    """The code points of a text.

    >>> points("𠮷")
    'U+20BB7'
    """
    return " ".join(f"U+{ord(character):04X}" for character in text)


def shown(cluster: str) -> str:
    """A character for a message: itself where it can be printed, and its code points.

    >>> shown("𠮷"), shown("\ue0f3")
    ('«𠮷» (U+20BB7)', 'U+E0F3')
    """
    return f"«{cluster}» ({points(cluster)})" if cluster.isprintable() else points(cluster)
