"""Django application of the duplicates."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DuplicatesConfig(AppConfig):
    """Marks of persons, cases, and who is in them."""

    name = "hub.duplicates"
    label = "duplicates"
    verbose_name = _("Duplicates")

    def ready(self) -> None:
        """Look for persons who are filed already, and see to it that one move-out of them is registered."""
        from hub.duplicates import services
        from hub.relocations.signals import corrected, reporting, stored

        stored.connect(services.look, dispatch_uid="duplicates_look")
        corrected.connect(services.look_again, dispatch_uid="duplicates_look_again")
        reporting.connect(services.one_wins, dispatch_uid="duplicates_one_wins")
