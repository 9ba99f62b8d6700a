"""Make, open and shred the keys of relocations."""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connection

from hub.rows import Writer
from hub.vault import cipher
from hub.vault.models import DataKey

KEYS = Writer(DataKey)


class ShreddedError(Exception):
    """The key of this relocation is gone, or its rows are not this actor's to see."""


@cache
def masters() -> cipher.MasterKeys:
    """Return the configured master keys."""
    return cipher.MasterKeys.read(settings.HUB_MASTER_KEYS)


def create(relocation_id: UUID) -> bytes:
    """Make, store and return the key of a new relocation."""
    key = cipher.new_key()
    KEYS([DataKey(relocation_id=relocation_id, wrapped=masters().wrap(key, _identity(relocation_id)))])
    return key


# An array, so that the statement is the same however many are asked for.
WRAPPED = "SELECT relocation_id, wrapped FROM vault_datakey WHERE relocation_id = ANY(%s::uuid[])"


def wrapped_many(relocation_ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """Return the wrapped keys that exist, by relocation, in one query; one that is broken disturbs no other."""
    with connection.cursor() as cursor:
        cursor.execute(WRAPPED, [list(set(relocation_ids))])
        return {pk: bytes(wrapped) for pk, wrapped in cursor.fetchall()}


def unwrap(relocation_id: UUID, wrapped: bytes) -> bytes:
    """Open a wrapped key; raises ``SealBrokenError`` when no configured master key does."""
    return masters().unwrap(wrapped, _identity(relocation_id))


def open_one(relocation_id: UUID) -> bytes:
    """Return one key; raises ``ShreddedError`` when it does not exist (any more)."""
    wrapped = wrapped_many([relocation_id]).get(relocation_id)
    if wrapped is None:
        raise ShreddedError(str(relocation_id))
    return unwrap(relocation_id, wrapped)


def shred(relocation_id: UUID) -> bool:
    """Delete the key; what was sealed with it cannot be read again. Tells whether there was one."""
    deleted, _ = DataKey.objects.filter(pk=relocation_id).delete()
    return bool(deleted)


def _identity(relocation_id: UUID) -> str:
    return f"vault_datakey.wrapped:{relocation_id}"
