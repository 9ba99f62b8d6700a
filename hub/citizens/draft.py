"""A filing in the making: it travels in a hidden field of the page and is stored nowhere before it is filed."""

import secrets
from collections.abc import Iterable, Mapping

import msgspec

from hub.citizens.options import MOVE, NO, YES
from hub.relocations.filing import MOVERS

Answers = dict[str, str]


#: What most people answer, chosen beforehand.
USUAL = {"kind": MOVE, "filer": "1", "head_moves": YES, "joined_existing": NO, "same_household": YES, "language": "ja"}
USUAL_PERSON = {"nationality": "JPN"}


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """What was typed so far, as it was typed; nothing in it is trusted."""

    #: Makes a second press of the button the same filing.
    key: str
    #: By field name, of every page but the persons'.
    answers: Answers = {}
    people: list[Answers] = []
    #: The last page was reached once, so that one may go straight back to it.
    reviewed: bool = False
    #: Changes a filing (its address says which); kind and municipality left stay as they are.
    amends: bool = False
    #: The filer's moves that are not registered yet; looked up for every page, never taken from one.
    earlier: list[tuple[str, str]] = []

    @classmethod
    def new(cls) -> "Draft":
        """An empty one, with one person."""
        return cls(key=secrets.token_urlsafe(16), answers=dict(USUAL), people=[dict(USUAL_PERSON)])

    @classmethod
    def read(cls, text: str) -> "Draft":
        """Read what the page sent back; raises ``ValueError`` for what is not a draft of ours."""
        try:
            draft = msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            raise ValueError("not a draft") from error
        if not 1 <= len(draft.people) <= MOVERS or not 16 <= len(draft.key) <= 64:
            raise ValueError("not a draft")
        return draft

    def write(self) -> str:
        """The text of the hidden field."""
        return msgspec.json.encode(msgspec.structs.replace(self, earlier=[])).decode()


def take(names: Iterable[str], sent: Mapping[str, str]) -> Answers:
    """Take the answers of these fields from what a page sent."""
    return {name: str(sent.get(name, "")) for name in names}
