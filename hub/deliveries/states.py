"""The life of a delivery: its states, and from which state which others may follow (design 5)."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """Where a delivery is."""

    QUEUED = "queued", _("waiting to be sent")  #: due at ``due_at``, or parked behind an earlier one
    READY = "ready", _("waiting to be fetched")  #: a pulling town has not fetched it yet
    SENT = "sent", _("handed over")  #: the town has it; its answer is awaited
    ANSWERED = "answered", _("answered")
    HELD = "held", _("held: a person must look")
    SUPERSEDED = "superseded", _("superseded by a later version")
    WITHDRAWN = "withdrawn", _("withdrawn before it was sent")
    EXPIRED = "expired", _("expired")


#: The whole state machine; the database refuses every other step (see ``Delivery.Meta.triggers``).
NEXT: dict[State, frozenset[State]] = {
    # A town may answer before the courier has written down that it sent.
    State.QUEUED: frozenset(
        {State.READY, State.SENT, State.ANSWERED, State.HELD, State.SUPERSEDED, State.WITHDRAWN, State.EXPIRED}
    ),
    State.READY: frozenset(
        {State.SENT, State.ANSWERED, State.QUEUED, State.HELD, State.SUPERSEDED, State.WITHDRAWN, State.EXPIRED}
    ),
    # Back to queued: the town asked to have it again (resend.requested), under the same id.
    State.SENT: frozenset({State.ANSWERED, State.QUEUED, State.HELD}),
    State.ANSWERED: frozenset({State.QUEUED}),
    # Sent without the line: the town took on paper what its system cannot hold.
    State.HELD: frozenset({State.QUEUED, State.SENT, State.SUPERSEDED, State.WITHDRAWN}),
    State.SUPERSEDED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
}

#: A later delivery for the same relocation and town waits while an earlier one is in one of these.
UNSENT = (State.QUEUED, State.READY, State.HELD)


class Answer(TextChoices):
    """What a receipt says (message 70). Technical receipt is not acceptance, acceptance not registration."""

    RECEIVED = "received", _("received (受領)")
    ACCEPTED_FOR_REVIEW = "accepted_for_review", _("accepted for review (仮登録)")
    REGISTERED = "registered", _("registered (本登録)")
    RETURNED = "returned", _("returned for correction (補正)")
    REJECTED = "rejected", _("rejected (不受理)")
    IMPLAUSIBLE = "implausible", _("implausible (事実相違)")


#: Answers after which somebody has something to do.
UNWELCOME = (Answer.RETURNED, Answer.REJECTED, Answer.IMPLAUSIBLE)


class Cause(TextChoices):
    """Why a delivery is held, that is: who must act."""

    OURS = "ours", _("the hub")
    THEIRS = "theirs", _("the municipality")
    DATA = "data", _("a clerk decides about the data")
    REFUSED = "refused", _("the municipality refused it")
