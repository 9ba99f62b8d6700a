"""Whether the hub takes filings in faster than it can deal with them; then new ones are asked to come later.

Two signs: the database answers slowly, or what could be sent now has waited long. A town that is closed, paused or
failing is no reason to turn anybody away: its lane holds, and nothing else is slower for it.
"""

import random
import time

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from hub.actors import HUB, acting

log = structlog.get_logger(__name__)

#: A process looks at most this often (seconds).
EVERY = 2.0
#: How long a client is asked to wait, in seconds, spread so that all do not come back at once.
WAIT = (5.0, 15.0)

# Of each open lane, the delivery that is due longest and that a courier could take.
OLDEST = """
SELECT extract(epoch FROM %(now)s - min(head.due_at))
  FROM deliveries_lane AS lane CROSS JOIN LATERAL (
       SELECT due_at FROM deliveries_delivery AS delivery
        WHERE delivery.municipality_id = lane.municipality_id AND delivery.state = 'queued'
        ORDER BY due_at LIMIT 1) AS head
 WHERE NOT lane.paused AND lane.failures = 0
   AND (lane.open_until IS NULL OR (lane.open_from <= %(now)s AND lane.open_until > %(now)s))
   AND (lane.resumed_at IS NULL OR lane.resumed_at < %(now)s - interval '1 hour')
   AND (lane.open_from IS NULL OR lane.open_from < %(now)s - interval '1 hour')
"""

_seen_at = 0.0
_behind = False


def wait() -> float:
    """Return for how many seconds a filing should wait; 0 when it is welcome."""
    global _seen_at, _behind
    now = time.monotonic()
    if now - _seen_at >= EVERY:
        _seen_at = now
        behind = _look()
        if behind != _behind:
            log.warning("intake_pressure", behind=behind)
        _behind = behind
    return random.uniform(*WAIT) if _behind else 0.0  # noqa: S311 - spreads load, guards nothing


def _look() -> bool:
    """Ask the database; how long it takes to answer is the other half of the answer."""
    began = time.monotonic()
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(OLDEST, {"now": timezone.now()})
        (age,) = cursor.fetchone()
    slow = time.monotonic() - began > float(settings.HUB_SLOW_DATABASE)
    return slow or float(age or 0.0) > float(settings.HUB_LONGEST_BACKLOG)


def forget() -> None:
    """Look again at the next request: in tests, and after settings were changed."""
    global _seen_at
    _seen_at = 0.0
