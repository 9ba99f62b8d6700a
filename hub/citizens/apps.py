"""Django application."""

from django.apps import AppConfig


class CitizensConfig(AppConfig):
    """See the package's own words."""

    name = "hub.citizens"
    label = "citizens"
