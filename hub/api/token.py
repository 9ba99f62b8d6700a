"""The token endpoint: the OAuth toolkit's, every answer in RFC 6749's JSON, without what PostgreSQL cannot hold."""

import base64
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from oauth2_provider.views import TokenView

from hub.api import contract, shapes
from hub.api.contract import Answer, Operation, operation

#: What the endpoint takes (RFC 6749, 4.4.2).
FORM = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "const": "client_credentials"},
        "client_id": {"type": "string", "maxLength": 100},
        "client_secret": {"type": "string"},
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


class Token(TokenView):
    """``POST /oauth/token`` (RFC 6749, 4.4)."""

    http_method_names = ["post"]

    @operation(
        Operation(
            id="fetchToken",
            body={"application/x-www-form-urlencoded": FORM},
            answers={
                200: Answer(contract.json(shapes.Token)),
                400: Answer(contract.json(shapes.TokenError)),
                401: Answer(contract.json(shapes.TokenError)),
            },
        )
    )
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer ``invalid_request`` to a NUL in any parameter."""
        parameters = [text for name, texts in request.POST.lists() for text in (name, *texts)]
        if any("\0" in text for text in (*parameters, credentials(request))):
            return refused("invalid_request", "A parameter holds a NUL.")
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

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
