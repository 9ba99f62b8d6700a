"""Django application of conformance reports."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConformanceConfig(AppConfig):
    """Reports of the kit, and what follows from them."""

    name = "hub.conformance"
    label = "conformance"
    verbose_name = _("Conformance")

    def ready(self) -> None:
        """What is made at the desk row by row is held to the grade too."""
        from hub.conformance import services  # models are there only now
        from municipalities import connections

        connections.guards.append(services.against)
