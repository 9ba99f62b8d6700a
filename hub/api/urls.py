"""Addresses of the API, version 1."""

from django.urls import path, re_path

from hub.api import books, deliveries, documentation, openapi, receipts, relocations, standards, tables, town
from hub.api.nothing import Nothing

app_name = "api"
urlpatterns = [
    path("deliveries", deliveries.Deliveries.as_view(), name="deliveries"),
    path("deliveries/leases", deliveries.Leases.as_view(), name="leases"),
    path("deliveries/leases/<str:worker>", deliveries.OwnLeases.as_view(), name="own_leases"),
    path("deliveries/contents", deliveries.Contents.as_view(), name="contents"),
    path("deliveries/receipts", receipts.ManyReceipts.as_view(), name="many_receipts"),
    path("deliveries/<uuid:delivery_id>/content", deliveries.Content.as_view(), name="content"),
    path("deliveries/<uuid:delivery_id>/receipts", receipts.Receipts.as_view(), name="receipts"),
    path("reports", receipts.Reports.as_view(), name="reports"),
    path("changes", deliveries.Changes.as_view(), name="changes"),
    path("lane", town.OwnLane.as_view(), name="lane"),
    path("lane/pause", town.Pause.as_view(), name="pause"),
    path("lane/resume", town.Resume.as_view(), name="resume"),
    path("heartbeat", town.Heartbeats.as_view(), name="heartbeat"),
    path("calendar", town.OwnCalendar.as_view(), name="calendar"),
    path("maintenance", books.Maintenance.as_view(), name="maintenance"),
    path("maintenance/<int:maintenance_id>", books.OneMaintenance.as_view(), name="one_maintenance"),
    path("reconciliation/<str:day>", books.Reconciliation.as_view(), name="reconciliation"),
    path("me", town.Me.as_view(), name="me"),
    path("relocations", relocations.Relocations.as_view(), name="relocations"),
    path("relocations/<uuid:relocation_id>", relocations.RelocationStatus.as_view(), name="relocation"),
    path("relocations/<uuid:relocation_id>/amendments", relocations.Amendments.as_view(), name="amendments"),
    path("relocations/<uuid:relocation_id>/answers", relocations.ProcedureAnswers.as_view(), name="answers"),
    path("relocations/<uuid:relocation_id>/withdrawal", relocations.Withdrawal.as_view(), name="withdrawal"),
    path("municipalities", tables.Municipalities.as_view(), name="municipalities"),
    path("standards", standards.Standards.as_view(), name="standards"),
    path("standards/<str:name>", standards.OneStandard.as_view(), name="standard"),
    path("messages", tables.Messages.as_view(), name="messages"),
    path("codes", tables.Codes.as_view(), name="codes"),
    path("errors", tables.Errors.as_view(), name="errors"),
    path("openapi.json", openapi.Document.as_view(), name="openapi"),
    path("docs", documentation.Page.as_view(), name="docs"),
    re_path("", Nothing.as_view()),
]
