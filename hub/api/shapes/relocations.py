"""What partner fronts send and are told."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from hub.api.shapes.base import Envelope
from hub.relocations.filing import Filing
from municipalities.notice import Flow, Record


class Agreement(Record, frozen=True):
    """The citizen's consent that the front files for him or her, as the front has it on record."""

    given_at: Annotated[datetime, msgspec.Meta(tz=True)]
    #: How it was given; «signed_card» is by the certificate of the Individual Number card.
    method: Literal["online", "signed_card", "written", "oral"]
    #: Which wording the citizen agreed to.
    text_version: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    #: The front's own number of the record; opaque, no number of a person.
    reference: Annotated[str, msgspec.Meta(max_length=100)] = ""


class FiledByFront(Filing, frozen=True, kw_only=True):
    """A filing with the consent of the citizen."""

    consent: Agreement | None = None


class Filed(Envelope, frozen=True):
    """A relocation that was taken in."""

    receipt_no: str
    state: str
    filed_on: date
    version: int
    id: UUID


class MoverState(Envelope, frozen=True):
    """The state of one mover on one leg."""

    ordinal: int
    state: str
    #: How this mover's certificate travels; one may have to go another way than the others.
    flow: Flow


class NoticeState(Envelope, frozen=True):
    """What was handed over to a town, and what it answered; «held» is for the hub to clear, never a refusal."""

    type: str
    state: str
    answer: str
    sent_at: datetime | None
    due_at: datetime


class LegState(Envelope, frozen=True):
    """One municipality's part."""

    role: str
    municipality: str
    name: str
    movers: tuple[MoverState, ...]
    notices: tuple[NoticeState, ...]
    #: When the town's system opens, while it is closed and something waits for it.
    receives_from: datetime | None
    #: Since when the statutory line is down there, while something must still pass over it: paper, or wait.
    line_down_since: datetime | None
    #: On which day the town would rather see the movers than on the one announced.
    visit_suggested_on: date | None


class Deadline(Envelope, frozen=True):
    """A statutory or practical deadline, with the movers for whom it is this day."""

    clock: str
    due_on: date
    movers: tuple[int, ...]


class Question(Envelope, frozen=True):
    """Something that must be asked before a procedure is known; ``mover`` is empty for the household."""

    mover: int | None
    question: str
    text: str


class Given(Envelope, frozen=True):
    """What the citizen answered to one question; ``mover`` is empty for a question about the household."""

    question: Annotated[str, msgspec.Meta(max_length=100)]
    answer: Literal["yes", "no"]
    mover: int | None = None


class GivenAnswers(Envelope, frozen=True):
    """Answers to the questions of the procedures; those given before stay, the same question takes the last."""

    answers: Annotated[tuple[Given, ...], msgspec.Meta(min_length=1, max_length=200)]


class Procedure(Envelope, frozen=True):
    """One follow-on procedure of one mover, or of the household; ``state``: the task's, or due, ask, clerk."""

    procedure: str
    rule: str
    title: str
    kind: str
    role: str
    municipality: str
    mover: int | None
    state: str
    reason: str
    due_on: date | None
    questions: tuple[Question, ...]


class Status(Envelope, frozen=True):
    """Where a relocation stands with each town."""

    id: UUID
    receipt_no: str
    state: str
    version: int
    filed_on: date
    legs: tuple[LegState, ...]
    deadlines: tuple[Deadline, ...]
    procedures: tuple[Procedure, ...]


class Answered(Envelope, frozen=True):
    """The procedures as they stand with these answers."""

    changed: bool
    procedures: tuple[Procedure, ...]
