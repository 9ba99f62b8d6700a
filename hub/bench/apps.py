"""The benchmark as a Django app, for its command."""

from django.apps import AppConfig


class BenchConfig(AppConfig):
    """The benchmark."""

    name = "hub.bench"
