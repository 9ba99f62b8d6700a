"""``manage.py reconcile``: compare a day's books with what the towns said of it, again, and name the differences."""

import json
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import track

from hub.actors import HUB, acting
from hub.deliveries import reconciliation
from hub.deliveries.models import Discrepancy
from municipalities.models import Municipality

#: Towns in one transaction: what was done stays done when the command is interrupted, and is not done twice.
BATCH = 100


class Command(BaseCommand):
    """Exit code 1 when something differs that nobody settled."""

    help = "Reconcile a day with the municipalities, again and again if wanted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--day", default="", metavar="YYYY-MM-DD", help="a day that is over (default: two days ago)"
        )
        parser.add_argument("--municipality", default="", metavar="CODE", help="this one only, six digits")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        day = day_of(options["day"])
        codes = codes_of(day, options["municipality"])
        batches = [codes[begin : begin + BATCH] for begin in range(0, len(codes), BATCH)]
        written = compared = 0
        for batch in track(batches, "reconciled", console=Console(stderr=True), disable=options["json"]):
            written += reconciliation.write_daily(day, batch)
            compared += reconciliation.compare_again(day, batch)
        with acting(HUB):
            rows = list(Discrepancy.objects.filter(day=day, municipality__in=codes, settled_at=None).order_by("pk"))
        self.tell(day, {"municipalities": len(codes), "written": written, "compared": compared}, rows, options["json"])
        if rows:
            raise CommandError(f"{len(rows)} differences are to be settled.", returncode=1)

    def tell(self, day: date, counts: dict[str, int], rows: list[Discrepancy], as_json: bool) -> None:
        """Print counts and differences."""
        if as_json:
            found = [
                {"municipality": row.municipality_id, "kind": row.kind, "delivery": row.delivery_id} for row in rows
            ]
            self.stdout.write(json.dumps({"day": day.isoformat(), **counts, "differences": found}))
            return
        for row in rows:
            self.stdout.write(f"{row.municipality_id} {row.kind} {row.delivery_id}".rstrip())
        told = ", ".join(f"{name} {number}" for name, number in counts.items())
        self.stdout.write(f"{day}: {told}, differences {len(rows)}")


def day_of(text: str) -> date:
    """The day asked for: one that is over, so that nothing more is made on it."""
    try:
        day = date.fromisoformat(text) if text else timezone.localdate() - timedelta(days=2)
    except ValueError as error:
        raise CommandError(f"{text} is no day: write YYYY-MM-DD.") from error
    if day >= timezone.localdate():
        raise CommandError(f"{day} is not over yet.")
    return day


def codes_of(day: date, code: str) -> list[str]:
    """The municipalities in force on that day, or the one asked for."""
    towns = Municipality.objects.leaf().valid_on(day)
    codes = list((towns.filter(pk=code) if code else towns).values_list("pk", flat=True))
    if not codes:
        raise CommandError(f"There is no municipality {code} on {day}.")
    return codes
