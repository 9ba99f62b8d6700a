"""``manage.py purge``: remove what is kept no longer; may be stopped at any time and goes on where it was."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.progress import Progress

from hub.relocations import retention
from hub.relocations.retention import Purged


class Command(BaseCommand):
    """Old idempotency keys, the keys of relocations finished long ago, and the deliveries of those."""

    help = "Remove what is kept no longer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would go")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = retention.due()
        if not options["dry_run"]:
            found = self.purge(found)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found)))
        else:
            self.stdout.write(", ".join(f"{name}: {number}" for name, number in asdict(found).items()))

    def purge(self, due: Purged) -> Purged:
        """Remove, with a bar on stderr."""
        total = Purged()
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task("keys and relocations", total=due.keys + due.shredded)
            for batch in retention.purge():
                total += batch
                bar.update(task, completed=total.keys + total.shredded)
        return total
