"""Django application of the relocations; it follows what deliveries were handed over."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RelocationsConfig(AppConfig):
    """Relocations, legs, reports, events."""

    name = "hub.relocations"
    label = "relocations"
    verbose_name = _("Relocations")

    def ready(self) -> None:
        """Listen to deliveries that were handed over, to the journey, and to what is decided about tasks."""
        from hub.deliveries.signals import sent
        from hub.procedures import services as procedures
        from hub.procedures.signals import decided, deciding, settled
        from hub.relocations import followon, legs
        from hub.relocations.signals import went_on

        sent.connect(procedures.follow, dispatch_uid="tasks_follow")
        sent.connect(legs.follow, dispatch_uid="legs_follow")  # last: it locks filings, and then nobody is waited for
        went_on.connect(followon.went_on, dispatch_uid="tasks_went_on")
        deciding.connect(followon.deciding, dispatch_uid="tasks_deciding")
        decided.connect(followon.decided, dispatch_uid="tasks_decided")
        settled.connect(followon.settled, dispatch_uid="tasks_settled")
