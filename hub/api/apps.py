"""Django application of the API."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    """Doors for machines."""

    name = "hub.api"
    label = "api"
    verbose_name = _("Machines")
