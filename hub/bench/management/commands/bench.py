"""``manage.py bench``: the product beside the code one would write without it, as ratios and bars."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hub.bench import chart, scenarios
from hub.bench import report as reports
from municipalities.standard import TableError

#: Stored relocations between which the cost is compared, unless others are named.
SIZES = (1_000, 20_000)


class Command(BaseCommand):
    """Exit code 0 when everything was measured; whether a bar holds, its line says."""

    help = "Measure the product beside a naive design: medians of interleaved rounds, on this machine."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The defaults end in a few minutes."""
        parser.add_argument("--scenario", choices=scenarios.NAMES, default=scenarios.ALL, help="what to measure")
        parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds; their medians count (default 3)")
        parser.add_argument("--relocations", type=int, default=60, help="filings in a round of a burst (default 60)")
        parser.add_argument("--seconds", type=float, default=15.0, help="of an even load in a round (default 15)")
        parser.add_argument("--backlog", type=int, default=500, help="waiting for one town (default 500)")
        parser.add_argument("--deliveries", type=int, default=3_000, help="memory: carried (default 3000)")
        parser.add_argument("--size", type=int, action="append", help="growth: stored relocations, repeatable")
        parser.add_argument("--towns", type=int, default=50, help="towns that are pushed to (default 50)")
        parser.add_argument("--couriers", type=int, default=1, help="courier processes (default 1)")
        parser.add_argument("--standard", action="append", default=[], help="rendering: only this one, repeatable")
        parser.add_argument("--data", default=Path(settings.BASE_DIR) / ".data", help="folder of logs and books")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--svg", type=Path, help="write a chart of the bars into this file")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Run one scenario and print what it found."""
        if given["rounds"] < 1 or given["relocations"] < 1 or given["couriers"] < 1:
            raise CommandError("--rounds, --relocations, --couriers: at least one")
        if given["towns"] < scenarios.LEAST_TOWNS:
            raise CommandError(f"--towns: at least {scenarios.LEAST_TOWNS}")
        options = scenarios.Options(
            rounds=given["rounds"],
            relocations=given["relocations"],
            seconds=given["seconds"],
            backlog=given["backlog"],
            deliveries=given["deliveries"],
            sizes=given["size"] or SIZES,
            towns=given["towns"],
            couriers=given["couriers"],
            standards=given["standard"],
            data=Path(given["data"]).resolve() / "bench",
        )
        with self.progress() as tell:
            try:
                found = scenarios.run(given["scenario"], options, tell)
            except TableError as error:
                raise CommandError(str(error)) from error
        if given["svg"]:
            chart.write(found, given["svg"])
        if given["json"]:
            self.stdout.write(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2))
        else:
            self.table(found)

    @contextmanager
    def progress(self) -> Iterator[reports.Progress]:
        """A bar on stderr."""
        with Progress(console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("", total=None)

            def tell(title: str, done: int, total: int) -> None:
                shown.update(task, description=title, completed=done, total=total)

            yield tell

    def table(self, found: reports.Report) -> None:
        """For people: the bars, each scenario's own figures, processor time and floors."""
        self.print(Table(title=f"{found.scenario}, {found.rounds} rounds"), found.bars)
        for rows in found.details:
            self.print(Table(), rows)
        for title, figures in (("CPU seconds for 1,000", found.cpu_s_per_1000), ("floors", found.floors)):
            self.print(Table(title=title), [{"what": name, "figure": value} for name, value in figures.items()])

    def print(self, table: Table, rows: Any) -> None:
        """Rows of equal keys as a table."""
        plain = [msgspec.to_builtins(row) for row in rows]
        if not plain:
            return
        for column in plain[0]:
            table.add_column(column, overflow="fold")
        for row in plain:
            table.add_row(*(f"{value:,.2f}" if isinstance(value, float) else str(value) for value in row.values()))
        console = Console(width=None if self.stdout.isatty() else 180)
        with console.capture() as captured:
            console.print(table)
        self.stdout.write(captured.get())
