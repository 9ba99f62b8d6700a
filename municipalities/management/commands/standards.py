"""``manage.py standards``: the record standards, their tables and whether they hold."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from municipalities import standard
from municipalities.checks import check
from municipalities.standard import Standard, TableError


class Command(BaseCommand):
    """list (the default), check, show NAME."""

    help = "The record standards: list [--json], check, show NAME [--sample]."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", default="list", choices=["list", "check", "show"])
        parser.add_argument("name", nargs="?", default="", help="a standard, for show and check")
        parser.add_argument("--json", action="store_true", help="list: machine-readable")
        parser.add_argument("--sample", action="store_true", help="show: the golden sample")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            match options["action"]:
                case "check":
                    self.check_all([options["name"]] if options["name"] else list(standard.names()))
                case "show":
                    self.show(standard.load(options["name"]), sample=options["sample"])
                case _:
                    self.table([standard.load(name) for name in standard.names()], as_json=options["json"])
        except TableError as error:
            raise CommandError(str(error)) from error

    def table(self, layouts: list[Standard], *, as_json: bool) -> None:
        rows = [row(layout) for layout in layouts]
        if as_json:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        shown = Table(*rows[0])
        for values in rows:
            shown.add_row(*(str(value) for value in values.values()))
        self.print(shown)

    def check_all(self, names: list[str]) -> None:
        """Exit 1 when a standard cannot be used."""
        wrong = [message for name in names for message in check(name)]
        for message in wrong:
            self.stderr.write(str(message.msg))
        if wrong:
            raise CommandError(f"{len(wrong)} of {len(names)} standards cannot be used")
        self.stdout.write(f"{len(names)} standards load and write their golden samples byte for byte")

    def show(self, layout: Standard, *, sample: bool) -> None:
        if sample:
            self.stdout.write(layout.sample.read_bytes().decode(layout.encoding), ending="")
            return
        table = Table("item", "source", "convert", "codes", "width", "note", title=layout.title)
        for item in layout.items:
            width = str(item.width or "")
            table.add_row(item.name, item.source, item.convert, item.codes, width, item.note)
        self.print(table)
        for leaf, reason in layout.omits.items():
            self.stdout.write(f"omits {leaf}: {reason}")
        if layout.provisional:
            self.stdout.write(f"provisional: {layout.reason}")
        self.stdout.write(f"source: {layout.source}")

    def print(self, table: Table) -> None:
        console = Console(width=None if self.stdout.isatty() else 180)
        for column in table.columns:
            column.overflow = "fold"  # a name is never shortened
        with console.capture() as captured:
            console.print(table)
        self.stdout.write(captured.get())


def row(layout: Standard) -> dict[str, Any]:
    """One standard in the list."""
    return {
        "name": layout.name,
        "title": layout.title,
        "format": layout.format,
        "encoding": layout.encoding,
        "extends": layout.extends,
        "items": len(layout.items),
        "provisional": layout.provisional,
    }
