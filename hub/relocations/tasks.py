"""Celery's way into the relocations. No rule lives here."""

from celery import shared_task

from hub.relocations import firing


@shared_task(ignore_result=True)
def fire_deadlines() -> None:
    """Fire the deadlines that have run out."""
    while firing.fire().more:
        pass
