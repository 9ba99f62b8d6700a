"""Addresses of the API, version 1."""

from django.urls import path, re_path

from hub.api import standards, views

app_name = "api"
urlpatterns = [
    path("relocations", views.Relocations.as_view(), name="relocations"),
    path("relocations/<uuid:relocation_id>", views.RelocationStatus.as_view(), name="relocation"),
    path("relocations/<uuid:relocation_id>/withdrawal", views.Withdrawal.as_view(), name="withdrawal"),
    path("deliveries", views.Deliveries.as_view(), name="deliveries"),
    path("deliveries/<uuid:delivery_id>/content", views.Content.as_view(), name="content"),
    path("deliveries/<uuid:delivery_id>/receipts", views.Receipts.as_view(), name="receipts"),
    path("reports", views.Reports.as_view(), name="reports"),
    path("municipalities", views.Municipalities.as_view(), name="municipalities"),
    path("standards", standards.Standards.as_view(), name="standards"),
    path("standards/<str:name>", standards.OneStandard.as_view(), name="standard"),
    re_path("", views.Nothing.as_view()),
]
