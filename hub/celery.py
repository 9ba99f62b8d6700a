"""The Celery application. Redis only says «look»; what is due is a row in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

app = Celery("hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(
    ["hub.accounts", "hub.deliveries", "hub.onboarding", "hub.procedures", "hub.relocations", "hub.shadow", "hub.trays"]
)
