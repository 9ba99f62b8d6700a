"""The clocks once the movers stand at the counter: judged by the day on which they moved in indeed.

Until then that day is as it was planned, and so is what ran out by it. Who came later than planned has not lost the
flow with the card (Order Art. 24-2), who came earlier may have. It is judged for each mover: they may have left on
different days, and one may have lost it while the others have not.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

import msgspec
from django.utils import timezone

from hub.catalogue import refuse
from hub.relocations import alerts, facts, services, timers
from hub.relocations.clocks import table
from hub.relocations.filing import Filing
from hub.relocations.models import Deadline, DeadlineState, Relocation, Report
from hub.relocations.notes import Notes
from hub.relocations.reported import ReportBody
from hub.vault import cipher
from municipalities.notice import Flow, Kind, Role
from municipalities.openings import opening

#: Reports of a visit, and the outcome of one which says that who had appeared before has presented the card.
APPEARED, PRESENTED = ("arrival.visited", "arrival.diverted"), "CARD_PRESENTED"
#: Clocks whose end ends the flow with the card, and the one within which the card must be presented.
OF_THE_CARD = ("SPECIAL14", "C30")
CARD = "C90"
#: What planned days ran out by, answered by the counter once everybody it is about has appeared.
BY_PLAN = ("A404", "A408")
#: The 90 days have passed.
NOT_PRESENTED = "A409"


def take(
    report: Report,
    body: ReportBody,
    relocation: Relocation,
    rows: facts.Rows,
    notes: Notes,
    unsealed: services.Opened,
) -> None:
    """Take in that movers appeared, or that some who had appeared before presented the card."""
    if report.outcome == PRESENTED:
        presented(report, body, relocation, rows, unsealed)
    else:
        first(report, body, relocation, rows, notes, unsealed)


def first(
    report: Report,
    body: ReportBody,
    relocation: Relocation,
    rows: facts.Rows,
    notes: Notes,
    unsealed: services.Opened,
) -> None:
    """Judge the filing's day and the flow with the card, and start the 90 days; E308 for an impossible day."""
    visited = _visited_on(body)
    _again(report, relocation, rows)
    if body.legal_date is None:
        return
    if body.legal_date > visited:
        raise refuse("E308", "/visited_on", IMPOSSIBLE)
    answered = _in_time(relocation, report, body.legal_date, visited)
    judged = _with_the_card(relocation, report, rows)
    for planned, ordinals in _by_day_of_leaving(unsealed.filing, judged) if judged else ():
        counts, raised = _card_counts(relocation, report, (body.legal_date, planned), visited, ordinals)
        answered |= raised
        services.change_flow(relocation, rows, notes, Flow.CARD_SPECIAL if counts else Flow.PAPER_CERT, ordinals)
        if counts and not body.card_shown:
            timers.begin(relocation, table()[CARD], str(report.municipality_id), visited, ordinals)
    _settle_by_plan(relocation, rows, answered)
    if body.card_shown:
        _meet(relocation, report, rows, unsealed.key)


def _again(report: Report, relocation: Relocation, rows: facts.Rows) -> None:
    """Let the clerk look where a move-in that was cancelled is entered again: restored, or filed anew.

    Whether the flow with the card, which is for the first filing alone, holds on is not settled (Order Art. 24-2).
    """
    town = str(report.municipality_id)
    again = [
        mover.ordinal
        for mover in rows.movers
        if (mover.role, mover.municipality_id, mover.state) == (Role.DESTINATION, town, "CANCELLED")
        and mover.ordinal in report.ordinals
    ]
    if again:
        alerts.tell(relocation, [town], "A430", again, str(report.pk))


#: Why a day of the visit is refused.
IMPOSSIBLE = "Not before they moved in, and not in the future."


def _visited_on(body: ReportBody) -> date:
    today = timezone.localdate()
    visited = body.visited_on or today
    if visited > today:
        raise refuse("E308", "/visited_on", IMPOSSIBLE)
    return visited


def _in_time(relocation: Relocation, report: Report, event: date, visited: date) -> set[tuple[str, str]]:
    """Tell the clerk of a filing that is late by the day of moving in; returns the alerts that stand after all.

    That a filing seemed late by the planned day is not answered either while the town's holidays are not known.
    """
    clock, town = table()["C14"], str(report.municipality_id)
    if Kind(relocation.kind) not in clock.kinds:
        return set()
    rolled = clock.rolled(event, opening(town))
    if rolled is not None and visited <= rolled:
        return set()
    if rolled is None:
        late = visited > clock.last_day(event)
        standing = relocation.alerts.filter(code=clock.alert) if late else relocation.alerts.none()
        return set(standing.values_list("code", "about"))
    about = timers.about(clock.clock, event)
    alerts.tell(relocation, [town], clock.alert, report.ordinals, about)
    return {(clock.alert, about)}


def _with_the_card(relocation: Relocation, report: Report, rows: facts.Rows) -> list[int]:
    """Return who of these goes the way with the card, or has lost it because days went by and by nothing else."""
    passed = relocation.deadlines.filter(clock__in=OF_THE_CARD, state=DeadlineState.PASSED)
    lapsed = {ordinal for row in passed for ordinal in row.ordinals}
    for row in rows.reports:
        if (row.type, row.outcome) == ("moveout.decided", "EX_OFFICIO"):
            lapsed.difference_update(row.ordinals)
    flows = facts.flows(rows)
    return [
        ordinal
        for ordinal in report.ordinals
        if flows[ordinal] is Flow.CARD_SPECIAL or (flows[ordinal] is Flow.PAPER_CERT and ordinal in lapsed)
    ]


def _by_day_of_leaving(filing: Filing, ordinals: Collection[int]) -> Iterator[tuple[date | None, list[int]]]:
    """Yield these movers by the day on which they planned to leave: their own, or the filing's."""
    found: dict[date | None, list[int]] = {}
    for mover in filing.movers:
        if mover.ordinal in ordinals:
            found.setdefault(mover.leaves_on or filing.planned_out_on, []).append(mover.ordinal)
    yield from found.items()


def _card_counts(
    relocation: Relocation, report: Report, starts: tuple[date, date | None], visited: date, ordinals: list[int]
) -> tuple[bool, set[tuple[str, str]]]:
    """Tell whether the flow with the card is still open, and the clerk where it is not or where that is uncertain.

    ``starts``: days of moving in and of leaving. Returns besides which alert says that it is not.
    """
    town = str(report.municipality_id)
    for name, start in zip(OF_THE_CARD, starts, strict=True):
        clock = table()[name]
        if start is None or visited <= clock.last_day(start):
            continue
        rolled, about = clock.rolled(start, opening(town)), timers.about(name, start)
        if rolled is not None and visited > rolled:
            alerts.tell(relocation, [town], clock.alert, ordinals, about)
            return False, {(clock.alert, about)}
        alerts.tell(relocation, [town], "A420", ordinals, about)
    return True, set()


def _settle_by_plan(relocation: Relocation, rows: facts.Rows, standing: Collection[tuple[str, str]]) -> None:
    """Take note that the counter has answered what planned days had raised, but for what it found itself."""
    appeared = {ordinal for row in rows.reports if row.type in APPEARED for ordinal in row.ordinals}
    for alert in relocation.alerts.filter(code__in=BY_PLAN, settled_at=None):
        if (alert.code, alert.about) not in standing and appeared.issuperset(alert.ordinals):
            alerts.settle(alert)


def presented(
    report: Report, body: ReportBody, relocation: Relocation, rows: facts.Rows, unsealed: services.Opened
) -> None:
    """Take note that movers who had appeared before presented the card (Order Art. 30-20); E308 for an impossible day.

    The day is ``visited_on``, or today: what is reported after the 90 days may have been done within them.
    """
    shown, waiting = _visited_on(body), relocation.deadlines.filter(clock=CARD, municipality=report.municipality_id)
    if any(shown < row.starts_on for row in waiting if not set(report.ordinals).isdisjoint(row.ordinals)):
        raise refuse("E308", "/visited_on", "Not before the first move-in filing, and not in the future.")
    _meet(relocation, report, rows, unsealed.key)


class _Shown(msgspec.Struct):
    """The part of a visit's report that says whether and when the card was presented."""

    card_shown: bool | None = None
    visited_on: date | None = None


def shown_on(rows: facts.Rows, town: str, key: bytes) -> Mapping[int, date]:
    """Return the first day on which each mover presented the card at this town."""
    found: dict[int, date] = {}
    heirs = rows.heirs
    for row in rows.reports:
        if row.type not in APPEARED or heirs.get(row.municipality_id, row.municipality_id) != town:
            continue
        said = msgspec.json.decode(cipher.unseal(key, bytes(row.body), row.identity), type=_Shown)
        if said.card_shown or row.outcome == PRESENTED:
            day = said.visited_on or timezone.localdate(row.received_at)
            for ordinal in row.ordinals:
                found[ordinal] = min(day, found.get(ordinal, day))
    return found


def _meet(relocation: Relocation, report: Report, rows: facts.Rows, key: bytes) -> None:
    """Stop the 90 days of whoever presented the card; a clerk is told who was too late and where that is uncertain."""
    waiting = list(relocation.deadlines.filter(clock=CARD, municipality=report.municipality_id))
    days = shown_on(rows, str(report.municipality_id), key) if waiting else {}
    for row in waiting:
        concerned = days.keys() & set(row.ordinals)
        if not concerned.isdisjoint(report.ordinals):
            _judge_card(relocation, row, {ordinal: days[ordinal] for ordinal in concerned})


def _judge_card(relocation: Relocation, row: Deadline, days: Mapping[int, date]) -> None:
    town, about = str(row.municipality_id), timers.about(CARD, row.starts_on)
    rolled = row.rolled_due_on or table()[CARD].rolled(row.starts_on, opening(town))
    late = {ordinal for ordinal, day in days.items() if rolled is not None and day > rolled}
    unsure = {ordinal for ordinal, day in days.items() if day > row.due_on} - late
    for code, ordinals in ((NOT_PRESENTED, late), ("A420", unsure)):
        if ordinals:
            alerts.tell(relocation, [town], code, ordinals, about)
    in_time = days.keys() - late
    if in_time >= set(row.ordinals) and row.state in (DeadlineState.RUNNING, DeadlineState.PASSED):
        timers.end(row, DeadlineState.MET)
    elif late and days.keys() >= set(row.ordinals) and row.state == DeadlineState.RUNNING:
        timers.end(row, DeadlineState.PASSED)
    for alert in relocation.alerts.filter(code=NOT_PRESENTED, municipality=town, settled_at=None):
        if in_time >= set(alert.ordinals):
            alerts.settle(alert)
