"""``manage.py demo``: a whole running hub on this machine, or (``--once``) a measured run through it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hub.demo import commands, lives, outcome, people, seed, vendor
from hub.demo.front import Accepted, Front
from hub.demo.processes import Processes, free_port, wait_until_up
from municipalities.models import Municipality
from municipalities.simulator import script


class Command(BaseCommand):
    """Exit code 0 only if every journey is settled; with faults, if nothing was lost or doubled."""

    help = "Run the whole hub with simulated towns on this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="file, wait until all is settled, print, end")
        parser.add_argument("--relocations", type=int, default=20, help="how many with --once (default 20)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--fault", action="append", default=[], metavar="PROFILE:PERCENT", help="as in simulate")
        parser.add_argument("--script", type=Path, help="TOML file of how the towns behave, and when; as in simulate")
        parser.add_argument("--seed", type=int, default=0, help="another seed, other filings")
        parser.add_argument("--speed", type=float, default=1.0, help="divide the clerks' delays by this")
        parser.add_argument("--data", default=Path(settings.BASE_DIR) / ".data", help="folder of logs and towns")
        parser.add_argument("--port", type=int, default=8000, help="the hub's port on 127.0.0.1, if it is free")
        parser.add_argument("--towns-port", type=int, default=9100, help="that of the simulated towns, likewise")
        parser.add_argument("--quiet", type=float, default=60.0, help="with --once: end when nothing moved so long")
        parser.add_argument("--limit", type=float, default=900.0, help="with --once: end after so many seconds")

        parser.add_argument("--vendor", metavar="CODE[=ADDRESS]", default="",
                            help="leave this town to you and print its secrets")  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        self.console = Console(stderr=True)
        if options["script"]:
            script_is_fine(options["script"])
        self.vendor = vendor_of(options)
        self.data = Path(options["data"]).resolve()
        (self.data / "static").mkdir(parents=True, exist_ok=True)
        self.hub = f"http://127.0.0.1:{free_port(options['port'])}"
        self.towns = f"http://127.0.0.1:{free_port(options['towns_port'])}"
        self.sftp_port = free_port(options["towns_port"] and options["towns_port"] + 22)
        with self.step("database schema"):
            call_command("migrate", verbosity=0)
        with self.step("municipalities, connections, accounts"):
            vendor.take_back(self.data)
            seed.seed(self.towns, self.data / "towns", self.sftp_port)
            if self.vendor:
                self.hand_over(self.vendor)
        processes = Processes(self.data / "logs", self.environment())
        try:
            with self.step("web, courier, beat, simulated towns"):
                self.start(processes, options)
            if options["once"]:
                self.run_once(options)
            else:
                self.stay()
        finally:
            processes.stop()

    def hand_over(self, one: vendor.Vendor) -> None:
        """Leave a town to the vendor."""
        try:
            vendor.hand_over(one, self.data)
        except vendor.NoSuchTownError as error:
            raise CommandError(str(error)) from None

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Print how long a step took."""
        started = time.monotonic()
        yield
        self.console.print(f"[green]✓[/] {what}: {time.monotonic() - started:.1f} s", highlight=False)

    def environment(self) -> dict[str, str]:
        """What the processes get besides the environment of this one."""
        folders = {"HUB_FOLDER_ROOT": str(self.data), "HUB_STATIC_ROOT": str(self.data / "static")}
        folders["HUB_KIT_PORT"] = str(free_port(9190))
        return folders | {"HUB_DEMO": "1", "HUB_TRAY_EVERY": "3", "PYTHONUNBUFFERED": "1"}

    def start(self, processes: Processes, options: dict[str, Any]) -> None:
        """Start everything and wait until both servers answer."""
        port, towns_port = self.hub.rpartition(":")[2], self.towns.rpartition(":")[2]
        processes.start("web", commands.web(port))
        simulate = ["--sftp-port", str(self.sftp_port), "--speed", str(options["speed"])]
        simulate += [word for fault in options["fault"] for word in ("--fault", fault)]
        simulate += ["--script", str(options["script"].resolve())] if options["script"] else []
        simulate += ["--except", self.vendor.code] if self.vendor else []
        processes.start("towns", commands.towns(towns_port, self.hub, self.data, simulate))
        if options["once"]:  # nobody is at the desk
            processes.start("courier", commands.worker("courier"))
        else:
            processes.start("courier", commands.worker("courier", queue="couriers"))
            processes.start("background", commands.worker("background", processes=3, queue="hub,background"))
        processes.start("beat", commands.beat(self.data))
        processes.watch()
        wait_until_up(f"{self.hub}/health/ready")
        wait_until_up(f"{self.towns}/health")

    def stay(self) -> None:
        """Print addresses and accounts, then wait for Ctrl-C."""
        table = Table("account", "password", "who", title="Demo accounts")
        for account in seed.ACCOUNTS:
            table.add_row(account.username, seed.PASSWORD, account.title)
        self.console.print(table)
        self.console.print(f"citizen  {self.hub}/\nclerks   {self.hub}/admin/\nguide    {self.hub}/api/v1/docs")
        if self.vendor:
            self.console.rule("Your town")
            self.console.print(*self.vendor.lines(self.hub), sep="\n", markup=False, highlight=False, soft_wrap=True)
            self.console.rule()
        self.console.print(f"towns    {self.towns}/\n\nCtrl-C stops everything.", highlight=False)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            self.console.print("Stopping …")

    def run_once(self, options: dict[str, Any]) -> None:
        """File, wait, examine, print; raises ``CommandError`` when the promise was not kept."""
        started = time.monotonic()
        accepted, played = self.file(options)
        with self.progress("settled", len(accepted)) as advance:
            outcome.wait(accepted, options["quiet"], options["limit"], advance, played.go_on)
        found = outcome.examine(accepted, self.towns)
        found.seconds = time.monotonic() - started
        self.show(found, as_json=options["json"])
        kept = not found.lost and not found.doubled
        if not kept or (found.settled < found.filings and not (options["fault"] or options["script"])):
            raise CommandError("Not every journey is settled.", returncode=1)

    def file(self, options: dict[str, Any]) -> tuple[list[Accepted], lives.Lives]:
        """File the invented relocations over HTTP; returns who plays their persons from then on."""
        today = timezone.localdate()
        rows = Municipality.objects.leaf().valid_on(today)
        places = [people.Place(row.pk, row.prefecture, f"{row.within}{row.name}", row.parent_code) for row in rows]
        invention = people.Invention(places, today, options["seed"])
        filings = list(invention.filings(options["relocations"]))
        invented = lives.Stories(invention, options["seed"])
        stories = [invented.of(number, filing) for number, filing in enumerate(filings)]
        with self.progress("filed", len(filings)) as advance:
            done = iter(range(1, len(filings) + 1))
            run = f"demo-{os.getpid()}-{time.time_ns()}"
            front = Front(self.hub, run)
            played = lives.Lives(front, self.towns, stories)
            return front.file_all(filings, lambda: advance(next(done)), played.begin), played

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Any]:
        """Show a bar on stderr; yields a function that takes how many are done."""
        with Progress(console=self.console) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)

    def show(self, found: outcome.Outcome, *, as_json: bool) -> None:
        """Print the outcome."""
        document = found.as_json()
        if as_json:
            self.stdout.write(json.dumps(document, ensure_ascii=False))
            return
        table = Table("what", "figure", title="Outcome")
        for name in ("filings", "settled", "lost", "doubled", "waiting", "seconds"):
            table.add_row(name, str(document[name]))
        for name, counts in [
            *document["deliveries"].items(),
            ("receipts", document["receipts"]),
            ("lives", document["lives"]),
        ]:
            table.add_row(name, json.dumps(counts, ensure_ascii=False))
        Console(width=120).print(table)


def vendor_of(options: dict[str, Any]) -> vendor.Vendor | None:
    """The town that is left to a vendor, if one is."""
    if not options["vendor"]:
        return None
    if options["once"]:
        raise CommandError("--once settles what simulated towns answer: no --vendor with it.")
    try:
        return vendor.Vendor.read(options["vendor"])
    except vendor.NoSuchTownError as error:
        raise CommandError(str(error)) from None


def script_is_fine(path: Path) -> None:
    """Refuse a bad script before anything is started."""
    try:
        script.read(path)
    except script.ScriptError as error:
        raise CommandError(str(error)) from None
