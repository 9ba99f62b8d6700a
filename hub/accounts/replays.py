"""What may be said once: the cache says quickly that it was said before, the row says it even if the cache is gone."""

import hashlib
from datetime import timedelta

import structlog
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from redis.exceptions import RedisError

from hub.accounts.models import Nonce, SystemClient

log = structlog.get_logger(__name__)


def first_time(client: SystemClient, said: str, seconds: int) -> bool:
    """Tell whether the client says this for the first time; it is remembered for so long.

    The cache keeps it although the request is refused afterwards and its transaction rolled back.
    """
    value = hashlib.sha256(said.encode()).hexdigest()
    try:
        if not cache.add(f"nonce:{client.pk}:{value}", 1, seconds):
            return False
    except RedisError as error:
        log.warning("nonces_without_cache", error=type(error).__name__)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_nonce (client_id, value, expires_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [client.pk, value, timezone.now() + timedelta(seconds=seconds)],
        )
        return bool(cursor.rowcount == 1)


def forget() -> int:
    """Remove what would be refused by its age anyway; returns how many."""
    return Nonce.objects.filter(expires_at__lt=timezone.now()).delete()[0]
