"""Django application of planned changes and shadow runs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShadowConfig(AppConfig):
    """Changes of connections, and what was found before them."""

    name = "hub.shadow"
    label = "shadow"
    verbose_name = _("Changes of connections")
