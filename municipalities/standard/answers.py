"""What a town sends back about notices: its receipts, as ``answers.csv`` of its standard lays them out."""

from datetime import date, datetime
from enum import StrEnum

from municipalities.notice import Record


class AnswerKind(StrEnum):
    """What a town says to a notice (message 70); technical receipt and legal acceptance are two things."""

    RECEIVED = "received"  #: 受領
    ACCEPTED_FOR_REVIEW = "accepted_for_review"  #: 仮登録
    REGISTERED = "registered"  #: 本登録
    RETURNED = "returned"  #: 補正
    REJECTED = "rejected"  #: 不受理
    IMPLAUSIBLE = "implausible"  #: 事実相違


class Answer(Record, frozen=True):
    """One answer to one notice."""

    notice_id: str
    kind: AnswerKind
    errors: tuple[str, ...] = ()  #: codes of the error catalogue, or the town's own words
    legal_date: date | None = None  #: the day from which what was decided counts
    received_at: datetime | None = None  #: when the town took the notice in


class Answers(Record, frozen=True):
    """A file of answers."""

    answers: tuple[Answer, ...] = ()
