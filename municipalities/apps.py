"""The app of municipalities and its system checks: record standards, and a table of holidays that runs out."""

from collections.abc import Sequence
from datetime import timedelta

from django.apps import AppConfig
from django.core.checks import CheckMessage, Warning, register
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from municipalities import checks, opening

#: The Cabinet Office publishes the next year's equinox holidays each February.
AHEAD = timedelta(days=400)


class MunicipalitiesConfig(AppConfig):
    """Municipalities, connections, calendars."""

    name = "municipalities"
    verbose_name = _("Municipalities")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(check_holidays)
        register(checks.check_standards)


def check_holidays(**_options: object) -> Sequence[CheckMessage]:
    """Warn more than a year before deadlines can no longer be worked out."""
    last = opening.known()[1]
    if last - timezone.localdate() >= AHEAD:
        return []
    hint = f"Extend municipalities/data/{opening.HOLIDAYS.name} as its ORIGIN file says."
    return [Warning(f"The table of national holidays ends on {last}.", hint=hint, id="municipalities.W001")]
