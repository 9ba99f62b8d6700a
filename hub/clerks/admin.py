"""The desk as a whole: its name, and what Django and the OAuth library would show but nobody here needs."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

admin.site.site_header = _("Relocation hub: desk")
admin.site.site_title = _("Relocation hub")
admin.site.index_title = _("What needs a person")
admin.site.empty_value_display = "—"

for model in (
    Group,
    get_access_token_model(),
    get_grant_model(),
    get_id_token_model(),
    get_refresh_token_model(),
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
