"""Celery's way into the procedures. No rule lives here."""

from celery import shared_task

from hub.procedures import services


@shared_task(ignore_result=True)
def open_by_day() -> None:
    """Open what opens today because its day has come."""
    services.open_by_day()
