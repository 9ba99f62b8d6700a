"""How a town behaves: a table of profiles, who has which, and when.

A profile is careful in everything it does not name, so several can be mixed: what the later one names counts.
Every draw is a hash of seed, town, subject and attempt, so that a run can be repeated exactly, before and
after a restart.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any

import msgspec

from municipalities.opening import JST, Hours, Opening

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Range = tuple[Seconds, Seconds]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
#: From the first time of day until before the second, in Japan.
Daily = tuple[time, time]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to behave; the defaults are the careful town. Seconds are divided by the run's speed."""

    name: str
    thinks: Range = (0.03, 0.4)  #: seconds the clerk takes before each answer
    accepts_after: Range = (0.0, 0.0)  #: seconds from storing a push to answering it
    down: bool = False  #: answers nothing, fetches nothing, says nothing
    turns: Range | None = None  #: seconds up and seconds down, by turns
    hours: Daily | None = None  #: the system runs on working days between these, and is switched off otherwise
    batch: Daily | None = None  #: takes in at any time; fetches, reads files and answers only between these
    fails: Share = 0.0  #: share of exchanges that end in 5xx or break off
    garbles: Share = 0.0  #: share of answers whose body is broken
    wrongs: Share = 0.0  #: share of answers that are in good form and wrong: not asked for, not of this case
    locks: Share = 0.0  #: share of records that somebody has open: 423, or 409 with E210
    locked_for: Range = (1.0, 4.0)  #: seconds until a locked record is free
    times: Annotated[int, msgspec.Meta(ge=1)] = 1  #: how often each receipt and report is sent
    hasty: bool = False  #: sends the report after the next one first
    refuses: bool = False  #: refuses every notice
    loses_after: Annotated[int, msgspec.Meta(ge=0)] = (
        0  #: after so many notices its disk is lost, once, and it asks for everything again
    )

    def __post_init__(self) -> None:
        for bounds in (self.thinks, self.accepts_after, self.locked_for):
            if bounds[0] > bounds[1]:
                raise ValueError("the first of two seconds is the smaller")
        if self.turns is not None and not sum(self.turns):
            raise ValueError("turns take some time")


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="careful"),
        Profile(name="slow", thinks=(2.0, 5.0), accepts_after=(1.0, 4.0)),
        Profile(name="batch", batch=(time(18), time(18, 30))),
        Profile(name="office_hours", hours=(time(8, 30), time(17, 15))),
        Profile(name="down", down=True),
        Profile(name="flapping", turns=(20.0, 10.0)),
        Profile(name="flaky", fails=0.3),
        Profile(name="locking", locks=0.5),
        Profile(name="garbage", garbles=0.5),
        Profile(name="wrong", wrongs=0.5),
        Profile(name="duplicate", times=2, accepts_after=(0.5, 1.5)),
        Profile(name="out_of_order", hasty=True),
        Profile(name="loses_disk", loses_after=3),
        Profile(name="refusing", refuses=True),
    )
}
CAREFUL = PROFILES["careful"]


def mixed(names: Sequence[str], parameters: Mapping[str, Any] | None = None) -> Profile:
    """One profile of several, with some parameters of one's own.

    Raises ``KeyError`` for a name that is none, ``msgspec.ValidationError`` for a parameter that is none.

    >>> mixed(["slow", "duplicate"]).name, mixed(["slow", "duplicate"]).thinks, mixed(["flaky"], {"fails": 0.9}).fails
    ('slow+duplicate', (2.0, 5.0), 0.9)
    """
    made: dict[str, Any] = {}
    for name in names:
        profile = PROFILES[name]
        made |= {
            field: value
            for field in profile.__struct_fields__
            if (value := getattr(profile, field)) != getattr(CAREFUL, field)
        }
    return msgspec.convert(made | dict(parameters or {}) | {"name": "+".join(names)}, Profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Some towns behave by a profile: always, or from one moment until another, or daily between two times."""

    profile: Profile
    towns: tuple[str, ...] = ()  #: their codes; none: all, or as many as ``percent`` says
    percent: float | None = None  #: this share of the towns, and none that an earlier share has
    begins: datetime | float | None = None  #: a moment, or seconds after the start
    ends: datetime | float | None = None
    daily: Daily | None = None


@dataclass(frozen=True, slots=True)
class _Turn:
    """An act as it falls on a town."""

    profile: Profile
    begins: datetime | None
    ends: datetime | None
    daily: Daily | None

    def applies(self, now: datetime) -> bool:
        return (
            (self.begins is None or self.begins <= now)
            and (self.ends is None or now < self.ends)
            and (self.daily is None or is_between(self.daily, now))
        )


class Faults:
    """Which town behaves how, now; can be changed while running."""

    def __init__(self, codes: Iterable[str], acts: Iterable[Act] = (), seed: int = 0, speed: float = 1.0) -> None:
        self.seed, self.speed = seed, speed
        self._turns: dict[str, list[_Turn]] = {}
        self._start = datetime.now(JST)
        ranked = sorted(codes, key=lambda code: self.draw(code, "rank"))
        dealt = 0
        for act in acts:
            chosen: Sequence[str] = act.towns or ranked
            if act.percent is not None:
                share = round(len(ranked) * act.percent / 100)
                chosen, dealt = ranked[dealt : dealt + share], dealt + share
            turn = _Turn(act.profile, self._moment(act.begins), self._moment(act.ends), act.daily)
            for code in chosen:
                self._turns.setdefault(code, []).append(turn)

    def _moment(self, when: datetime | float | None) -> datetime | None:
        return self._start + timedelta(seconds=when) if isinstance(when, int | float) else when

    def give(self, profile: Profile, codes: Iterable[str], seconds: float | None = None) -> None:
        """Let towns behave by a profile from now on, or for some seconds."""
        ends = None if seconds is None else datetime.now(JST) + timedelta(seconds=seconds)
        for code in codes:
            self._turns.setdefault(code, []).append(_Turn(profile, None, ends, None))

    def of(self, code: str) -> Profile:
        """How this town behaves now; of several acts at a time the last one counts."""
        turns = self._turns.get(code)
        if not turns:
            return CAREFUL
        now = datetime.now(JST)
        return next((turn.profile for turn in reversed(turns) if turn.applies(now)), CAREFUL)

    def is_away(self, code: str) -> bool:
        """Whether the town's system answers nobody now."""
        profile = self.of(code)
        if profile.down or self.opens_in(code) > 0:
            return True
        if profile.turns is None:
            return False
        up, down = (seconds / self.speed for seconds in profile.turns)
        into = (datetime.now(JST).timestamp() + self.draw(code, "turn") * (up + down)) % (up + down)
        return into >= up

    def rests(self, code: str) -> bool:
        """Whether nobody works there now: nothing is fetched, read from a tray or answered."""
        batch = self.of(code).batch
        return self.is_away(code) or (batch is not None and not is_between(batch, datetime.now(JST)))

    def opens_in(self, code: str) -> float:
        """Seconds until a system that keeps office hours is switched on; 0 while it is, or if it keeps none."""
        hours = self.of(code).hours
        if hours is None:
            return 0.0
        now = datetime.now(JST)
        return (Opening(Hours(*hours)).next_open(now) - now).total_seconds()

    def counts(self) -> dict[str, int]:
        """How many towns misbehave in which way."""
        names = [self.of(code).name for code in self._turns]
        return {name: names.count(name) for name in sorted(set(names)) if name != CAREFUL.name}

    def draw(self, code: str, subject: str, attempt: int = 0) -> float:
        """A number from 0 to 1 that only seed, town, subject and attempt decide.

        >>> Faults([]).draw("011011", "a") == Faults([]).draw("011011", "a") != Faults([]).draw("011011", "b")
        True
        """
        told = f"{self.seed}/{code}/{subject}/{attempt}".encode()
        return int.from_bytes(hashlib.blake2b(told, digest_size=4).digest()) / 2**32

    def strikes(self, share: float, what: str, code: str, subject: str, attempt: int = 0) -> bool:
        """Whether a fault that falls on such a share falls on this attempt."""
        return share > 0 and self.draw(code, f"{what}/{subject}", attempt) < share

    def within(self, bounds: Range, code: str, subject: str, attempt: int = 0) -> float:
        """A drawn number of seconds within the bounds."""
        low, high = bounds
        return low + (high - low) * self.draw(code, subject, attempt) if high else low


def is_between(daily: Daily, now: datetime) -> bool:
    """Whether a moment lies within daily times; an end before the beginning is one of the next day.

    >>> [is_between((time(22), time(5)), datetime(2026, 4, 1, hour, tzinfo=JST)) for hour in (4, 12, 23)]
    [True, False, True]
    """
    begins, ends = daily
    at = now.astimezone(JST).time()
    return begins <= at < ends if begins <= ends else at >= begins or at < ends
