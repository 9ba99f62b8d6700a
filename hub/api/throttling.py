"""How often a client may call, said in every answer (RateLimit headers), and when filings must come later.

``RateLimit-Policy`` and ``RateLimit`` are those of draft-ietf-httpapi-ratelimit-headers.
"""

from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from hub import limits
from hub.accounts.models import SystemClient
from hub.accounts.signing_in import address_of
from hub.limits import Limit, Spent
from hub.relocations import pressure

MINUTE = 60


def of_clients() -> Limit:
    """The limit of one client."""
    requests = settings.HUB_REQUESTS_PER_MINUTE
    return Limit("client", requests, MINUTE, max(1, requests // 6))


class ClientThrottle(BaseThrottle):
    """Requests of one client; of one address where no token is needed."""

    spent: Spent | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request."""
        client = request.user
        who = client.client_id if isinstance(client, SystemClient) else address_of(request._request)
        self.spent = limits.spend(of_clients(), str(who))
        request._request.rate_spent = self.spent  # type: ignore[attr-defined]
        return self.spent is None or self.spent.allowed

    def wait(self) -> float | None:
        """Seconds until the next request is welcome."""
        return self.spent.wait if self.spent else None


class IntakeThrottle(BaseThrottle):
    """Filings come later while the hub could not deal with more: never a silent loss, and the key makes it safe."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Ask only for what adds work."""
        return request.method != "POST" or pressure.wait() == 0.0

    def wait(self) -> float | None:
        """Seconds until it is worth asking again."""
        return pressure.wait()


def write(request: Any, response: HttpResponseBase) -> None:
    """Write what is left into the answer."""
    spent: Spent | None = getattr(request, "rate_spent", None)
    if spent is not None:
        limit = of_clients()
        response["RateLimit-Policy"] = f'"{limit.name}";q={limit.requests};w={limit.seconds}'
        response["RateLimit"] = f'"{limit.name}";r={spent.left};t={round(spent.reset)}'
