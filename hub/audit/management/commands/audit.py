"""``manage.py audit verify``: walk every chain and name each entry that was changed or removed."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.actors import HUB, acting
from hub.audit import services


class Command(BaseCommand):
    """Exit code 1 when a chain is broken."""

    help = "Verify the audit chains."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["verify"])
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        entries, chains, faults = 0, 0, []
        with acting(HUB):
            for found in services.verify():
                if isinstance(found, services.Fault):
                    faults.append(found)
                else:
                    entries, chains = entries + found, chains + 1
        if options["json"]:
            rows = [{"chain": str(fault.chain), "number": fault.number, "what": fault.what} for fault in faults]
            self.stdout.write(json.dumps({"chains": chains, "entries": entries, "faults": rows}))
        else:
            for fault in faults:
                self.stdout.write(f"{fault.chain} entry {fault.number}: {fault.what}")
            self.stdout.write(f"{chains} chains, {entries} entries, {len(faults)} faults")
        if faults:
            raise CommandError("The audit does not hold.", returncode=1)
