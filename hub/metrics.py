"""What processes count, added up in Valkey for ``/metrics``: one hash for all of them, one round trip a second.

A name carries its labels as Prometheus writes them; labels name kinds, states and codes, never anything personal.
Should Valkey be away or lose it, nothing but the figure is missing.
"""

import atexit
import threading
from collections import Counter
from collections.abc import Iterable, Mapping

import redis
import structlog

from hub import valkey

log = structlog.get_logger(__name__)

KEY = "hub:metrics"
#: Upper bounds of the histograms, in seconds.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
BOUNDS = (*map(str, BUCKETS), "+Inf")


#: Seconds for which a process collects before it writes.
EVERY = 1.0
_lock = threading.Lock()
_collected: Counter[str] = Counter()


def add(*counts: Mapping[str, float]) -> None:
    """Add to counters; written within a second, and when the process ends."""
    with _lock:
        waiting = bool(_collected)
        for one in counts:
            for name, value in one.items():
                _collected[name] += value  # type: ignore[assignment]
        if not waiting and _collected:
            timer = threading.Timer(EVERY, write)
            timer.daemon = True
            timer.start()


@atexit.register
def write() -> None:
    """Write what was collected."""
    with _lock:
        counts = dict(_collected)
        _collected.clear()
    if not counts:
        return
    try:
        with valkey.client().pipeline(transaction=False) as pipe:
            for name, value in counts.items():
                pipe.hincrbyfloat(KEY, name, value)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("metrics_unreachable", error=type(error).__name__)


def read() -> dict[str, float]:
    """Return all counters; none when Valkey is away."""
    write()
    try:
        found: dict[bytes, bytes] = dict(valkey.client().hgetall(KEY))  # type: ignore[arg-type]
    except redis.RedisError as error:
        log.warning("metrics_unreachable", error=type(error).__name__)
        return {}
    return {name.decode(): float(value) for name, value in found.items()}


def observed(name: str, seconds: Iterable[float], labels: str = "") -> dict[str, float]:
    """Return what observations add to a histogram: to one bucket each, to the sum and to the number.

    >>> sorted(observed("x", [0.02]).items())
    [('x_bucket{le="0.025"}', 1), ('x_count', 1), ('x_sum', 0.02)]
    """
    found: Counter[str] = Counter()
    lead, plain = (f"{labels},", f"{{{labels}}}") if labels else ("", "")
    for value in seconds:
        bound = next((bound for bound in BUCKETS if value <= bound), "+Inf")
        found[f'{name}_bucket{{{lead}le="{bound}"}}'] += 1
        found[f"{name}_sum{plain}"] += value  # type: ignore[assignment]
        found[f"{name}_count{plain}"] += 1
    return dict(found)
