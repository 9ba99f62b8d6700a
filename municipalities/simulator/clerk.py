"""The careful clerk: which receipts and reports follow from one record.

A pure function of the record and the day. What it sends is fixed when the record is taken in, so that a
repeat after a crash is the same message under the same id.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import NAMESPACE_URL, uuid5

import msgspec

from municipalities.notice import Flow, Kind, Notice, Role

JST = timezone(timedelta(hours=9), "JST")
NAMESPACE = uuid5(NAMESPACE_URL, "https://hikkoshi-hub.example/simulated-towns")

#: What follows each notice, in order: names with a dot are reports (after a colon the outcome), the others receipts.
#: A role after the type goes before the type alone. ``certificate.*`` stands for what ends a move-out of this flow;
#: ``arrival`` is the destination of a move without a move-out, where the new version is what is decided on.
PLANS = {
    "moveout.submitted": (
        "received", "accepted_for_review", "moveout.reviewing",
        "registered", "moveout.decided:REGISTERED", "certificate.*",
    ),
    "filing.amended origin": (
        "received", "accepted_for_review", "moveout.reviewing",
        "registered", "moveout.decided:REGISTERED", "certificate.*",
    ),
    "filing.amended": ("received", "registered"),
    "filing.amended arrival": ("received", "registered", "arrival.visited", "movein.decided:REGISTERED"),
    "arrival.planned": ("received", "accepted_for_review", "arrival.plan_ack"),
    "arrival.prefill": ("received", "accepted_for_review", "arrival.visited", "movein.decided:REGISTERED"),
    "movein.notice": ("received", "registered", "moveout.effective", "movein.notice_applied"),
    "movein.notice last_registered": ("received", "registered", "movein.notice_applied"),
    "appendix.notice": ("received", "registered", "appendix.applied"),
    "correction.notified domicile": ("received", "registered", "appendix.applied"),
    "correction.notified": ("received", "registered"),
    "task.opened": ("received", "accepted_for_review", "task.result:DONE"),
    "task.cancelled": ("received", "registered"),
    "moveout.transfer_docs": ("received", "registered"),
    "withdraw.requested": ("received", "registered"),
    "cancel.requested origin": ("received", "registered", "cancel.decided:CANCEL_ADD"),
    "cancel.requested destination": ("received", "registered", "cancel.decided:*"),
    "certificate.recalled": ("received", "registered"),
    "movein.cancelled domicile": ("received", "registered", "appendix.applied"),
    "movein.cancelled": ("received", "registered"),
    "inquiry.nonarrival": ("received", "registered", "inquiry.replied:NOT_ARRIVED"),
    "protection.route": ("received", "registered"),
}  # fmt: skip
#: Notices whose final registration is the decision on the move-out.
DECIDED = frozenset({"moveout.submitted", "filing.amended"})
#: Types of notices that this clerk knows.
TYPES = frozenset(name.partition(" ")[0] for name in PLANS)
#: Notices after which nothing more is reported that an earlier one of the same relocation led to.
STOPS = frozenset({"withdraw.requested", "certificate.recalled", "filing.amended"})
#: Moves inside one municipality: what is cancelled is amended, nobody leaves the register.
WITHIN = frozenset({Kind.IN_CITY, Kind.HOUSEHOLD_CHANGE})

#: With which step the town's own books change: the final registration (本登録), except where there is none.
EFFECT = {"arrival.planned": "arrival.plan_ack", "arrival.prefill": "movein.decided", "task.opened": "task.result"}
REGISTRATION = "registered"

#: Kinds in which the move-out is filed at the town that is left.
FILED_OUT = frozenset({Kind.DOMESTIC, Kind.OVERSEAS_OUT})

#: Of these a town makes only one per mover, whichever version of the filing leads to it.
ONCE = frozenset({"moveout.effective", "arrival.visited"})


class Step(msgspec.Struct, frozen=True):
    """One message to the hub. Two steps with the same key are the same message."""

    key: str
    name: str  #: receipt kind or report type
    path: str
    body: bytes
    effect: bool = False

    @property
    def is_report(self) -> bool:
        """Whether it is a report rather than a receipt."""
        return "." in self.name


def today() -> date:
    """The date at the town's counter."""
    return datetime.now(UTC).astimezone(JST).date()


def plan(notice: Notice, day: date) -> tuple[Step, ...]:
    """What the clerk will send about this notice, in order."""
    return tuple(_steps(notice, day))


def _steps(notice: Notice, day: date) -> Iterator[Step]:
    role = "arrival" if notice.role is Role.DESTINATION and notice.kind not in FILED_OUT else notice.role
    plan = PLANS.get(f"{notice.type} {role}") or PLANS.get(f"{notice.type} {notice.role}") or PLANS[notice.type]
    for entry in plan:
        name, _, outcome = (_certificate(notice) if entry == "certificate.*" else entry).partition(":")
        if outcome == "*":
            outcome = "CANCEL_AMENDED" if notice.kind in WITHIN else "CANCEL_REMOVE"
        effect = name == EFFECT.get(notice.type, REGISTRATION)
        if "." in name:
            yield _report(notice, name, outcome, day, effect)
        else:
            legal = legal_date(notice, name, day)
            yield receipt(notice.notice_id, name, legal_date=legal, effect=effect)


def _certificate(notice: Notice) -> str:
    """What follows an accepted move-out; who moves abroad gets no certificate (Order Art. 24(1))."""
    if notice.kind is Kind.OVERSEAS_OUT:
        return "moveout.effective"
    return "certificate.available" if notice.flow is Flow.CARD_SPECIAL else "certificate.paper_issued"


def receipt(
    delivery: str, kind: str, *, errors: tuple[dict[str, str], ...] = (), legal_date: date | None = None,
    effect: bool = False,
) -> Step:  # fmt: skip
    """A receipt about one delivery."""
    body = {"kind": kind, "errors": errors, "legal_date": legal_date, "differences": ()}
    path = f"/api/v1/deliveries/{delivery}/receipts"
    return Step(f"{delivery}/{kind}", kind, path, msgspec.json.encode(body), effect)


def resend(town: str, delivery: str, spoilt: str) -> Step:
    """The wish to have a delivery again, because what arrived was spoilt (message 73)."""
    number = str(uuid5(NAMESPACE, f"{town}/{delivery}/resend/{spoilt}"))
    body = {"id": number, "type": "resend.requested", "receipt_no": "", "outcome": "", "delivery": delivery}
    return Step(number, "resend.requested", "/api/v1/reports", msgspec.json.encode(body))


def _report(notice: Notice, name: str, outcome: str, day: date, effect: bool) -> Step:
    ordinals = sorted(mover.ordinal for mover in notice.movers)
    number = report_id(notice, name, ordinals)
    body: dict[str, object] = {
        "id": number,
        "type": name,
        "receipt_no": notice.receipt_no,
        "outcome": outcome,
        "legal_date": legal_date(notice, name, day),
    }
    if ordinals:
        body["movers"] = ordinals
    if name == "task.result":  # of the task that this notice opened: the hub knows it by the notice
        body |= {"delivery": notice.notice_id, "receipt_no": ""}
    if name.startswith("certificate."):
        body["reference"] = f"CS-{number[:8]}"  # the statutory line's own reference, opaque to the hub
    if name == "arrival.visited" and notice.flow is Flow.CARD_SPECIAL:
        body["card_shown"] = True
    return Step(number, name, "/api/v1/reports", msgspec.json.encode(body), effect)


def report_id(notice: Notice, name: str, ordinals: list[int]) -> str:
    """The report's id: the same whenever the same town reports the same thing about the same movers."""
    version = "" if name in ONCE else notice.version
    told = f"{notice.recipient}/{notice.receipt_no}/{version}/{name}/{ordinals}"
    if name == "task.result":
        told += f"/{notice.notice_id}"
    if notice.type == "movein.cancelled":  # applied again, in the same version: it takes back what was applied before
        told += f"/{notice.type}"
    return str(uuid5(NAMESPACE, told))


def legal_date(notice: Notice, name: str, day: date) -> date | None:
    """The date with legal effect that goes with a receipt or report, if it has one.

    Only a move-out may be dated in the future; a person moves in today or before. The record at the
    origin is deleted on the planned date, or on the actual one if that is earlier.
    """
    if name in {"received", "accepted_for_review"}:
        return None
    if name in {"arrival.visited", "movein.decided"}:
        return min(day, notice.living_from or day)
    if notice.type == "movein.notice":
        return min((when for when in (notice.planned_out_on, notice.actual_in_on) if when), default=day)
    if name in {"moveout.decided", "moveout.effective"} or (
        notice.type == "moveout.submitted" and name == "registered"
    ):
        return notice.planned_out_on or day
    return day if name in {"registered", "appendix.applied", "cancel.decided"} else None
