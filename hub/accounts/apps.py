"""Django application of the accounts; a new connection is checked before its first use."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Users and machine clients."""

    name = "hub.accounts"
    label = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Refuse a database role that row-level security does not bind."""
        from hub.actors import refuse_unsafe_server

        connection_created.connect(refuse_unsafe_server, dispatch_uid="refuse_unsafe_server")
