"""Counts requests and their times by kind of door, for ``/metrics``."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from hub import metrics

#: Kinds of doors, by how their addresses begin; what is left is a citizen's page.
DOORS = {"/api/": "api", "/admin/": "desk", "/oauth/": "token"}
#: Asked all the time by machines that watch.
UNCOUNTED = ("/health/", "/metrics", "/static/")


class Timed:
    """Times every request; outermost, so that nothing is left out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        if not request.path.startswith(UNCOUNTED):
            door = next((door for begins, door in DOORS.items() if request.path.startswith(begins)), "citizen")
            taken = metrics.observed("hub_request_seconds", [time.perf_counter() - began], f'door="{door}"')
            status = f"{response.status_code // 100}xx"
            metrics.add(taken, {f'hub_requests_total{{door="{door}",status="{status}"}}': 1.0})
        return response
