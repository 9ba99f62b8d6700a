"""The load: filings posted over HTTP, all at once or at a rate, and the wait until everything is received."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median, quantiles

import aiohttp
import msgspec

from hub.bench.sides import Line, Side
from hub.demo.front import document
from hub.demo.people import Invention, Place
from hub.relocations.filing import Filer, Filing
from municipalities.notice import HouseholdLeft, Mover, Registry, Scope

#: Persons of one filing: two notices at once, one on the decision, one to the origin and one to each register.
PERSONS = 8
AT_ONCE = 16  #: filings under way at the same time
BESIDES = 4  #: deliveries of every filing besides those to the registers
LOOK = 0.2  #: seconds between two looks at what was received

NUMERALS = str.maketrans("0123456789", "十一二三四五六七八九")
_persons = itertools.count()


@dataclass(frozen=True, slots=True)
class Posted:
    """A filing that was taken in."""

    id: str
    expected: int  #: deliveries of its whole journey
    towns: frozenset[str]
    began: float  #: seconds since the epoch
    answered: float


@dataclass(slots=True)
class Run:
    """What one design did with one load."""

    posted: list[Posted] = field(default_factory=list)
    refused: int = 0
    #: id of a filing → seconds from its POST to the last of its receipts
    latency: dict[str, float] = field(default_factory=dict)
    missing: int = 0  #: deliveries not received when the wait ended
    ended: float = 0.0

    @property
    def accepted_per_s(self) -> float:
        """Filings accepted a second."""
        return len(self.posted) / (max(one.answered for one in self.posted) - min(one.began for one in self.posted))

    @property
    def deliveries(self) -> int:
        """Deliveries of all journeys."""
        return sum(one.expected for one in self.posted) - self.missing

    @property
    def seconds(self) -> float:
        """From the first POST to the last receipt."""
        return self.ended - min(one.began for one in self.posted)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value under which so many percent are; the largest where there are few."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return median(values) if percent == 50 else quantiles(values, n=100, method="inclusive")[percent - 1]


def filings(places: Sequence[Place], number: int, seed: int, today: date) -> Iterator[Filing]:
    """Households of eight whose registers are all in different towns, where there are as many."""
    invention = Invention(places, today, seed)
    for count in range(number):
        origin, destination, *others = invention.random.sample(list(places), min(len(places), PERSONS + 2))
        yield household(invention, count, origin, destination, others or [origin])


def household(
    invention: Invention, count: int, origin: Place, destination: Place, registers: Sequence[Place]
) -> Filing:
    """A whole household of eight that moves."""
    filing = invention.filing(count, origin, destination)
    six = list(invention.movers(count, 6, origin, foreign=False, card=True))
    movers = [*six, *six[2:4]][:PERSONS]
    return msgspec.structs.replace(
        filing,
        filer=Filer(consents_held=tuple(range(2, len(movers) + 1))),
        scope=Scope.WHOLE,
        household_left=HouseholdLeft(head_name=movers[0].full_name, head_moves=True),
        movers=tuple(_registered(mover, n, registers[n % len(registers)]) for n, mover in enumerate(movers)),
    )


def _registered(mover: Mover, number: int, place: Place) -> Mover:
    registry = Registry(
        local_government_code=place.code,
        domicile=f"{place.prefecture}{place.city}見本一丁目１番地",
        head_of_register=mover.full_name,
    )
    # Nobody is filed twice: the hub would rightly wait for a clerk before the second move-out.
    own = f"{next(_persons):06}".translate(NUMERALS)
    return msgspec.structs.replace(mover, ordinal=number + 1, registry=registry, full_name=mover.full_name + own)


def expected(filing: Filing) -> int:
    """Deliveries of the whole journey."""
    return BESIDES + len(registers(filing) - {filing.destination})


def registers(filing: Filing) -> set[str]:
    """Towns of the family registers."""
    return {mover.registry.local_government_code for mover in filing.movers if mover.registry}


class Load:
    """Posts filings to one design."""

    def __init__(self, side: Side, token: str) -> None:
        self.side, self.token = side, token
        self.run = Run()

    def post(self, load: Sequence[Filing], rate: float | None = None) -> Run:
        """Post them as fast as they are accepted, or so many a second; returns what was accepted."""
        asyncio.run(self._post_all(load, rate))
        return self.run

    async def _post_all(self, load: Sequence[Filing], rate: float | None) -> None:
        places = asyncio.Semaphore(AT_ONCE if rate is None else len(load))
        run = f"{self.side.name}-{time.time_ns()}"
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(self.side.address, connector=connector) as session:

            async def one(number: int, filing: Filing) -> None:
                if rate:
                    await asyncio.sleep(number / rate)
                async with places:
                    await self._post(session, f"{run}-{number}", filing)

            await asyncio.gather(*(one(number, filing) for number, filing in enumerate(load)))

    async def _post(self, session: aiohttp.ClientSession, key: str, filing: Filing) -> None:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        body, began = document(filing), time.time()
        while True:
            async with session.post("/api/v1/relocations", data=body, headers=headers) as answer:
                text = await answer.read()
                if answer.status < 300:
                    break
                self.run.refused += 1
                if answer.status not in (429, 503):
                    raise RuntimeError(f"{self.side.name} answered {answer.status}: {text[:300]!r}")
            await asyncio.sleep(float(answer.headers.get("Retry-After", "0.1")))
        number = str(msgspec.json.decode(text)["id"])
        towns = frozenset({filing.origin, filing.destination, *registers(filing)})
        self.run.posted.append(Posted(number, expected(filing), towns, began, time.time()))

    def wait(
        self,
        patience: float,
        tell: Callable[[int, int], None],
        without: frozenset[str] = frozenset(),
        least: int | None = None,
    ) -> Run:
        """Wait until everything is received, or nothing was for ``patience`` seconds.

        Filings with a town in ``without`` are not waited for; with ``least`` so many deliveries of each will do.
        """
        open_ = {one.id: least or one.expected for one in self.run.posted if not one.towns & without}
        began = {one.id: one.began for one in self.run.posted}
        total, got, moved = sum(open_.values()), -1, time.monotonic()
        done, last = 0, 0.0
        while open_ and time.monotonic() - moved < patience:
            time.sleep(LOOK)
            found = self.side.received(list(open_))
            here = done + sum(one.deliveries for one in found.values())
            for key, received in found.items():
                if received.last is not None and received.deliveries >= open_[key]:
                    self.run.latency[key] = received.last.timestamp() - began[key]
                    last = max(last, received.last.timestamp())
                    done += received.deliveries
                    del open_[key]
            if here != got:
                got, moved = here, time.monotonic()
            tell(got, total)
        self.run.missing = total - max(got, 0)
        self.run.ended = last or time.time()
        return self.run

    def lines(self) -> list[Line]:
        """Every delivery of what was posted."""
        return self.side.lines([one.id for one in self.run.posted])
