"""Celery's way into the relocations. No rule lives here."""

import time

from celery import shared_task

from hub.relocations import firing, retention

#: Seconds after which a purge leaves the rest to the next night.
LONGEST = 3_600.0


@shared_task(ignore_result=True)
def fire_deadlines() -> None:
    """Fire the deadlines that have run out."""
    while firing.fire().more:
        pass


@shared_task(ignore_result=True)
def purge() -> None:
    """Remove what is kept no longer, batch by batch."""
    ends = time.monotonic() + LONGEST
    for _ in retention.purge():
        if time.monotonic() > ends:
            return
