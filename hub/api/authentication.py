"""Who is calling: an OAuth client that belongs to one municipality, or a partner front (RFC 6749, 6750)."""

import time
from typing import Any

from django.utils import timezone
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from oauth2_provider.oauth2_backends import get_oauthlib_core
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from hub.accounts import replays, trust, validator
from hub.accounts.models import SystemClient
from hub.catalogue import refuse
from hub.deliveries import keys
from municipalities.errors import RefusedError
from municipalities.models import Connection
from municipalities.transports import signing

#: Methods whose requests change something.
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class SystemAuthentication(OAuth2Authentication):
    """Bearer token of a client; the client takes the place of the user."""

    def authenticate(self, request: Request) -> tuple[SystemClient, Any] | None:
        """Return the client and its token, or ``None`` without a valid one.

        Only the header counts: a token in an address ends up in logs (RFC 6750, 5.3), and a stranger's
        body is not read. Refuses with E112 (from another network), E113 (another certificate).
        """
        headers = {"Authorization": request.headers.get("Authorization", "")}
        valid, found = get_oauthlib_core().server.verify_request("", headers=headers, scopes=[])
        if not valid:
            return None
        token = found.access_token
        client: SystemClient = token.application
        if not trust.comes_from_home(client, request.META):
            raise refuse("E112")
        if validator.is_bound_elsewhere(token, request.META):
            raise refuse("E113")
        return client, token


class HasScope(BasePermission):
    """The token carries a scope that the view names; what is for towns needs a municipality."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether this token may call this view at all.

        Refuses with E114 or E115 what is signed wrongly, too late, or was seen before; a signature that nobody
        asked for is checked as well.
        """
        token: Any = request.auth
        needed = view.required_scope if isinstance(view.required_scope, tuple) else (view.required_scope,)
        if token is None or not any(token.allow_scopes([scope]) for scope in needed):
            return False
        if not token.application.municipality_id and view.for_towns:
            return False
        if request.method in WRITES:
            check_signature(request, token.application)
        return True


def check_signature(request: Request, client: SystemClient) -> None:
    """Check the signature of a request (Standard Webhooks), if it has one or must have one.

    It is made with the key by which pushes to the municipality are signed. The same signature is taken once;
    who sends a request again signs it anew, with the time of sending.
    """
    if not (client.signs_requests or signing.SIGNATURE in request.headers):
        return
    link = Connection.objects.valid_on(timezone.localdate()).filter(municipality=client.municipality_id).first()
    known = keys.of(link) if link else ()
    headers = {name: request.headers.get(name, "") for name in (signing.ID, signing.TIMESTAMP, signing.SIGNATURE)}
    try:
        signing.verify(known, headers, request._request.body, time.time())
    except RefusedError as error:
        raise refuse("E114", detail=error.detail) from error
    said = f"{headers[signing.ID]}.{headers[signing.TIMESTAMP]}"
    if not replays.first_time(client, f"signature:{said}", 2 * signing.TOLERANCE):
        raise refuse("E115")
