"""Celery's way into the onboardings. No rule lives here."""

from celery import shared_task

from hub.onboarding import work


@shared_task(ignore_result=True)
def run() -> None:
    """Do what waits for a worker, once."""
    work.work()
