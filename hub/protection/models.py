"""Measures of a municipality, the filings they guard, and what takes two clerks. No reason, no offender is kept."""

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.relocations.models import Relocation
from hub.triggers import APPEND_ONLY, KEPT, Steps
from municipalities.models import Municipality


class State(models.TextChoices):
    """A measure protects until a clerk ends it; passing its last day alone ends nothing (standard 3.1)."""

    PROVISIONAL = "PROVISIONAL", _("provisional (仮支援措置)")
    ACTIVE = "ACTIVE", _("in force")
    ENDED = "ENDED", _("ended")


class Measure(models.Model):
    """One municipality's measure for one person, who is known by a mark only (``relocations.people.mark_of``)."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    mark = models.BinaryField(editable=False)
    state = models.CharField(_("state"), max_length=11, choices=State, default=State.PROVISIONAL)
    contact_office = models.CharField(
        _("contact office"), max_length=100, help_text=_("Whom other municipalities ask: an office, never a person.")
    )
    expires_on = models.DateField(
        _("last day"), help_text=_("One year as a rule. Afterwards the protection stays until two clerks end it.")
    )
    set_at = models.DateTimeField(_("set"), default=timezone.now)
    set_by = models.CharField(max_length=120, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("protection measure")
        verbose_name_plural = _("protection measures")
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "mark"], condition=~models.Q(state="ENDED"), name="measure_of_person"
            )
        ]
        indexes = [models.Index(fields=["municipality", "expires_on"], name="measure_expires")]
        triggers = [
            Steps("steps", [("PROVISIONAL", "ACTIVE"), ("PROVISIONAL", "ENDED"), ("ACTIVE", "ENDED")]),
            pgtrigger.ReadOnly(name="set_once", fields=["municipality", "mark", "set_at", "set_by"]),
            KEPT,
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Expiry(models.Model):
    """The question whether a measure is extended (alert A407); extending or ending it settles it, nothing else.

    The town that set it is asked, and so are the towns of a move that protect by its word.
    """

    measure = models.ForeignKey(Measure, models.PROTECT, related_name="expiries", verbose_name=_("protection measure"))
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    #: By which filing a town knows of a measure that another town set.
    relocation = models.ForeignKey(
        Relocation, models.PROTECT, related_name="+", null=True, verbose_name=_("relocation")
    )
    contact_office = models.CharField(_("contact office"), max_length=100)
    code = models.CharField(_("alert"), max_length=4)
    expires_on = models.DateField(_("last day"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True)
    settled_by = models.CharField(max_length=120, blank=True, editable=False)

    class Meta:
        verbose_name = _("measure to be extended or not")
        verbose_name_plural = _("measures to be extended or not")
        constraints = [models.UniqueConstraint(fields=["measure", "municipality", "expires_on"], name="expiry_once")]
        triggers = [
            pgtrigger.ReadOnly(name="raised_once", exclude=["settled_at", "settled_by"]),
            KEPT,
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.measure_id}"


class Guarded(models.Model):
    """A filing that a measure guards, and the mover it is about."""

    measure = models.ForeignKey(Measure, models.PROTECT, related_name="guarded")
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="+", verbose_name=_("relocation"))
    ordinal = models.PositiveSmallIntegerField(_("mover"))
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("guarded filing")
        verbose_name_plural = _("guarded filings")
        constraints = [models.UniqueConstraint(fields=["measure", "relocation"], name="guarded_once")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.measure_id} {self.relocation_id}"


class Act(models.TextChoices):
    """What one clerk asks for and another releases."""

    SEE = "SEE", _("see the protected data of a filing")
    END = "END", _("end the measure")


class Release(models.Model):
    """Two clerks for one act: who asks is never who releases."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    act = models.CharField(_("act"), max_length=3, choices=Act)
    measure = models.ForeignKey(Measure, models.PROTECT, related_name="releases", verbose_name=_("protection measure"))
    relocation = models.ForeignKey(
        Relocation, models.PROTECT, related_name="+", null=True, verbose_name=_("relocation")
    )
    asked_by = models.CharField(max_length=120)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    released_by = models.CharField(max_length=120, blank=True)
    released_at = models.DateTimeField(_("released"), null=True)
    #: Until when the one who asked may see; nothing for an end.
    until = models.DateTimeField(_("until"), null=True)

    class Meta:
        verbose_name = _("release by two clerks")
        verbose_name_plural = _("releases by two clerks")
        constraints = [
            models.CheckConstraint(condition=~models.Q(asked_by=models.F("released_by")), name="release_takes_two"),
            models.CheckConstraint(
                condition=models.Q(act="END", relocation=None) | models.Q(act="SEE", relocation__isnull=False),
                name="release_of_what",
            ),
            models.CheckConstraint(
                condition=models.Q(released_by="", released_at=None)
                | (~models.Q(released_by="") & models.Q(released_at__isnull=False)),
                name="release_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["relocation", "asked_by"], name="release_for_reader")]
        triggers = [
            pgtrigger.ReadOnly(
                name="asked_once", fields=["municipality", "act", "measure", "relocation", "asked_by", "asked_at"]
            ),
            pgtrigger.Protect(
                name="released_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__released_at__isnull=False)
            ),
            KEPT,
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.pk}"


class ContactWish(models.Model):
    """A citizen asks to be contacted about protection; that is all a citizen can do about it here."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    relocation = models.OneToOneField(Relocation, models.PROTECT, related_name="+", verbose_name=_("relocation"))
    at = models.DateTimeField(_("asked"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True)
    settled_by = models.CharField(max_length=120, blank=True, editable=False)

    class Meta:
        verbose_name = _("wish to talk about protection")
        verbose_name_plural = _("wishes to talk about protection")
        triggers = [KEPT]

    def __str__(self) -> str:
        return str(self.pk)
