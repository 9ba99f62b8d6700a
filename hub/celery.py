"""The Celery application. Redis only says «look»; what is due is a row in PostgreSQL."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

app = Celery("hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(
    [
        "hub.accounts",
        "hub.deliveries",
        "hub.onboarding",
        "hub.procedures",
        "hub.protection",
        "hub.relocations",
        "hub.shadow",
        "hub.trays",
    ]
)


@worker_init.connect
def get_ready(**_: Any) -> None:
    """Read and compile before processes are forked: they share it, and no first delivery waits."""
    from hub import ready  # Django comes first

    ready.worker()


@worker_ready.connect
def begin(**_: Any) -> None:
    """A courier begins with its worker; the beat's next call may be seconds away."""
    app.send_task("hub.deliveries.tasks.carry", expires=5.0)
