"""Django application of the protection measures."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProtectionConfig(AppConfig):
    """Measures, the filings under them, and what two clerks released."""

    name = "hub.protection"
    label = "protection"
    verbose_name = _("Protection measures")

    def ready(self) -> None:
        """Guard a filing of a protected person before anybody is told of it."""
        from hub.protection import services
        from hub.relocations.signals import corrected, stored

        stored.connect(services.guard, dispatch_uid="protection_guard")
        corrected.connect(services.guard_again, dispatch_uid="protection_guard_again")
