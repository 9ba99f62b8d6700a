"""Django application of the deliveries."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveriesConfig(AppConfig):
    """Deliveries, receipts, lanes."""

    name = "hub.deliveries"
    label = "deliveries"
    verbose_name = _("Deliveries")

    def ready(self) -> None:
        """No connection that is made at the desk calls an address that did not prove itself."""
        from hub.deliveries import callbacks  # models are there only now
        from municipalities import connections

        connections.guards.append(lambda town, _standard, address: callbacks.against(town, address))
