"""Django application of the audit."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Audit entries and the heads of their chains."""

    name = "hub.audit"
    label = "audit"
    verbose_name = _("Audit")
