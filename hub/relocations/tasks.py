"""Celery's way into the relocations. No rule lives here."""

import time

from celery import shared_task

from hub.relocations import firing, outages, retention, successions

#: Seconds after which a purge leaves the rest to the next night.
LONGEST = 3_600.0


@shared_task(ignore_result=True)
def fire_deadlines() -> None:
    """Fire the deadlines that have run out."""
    while firing.fire().more:
        pass


@shared_task(ignore_result=True)
def follow_successions() -> None:
    """Let municipalities take over what was their predecessors'."""
    while successions.follow():
        pass


@shared_task(ignore_result=True)
def watch_outages() -> None:
    """Tell the clerks whom an outage of the statutory line concerns, and when it is over."""
    outages.watch()


@shared_task(ignore_result=True)
def purge() -> None:
    """Remove what is kept no longer, batch by batch."""
    ends = time.monotonic() + LONGEST
    for _ in retention.purge():
        if time.monotonic() > ends:
            return
