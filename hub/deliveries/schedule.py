"""When a municipality's system takes deliveries: weekly hours, dated exceptions and announced closures, as values.

Not the counter's hours (``municipalities.opening``): a core system runs its night batch while the counter is
closed and stops over a weekend for a migration. Without any hours a system is open day and night.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from municipalities.opening import JST, ONE_DAY, holidays, in_japan, is_turn_of_year

#: How far ahead the next opening is looked for: first a little, then a year.
HORIZONS = (timedelta(days=15), timedelta(days=366))


@dataclass(frozen=True, slots=True)
class Hours:
    """From when until when on one day; an end of 00:00 is the end of the day."""

    opens_at: time
    closes_at: time
    #: Whether weekly hours hold on national holidays and from 29 December to 3 January too.
    on_holidays: bool = True

    def on(self, day: date) -> tuple[datetime, datetime]:
        """The two moments on that day."""
        last = day + ONE_DAY if self.closes_at == time() else day
        return datetime.combine(day, self.opens_at, JST), datetime.combine(last, self.closes_at, JST)


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which it is open: from the first moment, until before the second."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that decides whether a system is open; without arguments it always is."""

    #: By day of the week, Monday 0.
    weekly: Mapping[int, Sequence[Hours]] = field(default_factory=dict)
    #: Take the place of the weekly hours on one day; no hours mean closed.
    dated: Mapping[date, Sequence[Hours]] = field(default_factory=dict)
    #: Announced closures, which shut whatever the hours say.
    closures: Sequence[tuple[datetime, datetime]] = ()

    @property
    def always(self) -> bool:
        """Whether nothing is ever closed."""
        return not (self.weekly or self.dated or self.closures)

    def hours_on(self, day: date) -> Sequence[Hours]:
        """The hours of that day."""
        if day in self.dated:
            return self.dated[day]
        if not self.weekly:
            return (Hours(time(), time()),)
        free = day in holidays() or is_turn_of_year(day)
        return [hours for hours in self.weekly.get(day.weekday(), ()) if hours.on_holidays or not free]

    def period(self, now: datetime) -> Period | None:
        """The open period around this moment, or the next one; ``None`` when none begins within a year.

        A period that lasts longer than is looked ahead ends there: ask again then.

        >>> nights = Schedule({day: [Hours(time(20), time())] for day in range(7)})
        >>> nights.period(datetime(2026, 4, 1, 9, tzinfo=JST)).opens.isoformat()
        '2026-04-01T20:00:00+09:00'
        """
        for horizon in HORIZONS:
            for period in self._periods(in_japan(now).date(), horizon):
                if period.closes > now:
                    return period
        return None

    def _periods(self, today: date, horizon: timedelta) -> Iterator[Period]:
        """Open periods in order from yesterday on, those that touch made one, closures cut out."""
        whole: list[Period] = []
        for number in range(-1, horizon.days):
            day = today + ONE_DAY * number
            for opens, closes in sorted(hours.on(day) for hours in self.hours_on(day)):
                if whole and opens <= whole[-1].closes:
                    whole[-1] = Period(whole[-1].opens, max(whole[-1].closes, closes))
                else:
                    whole.append(Period(opens, closes))
        for period in whole:
            yield from self._cut(period)

    def _cut(self, period: Period) -> Iterator[Period]:
        """What closures leave of a period."""
        opens = period.opens
        for starts, ends in sorted(self.closures):
            if ends <= opens or starts >= period.closes:
                continue
            if starts > opens:
                yield Period(opens, starts)
            opens = max(opens, ends)
        if opens < period.closes:
            yield Period(opens, period.closes)
