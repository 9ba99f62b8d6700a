"""Celery's way into the shadow runs. No rule lives here."""

from celery import shared_task

from hub.shadow import services


@shared_task(ignore_result=True)
def try_next() -> None:
    """Try what went out in the standards that are to begin; for a second, so that nothing waits behind it."""
    services.run(seconds=1.0)
