"""Writing a notice with what clerks decided: used by the fetch and the desk, and by the courier in its own way."""

from hub.fidelity import services as fidelity
from hub.fidelity.services import NOTHING, Recalled
from municipalities import standard
from municipalities.characters import Question
from municipalities.errors import UnfitError
from municipalities.notice import Notice


def recalled(layout: standard.Standard, notice: Notice) -> Recalled:
    """Return what was decided about the texts that this layout leaves open; nothing is asked when it leaves none."""
    return fidelity.recall(notice.recipient, [asked(question) for question in layout.questions(notice)])


def asked(question: Question) -> fidelity.Asked:
    """Return what a decision about this question is kept under."""
    return question.target, question.text


def write(layout: standard.Standard, notice: Notice) -> tuple[standard.Written, Recalled]:
    """Write; what clerks decided is asked for only when the notice cannot be written without it.

    Raises ``UnfitError`` when a question stays open, or when a value has no code.
    """
    try:
        return layout.write(notice), NOTHING
    except UnfitError as error:
        found = recalled(layout, notice)
        if not found.decisions:
            raise error from None
    return layout.write(notice, found.decisions), found
