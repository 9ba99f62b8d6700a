"""The name of the desk; its pages are registered by the applications whose rows they show."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from hub import desk
from hub.clerks import returns  # noqa: F401 - registers its pages

admin.site.site_header = _("Relocation hub: desk")
admin.site.site_title = _("Relocation hub")
admin.site.index_title = _("What needs a person")
admin.site.empty_value_display = desk.NOTHING
