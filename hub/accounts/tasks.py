"""Celery's way into the accounts. No rule lives here."""

from celery import shared_task

from hub.accounts import replays


@shared_task(ignore_result=True)
def forget() -> None:
    """Remove what machine clients may not say twice and what would be refused by its age anyway."""
    replays.forget()
