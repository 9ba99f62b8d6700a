"""Django application of the consents."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsentsConfig(AppConfig):
    """Who was asked, and what was answered."""

    name = "hub.consents"
    label = "consents"
    verbose_name = _("Consents")

    def ready(self) -> None:
        """Ask whom a stored filing needs."""
        from hub.consents import services, unseen
        from hub.relocations.signals import kept, stored

        stored.connect(services.ask, dispatch_uid="consents_ask")
        kept.connect(unseen.ask, dispatch_uid="consents_ask_unseen")
