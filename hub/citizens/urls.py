"""Addresses of the citizen's pages."""

app_name = "citizens"
urlpatterns: list[object] = []
