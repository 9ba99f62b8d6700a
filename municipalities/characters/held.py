"""Which texts come back from an encoding, or from a set of characters, exactly as they were filed."""

import re
from functools import cache

from municipalities.characters.clusters import BROKEN, CLUSTER, MARK
from municipalities.characters.mj import glyph, sequences
from municipalities.characters.spellings import HALF_KANA, SPELLINGS

#: Encodings that hold every character.
UNLIMITED = {"utf-8", "utf-16-le"}
#: Sets of characters, and the codec that holds just these. JIS X 0213 is not ``euc_jis_2004``, which takes
#: characters of JIS X 0212 too; JIS X 0212 stands together with 0208, as in EUC-JP.
CODECS = {"cp932": "cp932", "jisx0208": "iso2022_jp", "jisx0213": "shift_jis_2004", "jisx0212": "euc_jp"}
#: The list of MJ characters; what is no kanji, as JIS X 0213 or CP932 has it; ASCII.
MJ = "mj"
BESIDE_MJ = ("shift_jis_2004", "cp932")

#: Where the characters of names and addresses are: no controls, no private use, the selectors of kanji.
PLANES = (
    range(0x20, 0x7F),
    range(0xA0, 0xD800),
    range(0xF900, 0x10000),
    range(0x20000, 0x30000),
    range(0xE0100, 0xE01F0),
)
#: All that is neither broken nor private: said positively, for such a class is searched many times quicker.
ANY = "\x00-\ud7ff\uf900-\ufdcf\ufdf0-\ufefe\uff00-\ufffd" + "".join(
    f"{chr(plane * 0x10000)}-{chr(plane * 0x10000 + 0xFFFD)}" for plane in range(1, 15)
)


def survives(text: str, codec: str) -> bool:
    """Whether the bytes give the text back; an encoding without an error is not enough.

    >>> survives("～", "cp932"), survives("〜", "cp932"), "〜".encode("cp932").decode("cp932")
    (True, False, '～')
    """
    try:
        return text.encode(codec).decode(codec) == text
    except UnicodeError:
        return False


def in_set(text: str, characters: str) -> bool:
    """Whether every character belongs to a set; all of them, where no set is named."""
    if characters == MJ:
        return all(
            cluster.isascii() or glyph(cluster) or any(survives(cluster, codec) for codec in BESIDE_MJ)
            for cluster in CLUSTER.findall(text)
        )
    return not characters or survives(text, CODECS[characters])


@cache
def surely(encoding: str, spelling: str, characters: str, own: frozenset[str]) -> re.Pattern[str]:
    """Matches texts that surely come back as they were filed, whatever stands beside whatever.

    A pattern and not a set of characters: on names it is as quick, on addresses far quicker, and it is small.
    What it does not match may be held nevertheless. ``own`` is what a town writes as its private characters;
    beside these no selector and no accent is matched, for it may be part of one.
    """
    way = SPELLINGS[spelling]
    if encoding in UNLIMITED and not (spelling or characters or own):
        return re.compile(f"[{ANY}]*")
    if spelling == "half_kana":
        kana = {chr(code) for code in (*HALF_KANA, *range(0x21, 0x7F))} - {"゛", "゜"}  # these join what stands before
        held = {one for one in kana if survives(way.write(one), encoding) and in_set(one, characters)}
    else:
        held = {one for one in _stable(encoding, characters) if way.allows.fullmatch(one)}
    if own:
        held = {one for one in held - own if not MARK.match(one)}
    return re.compile(f"[{_ranges(held)}]*" if held else "")


def _stable(encoding: str, characters: str) -> frozenset[str]:
    """The characters that come back from the bytes, each by itself and beside its neighbours."""
    if characters == MJ:
        beside = frozenset[str]().union(*(_stable(codec, "") for codec in BESIDE_MJ))
        return beside.union(map(chr, range(0x20, 0x7F)), (one for one in sequences() if len(one) == 1))
    codec = CODECS.get(characters, encoding)
    every = BROKEN.sub("", "".join(chr(code) for plane in PLANES for code in plane))
    held = "".join(sorted(set(every.encode(codec, "ignore").decode(codec))))
    back = held.encode(codec).decode(codec)
    return frozenset(one for one, other in zip(held, back, strict=True) if one == other)


def _ranges(characters: set[str]) -> str:
    """The inside of a character class."""
    found: list[list[int]] = []
    for code in sorted(map(ord, characters)):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in found)
