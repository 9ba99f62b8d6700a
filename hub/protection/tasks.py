"""Celery's way into the protection measures. No rule lives here."""

from celery import shared_task

from hub.protection import expiring


@shared_task(ignore_result=True)
def watch() -> None:
    """Ask the clerks about measures whose term ends within a month."""
    expiring.watch()
