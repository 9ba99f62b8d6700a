"""``manage.py journey``: the rules of moving as people read them, drawn from the tables that the hub runs on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from hub.relocations import reading


class Command(BaseCommand):
    """Print a diagram or a table; both say what the hub does, for they are made of the same rows."""

    help = "Print the state machines (Mermaid) or the catalogue of messages (Markdown), from the tables."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """What to print."""
        parser.add_argument("what", choices=sorted(reading.PAGES), help="diagram: state machines; table: messages")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Print it."""
        self.stdout.write(reading.PAGES[given["what"]]())
