"""What the conformance kit found about an adapter: kept as it was found, never changed."""

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from municipalities.models import Municipality


class Mode(models.TextChoices):
    """How the adapter takes notices."""

    PUSH = "push", _("is pushed to")
    PULL = "pull", _("fetches")
    FILES = "files", _("exchanges files")


class Grade(models.TextChoices):
    """A: all passed. B: nothing essential or robust failed. C: nothing essential failed. D: the rest."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Report(models.Model):
    """One run of the kit against the adapter of one municipality."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    mode = models.CharField(_("way"), max_length=5, choices=Mode)
    standard = models.CharField(_("record standard"), max_length=60, help_text=_("Empty: canonical JSON."), blank=True)
    grade = models.CharField(_("grade"), max_length=1, choices=Grade)
    #: Name of the check, whether it passed (null: not made) and what was seen; no text of a notice.
    checks = models.JSONField(_("checks"))
    recorded_by = models.CharField(_("recorded by account"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("conformance report")
        verbose_name_plural = _("conformance reports")
        indexes = [models.Index(fields=["municipality", "-id"], name="conformance_of_town")]
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.municipality_id} {self.mode} {self.grade}"
