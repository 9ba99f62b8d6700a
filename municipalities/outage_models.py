"""That the statutory line between municipalities (住民基本台帳ネットワーク) is down: everywhere, or at one of them."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class OutageQuerySet(models.QuerySet["Outage"]):
    """Outages, by when."""

    def at(self, moment: datetime) -> Self:
        """Those that last at this moment."""
        return self.filter(Q(until=None) | Q(until__gt=moment), since__lte=moment)


class Outage(models.Model):
    """A time in which the line cannot be used; an operator enters it, and its end."""

    municipality = models.ForeignKey(
        "municipalities.Municipality",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="outages",
        verbose_name=_("municipality"),
        help_text=_("Empty: the whole country."),
    )
    since = models.DateTimeField(_("since"), default=timezone.now)
    until = models.DateTimeField(
        pgettext_lazy("outage", "until"), null=True, blank=True, help_text=_("Empty: it lasts.")
    )

    objects = OutageQuerySet.as_manager()

    class Meta:
        verbose_name = _("outage of the statutory line")
        verbose_name_plural = _("outages of the statutory line")
        ordering = ["-since"]
        constraints = [
            models.UniqueConstraint(
                name="outage_lasts_once",
                fields=["municipality"],
                condition=Q(until=None),
                nulls_distinct=False,
                violation_error_message=_("An outage that lasts is entered already."),
            ),
            models.CheckConstraint(name="outage_period", condition=Q(until=None) | Q(until__gt=F("since"))),
        ]

    def __str__(self) -> str:
        return f"{self.municipality_id or '*'} {self.since:%Y-%m-%d %H:%M}"
