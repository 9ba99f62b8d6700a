"""Django application."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """See the package's own words."""

    name = "hub.demo"
    label = "demo"
