"""The careful clerk: which receipts and reports follow from one record.

A pure function of the record and the day. What it sends is fixed when the record is taken in, so that a
repeat after a crash is the same message under the same id.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import NAMESPACE_URL, uuid5

import msgspec

from municipalities.notice import Flow, Notice

JST = timezone(timedelta(hours=9), "JST")
NAMESPACE = uuid5(NAMESPACE_URL, "https://hikkoshi-hub.example/simulated-towns")

#: What follows each notice, in order: names with a dot are reports, the others receipts.
#: ``certificate.*`` stands for the certificate that fits the flow.
PLANS = {
    "moveout.submitted": (
        "received", "accepted_for_review", "moveout.reviewing",
        "registered", "moveout.decided", "certificate.*",
    ),
    "arrival.planned": ("received", "accepted_for_review", "arrival.plan_ack"),
    "arrival.prefill": ("received", "accepted_for_review", "arrival.visited", "movein.decided"),
    "movein.notice": ("received", "registered", "moveout.effective", "movein.notice_applied"),
    "appendix.notice": ("received", "registered", "appendix.applied"),
    "withdraw.requested": ("received", "registered"),
}  # fmt: skip

#: With which step the town's own books change: the final registration (本登録), except where there is none.
EFFECT = {"arrival.planned": "arrival.plan_ack", "arrival.prefill": "movein.decided"}
REGISTRATION = "registered"

#: Of these a town makes only one per mover, whichever version of the filing leads to it.
ONCE = frozenset({"moveout.effective"})


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
    for entry in PLANS[notice.type]:
        name = _certificate(notice.flow) if entry == "certificate.*" else entry
        effect = name == EFFECT.get(notice.type, REGISTRATION)
        if "." in name:
            yield _report(notice, name, day, effect)
        else:
            legal = legal_date(notice, name, day)
            yield receipt(notice.notice_id, name, legal_date=legal, effect=effect)


def _certificate(flow: Flow) -> str:
    return "certificate.available" if flow is Flow.CARD_SPECIAL else "certificate.paper_issued"


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


def _report(notice: Notice, name: str, day: date, effect: bool) -> Step:
    ordinals = sorted(mover.ordinal for mover in notice.movers)
    number = report_id(notice, name, ordinals)
    body: dict[str, object] = {
        "id": number,
        "type": name,
        "receipt_no": notice.receipt_no,
        "outcome": "REGISTERED" if name.endswith(".decided") else "",
        "legal_date": legal_date(notice, name, day),
    }
    if ordinals:
        body["movers"] = ordinals
    if name.startswith("certificate."):
        body["reference"] = f"CS-{number[:8]}"  # the statutory line's own reference, opaque to the hub
    if name == "arrival.visited" and notice.flow is Flow.CARD_SPECIAL:
        body["card_shown"] = True
    return Step(number, name, "/api/v1/reports", msgspec.json.encode(body), effect)


def report_id(notice: Notice, name: str, ordinals: list[int]) -> str:
    """The report's id: the same whenever the same town reports the same thing about the same movers."""
    version = "" if name in ONCE else notice.version
    told = f"{notice.recipient}/{notice.receipt_no}/{version}/{name}/{ordinals}"
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
    if notice.type == "moveout.submitted" and name in {"registered", "moveout.decided"}:
        return notice.planned_out_on or day
    return day if name in {"registered", "appendix.applied"} else None
