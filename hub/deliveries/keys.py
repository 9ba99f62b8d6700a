"""The signing keys of connections: opened for the courier, replaced with an overlap during which both sign."""

import secrets
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import transaction
from django.utils import timezone

from hub.audit import services as audit
from hub.vault import services as vault
from municipalities.models import Connection

#: How long pushes are signed by the key before as well.
OVERLAP = timedelta(days=14)
#: Bytes of a new key (Standard Webhooks asks for 24 to 64).
LENGTH = 32


def identity(connection_id: int) -> str:
    """Associated data of a connection's wrapped signing key."""
    return f"municipalities_connection.signing_key:{connection_id}"


@lru_cache(maxsize=8_192)
def opened(connection_id: int, wrapped: bytes | None) -> bytes:
    """Open a signing key; kept because every push of the lane needs it."""
    return vault.masters().unwrap(wrapped, identity(connection_id)) if wrapped else b""


def wrapped(connection_id: int, key: bytes) -> bytes:
    """Wrap a signing key by the hub's master key."""
    return vault.masters().wrap(key, identity(connection_id))


def previous(link: Connection, now: datetime) -> bytes:
    """The key before the present one while it still signs; else empty."""
    still = link.previous_key_until is not None and link.previous_key_until > now
    return opened(link.pk, bytes(link.previous_signing_key)) if still and link.previous_signing_key else b""


def of(link: Connection) -> tuple[bytes, ...]:
    """Every key that holds now, the newest first."""
    newest = opened(link.pk, bytes(link.signing_key)) if link.signing_key else b""
    return tuple(key for key in (newest, previous(link, timezone.now())) if key)


@transaction.atomic
def rotate(link: Connection, overlap: timedelta = OVERLAP) -> bytes:
    """Return a new key; until the overlap is over, pushes carry a signature by the one before as well."""
    link = Connection.objects.select_for_update().get(pk=link.pk)
    key = secrets.token_bytes(LENGTH)
    link.previous_signing_key, link.previous_key_until = link.signing_key, timezone.now() + overlap
    link.signing_key = wrapped(link.pk, key)
    link.save(update_fields=["signing_key", "previous_signing_key", "previous_key_until"])
    audit.record(audit.Act("connection.key_rotated", f"connection:{link.pk}", {"municipality": link.municipality_id}))
    return key
