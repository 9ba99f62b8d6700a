"""Which scopes a client may ask for: those written on it, and all of them when it names none."""

from typing import Any

from oauth2_provider.scopes import BaseScopes
from oauth2_provider.settings import oauth2_settings


class ClientScopes(BaseScopes):
    """Scopes by client (RFC 6749, 3.3)."""

    def get_all_scopes(self) -> dict[str, str]:
        """Every scope with its description."""
        return dict(oauth2_settings.SCOPES)

    def get_available_scopes(self, application: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """What this client may ask for."""
        return application.scopes.split() if application else []

    def get_default_scopes(self, application: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        """What it gets when it asks for nothing in particular."""
        return self.get_available_scopes(application)
