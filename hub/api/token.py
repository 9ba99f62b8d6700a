"""The token endpoint: the OAuth toolkit's, every answer in RFC 6749's JSON, without what PostgreSQL cannot hold."""

import base64
import math
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import TokenView

from hub.accounts import signing_in
from hub.accounts.validator import ASSERTION, AUDIENCE, subject
from hub.api import contract, problems, shapes
from hub.api.contract import Answer, Operation, operation

#: What the endpoint takes (RFC 6749, 4.4.2).
FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "const": "client_credentials"},
        "client_id": {"type": "string", "maxLength": 100},
        "client_secret": {"type": "string"},
        "client_assertion_type": {"type": "string", "const": ASSERTION},
        "client_assertion": {"type": "string"},
        "scope": {"type": "string"},
    },
}


def credentials(request: HttpRequest) -> str:
    """Return what HTTP Basic carries (RFC 7617); nothing when it cannot be read."""
    kind, _, code = request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(code, validate=True).decode("latin-1") if kind.lower() == "basic" else ""
    except ValueError:
        return ""


def client_of(request: HttpRequest) -> str:
    """Return the client that asks, as it says itself."""
    said = credentials(request).partition(":")[0] or request.POST.get("client_id", "")
    return said or subject(request.POST.get("client_assertion", ""))


@method_decorator(csrf_exempt, name="dispatch")  # as the toolkit's, which this dispatch takes the place of
class Token(TokenView):
    """``POST /oauth/token`` (RFC 6749, 4.4)."""

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As the toolkit's; 503 while the database is away."""
        try:
            answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        except OperationalError as error:
            problems.note_unreachable(error)
            answer = refused("temporarily_unavailable", "The hub cannot answer right now: see Retry-After.", status=503)
            answer["Retry-After"] = problems.AGAIN
        return answer

    @operation(
        Operation(
            id="fetchToken",
            body={"application/x-www-form-urlencoded": FORM},
            answers={
                200: Answer(contract.json(shapes.Token)),
                400: Answer(contract.json(shapes.TokenError)),
                401: Answer(contract.json(shapes.TokenError)),
                429: Answer(contract.json(shapes.TokenError), headers=("Retry-After",)),
                503: Answer(contract.json(shapes.TokenError), headers=("Retry-After",)),
            },
        )
    )
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer ``invalid_request`` to a NUL in any parameter, and 429 after too many wrong secrets."""
        parameters = [text for name, texts in request.POST.lists() for text in (name, *texts)]
        if any("\0" in text for text in (*parameters, credentials(request))):
            return refused("invalid_request", "A parameter holds a NUL.")
        request.META[AUDIENCE] = request.build_absolute_uri("/oauth/token")
        client, address = client_of(request), signing_in.address_of(request)
        wait = signing_in.wait(client, address)
        if wait:
            response = refused("temporarily_unavailable", "Too many failed attempts: see Retry-After.", status=429)
            response["Retry-After"] = str(math.ceil(wait))
            return response
        answer: HttpResponse = super().post(request, *args, **kwargs)
        if answer.status_code == 401:
            signing_in.failed(client, address)
        return answer

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say so in the endpoint's own form."""
        response = refused("invalid_request", "POST a form.", status=405)
        response["Allow"] = "POST"
        return response


def refused(error: str, description: str, status: int = 400) -> HttpResponse:
    """Return an error of RFC 6749, 5.2."""
    response = JsonResponse({"error": error, "error_description": description}, status=status)
    response["Cache-Control"] = "no-store"
    return response
