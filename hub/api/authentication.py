"""Who is calling: an OAuth client that belongs to one municipality, or a partner front (RFC 6749, 6750)."""

from typing import Any

from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from oauth2_provider.oauth2_backends import get_oauthlib_core
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from hub.accounts.models import SystemClient


class SystemAuthentication(OAuth2Authentication):
    """Bearer token of a client; the client takes the place of the user."""

    def authenticate(self, request: Request) -> tuple[SystemClient, Any] | None:
        """Return the client and its token, or ``None`` without a valid one.

        Only the header counts: a token in an address ends up in logs (RFC 6750, 5.3), and a stranger's
        body is not read.
        """
        headers = {"Authorization": request.headers.get("Authorization", "")}
        valid, found = get_oauthlib_core().server.verify_request("", headers=headers, scopes=[])
        return (found.access_token.application, found.access_token) if valid else None


class HasScope(BasePermission):
    """The token carries a scope that the view names; what is for towns needs a municipality."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether this token may call this view at all."""
        token: Any = request.auth
        needed = view.required_scope if isinstance(view.required_scope, tuple) else (view.required_scope,)
        if token is None or not any(token.allow_scopes([scope]) for scope in needed):
            return False
        return bool(token.application.municipality_id) or not view.for_towns
