"""Django application of the fidelity ledger and of clerks' decisions."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FidelityConfig(AppConfig):
    """See the package's own words."""

    name = "hub.fidelity"
    label = "fidelity"
    verbose_name = _("Characters")
