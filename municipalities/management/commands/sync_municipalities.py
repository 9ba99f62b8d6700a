"""Loads the tables of municipalities and, if asked, connects each to its simulated town."""

from argparse import ArgumentParser
from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from municipalities import connections, loader

SHOWN = 20


class Command(BaseCommand):
    """Bring the database in line with municipalities/data; repeating it changes nothing."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--connections", action="store_true", help="connect whoever was never connected")
        parser.add_argument("--town-base-url", default=connections.TOWNS, help="where the simulated towns are")
        parser.add_argument(
            "--since", type=date.fromisoformat, help="first day of new connections (today if not given)"
        )

    def handle(self, *, town_base_url: str, since: date | None, **options: bool) -> None:
        try:
            report = loader.sync()
        except loader.TableError as error:
            raise CommandError(str(error)) from error
        self.say("municipalities added", report.added)
        self.say("municipalities changed", report.changed)
        self.say("municipalities ended", report.ended)
        self.say("municipalities no longer in the table, kept", report.unlisted)
        self.say("successions added or changed", report.successions)
        self.stdout.write(f"{report.unchanged} municipalities unchanged")
        if options["connections"]:
            day = since or timezone.localdate()
            self.say("connections added", connections.create_missing(day, town_base_url))

    def say(self, what: str, codes: list[str]) -> None:
        """One line: how many, and which while they are few enough to read."""
        which = ", ".join(codes[:SHOWN]) + (" …" if len(codes) > SHOWN else "")
        self.stdout.write(f"{len(codes)} {what}{': ' + which if which else ''}")
