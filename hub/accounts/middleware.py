"""Runs each page of a signed-in user in one transaction, as that user, for row-level security.

Pages are rendered inside the transaction; an error status rolls it back. The API does the same in its
own view class, because there the token is only known inside the view.
"""

from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from hub.actors import acting


class ActorMiddleware:
    """Open the transaction as the signed-in user; strangers get none and so see no rows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not user.is_authenticated:
            return self.get_response(request)
        with acting(user.actor):
            response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response
