"""What all doors of the API share: one transaction as the calling client, readable parameters, one form of answer."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime, time
from email.message import Message
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from django.db import OperationalError, transaction
from django.http import HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.decorators import decorator_from_middleware
from rest_framework.request import Request
from rest_framework.views import APIView

from hub.accounts import trust
from hub.accounts.models import SystemClient
from hub.actors import Actor, acting
from hub.api import contract, problems, throttling
from hub.catalogue import Refusal, refuse

PAGE = 100
MOST = 500
T = TypeVar("T")


class Compression(GZipMiddleware):
    """Compresses answers for who asks for it, but no bytes whose digest is given as they are (RFC 9530, 3).

    There is no cookie here and no text of a stranger beside a secret, which is what BREACH needs.
    """

    def process_response(self, request: Any, response: Any) -> Any:
        """As Django's."""
        return response if response.has_header("Repr-Digest") else super().process_response(request, response)


compressed: Any = decorator_from_middleware(Compression)


class Door(APIView):
    """A view that runs in one transaction as the calling client; an error answer rolls it back."""

    #: The scope that is needed, or any one of several.
    required_scope: str | tuple[str, ...] = ""
    #: Whether all of a call is one transaction; what calls a service that opens its own needs none around it.
    in_one = True
    #: Who may come: the system of a municipality, a partner front (False), or either (None).
    for_towns: bool | None = True

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """As DRF; answers are compressed for who asks for it."""
        view = super().as_view(**initkwargs)
        wrapped = compressed(view)
        wrapped.cls, wrapped.csrf_exempt = cls, True
        return wrapped

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Open the transaction; who acts is known once the token has been read."""
        try:
            with transaction.atomic() if self.in_one else nullcontext():
                response = super().dispatch(request, *args, **kwargs)
                if self.in_one and response.status_code >= 400:
                    transaction.set_rollback(True)
        except OperationalError as error:  # before a transaction there is, or when it was to be committed
            return problems.unreachable(error)
        response["Cache-Control"] = "no-store"
        throttling.write(request, response)
        self.warn(response)
        announce(response, getattr(self, request.method.lower(), None))
        return response

    def warn(self, response: HttpResponseBase) -> None:
        """Say when the client's credential ends, if that is soon; ``/api/v1/me`` says which one."""
        seen: dict[str, Any] = vars(self.request)  # not «user» and «auth»: they would ask who it is once more
        client, token = seen.get("_user"), seen.get("_auth")
        if not isinstance(client, SystemClient) or token is None:
            return
        ends = trust.expires_next(client, secret_only=not token.has_credentials)
        if ends is not None:
            response["Hikkoshi-Credential-Expires"] = format_datetime(ends.astimezone(UTC), usegmt=True)

    def as_client(self, work: Callable[[], T]) -> T:
        """Run the work as the calling client."""
        with acting(self.actor):
            return work()

    @property
    def client(self) -> SystemClient:
        """The client that calls."""
        client = self.request.user
        assert isinstance(client, SystemClient)  # noqa: S101 - the authentication class puts it there
        return client

    @property
    def actor(self) -> Actor:
        """Who calls."""
        return self.client.actor

    @property
    def town(self) -> str:
        """The municipality that calls."""
        return self.actor.municipality


def announce(response: HttpResponseBase, handler: Any) -> None:
    """Say of a deprecated operation since when it is and until when it stays (RFC 9745, RFC 8594)."""
    found = contract.deprecation(handler.operation.id) if hasattr(handler, "operation") else None
    if found is None:
        return
    response["Deprecation"] = f"@{int(_midnight(found.on).timestamp())}"
    response["Link"] = '</api/v1/docs#changelog>; rel="deprecation"; type="text/html"'
    if found.sunset:
        response["Sunset"] = format_datetime(_midnight(found.sunset), usegmt=True)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class PublicDoor(Door):
    """A door to what is the same for everybody: no token, and an answer that may be kept and asked for again."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes: tuple[Any, ...] = ()

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """Any Accept will do."""
        return self.get_renderers()[0], contract.JSON

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let whoever has the same bytes already keep them (RFC 9110, 13.1.2)."""
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code != 200 or not isinstance(response, HttpResponse):
            return response
        response["Cache-Control"] = "public, no-cache"
        return conditional(request, response)


def conditional(request: Any, response: HttpResponse) -> HttpResponse:
    """Give the answer an ETag, and nothing but that to who has the same bytes."""
    if request.method not in {"GET", "HEAD"}:
        return response
    if not getattr(response, "is_rendered", True):
        response.render()  # type: ignore[attr-defined]
    response["ETag"] = f'"{sha256(response.content).hexdigest()[:32]}"'
    patch_vary_headers(response, ("Accept", "Accept-Language"))
    found: HttpResponse = get_conditional_response(request, etag=response["ETag"], response=response) or response
    return found


# --- What a request says -----------------------------------------------------------------------------------


def body_of(request: Request) -> bytes:
    """Return the raw body; an empty one is not JSON."""
    body = request.data
    return body if isinstance(body, bytes) else b""


def number(request: Request, name: str = "limit", default: int = PAGE, most: int = MOST) -> int:
    """Read a whole number from the query; E110 for anything else."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):
        raise refuse("E110", f"/{name}", f"A number from 1 to {most}.")
    return int(text)


def day(request: Request, name: str, default: date) -> date:
    """Read a day from the query; E110 for anything else."""
    return as_day(request.query_params.get(name, ""), name, default)


def as_day(text: str, name: str, default: date) -> date:
    """Read a day; the default when nothing is given."""
    if not text:
        return default
    try:
        if len(text) == len("2026-04-01"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise refuse("E110", f"/{name}", "A date as YYYY-MM-DD.")


def known(request: Request, *names: str) -> None:
    """Refuse a parameter that no one reads (E110): a misspelt filter must not look like an empty list."""
    for name in sorted(request.query_params):
        if name not in names:
            raise refuse("E110", "", f"Parameters of this address: {', '.join(names) or 'none'}.")


def media(text: str) -> tuple[str, str]:
    """The media type and its charset, in small letters."""
    message = Message()
    message["content-type"] = text
    return message.get_content_type(), str(message.get_param("charset", "")).lower()


def is_json(request: Request) -> bool:
    """Tell whether the body is announced as JSON, the hub's own form, or as nothing."""
    return not request.content_type or media(request.content_type)[0] == "application/json"


def accepts(request: Request) -> dict[str, float]:
    """The media types of Accept with their weights (RFC 9110, 12.5.1)."""
    found: dict[str, float] = {}
    for part in request.headers.get("Accept", "").split(","):
        kind, *parameters = (piece.strip() for piece in part.lower().split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            found[kind] = max(found.get(kind, 0.0), float(weight))
        except ValueError:
            found[kind] = 0.0
    return found


# --- Where a page ends ---------------------------------------------------------------------------------------

Position = tuple[datetime, UUID]
#: Microseconds since 1970 (up to the year 2500) and an id, both in hexadecimal.
CURSOR = re.compile(r"(?P<micros>[0-9a-f]{1,13})\.(?P<pk>[0-9a-f]{32})")
START: Position = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


def cursor_of(position: Position) -> str:
    """Write a position as an opaque text."""
    moment, pk = position
    micros = (moment - START[0]) // (datetime.resolution)
    return f"{micros:x}.{pk.hex}"


def position_of(request: Request, name: str) -> Position | None:
    """Read a cursor back; E110 for what none of our answers gave."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    found = CURSOR.fullmatch(text)
    if found is None:
        raise refuse("E110", f"/{name}", "Use a cursor that an answer gave.")
    return START[0] + int(found["micros"], 16) * datetime.resolution, UUID(found["pk"])


def one_by_one(items: list[Any], work: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
    """Do the work for each item in a savepoint of its own: one that fails takes nothing from the others."""
    results = []
    for item in items:
        try:
            with transaction.atomic():
                results.append(work(item))
        except Refusal as refusal:
            lead = refusal.lead
            results.append({"status": lead.entry.status, "problem": refusal})
    return results
