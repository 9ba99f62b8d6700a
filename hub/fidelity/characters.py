"""Which characters of a text became which: pure, for the ledger, the desk and the citizen's page."""

import re
from collections.abc import Collection, Mapping
from difflib import SequenceMatcher
from unicodedata import normalize

from municipalities.characters import CLUSTER

#: Kanji, compatibility ideographs and private-use characters; no kana, letters, digits or their other widths.
KANJI = re.compile("[\u3400-\ufaff\U00010000-\U0010ffff]")
#: One replacement: the characters filed and those written; either may be empty.
Pair = tuple[str, str]


def pairs(original: str, written: str) -> list[Pair]:
    """Return what was replaced, in order, each replacement once; what stands between is left out.

    >>> pairs("見本　𠮷郎", "見本　吉郎")
    [('𠮷', '吉')]
    >>> pairs("1-1", "１－１")
    [('1', '１'), ('-', '－')]
    >>> pairs("渡邉\U000e0100 花", "ワタナベ 花"), pairs("長い名", "長い"), pairs("渡邉\U000e0100花子", "わたなべ")
    ([('渡邉\U000e0100', 'ワタナベ')], [('名', '')], [('渡邉\U000e0100花子', 'わたなべ')])
    """
    before, after = CLUSTER.findall(original), CLUSTER.findall(written)
    if len(before) == len(after):
        single = dict.fromkeys(pair for pair in zip(before, after, strict=True) if pair[0] != pair[1])
        kanji = sum(1 for one, _ in single if KANJI.match(one))
        # Mostly other characters: somebody wrote the text anew, and none of them stands for one of the old.
        return [(original, written)] if 2 * kanji > len(before) else list(single)
    found: dict[Pair, None] = {}  # a set that keeps the order
    for kind, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            found["".join(before[start:end]), "".join(after[first:last])] = None
    return list(found)


def replaced(text: str, picks: Mapping[str, str]) -> str:
    """Return the text with each picked character replaced; a selector belongs to its character.

    >>> replaced("渡邉\U000e0100 邉", {"邉\U000e0100": "辺"}), replaced("渡邉\U000e0100 邉", {"邉": "辺"})
    ('渡辺 邉', '渡邉\U000e0100 辺')
    """
    return CLUSTER.sub(lambda found: picks.get(found[0], found[0]), text)


def is_spelling(pair: Pair) -> bool:
    """Tell whether only the width or the form of the same letters differs, as in «1» and «１».

    >>> is_spelling(("1", "１")), is_spelling(("𠮷", "吉")), is_spelling(("名", ""))
    (True, False, False)
    """
    one, other = pair
    return not KANJI.search(one + other) and normalize("NFKC", one) == normalize("NFKC", other)


def points(text: str) -> str:
    """Return the code points of a text.

    >>> points("邉\U000e0100")
    'U+9089 U+E0100'
    """
    return " ".join(f"U+{ord(letter):04X}" for letter in text)


def in_points(original: str, written: str) -> str:
    """Return the kanji that were replaced, as code points; never so many that they would spell out the text.

    >>> in_points("見本　𠮷郎", "見本　吉郎"), in_points("1-1", "１－１"), in_points("𠮷", "吉")
    ('U+20BB7 → U+5409', '', '')
    """
    kanji = [
        (one, other)
        for one, other in pairs(original, written)
        if KANJI.match(one) and CLUSTER.fullmatch(one) and (not other or CLUSTER.fullmatch(other))
    ]
    return "; ".join(f"{points(one)} → {points(other)}" for one, other in kanji if is_small(kanji, original))


def missing_points(text: str, clusters: Collection[str]) -> str:
    """Return the characters that a target lacks, as code points; nothing when they are most of the text.

    >>> missing_points("見本𠮟", ["𠮟"]), missing_points("김민수", ["김", "민", "수"])
    ('U+20B9F', '')
    """
    return "; ".join(map(points, clusters)) if is_small(clusters, text) else ""


def is_small(part: Collection[object], text: str) -> bool:
    """Tell whether characters are at most half of a text: then they may be told, and the text stays unknown."""
    return 2 * len(part) <= len(CLUSTER.findall(text))
