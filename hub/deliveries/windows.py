"""When a municipality takes deliveries: hours, dated exceptions and announced closures, written on its lane.

The lane's row carries the open period of now (or the next one), so that a claim asks one row and works out no
calendar. Nothing is discarded: what is due while a lane is closed goes out in order once it opens.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.deliveries import lanes
from hub.deliveries.models import Closure, DatedHours, Lane, WeeklyHours
from hub.deliveries.schedule import Hours, Period, Schedule

#: An announcement reaches no further ahead, and a closure lasts no longer; anything else is a slip of the pen.
FURTHEST, LONGEST = timedelta(days=400), timedelta(days=31)


def announce(
    municipality: str, starts: datetime, ends: datetime, note_code: str = Closure.Note.MAINTENANCE.value
) -> Closure:
    """Write down that this municipality's system will be closed from ``starts`` until before ``ends``.

    Both are moments with a time zone. Saying it again is the same announcement. Raises ``Refusal`` E110 for a
    closure that is over, ends before it starts, lasts longer than 31 days or lies more than 400 days ahead, and
    for an unknown code.
    """
    now = timezone.now()
    if note_code not in Closure.Note.values:
        raise refuse("E110", "/note_code", f"One of {', '.join(Closure.Note.values)}.")
    if timezone.is_naive(starts) or timezone.is_naive(ends):
        raise refuse("E110", "/starts", "Moments with a time zone (RFC 3339).")
    if not now < ends <= now + FURTHEST or not timedelta() < ends - starts <= LONGEST:
        raise refuse("E110", "/ends", "After «starts», in the future, at most 31 days long.")
    row, new = Closure.objects.get_or_create(
        municipality_id=municipality, starts=starts, ends=ends, cancelled_at=None, defaults={"note_code": note_code}
    )
    if new:
        detail = {"starts": starts.isoformat(), "ends": ends.isoformat(), "note": note_code}
        audit.record(audit.Act("lane.closure_announced", f"lane:{municipality}", detail))
        refresh([municipality])
    return row


def cancel(closure: Closure) -> None:
    """Take an announcement back; the lane opens at once if nothing else keeps it closed."""
    if closure.cancelled_at is None:
        closure.cancelled_at = timezone.now()
        closure.save(update_fields=["cancelled_at"])
        detail = {"starts": closure.starts.isoformat(), "ends": closure.ends.isoformat()}
        audit.record(audit.Act("lane.closure_cancelled", f"lane:{closure.municipality_id}", detail))
        refresh([closure.municipality_id])


def opens_at(municipality: str, now: datetime) -> datetime | None:
    """Return from when the municipality's system takes deliveries: ``now`` itself while it is open.

    ``None`` when it does not open within a year. A pause by a person is not counted: nobody knows its end.
    """
    period = schedules([municipality])[municipality].period(now)
    return max(period.opens, now) if period else None


def receives_from(codes: Iterable[str], now: datetime | None = None) -> dict[str, datetime]:
    """Return, of these municipalities, those that are closed now and when each opens.

    The hub itself answers, for citizens and partner fronts see no lanes.
    """
    now = now or timezone.now()
    with acting(HUB):
        rows = Lane.objects.filter(pk__in=set(codes), open_from__gt=now)
        return {code: opens for code, opens in rows.values_list("pk", "open_from") if opens is not None}


def schedules(codes: Iterable[str], since: datetime | None = None) -> dict[str, Schedule]:
    """Return the schedule of each municipality from now (or ``since``) on, in three queries however many they are.

    The hub itself reads: a lane is the same whoever asks for it.
    """
    codes, since = sorted(set(codes)), since or timezone.now()
    recent = timezone.localdate(since) - timedelta(days=2)
    with acting(HUB):
        every_week = list(WeeklyHours.objects.filter(municipality__in=codes))
        on_dates = list(DatedHours.objects.filter(municipality__in=codes, day__gte=recent))
        announced = list(Closure.objects.filter(municipality__in=codes, cancelled_at=None, ends__gt=since))
    weekly: dict[str, dict[int, list[Hours]]] = {code: {} for code in codes}
    dated: dict[str, dict[date, list[Hours]]] = {code: {} for code in codes}
    closures: dict[str, list[tuple[datetime, datetime]]] = {code: [] for code in codes}
    for row in every_week:
        hours = Hours(row.opens_at, row.closes_at, row.on_holidays)
        weekly[row.municipality_id].setdefault(row.day, []).append(hours)
    for one in on_dates:
        day = dated[one.municipality_id].setdefault(one.day, [])
        if one.opens_at is not None and one.closes_at is not None:
            day.append(Hours(one.opens_at, one.closes_at))
    for closure in announced:
        closures[closure.municipality_id].append((closure.starts, closure.ends))
    return {code: Schedule(weekly[code], dated[code], closures[code]) for code in codes}


WRITE = """
UPDATE deliveries_lane AS lane SET open_from = p.opens, open_until = p.closes
  FROM unnest(%s::varchar[], %s::timestamptz[], %s::timestamptz[]) AS p(code, opens, closes)
 WHERE lane.municipality_id = p.code
"""


def refresh(codes: Iterable[str]) -> None:
    """Write the open period of now (or the next one) on these lanes; called when hours or closures change."""
    now = timezone.now()
    found = schedules(codes)
    periods = {code: _period(schedule, now) for code, schedule in found.items()}
    columns: list[Any] = [
        list(periods),
        [period.opens if period else None for period in periods.values()],
        [period.closes if period else None for period in periods.values()],
    ]
    with acting(HUB), connection.cursor() as cursor:
        lanes.ensure(periods)
        cursor.execute(WRITE, columns)
    transaction.on_commit(lanes.wake)


def _period(schedule: Schedule, now: datetime) -> Period | None:
    if schedule.always:
        return None
    never = now + FURTHEST
    return schedule.period(now) or Period(never, never + timedelta(days=1))


def roll(now: datetime) -> int:
    """Give lanes whose open period is over their next one; returns how many. Cheap when there are none."""
    with acting(HUB):
        codes = list(Lane.objects.filter(open_until__lte=now).order_by("pk").values_list("pk", flat=True))
        if codes:
            refresh(codes)
    return len(codes)
