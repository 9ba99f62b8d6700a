"""A municipality that is being connected, what was drafted for it, and what a worker does for it."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hub.conformance.models import Report
from municipalities.models import AT_ONCE, Connection, GaijiTable, Municipality


class Onboarding(models.Model):
    """What was chosen for one municipality; what was proved stands where it is kept for good, not here."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    standard = models.CharField(_("record standard"), max_length=60, blank=True)
    gaiji = models.ForeignKey(
        GaijiTable, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("gaiji table")
    )
    address = models.CharField(pgettext_lazy("connection", "address"), max_length=500, blank=True)
    concurrency = models.PositiveSmallIntegerField(
        _("at once"), default=4, validators=[MinValueValidator(1), MaxValueValidator(AT_ONCE)]
    )
    sets_protection = models.BooleanField(_("sets protection measures"), default=False)
    #: What it goes live with, once that is planned.
    connection = models.ForeignKey(
        Connection, models.SET_NULL, null=True, related_name="+", verbose_name=_("connection")
    )
    begun_at = models.DateTimeField(_("begun"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("onboarding")
        verbose_name_plural = _("onboardings")
        constraints = [
            models.UniqueConstraint(
                fields=["municipality"], name="onboarding_one_at_a_time", condition=Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return self.municipality.full_name


class Draft(models.Model):
    """A record standard drafted from a vendor's file: to be read, taken away and finished, never used as it is."""

    onboarding = models.ForeignKey(Onboarding, models.CASCADE, related_name="drafts")
    at = models.DateTimeField(_("at"), default=timezone.now)
    name = models.CharField(pgettext_lazy("standard", "name"), max_length=60)
    #: What the file is: encoding, delimiter, how many items.
    told = models.CharField(max_length=300)
    #: One per item: name, source, convert, codes, how it was found, what to look at.
    rows = models.JSONField()
    unplaced = models.JSONField()
    omitted = models.JSONField()
    remaining = models.JSONField()
    #: The folder, as a ZIP file.
    folder = models.BinaryField()

    class Meta:
        verbose_name = _("draft of a record standard")
        verbose_name_plural = _("drafts of record standards")

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """Something long that a worker does: the kit against the town's system, or a standard tried on what went out."""

    class Kind(models.TextChoices):
        """What is done."""

        KIT = "kit", _("conformance kit")
        SHADOW = "shadow", _("shadow run")

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("waits for a worker")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    onboarding = models.ForeignKey(Onboarding, models.CASCADE, related_name="runs")
    kind = models.CharField(_("kind"), max_length=6, choices=Kind)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    #: About which standard and address, and where the adapter shows its books.
    standard = models.CharField(_("record standard"), max_length=60)
    address = models.CharField(pgettext_lazy("connection", "address"), max_length=500)
    books = models.CharField(max_length=500, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(default=timezone.now)
    #: When the worker last said that it goes on; one that is silent too long was killed.
    seen_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    why = models.CharField(_("what was seen"), max_length=300, blank=True)
    report = models.ForeignKey(Report, models.PROTECT, null=True, related_name="+")
    #: Of a shadow run: notices by outcome, differences with how often; no personal data.
    found = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("run for an onboarding")
        verbose_name_plural = _("runs for onboardings")
        constraints = [
            models.UniqueConstraint(
                fields=["onboarding", "kind"],
                name="onboarding_one_run",
                condition=Q(state__in=["waiting", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether a worker has it, or will."""
        return self.state in (self.State.WAITING, self.State.RUNNING)
