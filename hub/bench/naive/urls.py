"""The doors of the naive design."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from hub.bench.naive.views import Relocations, Reports


def health(_request: HttpRequest) -> HttpResponse:
    """The process is up."""
    return HttpResponse()


urlpatterns = [
    path("api/v1/relocations", Relocations.as_view()),
    path("api/v1/reports", Reports.as_view()),
    path("health/ready", health),
]
