"""One Celery task per delivery."""

import os

import requests
from celery import Celery, Task
from django.conf import settings
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.bench.naive.settings")

app = Celery("naive", set_as_current=False)
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(bind=True, max_retries=None)
def deliver(self: Task, pk: int) -> None:
    """Render, post, save; after a failure again in 2, 4, 8 … seconds, an hour at most."""
    from hub.bench.naive.models import Delivery  # the worker sets Django up after it has read this module
    from hub.bench.naive.rendering import render

    delivery = Delivery.objects.select_related("relocation").get(pk=pk)
    body = render(delivery)
    headers = {"Content-Type": "application/json", "webhook-id": str(pk), "hikkoshi-notice-type": delivery.type}
    delivery.attempts += 1
    try:
        answer = requests.post(f"{settings.TOWNS}/naive/{delivery.town}/inbox", data=body, headers=headers, timeout=30)
        answer.raise_for_status()
    except requests.RequestException as error:
        delivery.error = type(error).__name__
        delivery.save()
        raise self.retry(exc=error, countdown=min(3600, 2 ** min(delivery.attempts, 12))) from error
    delivery.state, delivery.error, delivery.delivered_at = "delivered", "", timezone.now()
    delivery.save()


@app.task
def nothing() -> None:
    """The least that a task can do: the floor under every design with a task per delivery."""
