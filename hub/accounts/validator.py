"""How a client proves itself at the token endpoint: a secret, an assertion (RFC 7523), a certificate (RFC 8705)."""

import base64
import hashlib
import time
from typing import Any

import msgspec
from django.db import connection
from jwcrypto import jwk, jws
from jwcrypto.common import JWException
from oauth2_provider.models import get_access_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator

from hub.accounts import origin, replays, trust
from hub.accounts.models import Binding, CredentialKind, SystemClient

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
#: Seconds an assertion may last at most, and how far two clocks may be apart.
LONGEST, SKEW = 600, 60
#: Where the token view writes for whom an assertion must be made out.
AUDIENCE = "hub.audience"


class Claims(msgspec.Struct, frozen=True):
    """What an assertion says (RFC 7523, 3); anything else in it is left alone."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    jti: str
    iat: float | None = None
    nbf: float | None = None


_CLIENT = [field.attname for field in SystemClient._meta.concrete_fields]
# Every request of a machine begins here: the statement is written once, not built anew from models each time.
TOKEN = (
    "SELECT token.id, token.expires, token.scope, binding.thumbprint,"  # noqa: S608 - the model's own columns
    " EXISTS (SELECT FROM accounts_credential AS other WHERE other.client_id = client.id),"
    + ", ".join(f' client."{name}"' for name in _CLIENT)
    + " FROM oauth2_provider_accesstoken AS token"
    " JOIN accounts_systemclient AS client ON client.id = token.application_id"
    " LEFT JOIN accounts_binding AS binding ON binding.token_id = token.id"
    " WHERE token.token_checksum = %s"
)


def token_of(checksum: str) -> Any:
    """Return the access token with this checksum and its client, or ``None``.

    Beside what a token has it says ``thumbprint``, of the certificate that it is bound to (empty for none), and
    ``has_credentials``: whether the client has others than its newest secret.
    """
    with connection.cursor() as cursor:
        cursor.execute(TOKEN, [checksum])
        row = cursor.fetchone()
    if row is None:
        return None
    pk, expires, scope, thumbprint, has_credentials, *values = row
    token = get_access_token_model()(pk=pk, expires=expires, scope=scope)
    token.application = SystemClient.from_db(connection.alias, _CLIENT, values)
    token.thumbprint, token.has_credentials = thumbprint or "", has_credentials
    return token


class _Header(msgspec.Struct, frozen=True):
    kid: str = ""


class Validator(OAuth2Validator):
    """The toolkit's validator with what it lacks."""

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Tell whether the client is who it says, calls from its network and shows its certificate if it must."""
        if _said(request, "client_assertion_type") or _said(request, "client_assertion"):
            proven = self._authenticate_assertion(request)
        else:
            proven = bool(super().authenticate_client(request, *args, **kwargs))
        return proven and trust.comes_from_home(request.client, request.headers) and _shows_certificate(request)

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        """Any of the client's secrets that hold now; ``stored_secret`` is the newest one's hash."""
        client = SystemClient.objects.filter(client_secret=stored_secret).first()
        return client is not None and trust.knows_secret(client, provided_secret)

    def _load_access_token(self, token: str) -> Any:
        """As the toolkit, in one statement for all that a request asks of a token; see ``token_of``."""
        return token_of(hashlib.sha256(token.encode()).hexdigest())

    def _authenticate_assertion(self, request: Any) -> bool:
        """Tell whether the assertion is signed by one of the client's keys, meant for us, fresh and used once."""
        text = _said(request, "client_assertion")
        if _said(request, "client_assertion_type") != ASSERTION or request.client_secret or len(text) > 8_192:
            return False
        try:
            token = jws.JWS()
            token.allowed_algs = ALGORITHMS
            token.deserialize(text)
            claims = msgspec.json.decode(token.objects["payload"], type=Claims)
            name = msgspec.json.decode(token.objects["protected"], type=_Header).kid
        except (JWException, msgspec.MsgspecError, KeyError, ValueError, TypeError):
            return False
        if self._load_application(claims.sub, request) is None or request.client_id not in (None, claims.sub):
            return False
        if not (_is_fresh(claims, time.time()) and claims.iss == claims.sub and _is_for_us(claims, request)):
            return False
        if not _is_signed(token, request.client, name):
            return False
        return replays.first_time(request.client, f"jti:{claims.jti}", LONGEST + 2 * SKEW)

    def _create_access_token(self, expires: Any, request: Any, token: Any, source_refresh_token: Any = None) -> Any:
        """As the toolkit; a token is bound to the certificate that was shown for it."""
        row = super()._create_access_token(expires, request, token, source_refresh_token)
        shown = origin.thumbprint_of(request.headers)
        if shown and request.client.credentials.filter(kind=CredentialKind.CERTIFICATE, name=shown).valid().exists():
            Binding.objects.create(token=row, thumbprint=shown)
        return row


def subject(text: str) -> str:
    """Return of whom an assertion speaks, believed or not; empty when it cannot be read."""
    try:
        payload = base64.urlsafe_b64decode(text.split(".")[1] + "==")
        return msgspec.json.decode(payload, type=Claims).sub
    except (IndexError, ValueError, msgspec.MsgspecError):
        return ""


def _said(request: Any, name: str) -> str:
    """A parameter of the form that oauthlib does not know; empty when it was not sent."""
    return str(getattr(request, name, None) or "")


def _shows_certificate(request: Any) -> bool:
    client = request.client
    if not client.needs_certificate:
        return True
    shown = origin.thumbprint_of(request.headers)
    mine = client.credentials.filter(kind=CredentialKind.CERTIFICATE, name=shown).valid()
    return bool(shown) and mine.exists()


def _is_fresh(claims: Claims, now: float) -> bool:
    begun = max(claims.iat or 0.0, claims.nbf or 0.0)
    return now - SKEW < claims.exp <= now + LONGEST + SKEW and begun <= now + SKEW and 0 < len(claims.jti) <= 200


def _is_for_us(claims: Claims, request: Any) -> bool:
    meant = claims.aud if isinstance(claims.aud, list) else [claims.aud]
    return request.headers.get(AUDIENCE) in meant


def _is_signed(token: jws.JWS, client: SystemClient, name: str) -> bool:
    """Tell whether a key of the client fits: the one that is named, or any when none is."""
    rows = client.credentials.filter(kind=CredentialKind.KEY).valid()
    for row in rows.filter(name=name) if name else rows:
        try:
            token.verify(jwk.JWK.from_json(row.value))
        except JWException:
            continue
        return True
    return False


def is_bound_elsewhere(token: Any, meta: Any) -> bool:
    """Tell whether a token is bound to another certificate than the one shown now."""
    needed = bool(token.thumbprint) or token.application.needs_certificate
    return needed and (not token.thumbprint or token.thumbprint != origin.thumbprint_of(meta))
