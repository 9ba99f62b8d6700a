"""Scenario «rendering»: how many single-person records a second each standard writes and reads on one core.

Processor time is measured, in interleaved rounds whose medians count: other work on the machine then costs all
of them the same. Beside them the layout of about 60 items as one would write it with serializers and a CSV writer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import process_time
from typing import Any

from hub.bench.naive_rendering import Naive
from hub.bench.records import single_persons
from hub.bench.report import Found, Progress, bar
from municipalities import standard
from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.standard import Standard

RECORDS = 400  #: in one round
NAIVE_RECORDS = 40
ITEMS = 60
#: Records a second written: of the CSV of about 60 items, and of the slowest standard; half as many are read.
CSV_BAR, SLOWEST_BAR, READING = 20_000.0, 5_000.0, 0.5


@dataclass(slots=True)
class Lap:
    """Seconds of processor time for one record, round by round."""

    write: list[float] = field(default_factory=list)
    read: list[float] = field(default_factory=list)

    @property
    def writes(self) -> float:
        """Records written in a second."""
        return 1 / median(self.write)

    @property
    def reads(self) -> float:
        """Records read in a second."""
        return 1 / median(self.read)


@dataclass(frozen=True, slots=True)
class Runner:
    """A layout with the notices that it can hold."""

    layout: Standard
    notices: Sequence[Notice]
    files: Sequence[bytes]
    changed: int  #: notices with a recorded fallback
    lap: Lap

    def run(self) -> None:
        """One round."""
        self.lap.write.append(seconds(self.layout.write, self.notices))
        self.lap.read.append(seconds(self.layout.read, self.files))


def seconds(work: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    """Processor time for one of the inputs."""
    started = process_time()
    for each in inputs:
        work(each)
    return (process_time() - started) / len(inputs)


def runner(layout: Standard, notices: Sequence[Notice]) -> Runner:
    """What a layout is measured with; a name that needs a clerk is none of it."""
    held: list[Notice] = []
    files: list[bytes] = []
    changed = 0
    for notice in notices:
        try:
            written = layout.write(notice)
        except UnfitError:
            continue
        held.append(notice)
        files.append(written.content)
        changed += bool(written.fallbacks)
    return Runner(layout, held, files, changed, Lap())


def run(rounds: int, names: Sequence[str], progress: Progress) -> Found:
    """Measure the named standards, or all of them."""
    notices = single_persons(RECORDS)
    runners = [runner(standard.load(name), notices) for name in names or standard.names()]
    typical = nearest([each.layout for each in runners])
    naive, slow = (Naive(typical), Lap()) if typical else (None, Lap())
    total = rounds * len(runners)
    for number in range(rounds):
        for place, each in enumerate(runners):
            progress(each.layout.name, number * len(runners) + place + 1, total)
            each.run()
        if naive:
            few = notices[:NAIVE_RECORDS]
            slow.write.append(seconds(naive.write, few))
            slow.read.append(seconds(naive.read, [naive.write(notice) for notice in few]))
    return report(runners, typical, slow)


def nearest(layouts: Sequence[Standard]) -> Standard | None:
    """The CSV of about 60 items that the naive design can write too."""
    rows = [layout for layout in layouts if Naive.can(layout)]
    return min(rows, key=lambda layout: abs(len(layout.items) - ITEMS), default=None)


def report(runners: Sequence[Runner], typical: Standard | None, slow: Lap) -> Found:
    """The bars, and a line for each standard."""
    writer = min(runners, key=lambda each: each.lap.writes)
    reader = min(runners, key=lambda each: each.lap.reads)
    bars = [
        bar(f"records/s written, slowest: {writer.layout.name}", writer.lap.writes, SLOWEST_BAR),
        bar(f"records/s read, slowest: {reader.layout.name}", reader.lap.reads, SLOWEST_BAR * READING),
    ]
    if typical:
        own = next(each.lap for each in runners if each.layout is typical)
        title = f"{typical.name}, CSV of {len(typical.items)} items"
        bars.insert(0, bar(f"records/s written, {title}", own.writes, CSV_BAR, slow.writes))
        bars.insert(1, bar(f"records/s read, {title}", own.reads, CSV_BAR * READING, slow.reads))
    cpu = {each.layout.name: 1000 / each.lap.writes for each in runners}
    return Found(bars, cpu, [line(each) for each in runners])


def line(each: Runner) -> dict[str, Any]:
    """The figures of one standard."""
    items = len(each.layout.items)
    return {
        "standard": each.layout.name,
        "format": each.layout.format,
        "encoding": each.layout.encoding,
        "items": items,
        "write_per_s": round(each.lap.writes),
        "read_per_s": round(each.lap.reads),
        "write_us": round(1e6 / each.lap.writes, 1),
        "read_us": round(1e6 / each.lap.reads, 1),
        "write_ns_item": round(1e9 / each.lap.writes / items),
        "read_ns_item": round(1e9 / each.lap.reads / items),
        "read_to_write": round(each.lap.reads / each.lap.writes, 2),
        "changed": each.changed,
        "held": RECORDS - len(each.notices),
    }
