"""Django application of the relocations; it follows what deliveries were handed over."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RelocationsConfig(AppConfig):
    """Relocations, legs, reports, events."""

    name = "hub.relocations"
    label = "relocations"
    verbose_name = _("Relocations")

    def ready(self) -> None:
        """Listen to deliveries that were handed over."""
        from hub.deliveries.signals import sent
        from hub.relocations import legs

        sent.connect(legs.follow, dispatch_uid="legs_follow")
