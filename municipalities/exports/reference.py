"""The notice whose golden sample every receiver signs off, and what is decided where a layout cannot hold it."""

from functools import cache

from municipalities import standard
from municipalities.characters import CLUSTER, Decisions, Question
from municipalities.notice import Notice
from municipalities.standard import Standard, TableError

#: What is written in a sample for a character that has no candidate: the mark printers use for a missing letter.
MISSING = "〓"
#: A text too long for its item is shortened in a sample, and only there, one character a round.
ROUNDS = 400


@cache
def reference() -> Notice:
    """Read from the golden sample of a standard that omits nothing; nobody in it is real."""
    for name in standard.names():
        layout = standard.load(name)
        if not layout.omits and layout.format == "json" and layout.sample.exists():
            return layout.read(layout.sample.read_bytes())
    raise TableError("standards", "no standard in JSON omits nothing", "one is needed to make samples of the others")


def settled(layout: Standard, notice: Notice) -> Decisions:
    """What a clerk might decide, so that a sample can be written: first candidates, and texts cut to their items."""
    decided: dict[tuple[str, str], str] = {}
    for _ in range(ROUNDS):
        asked = layout.questions(notice, decided)
        if not asked:
            break
        now: dict[tuple[str, str], str] = {}
        for question in asked:
            key = (question.target, question.text)
            now[key] = _answer(question, now.get(key) or decided.get(key) or question.draft or question.text)
        decided |= now
    return decided


def _answer(question: Question, text: str) -> str:
    if not question.cluster:
        return "".join(CLUSTER.findall(text)[:-1])
    instead = question.candidates[0].written if question.candidates else MISSING
    return CLUSTER.sub(lambda found: instead if found[0] == question.cluster else found[0], text)
