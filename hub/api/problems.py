"""Errors as RFC 9457 problem details, with the catalogue's code, a pointer and the remedy."""

from typing import Any

import msgspec
import structlog
from django.db import OperationalError
from django.http import HttpResponse
from rest_framework import exceptions

from hub.catalogue import Problem, Refusal
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
    (OperationalError, "E901"),
    (ShreddedError, "E108"),
)


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler; ``None`` lets what nobody foresaw surface with its traceback."""
    if isinstance(error, Refusal):
        return answer(error)
    for kind, code in CODES:
        if isinstance(error, kind):
            response = answer(Refusal(Problem(code)))
            _headers(response, error, context)
            return response
    return None


def _headers(response: HttpResponse, error: Exception, context: dict[str, Any]) -> None:
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    if isinstance(error, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    if isinstance(error, OperationalError):
        log.error("database_unreachable", error=type(error).__name__)
        response["Retry-After"] = "2"


def answer(refusal: Refusal) -> HttpResponse:
    """Return the problem document: the leading problem on top, all of them under ``errors``."""
    lead = refusal.lead
    document = {
        "type": f"urn:hikkoshi-hub:error:{lead.code}",
        "title": lead.entry.title,
        "status": lead.entry.status,
        **_member(lead),
        "errors": [_member(problem) for problem in refusal.problems],
    }
    response = HttpResponse(msgspec.json.encode(document), status=lead.entry.status, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def _member(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "pointer": problem.pointer,
        "detail": problem.detail or problem.entry.title,
        "remedy": problem.entry.remedy,
    }
