"""Errors as RFC 9457 problem details, with the catalogue's code, a pointer and the remedy."""

import math
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions

from hub.api import shapes
from hub.catalogue import Problem, Refusal, refuse
from hub.vault.services import ShreddedError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

#: What DRF raises before a view runs and what services raise besides refusals, as the catalogue's codes.
CODES: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.NotAuthenticated, "E106"),
    (exceptions.AuthenticationFailed, "E106"),
    (exceptions.PermissionDenied, "E107"),
    (exceptions.NotFound, "E108"),
    (exceptions.MethodNotAllowed, "E109"),
    (exceptions.NotAcceptable, "E111"),
    (exceptions.UnsupportedMediaType, "E103"),
    (exceptions.Throttled, "E220"),
    (exceptions.ParseError, "E100"),
    (ShreddedError, "E108"),
)


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler; ``None`` lets what nobody foresaw surface with its traceback."""
    if isinstance(error, Refusal):
        return answer(error)
    if isinstance(error, OperationalError):
        return unreachable(error)
    for kind, code in CODES:
        if isinstance(error, kind):
            response = answer(Refusal(Problem(code)))
            _headers(response, error, context)
            return response
    return None


#: In how many seconds to ask again while the database is away.
AGAIN = "2"


def unreachable(error: OperationalError) -> HttpResponse:
    """Answer while the database is away: what was asked for did not happen, and may be asked for again."""
    note_unreachable(error)
    response = answer(refuse("E901"))
    response["Retry-After"] = AGAIN
    return response


def note_unreachable(error: OperationalError) -> None:
    """Log it, without what the driver says: that names the server."""
    log.error("database_unreachable", error=type(error).__name__)


def _headers(response: HttpResponse, error: Exception, context: dict[str, Any]) -> None:
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    if isinstance(error, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    if isinstance(error, exceptions.Throttled):
        response["Retry-After"] = str(math.ceil(getattr(error, "wait", None) or 1))


def answer(refusal: Refusal) -> HttpResponse:
    """Return the problem document as an answer."""
    document = document_of(refusal)
    response = HttpResponse(msgspec.json.encode(document), status=document.status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def document_of(refusal: Refusal) -> shapes.Problem:
    """Return the problem document: the leading problem on top, all of them under ``errors``."""
    lead = refusal.lead
    top = _wrong(lead)
    return shapes.Problem(
        type=f"urn:hikkoshi-hub:error:{lead.code}",
        title=lead.entry.title,
        status=lead.entry.status,
        code=top.code,
        pointer=top.pointer,
        detail=top.detail,
        remedy=top.remedy,
        errors=tuple(map(_wrong, refusal.problems)),
    )


def _wrong(problem: Problem) -> shapes.Wrong:
    return shapes.Wrong(
        code=problem.code,
        pointer=problem.pointer,
        detail=problem.detail or problem.entry.title,
        remedy=problem.remedy,
    )


def as_member(result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of one item of several, a refusal as its problem document."""
    problem = result.get("problem")
    return result if problem is None else result | {"problem": document_of(problem)}


# --- What Django answers before or after a door ----------------------------------------------------------

#: Below these addresses machines ask; a page would tell them nothing.
MACHINES = ("/api/", "/oauth/")


def for_machines(code: str, page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return an error handler that answers machines with a problem document and people with Django's page."""

    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return answer(refuse(code)) if request.path.startswith(MACHINES) else page(request, *args, **kwargs)

    return handler


bad_request = for_machines("E110", defaults.bad_request)
permission_denied = for_machines("E107", defaults.permission_denied)
not_found = for_machines("E108", defaults.page_not_found)
server_error = for_machines("E902", defaults.server_error)
