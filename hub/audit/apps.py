"""Django application of the audit."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Audit entries and the heads of their chains."""

    name = "hub.audit"
    label = "audit"
