"""``manage.py conformance``: the kit for adapter writers, in a town's record standard; the hub can keep the report."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hub.actors import HUB, acting
from hub.conformance import services
from municipalities import standard
from municipalities.conformance import options
from municipalities.conformance.report import as_html, as_lines
from municipalities.conformance.report import as_json as document_of


class Command(BaseCommand):
    """Exit code 0 when the grade is at least the one asked for."""

    help = "Play the hub towards a vendor's adapter (push, pull or files) and grade it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        options.add(parser)
        parser.add_argument("--standard", default="", help="record standard to hand over in (default: JSON)")
        parser.add_argument("--record", action="store_true", help="keep the report, for the municipality of --town")

    def handle(self, **options_: Any) -> None:
        given = type("Given", (), options_)()
        if given.standard and given.standard not in standard.names():
            raise CommandError(f"There is no record standard «{given.standard}»; see «manage.py standards list».")
        report = options.run(given, self.stderr.write, services.writer(given.standard))
        document = document_of(report, given.language) | {"standard": given.standard}
        lines = as_lines(report, given.language)
        self.stdout.write(json.dumps(document, ensure_ascii=False) if given.json else "\n".join(lines))
        if given.html:
            given.html.write_text(as_html(report, given.language), encoding="utf-8")
        if given.record:
            with acting(HUB):
                services.record(given.town, document)
        if report.grade > given.needed:
            raise CommandError(f"Grade {report.grade}; {given.needed} was asked for.", returncode=1)
