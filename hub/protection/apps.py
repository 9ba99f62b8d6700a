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
        from hub.protection import routed, services
        from hub.relocations.signals import coming, corrected, reported, reporting, stored

        stored.connect(services.guard, dispatch_uid="protection_guard")
        corrected.connect(services.guard_again, dispatch_uid="protection_guard_again")
        coming.connect(routed.lock, dispatch_uid="protection_lock")
        reporting.connect(routed.check, dispatch_uid="protection_check")
        reporting.connect(services.guard_where_they_appear, dispatch_uid="protection_guard_elsewhere")
        reported.connect(routed.protect, dispatch_uid="protection_protect")
