"""Django application of the API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Doors for machines."""

    name = "hub.api"
    label = "api"
