"""The lane of each municipality, and when its system takes deliveries."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hub.triggers import KEPT
from municipalities.models import Municipality


class Lane(models.Model):
    """The queue of one municipality: its pause, its breaker, its pace. The deliveries themselves are the queue."""

    municipality = models.OneToOneField(
        Municipality, models.PROTECT, primary_key=True, related_name="lane", verbose_name=_("municipality")
    )
    paused = models.BooleanField(_("paused"), default=False)
    #: Kind of actor who paused it: what an operator holds, the town's own system does not let go.
    paused_by = models.CharField(_("paused by"), max_length=8, blank=True, default="", db_default="")
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    blocked_until = models.DateTimeField(_("blocked until"), null=True, blank=True)
    #: The open period of now or the next one, worked out from the hours and closures; empty = always open.
    open_from = models.DateTimeField(_("open from"), null=True, blank=True)
    open_until = models.DateTimeField(_("open until"), null=True, blank=True)
    #: When it was let go on after a pause or a breaker: from then on it takes up its full pace step by step.
    resumed_at = models.DateTimeField(_("resumed"), null=True, blank=True)
    #: With a cap of requests per second: the moment up to which its requests are spent.
    paced_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("lane")
        verbose_name_plural = _("lanes")

    def __str__(self) -> str:
        return self.municipality_id


class WeeklyHours(models.Model):
    """Hours of one day of the week in which the system takes deliveries."""

    class Day(models.IntegerChoices):
        """Days of the week, as Python counts them."""

        MONDAY = 0, pgettext_lazy("day", "Monday")
        TUESDAY = 1, pgettext_lazy("day", "Tuesday")
        WEDNESDAY = 2, pgettext_lazy("day", "Wednesday")
        THURSDAY = 3, pgettext_lazy("day", "Thursday")
        FRIDAY = 4, pgettext_lazy("day", "Friday")
        SATURDAY = 5, pgettext_lazy("day", "Saturday")
        SUNDAY = 6, pgettext_lazy("day", "Sunday")

    municipality = models.ForeignKey(Municipality, models.CASCADE, related_name="weekly_hours", db_index=False)
    day = models.PositiveSmallIntegerField(_("day of the week"), choices=Day)
    opens_at = models.TimeField(pgettext_lazy("system", "opens at"))
    closes_at = models.TimeField(pgettext_lazy("system", "closes at"), help_text=_("00:00 is the end of the day."))
    on_holidays = models.BooleanField(_("on holidays too"), default=False)

    class Meta:
        verbose_name = _("weekly hours of the system")
        verbose_name_plural = _("weekly hours of the system")
        constraints = [
            models.UniqueConstraint(fields=["municipality", "day", "opens_at"], name="weekly_hours_once"),
            models.CheckConstraint(
                name="weekly_hours_forward", condition=Q(closes_at__gt=F("opens_at")) | Q(closes_at="00:00")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_day_display()} {self.opens_at:%H:%M}–{self.closes_at:%H:%M}"


class DatedHours(models.Model):
    """Other hours on one date; without hours it is closed all day."""

    municipality = models.ForeignKey(Municipality, models.CASCADE, related_name="dated_hours", db_index=False)
    day = models.DateField(pgettext_lazy("system", "date"))
    opens_at = models.TimeField(
        pgettext_lazy("system", "opens at"), null=True, blank=True, help_text=_("Empty: closed all day.")
    )
    closes_at = models.TimeField(pgettext_lazy("system", "closes at"), null=True, blank=True)

    class Meta:
        verbose_name = _("hours of the system on a date")
        verbose_name_plural = _("hours of the system on dates")
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "day", "opens_at"], name="dated_hours_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="dated_hours_forward",
                condition=Q(opens_at=None, closes_at=None)
                | Q(opens_at__isnull=False, closes_at__isnull=False)
                & (Q(closes_at__gt=F("opens_at")) | Q(closes_at="00:00")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"

    def clean(self) -> None:
        """Both hours or none."""
        if (self.opens_at is None) != (self.closes_at is None):
            raise ValidationError(gettext("Give both hours, or none for a closed day."))


class Closure(models.Model):
    """An announced time in which the system takes nothing, whatever its hours say."""

    class Note(models.TextChoices):
        """Why; a code, so that every reader gets it in the own language."""

        MAINTENANCE = "maintenance", _("maintenance")
        MIGRATION = "migration", _("change of system")
        OUTAGE = "outage", _("outage")
        YEAR_END = "year_end", _("year-end closing")
        OTHER = "other", _("other")

    municipality = models.ForeignKey(
        Municipality, models.CASCADE, related_name="closures", db_index=False, verbose_name=_("municipality")
    )
    starts = models.DateTimeField(_("starts"))
    ends = models.DateTimeField(_("ends"))
    note_code = models.CharField(_("why"), max_length=12, choices=Note, default=Note.MAINTENANCE)
    announced_at = models.DateTimeField(_("announced"), default=timezone.now, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("announced closure")
        verbose_name_plural = _("announced closures")
        constraints = [
            models.CheckConstraint(name="closure_forward", condition=Q(ends__gt=F("starts"))),
            models.UniqueConstraint(
                fields=["municipality", "starts", "ends"], name="closure_once", condition=Q(cancelled_at=None)
            ),
        ]
        indexes = [models.Index(fields=["municipality", "ends"], name="closure_of_town")]
        triggers = [KEPT]

    def __str__(self) -> str:
        return f"{self.municipality_id} {self.starts:%Y-%m-%d %H:%M}"
