"""The token endpoint: as the OAuth toolkit has it, without the one byte that PostgreSQL cannot hold."""

import base64
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from oauth2_provider.views import TokenView


def credentials(request: HttpRequest) -> str:
    """Return what HTTP Basic carries (RFC 7617); nothing when it cannot be read."""
    kind, _, code = request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(code, validate=True).decode("latin-1") if kind.lower() == "basic" else ""
    except ValueError:
        return ""


class Token(TokenView):
    """``POST /oauth/token`` (RFC 6749, 4.4)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer ``invalid_request`` to a NUL in any parameter."""
        parameters = [text for name, texts in request.POST.lists() for text in (name, *texts)]
        if any("\0" in text for text in (*parameters, credentials(request))):
            return JsonResponse({"error": "invalid_request"}, status=400)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response
