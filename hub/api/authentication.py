"""Who is calling: an OAuth client that belongs to one municipality, or a partner front (RFC 6749, 6750)."""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from hub.accounts.models import SystemClient
from hub.catalogue import refuse


class SystemAuthentication(OAuth2Authentication):
    """Bearer token of a client; the client takes the place of the user."""

    def authenticate(self, request: Request) -> tuple[SystemClient, Any] | None:
        """Return the client and its token, or ``None`` without a valid one; a stranger's body is not read."""
        if "Authorization" not in request.headers:
            return None  # a token in an address ends up in logs (RFC 6750, 5.3)
        try:
            found = super().authenticate(request._request)
        except SuspiciousOperation:
            raise refuse("E110") from None
        if found is None:
            return None
        _, token = found
        return token.application, token


class HasScope(BasePermission):
    """The token carries the scope that the view names; deliveries and reports need a municipality."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether this token may call this view at all."""
        token: Any = request.auth
        if token is None or not token.allow_scopes([view.required_scope]):
            return False
        return bool(token.application.municipality_id) or not view.for_towns
