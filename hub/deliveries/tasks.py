"""Celery's way into the deliveries. No rule lives here."""

from celery import shared_task

from hub.deliveries import courier


@shared_task(ignore_result=True)
def carry() -> None:
    """Carry what is due; hand the process back after five idle seconds, or after twenty busy ones."""
    courier.run(idle=5.0, slice_=20.0)
