"""Addresses of the citizen's pages.

A receipt number is the only thing of a filing that a URL ever holds, and the link to a consent a random token.
"""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.i18n import set_language

from hub.citizens import consents, views

app_name = "citizens"
urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("language/", set_language, name="language"),
    path("file/", views.file, name="file"),
    path("relocations/<str:receipt_no>/", views.show_status, name="status"),
    path("relocations/<str:receipt_no>/answers/", views.answer, name="answer"),
    path("relocations/<str:receipt_no>/calendar.ics", views.show_calendar, name="calendar"),
    path("relocations/<str:receipt_no>/amend/", views.amend, name="amend"),
    path("relocations/<str:receipt_no>/withdraw/", views.withdraw, name="withdraw"),
    path("relocations/<str:receipt_no>/consents/<uuid:pk>/", consents.link, name="consent_link"),
    path("relocations/<str:receipt_no>/consents/<uuid:pk>/take-out/", consents.take_out, name="take_out"),
    path("consents/<str:token>/", consents.answer, name="consent"),
]
