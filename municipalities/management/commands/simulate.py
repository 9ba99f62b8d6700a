"""Plays municipalities' systems: those of the codes given, or of every connection to this machine."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from municipalities.characters import Gaiji
from municipalities.models import Connection
from municipalities.simulator import options as simulator
from municipalities.simulator.script import ScriptError
from municipalities.simulator.serve import serve
from municipalities.simulator.town import Layout, Secret, Town, read_secrets


class Command(BaseCommand):
    """Simulate towns until Ctrl-C; what was under way goes on at the next start."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("codes", nargs="*", metavar="CODE", help="six digits; none = all")
        parser.add_argument("--except", action="append", default=[], metavar="CODE", dest="without",
                            help="not this one: somebody else's system is that town; repeatable")  # fmt: skip
        parser.add_argument(
            "--secrets", type=Path, required=True, help="file of the towns' secrets, one JSON object a line"
        )
        simulator.add(parser)

    def handle(self, *, codes: list[str], without: list[str], secrets: Path, **options: Any) -> None:
        towns = [town for town in chosen(codes, read_secrets(secrets)) if town.code not in without]
        root = Path(settings.HUB_FOLDER_ROOT)
        try:
            asked = simulator.settings(options, root, [town.code for town in towns])
        except ScriptError as error:
            raise CommandError(str(error)) from None
        self.stderr.write(f"{len(towns)} towns")
        asyncio.run(serve(towns, asked, ready=self.listening))

    def listening(self, address: str) -> None:
        """Say where the towns listen."""
        self.stdout.write(f"listening on {address} (what the towns are doing: {address}/)")
        self.stdout.flush()


def chosen(codes: Iterable[str], secrets: Mapping[str, Secret]) -> list[Town]:
    """The towns of today's connections; the codes' only, if there are any."""
    wanted, today = set(codes), timezone.localdate()
    rows = Connection.objects.select_related("gaiji", "municipality").order_by("municipality_id", "valid_from")
    rows = rows.filter(municipality__in=wanted) if wanted else rows
    others: dict[str, list[Layout]] = {}
    for row in rows.exclude(pk__in=Connection.objects.valid_on(today).values("pk")):
        others.setdefault(row.municipality_id, []).append(Layout(standard=row.standard, gaiji=table(row)))
    towns = [
        town(row, secrets[row.municipality_id], others.get(row.municipality_id, ()))
        for row in rows.valid_on(today)
        if row.municipality_id in secrets
    ]
    if missing := wanted - {played.code for played in towns}:
        raise CommandError(f"no connection or no secret for {', '.join(sorted(missing))}")
    return towns


def table(row: Connection) -> Gaiji | None:
    """The connection's gaiji table."""
    return row.gaiji.value() if row.gaiji else None


def town(row: Connection, secret: Secret, others: Iterable[Layout] = ()) -> Town:
    """The town behind a connection."""
    return Town(
        code=row.municipality_id,
        standard=row.standard,
        address=row.address,
        client_id=f"town-{row.municipality_id}",
        client_secret=secret.client_secret,
        signing_key=secret.signing_key,
        gaiji=table(row),
        name=str(row.municipality),
        others=tuple(others),
    )
