"""The life of a task: its states, and from which state which others may follow."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """Where a task is."""

    PENDING = "PENDING", _("waiting for its gate")
    READY = "READY", _("open, not handed over yet")
    SENT = "SENT", _("handed to the department")
    DONE = "DONE", _("done")
    SUPERSEDED = "SUPERSEDED", _("superseded")
    DECLINED = "DECLINED", _("declined")
    NOT_NEEDED = "NOT_NEEDED", _("not needed")


#: What an end by a department or a clerk may be; only what has opened can be done.
SETTLED = (State.DONE, State.NOT_NEEDED, State.DECLINED)
#: What still needs somebody.
OPEN = (State.PENDING, State.READY, State.SENT)

#: The whole state machine; the database refuses every other step (see ``Task.Meta.triggers``).
NEXT: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.READY, State.NOT_NEEDED, State.DECLINED, State.SUPERSEDED}),
    State.READY: frozenset({State.SENT, *SETTLED, State.SUPERSEDED}),
    State.SENT: frozenset({*SETTLED, State.SUPERSEDED}),
    # What was settled is superseded only when something that its rule reads has changed (order rule O11).
    State.DONE: frozenset({State.SUPERSEDED}),
    State.NOT_NEEDED: frozenset({State.SUPERSEDED}),
    State.DECLINED: frozenset({State.SUPERSEDED}),
    State.SUPERSEDED: frozenset(),
}


class Reason(TextChoices):
    """Why a task was settled otherwise than done, or what is still wanted. Codes: nobody writes about a person."""

    NONE = "", "—"
    NEEDS_VISIT = "needs_visit", _("a visit to the counter is needed")
    NOT_APPLICABLE = "not_applicable", _("it does not apply to this person")
    OTHER_WAY = "other_way", _("it was done in another way")
    CITIZEN_DECLINED = "citizen_declined", _("the citizen does not want it")
    REQUIREMENTS = "requirements", _("a requirement is not met")


class Asks(TextChoices):
    """What a clerk must decide before the task can open."""

    NOTHING = "", "—"
    BIRTH = "birth", _("the date of birth is uncertain: does it apply?")
