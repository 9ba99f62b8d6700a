"""Keys and secrets of machine clients: made, replaced with an overlap, taken back; everything is written down."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from jwcrypto import jwk
from jwcrypto.common import JWException
from oauth2_provider.models import get_access_token_model

from hub.accounts import origin
from hub.accounts.models import Credential, CredentialKind, SystemClient, soon
from hub.audit import services as audit

#: A secret lasts a year; the one before it goes on for two weeks.
LASTS, OVERLAP = timedelta(days=365), timedelta(days=14)
#: Kinds of keys that assertions may be signed with, and the least size of an RSA key in bits.
KEY_TYPES, LEAST_RSA = ("RSA", "EC", "OKP"), 2048


@dataclass(frozen=True, slots=True)
class Shown:
    """A credential as its client and an operator see it: never the secret itself."""

    kind: str
    name: str
    created_at: datetime | None
    expires_at: datetime | None
    expires_soon: bool


def make(client_id: str, municipality: str | None, scopes: str) -> tuple[SystemClient, str]:
    """Make a client; returns it and its secret, which is shown once and kept as a hash alone."""
    secret = secrets.token_urlsafe(32)
    client = SystemClient.objects.create(
        client_id=client_id,
        name=client_id,
        client_secret=secret,
        client_type=SystemClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=SystemClient.GRANT_CLIENT_CREDENTIALS,
        municipality_id=municipality,
        scopes=scopes,
        secret_expires_at=timezone.now() + LASTS,
    )
    _write_down("client.made", client, scopes=scopes)
    return client, secret


@transaction.atomic
def rotate_secret(client: SystemClient, overlap: timedelta = OVERLAP) -> str:
    """Return a new secret; the present one goes on until the overlap is over, those before it end now."""
    client = SystemClient.objects.select_for_update().get(pk=client.pk)
    now = timezone.now()
    client.credentials.filter(kind=CredentialKind.SECRET).valid().update(revoked_at=now)
    until = min(filter(None, (now + overlap, client.secret_expires_at)))
    Credential.objects.create(
        client=client,
        kind=CredentialKind.SECRET,
        value=client.client_secret,
        created_at=client.updated,
        expires_at=until,
    )
    secret = secrets.token_urlsafe(32)
    client.client_secret, client.secret_expires_at = secret, now + LASTS
    client.save(update_fields=["client_secret", "secret_expires_at", "updated"])
    _write_down("client.secret_rotated", client)
    return secret


def add_key(client: SystemClient, text: str, expires_at: datetime | None) -> Credential:
    """Add a public key (JWK); several hold at once, so that one can follow the other without a gap."""
    try:
        key = jwk.JWK.from_json(text)
        kind = key["kty"]
        size = key._get_public_key().key_size if kind == "RSA" else LEAST_RSA
    except (JWException, ValueError, KeyError, TypeError) as error:
        raise ValidationError(gettext("This is no JSON Web Key.")) from error
    if key.has_private:
        raise ValidationError(gettext("This holds a private key: it stays with the client. Enter the public one."))
    if kind not in KEY_TYPES or size < LEAST_RSA:
        raise ValidationError(gettext("Use an RSA key of 2048 bits or more, an EC key or Ed25519."))
    name = key.get("kid") or key.thumbprint()
    row = Credential(client=client, kind=CredentialKind.KEY, name=str(name)[:100], value=key.export_public())
    return _add(row, expires_at)


def add_certificate(client: SystemClient, text: str, expires_at: datetime | None) -> Credential:
    """Add a certificate (PEM) that the client may show; only its thumbprint is kept."""
    name = origin.thumbprint(text)
    if not name:
        raise ValidationError(gettext("This is no certificate in PEM."))
    return _add(Credential(client=client, kind=CredentialKind.CERTIFICATE, name=name), expires_at)


def _add(row: Credential, expires_at: datetime | None) -> Credential:
    row.expires_at = expires_at
    row.full_clean()
    row.save()
    _write_down(f"client.{row.kind}_added", row.client, name=row.name)
    return row


def revoke(row: Credential) -> None:
    """Take a credential back; what was issued by any credential of the client ends with it."""
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    end_tokens(row.client)
    _write_down("client.credential_revoked", row.client, kind=row.kind, name=row.name)


def end_tokens(client: SystemClient) -> None:
    """End every token of the client."""
    get_access_token_model().objects.filter(application=client).delete()


def knows_secret(client: SystemClient, secret: str) -> bool:
    """Tell whether this is one of the client's secrets that hold now."""
    now = timezone.now()
    newest = client.secret_expires_at is None or client.secret_expires_at > now
    if newest and check_password(secret, client.client_secret):
        return True
    older = client.credentials.filter(kind=CredentialKind.SECRET).valid()
    return any(check_password(secret, row.value) for row in older)


def credentials_of(client: SystemClient) -> Iterator[Shown]:
    """Yield what the client may prove itself by, the newest secret first."""
    ends = client.secret_expires_at
    yield Shown("secret", "", ends - LASTS if ends else None, ends, soon(ends))
    for row in client.credentials.valid().order_by("kind", "-created_at"):
        yield Shown(row.kind, row.name, row.created_at, row.expires_at, row.expires_soon)


def expires_next(client: SystemClient, *, secret_only: bool = False) -> datetime | None:
    """The end of the credential that the client must see to: the newest of its kind, if that ends soon.

    ``secret_only``: it is known that the client has no other credential than its newest secret.
    """
    if secret_only:
        return client.secret_expires_at if soon(client.secret_expires_at) else None
    return expire_next([client]).get(client.pk)


def expire_next(clients: Iterable[SystemClient]) -> dict[int, datetime]:
    """As ``expires_next``, for many in one statement; those that must see to nothing are left out."""
    newest = {client.pk: {CredentialKind.SECRET.value: client.secret_expires_at} for client in clients}
    rows = Credential.objects.valid().filter(client__in=newest)
    for pk, kind, expires_at in rows.values_list("client", "kind", "expires_at"):
        ends = newest[pk].setdefault(kind, expires_at)
        newest[pk][kind] = None if ends is None or expires_at is None else max(ends, expires_at)
    found = {
        pk: min((ends for ends in by_kind.values() if ends and soon(ends)), default=None)
        for pk, by_kind in newest.items()
    }
    return {pk: ends for pk, ends in found.items() if ends is not None}


def comes_from_home(client: SystemClient, meta: Any) -> bool:
    """Tell whether the request comes from a network of the client's, if it has any."""
    if not client.networks:
        return True
    address = origin.address_of(meta)
    return address is not None and origin.contains(origin.networks(client.networks.split()), address)


def _write_down(action: str, client: SystemClient, **detail: Any) -> None:
    told = {"municipality": client.municipality_id or "", **detail}
    audit.record(audit.Act(action, f"client:{client.client_id}", told))
