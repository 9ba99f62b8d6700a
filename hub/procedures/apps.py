"""Django application of the follow-on procedures; start-up refuses tables that do not fit together."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProceduresConfig(AppConfig):
    """Rules as data, tasks as rows."""

    name = "hub.procedures"
    label = "procedures"
    verbose_name = _("Procedures")

    def ready(self) -> None:
        """Read the tables once, so that a mistake in them is found before anybody relies on them."""
        from hub.procedures import tables

        tables.check()
