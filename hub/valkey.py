"""This process's connection to Redis (or Valkey), where nothing is kept that may not be lost."""

import redis
import redis.asyncio
from django.conf import settings

_client: redis.Redis | None = None


def client() -> redis.Redis:
    """Return the connection; it is made at the first use and shared by the process's threads."""
    global _client
    if _client is None:
        _client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=1)
    return _client


def listener() -> "redis.asyncio.Redis":
    """Return a connection of an event loop's own, for what waits."""
    return redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=1)
