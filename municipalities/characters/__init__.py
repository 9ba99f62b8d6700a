"""Which characters a receiver can hold, and what is written instead of those it cannot.

Nothing is normalized and nothing is cut: a text is written as it was filed, or with substitutes that are
recorded (``Fallback``), or not at all (``Undecided``, E130, with the candidates a person may choose from).
What the person chose is passed back in as ``Decisions``.
"""

from municipalities.characters.clusters import CLUSTER, PRIVATE, SELECTOR, length
from municipalities.characters.comparison import equal_by_fallback, folded, mj_names, same_by_mj
from municipalities.characters.gaiji import Gaiji, GaijiError
from municipalities.characters.ledger import Fallback, Ledger
from municipalities.characters.mj import Glyph, glyph
from municipalities.characters.questions import (
    DECIDED,
    NOTHING_DECIDED,
    Candidate,
    Decisions,
    Question,
    Undecided,
)
from municipalities.characters.repertoires import Fitted, Repertoire, candidates

__all__ = [
    "CLUSTER",
    "DECIDED",
    "NOTHING_DECIDED",
    "PRIVATE",
    "SELECTOR",
    "Candidate",
    "Decisions",
    "Fallback",
    "Fitted",
    "Gaiji",
    "GaijiError",
    "Glyph",
    "Ledger",
    "Question",
    "Repertoire",
    "Undecided",
    "candidates",
    "equal_by_fallback",
    "folded",
    "glyph",
    "length",
    "mj_names",
    "same_by_mj",
]
