"""``manage.py bench``: the product beside the code one would write without it, as ratios and bars."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hub.bench import rendering
from hub.bench import report as reports
from municipalities.standard import TableError

#: name → what runs it: rounds, standards (none = all), and whom to tell how far it is
SCENARIOS = {"rendering": rendering.run}


class Command(BaseCommand):
    """Exit code 0 only if every bar holds."""

    help = "Measure the product beside a naive design: processor time, medians of interleaved rounds."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Every scenario has rounds; the rest is each one's own."""
        parser.add_argument("--scenario", choices=SCENARIOS, default="rendering", help="what to measure")
        parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds; their medians count (default 7)")
        parser.add_argument("--standard", action="append", default=[], help="rendering: only this one, repeatable")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run one scenario and print what it found."""
        if options["rounds"] < 1:
            raise CommandError("--rounds: at least one")
        with self.progress() as tell:
            try:
                found = SCENARIOS[options["scenario"]](options["rounds"], options["standard"], tell)
            except TableError as error:
                raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2))
        else:
            self.table(found)
        if not found.holds:
            raise CommandError("not every bar holds")

    @contextmanager
    def progress(self) -> Iterator[reports.Progress]:
        """A bar on stderr."""
        with Progress(console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("", total=None)

            def tell(title: str, done: int, total: int) -> None:
                shown.update(task, description=title, completed=done, total=total)

            yield tell

    def table(self, found: reports.Report) -> None:
        """For people: the bars, then the scenario's own figures."""
        self.print(Table(title=f"{found.scenario}, {found.rounds} rounds"), found.bars)
        self.print(Table(), found.details)

    def print(self, table: Table, rows: Any) -> None:
        """Rows of equal keys as a table."""
        plain = [msgspec.to_builtins(row) for row in rows]
        for column in plain[0] if plain else ():
            table.add_column(column, overflow="fold")
        for row in plain:
            table.add_row(*(f"{value:,.2f}" if isinstance(value, float) else str(value) for value in row.values()))
        console = Console(width=None if self.stdout.isatty() else 180)
        with console.capture() as captured:
            console.print(table)
        self.stdout.write(captured.get())
