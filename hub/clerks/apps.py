"""Django application."""

from django.apps import AppConfig


class ClerksConfig(AppConfig):
    """See the package's own words."""

    name = "hub.clerks"
    label = "clerks"
