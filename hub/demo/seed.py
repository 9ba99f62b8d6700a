"""What a demo needs in the database: towns with connections and clients, lanes, and the accounts to try."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from hub.accounts.models import SystemClient, User
from hub.actors import HUB, acting
from hub.deliveries import keys, lanes
from hub.vault import services as vault
from municipalities import gaiji
from municipalities.models import Connection, GaijiTable, Municipality
from municipalities.simulator.sftp import host_key

PASSWORD = "hikkoshi-demo"  # noqa: S105 - a demo on loopback tells everybody
FRONT = "demo-front"


@dataclass(frozen=True, slots=True)
class Account:
    """An account that the demo prints."""

    username: str
    title: str
    municipality: str = ""
    operator: bool = False
    #: Entrusted with protection measures (支援措置); what they open takes two.
    protects: bool = False


ACCOUNTS = (
    Account("citizen", "citizen 見本 太郎 (届出人)"),
    Account("clerk-chiyoda", "clerk of Chiyoda (千代田区の職員)", "131016"),
    Account("clerk-hakodate", "clerk of Hakodate (函館市の職員)", "012025"),
    Account("protection-a", "clerk for protection measures (千代田区の支援措置担当)", "131016", protects=True),
    Account("protection-b", "the second one, who releases (同、承認する職員)", "131016", protects=True),
    Account("operator", "operator of the hub (運用者)", operator=True),
)


def secret(purpose: str) -> bytes:
    """Return 32 bytes for one purpose, the same each time for the same installation."""
    return hmac.new(settings.SECRET_KEY.encode(), f"demo:{purpose}".encode(), hashlib.sha256).digest()


def client_secret(client_id: str) -> str:
    """Return the secret of an OAuth client of the demo."""
    return secret(f"client:{client_id}").hex()


def seed(towns: str, data: Path, sftp_port: int = 0) -> int:
    """Load everything that is missing and write the towns' secrets for the simulator; returns the towns.

    Without a port of an SFTP server, what goes by files goes through folders.
    """
    data.mkdir(parents=True, exist_ok=True)
    call_command("sync_municipalities", connections=True, town_base_url=towns, verbosity=0, stdout=_Silence())
    with transaction.atomic():
        _move(towns)
        if sftp_port:
            _log_in(data, sftp_port)
        _sign()
        _gaiji()
        codes = list(Municipality.objects.leaf().valid_on(timezone.localdate()).values_list("pk", flat=True))
        _clients(codes)
        _accounts()
    with acting(HUB):
        lanes.ensure(codes)
    file = data / "secrets.jsonl"
    file.touch(mode=0o600)
    file.write_text("".join(_secrets(codes)), encoding="utf-8")
    return len(codes)


class _Silence:
    """Takes the lines of a command that the demo does not show."""

    def write(self, text: str) -> int:
        return len(text)


def _move(towns: str) -> None:
    """Point the connections to where the simulated towns are this time; the port may have been taken."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE municipalities_connection SET address = regexp_replace(address, 'http://127.0.0.1:[0-9]+', %s)"
            " WHERE address ~ 'http://127.0.0.1:[0-9]+/towns/' AND position(%s IN address) = 0",
            [towns, towns],
        )


def _log_in(data: Path, port: int) -> None:
    """Let a quarter of the towns that exchange files do so over SFTP, with the key of this demo's server pinned."""
    fingerprint = quote(host_key(data).get_fingerprint())
    files = Q(address__startswith="folder:towns/") | Q(address__startswith="sftp:")
    rows = [row for row in Connection.objects.filter(files) if int(row.municipality_id[:5]) % 4 == 0]
    for row in rows:
        row.address = f"sftp://{row.municipality_id}@127.0.0.1:{port}/inbox?hostkey={fingerprint}"
    Connection.objects.bulk_update(rows, ["address"], batch_size=500)


def _sign() -> None:
    """Give each connection that signs, a push or in, its key, wrapped by the master key."""
    signs = Q(address__startswith="http") | Q(address__startswith="sftp:")
    rows = list(Connection.objects.filter(signs, signing_key=None))
    for row in rows:
        row.signing_key = vault.masters().wrap(secret(f"signing:{row.municipality_id}"), keys.identity(row.pk))
    Connection.objects.bulk_update(rows, ["signing_key"], batch_size=500)


def _gaiji() -> None:
    """Give the towns whose systems have private-use characters of their own the sample table."""
    sample, _ = GaijiTable.objects.get_or_create(
        name="sample", defaults={"title": "見本の外字表", "source": gaiji.SAMPLE.name}
    )
    gaiji.replace(sample, gaiji.read(gaiji.SAMPLE.name, gaiji.SAMPLE.read_bytes()))
    Connection.objects.filter(standard__contains="gaiji", gaiji=None).update(gaiji=sample)


def _clients(codes: list[str]) -> None:
    """One OAuth client per town, and one for a partner front."""
    have = set(SystemClient.objects.values_list("client_id", flat=True))
    wanted = [(f"town-{code}", code, "deliveries reports") for code in codes]
    wanted.append((FRONT, None, "relocations:file"))  # type: ignore[arg-type]
    SystemClient.objects.bulk_create(
        SystemClient(
            client_id=client_id,
            client_secret=client_secret(client_id),
            client_type=SystemClient.CLIENT_CONFIDENTIAL,
            authorization_grant_type=SystemClient.GRANT_CLIENT_CREDENTIALS,
            name=client_id,
            municipality_id=code,
            scopes=scopes,
        )
        for client_id, code, scopes in wanted
        if client_id not in have
    )


def _accounts() -> None:
    for account in ACCOUNTS:
        User.objects.get_or_create(
            username=account.username,
            defaults={
                "password": make_password(PASSWORD),
                "is_staff": bool(account.municipality) or account.operator,
                "is_operator": account.operator,
                "handles_protection": account.protects,
                "municipality_id": account.municipality or None,
            },
        )


def _secrets(codes: list[str]) -> Iterator[str]:
    for code in codes:
        key = base64.b64encode(secret(f"signing:{code}")).decode()
        yield json.dumps({"code": code, "client_secret": client_secret(f"town-{code}"), "signing_key": key}) + "\n"
