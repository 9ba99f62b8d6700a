"""Whether two spellings are the same name: by MJ name, or by what a receiver could hold of it."""

from functools import lru_cache

from municipalities.characters.clusters import CLUSTER
from municipalities.characters.mj import glyph
from municipalities.characters.questions import NOTHING_DECIDED, Decisions, Undecided
from municipalities.characters.repertoires import REMEMBERED, Repertoire, candidates

#: What every system of Japan can hold, and the certificate of an Individual Number Card too.
EVERYWHERE = Repertoire("utf-8", characters="jisx0208")


def mj_names(text: str) -> tuple[str, ...]:
    """The MJ name of each character; a character outside the list stands as it is.

    >>> mj_names("神\ufe00子"), mj_names("\ufa19子"), mj_names("ミ")
    (('MJ030211', 'MJ010051'), ('MJ030211', 'MJ010051'), ('ミ',))
    """
    return tuple(_mj_name(cluster) for cluster in CLUSTER.findall(text))


def _mj_name(cluster: str) -> str:
    known = glyph(cluster)
    return known.name if known else cluster


def same_by_mj(one: str, other: str) -> bool:
    """Whether two texts show the same shapes, however they are encoded."""
    return one == other or mj_names(one) == mj_names(other)


def folded(text: str) -> str:
    """The text with each character that not every system holds as the first that may stand for it; to look for only.

    >>> folded("髙橋　𠮷子"), folded("斉\U000e0103藤"), folded("渡邊")
    ('高橋　吉子', '斉藤', '渡邊')
    """
    return text if EVERYWHERE.surely(text) else "".join(map(_everywhere, CLUSTER.findall(text)))


@lru_cache(REMEMBERED)
def _everywhere(cluster: str) -> str:
    found = () if EVERYWHERE.holds(cluster) else candidates(cluster, EVERYWHERE)
    return found[0].written if found else cluster


def equal_by_fallback(
    original: str, came_back: str, repertoire: Repertoire, decided: Decisions = NOTHING_DECIDED
) -> bool:
    """Whether what a town sent back is the name it was told, as far as its repertoire can hold it.

    Then the filed name stays what it is: a fallback never overwrites the original (S39). A character that the
    repertoire holds must come back itself; for another one any lawful candidate is accepted.
    """
    if same_by_mj(original, came_back):
        return True
    try:
        if same_by_mj(repertoire.fit(original, decided).back, came_back):
            return True
    except Undecided:
        pass  # nobody has decided yet; the town may hold it from elsewhere with a lawful candidate
    filed, told = CLUSTER.findall(original), CLUSTER.findall(came_back)
    return len(filed) == len(told) and all(
        same_by_mj(ours, theirs) or _stands_for(theirs, ours, repertoire)
        for ours, theirs in zip(filed, told, strict=True)
    )


def _stands_for(written: str, cluster: str, repertoire: Repertoire) -> bool:
    if repertoire.holds(cluster):
        return False
    if written in (other.written for other in candidates(cluster, repertoire) if other.legal):
        return True
    try:
        return repertoire.fit(cluster).back == written
    except Undecided:
        return False
