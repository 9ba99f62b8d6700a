"""``manage.py shadow CODE --to STANDARD``: tries a standard on what went out to a town; nothing is kept or sent."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import track
from rich.table import Table

from hub.actors import HUB, acting
from hub.shadow import services
from hub.shadow.report import Report, collect
from municipalities import standard
from municipalities.models import Connection, GaijiTable


class Command(BaseCommand):
    """Exit code 0 if the standard is ready, 1 if not, with the reasons."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", metavar="CODE", help="the municipality, six digits")
        parser.add_argument("--to", required=True, metavar="STANDARD", help="the record standard to try")
        parser.add_argument("--gaiji", default="", metavar="TABLE", help="its gaiji table, by name")
        parser.add_argument("--days", type=int, default=30, help="what was queued in so many days (default 30)")
        parser.add_argument("--limit", type=int, default=1_000, help="deliveries at most (default 1000)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, code: str, to: str, gaiji: str, **options: Any) -> None:
        present = Connection.objects.valid_on(timezone.localdate()).select_related("gaiji").filter(municipality=code)
        found = present.first()
        if found is None:
            raise CommandError(f"{code} has no connection today")
        report = collect(self.trials(found, layout(to, gaiji), options), layout(to, gaiji).omits)
        self.show(report, found.standard, to, as_json=options["json"])
        if not report.is_ready:
            raise CommandError(f"{to} is not ready for {code}.", returncode=1)

    def trials(
        self, present: Connection, following: standard.Standard, options: dict[str, Any]
    ) -> Iterator[tuple[Any, Any]]:
        """Each recent delivery's outcome and differences."""
        since = timezone.localdate() - timedelta(days=options["days"])
        with acting(HUB):
            rows = services.recent(present, since, options["limit"])
        for row, key in track(rows, "tried", console=Console(stderr=True), disable=options["json"]):
            tried = services.attempt(row, key, present.layout(), following)
            yield tried.outcome, tried.differences

    def show(self, report: Report, present: str, following: str, *, as_json: bool) -> None:
        """Print the report."""
        if as_json:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False))
            return
        table = Table("item", "what happens", "error", "notices", "reason", title=f"{present} → {following}")
        for line in report.lines():
            one = line.difference
            table.add_row(one.item, line.words, one.code, str(line.count), line.reason)
        Console(file=self.stdout, width=120).print(table)  # type: ignore[arg-type]
        self.stdout.write(f"{report.tried} notices tried, {report.percent} came through equal")
        self.stdout.write("ready" if report.is_ready else "not ready: " + " ".join(report.obstacles()))


def layout(name: str, gaiji: str) -> standard.Standard:
    """The standard to try, with its gaiji table."""
    table = GaijiTable.objects.filter(name=gaiji).first() if gaiji else None
    if gaiji and table is None:
        raise CommandError(f"there is no gaiji table {gaiji}")
    try:
        return standard.load(name, table.value()) if table else standard.load(name)
    except ValueError as error:  # no such standard, or it cannot use the table
        raise CommandError(str(error)) from error
