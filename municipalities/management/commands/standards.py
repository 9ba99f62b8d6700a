"""``manage.py standards``: the record standards, whether they hold, what they lose, and drafts of new ones."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from municipalities import standard
from municipalities.checks import check
from municipalities.drafting import folder
from municipalities.drafting.draft import Draft, draft
from municipalities.drafting.sniff import UnreadableError, sniff
from municipalities.errors import UnfitError
from municipalities.exports.comparison import compare
from municipalities.exports.description import summary
from municipalities.exports.kinds import EXPORTS
from municipalities.exports.losses import of_layout
from municipalities.exports.reference import reference, settled
from municipalities.exports.table_schema import NoTableError
from municipalities.management import standards_text as text
from municipalities.standard import Standard, TableError

ACTIONS = ("list", "check", "show", "diff", "new", "export")
NAME = re.compile("[a-z][a-z0-9_]*")


class Command(BaseCommand):
    """list (the default), check, show, diff, new, export."""

    help = (
        "The record standards: list [--json]; check [NAME]; show NAME [--sample] [--loss [--json]]; diff A B [--json]; "
        "new NAME --from FILE [--base STANDARD]; export NAME --as FORM [--output FILE]."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", default="list", choices=ACTIONS)
        parser.add_argument("name", nargs="?", default="", help="a standard")
        parser.add_argument("other", nargs="?", default="", help="diff: the one to compare with")
        parser.add_argument("--json", action="store_true", help="list, diff, show --loss: machine-readable")
        parser.add_argument("--sample", action="store_true", help="show: the golden sample")
        parser.add_argument("--loss", action="store_true", help="show: what of the record the layout cannot carry")
        parser.add_argument(
            "--from", dest="file", type=Path, help="new: a vendor's header, sample file or layout sheet"
        )
        parser.add_argument("--base", default="", help="new: the standard that this one extends")
        parser.add_argument("--as", dest="form", choices=[*EXPORTS, "sample"], help="export: in which form")
        parser.add_argument("--output", type=Path, help="export: a file instead of the screen")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self.act(options)
        except (TableError, UnreadableError, NoTableError, OSError) as error:
            raise CommandError(str(error)) from error
        except UnfitError as error:
            raise CommandError(f"{error.code} {error.detail}") from error

    def act(self, options: dict[str, Any]) -> None:
        name = options["name"]
        match options["action"]:
            case "check":
                self.check_all([name] if name else list(standard.names()))
            case "show":
                self.show(standard.load(name), options)
            case "diff":
                self.diff(standard.load(name), standard.load(options["other"]), as_json=options["json"])
            case "new":
                self.new(name, options["file"], options["base"])
            case "export":
                self.export(standard.load(name), options["form"], options["output"])
            case _:
                self.list(self.usable(), as_json=options["json"])

    def usable(self) -> list[Standard]:
        """Every standard that loads; of the others, which may be drafts, what is wrong."""
        found = []
        for name in standard.names():
            try:
                found.append(standard.load(name))
            except TableError as error:
                self.stderr.write(f"left out: {error}")
        return found

    def list(self, layouts: Iterable[Standard], *, as_json: bool) -> None:
        if as_json:
            self.json([summary(layout) for layout in layouts])
        else:
            self.print(text.layouts(layouts))

    def check_all(self, names: Iterable[str]) -> None:
        """Exit 1 when a standard cannot be used."""
        checked = tuple(names)
        wrong = [message for name in checked for message in check(name)]
        for message in wrong:
            self.stderr.write(str(message.msg))
        if wrong:
            raise CommandError(f"{len(wrong)} of {len(checked)} standards cannot be used")
        self.stdout.write(f"{len(checked)} standards load and write their golden samples byte for byte")

    def show(self, layout: Standard, options: dict[str, Any]) -> None:
        if options["sample"]:
            self.stdout.write(layout.sample.read_bytes().decode(layout.encoding), ending="")
        elif options.get("loss"):
            losses = of_layout(layout)
            self.json(losses) if options["json"] else self.print(text.losses(layout, losses))
        else:
            self.describe(layout)

    def describe(self, layout: Standard) -> None:
        self.print(text.items(layout))
        for leaf, reason in layout.omits.items():
            self.stdout.write(f"omits {leaf}: {reason}")
        if layout.provisional:
            self.stdout.write(f"provisional: {layout.reason}")
        self.stdout.write(f"source: {layout.source}")

    def diff(self, a: Standard, b: Standard, *, as_json: bool) -> None:
        found = compare(a, b)
        self.json(found) if as_json else self.print(text.differences(found))

    def export(self, layout: Standard, form: str | None, output: Path | None) -> None:
        if form is None:
            raise CommandError(f"say --as {'|'.join([*EXPORTS, 'sample'])}")
        content = self.sample(layout) if form == "sample" else EXPORTS[form].make(layout).encode()
        if output:
            output.write_bytes(content)
        else:
            self.stdout.write(content.decode(layout.encoding if form == "sample" else "utf-8"), ending="")

    def sample(self, layout: Standard) -> bytes:
        """The reference notice in this layout; says what was decided, for the receiver sees it."""
        decided = settled(layout, reference())
        for (target, filed), written in decided.items():
            self.stderr.write(f"decided for the sample, in {target}: {filed} → {written}")
        return layout.write(reference(), decided).content

    # --- drafts -----------------------------------------------------------------------------------------

    def new(self, name: str, file: Path | None, base: str) -> None:
        """Draft a folder; exit 0 even when something remains to be filled in, for that is said."""
        if not NAME.fullmatch(name) or file is None:
            raise CommandError("new NAME --from FILE: a name of small letters, digits and underscores, and a file")
        if name in standard.names():
            raise CommandError(f"there is a standard {name} already: remove its folder, or take another name")
        layouts = {layout.name: layout for layout in self.usable()}
        made = draft(name, file.name, sniff(file.read_bytes()), layouts, standard.load(base) if base else None)
        where = standard.STANDARDS / name
        folder.write(made, where)
        self.tell(made, where)

    def tell(self, made: Draft, where: Path) -> None:
        self.print(text.matches(made))
        self.stdout.write(f"Written to {where}")
        self.several("Not placed, left blank", made.unplaced)
        self.several(
            "Values of the record without an item, under [omits]", [leaf for leaf, why in made.omits.items() if why]
        )
        self.several("To be filled before it loads", folder.remaining(made, where, standard.tables_of))
        self.stdout.write(
            f"Next: edit {where.name}/, «standards check {made.name}», «standards show {made.name} --loss»; then "
            f"«standards export {made.name} --as sample --output {where}/sample.csv» and let the receiver sign it off."
        )

    def several(self, title: str, lines: Iterable[str]) -> None:
        found = tuple(lines)
        if found:
            self.stdout.write(f"{title} ({len(found)}):")
            for line in found:
                self.stdout.write(f"  {line}")

    def json(self, value: Any) -> None:
        self.stdout.write(json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2))

    def print(self, table: Table) -> None:
        console = Console(width=None if self.stdout.isatty() else 180)
        for column in table.columns:
            column.overflow = "fold"  # a name is never shortened
        with console.capture() as captured:
            console.print(table)
        self.stdout.write(captured.get())
