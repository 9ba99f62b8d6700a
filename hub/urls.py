"""Addresses: citizens at the root, clerks under /admin/, machines under /api/v1/."""

from django.contrib import admin
from django.urls import include, path

from hub.api.token import Token
from hub.observability import health, metrics

urlpatterns = [
    path("", include("hub.citizens.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("hub.api.urls")),
    path("oauth/token", Token.as_view(), name="token"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("metrics", metrics.page, name="metrics"),
]

handler400 = "hub.api.problems.bad_request"
handler403 = "hub.api.problems.permission_denied"
handler404 = "hub.api.problems.not_found"
handler500 = "hub.api.problems.server_error"
