"""Limits on how often somebody may ask, counted in Valkey: one key and one round trip per request.

The generic cell rate algorithm (ITU-T I.371, annex A): each key holds the moment up to which its requests are
spent, so that a client is neither let through in bursts at the turn of a minute nor kept out longer than needed.
Where Valkey is away nobody is turned away: a limit guards the service, it is no part of its promises.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from django.conf import settings

from hub import valkey

log = structlog.get_logger(__name__)

SPEND = """
local at = redis.call('TIME')
local now = at[1] * 1000000 + at[2]
local each, burst = tonumber(ARGV[1]) * 1000000 / tonumber(ARGV[2]), tonumber(ARGV[3])
local spent = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local after = spent + each
local allowed = after - now <= each * burst
if allowed and ARGV[4] == '1' then
    redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
    spent = after
end
local left = math.max(0, math.floor((each * burst - (spent - now)) / each))
local wait = allowed and 0 or math.ceil((after - now - each * burst) / 1000)
return {allowed and 1 or 0, left, wait, math.ceil((spent - now) / 1000)}
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds; at most ``burst`` at once."""

    name: str
    requests: int
    seconds: int
    burst: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What is left: requests at once, seconds to wait when refused, and seconds until everything is free again."""

    allowed: bool
    left: int
    wait: float
    reset: float


def spend(limit: Limit, who: str, *, count: bool = True) -> Spent | None:
    """Count a request of ``who``, or only tell what would be; ``None`` when Valkey is away."""
    key = f"{settings.HUB_LIMITS_PREFIX}:{limit.name}:{mark(who)}"
    try:
        result: Any = valkey.client().eval(SPEND, 1, key, limit.seconds, limit.requests, limit.burst, int(count))
    except redis.RedisError as error:
        log.warning("limits_unreachable", error=type(error).__name__)
        return None
    allowed, left, wait, reset = result
    return Spent(bool(allowed), int(left), int(wait) / 1000, int(reset) / 1000)


def mark(who: str) -> str:
    """Return what stands for a name or an address in Valkey: it cannot be read from it (HMAC-SHA256, 128 bits)."""
    return hmac.new(settings.HUB_AUDIT_KEY.encode(), who.encode(), hashlib.sha256).hexdigest()[:32]
