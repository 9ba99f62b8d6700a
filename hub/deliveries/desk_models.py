"""What operators and clerks settle about many deliveries: reconciliation with a town, and replays."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.triggers import KEPT
from municipalities.models import Municipality


class Reconciliation(models.Model):
    """One day's digests of one municipality, the hub's and its own (message 77); the last comparison counts."""

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", db_index=False, verbose_name=_("municipality")
    )
    day = models.DateField(_("day"))
    compared_at = models.DateTimeField(_("compared"), default=timezone.now)
    ours = models.JSONField(_("of the hub"), help_text=_("Number, last id and digest; no content."))
    theirs = models.JSONField(_("of the municipality"), null=True, blank=True)
    agrees = models.BooleanField(_("agrees"), null=True)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        constraints = [models.UniqueConstraint(fields=["municipality", "day"], name="reconciled_once")]
        indexes = [models.Index(fields=["agrees", "-day"], name="reconciliation_open")]

    def __str__(self) -> str:
        return f"{self.municipality_id} {self.day:%Y-%m-%d}"


class Discrepancy(models.Model):
    """Something in which the town's books differ from the hub's: a person looks, or a later comparison settles it."""

    class Kind(models.TextChoices):
        """What differs."""

        DIGEST = "digest", _("the digests differ; the ids were not given")
        MISSING = "missing", _("handed over, and not in the municipality's books")
        UNKNOWN = "unknown", _("in the municipality's books, and never handed over")
        SILENT = "silent", _("no digest came from the municipality")

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", db_index=False, verbose_name=_("municipality")
    )
    day = models.DateField(_("day"))
    kind = models.CharField(_("difference"), max_length=8, choices=Kind)
    #: As the town wrote it when it is none of ours; empty when the whole day is meant.
    delivery_id = models.CharField(_("delivery"), max_length=36, blank=True)
    found_at = models.DateTimeField(_("found"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by account"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("difference in the books")
        verbose_name_plural = _("differences in the books")
        constraints = [
            models.UniqueConstraint(fields=["municipality", "day", "kind", "delivery_id"], name="discrepancy_once")
        ]
        indexes = [models.Index(fields=["settled_at", "-day"], name="discrepancy_open")]
        triggers = [KEPT]

    def __str__(self) -> str:
        return f"{self.municipality_id} {self.day:%Y-%m-%d} {self.kind}"


class Replay(models.Model):
    """Many deliveries sent again by one decision; above a limit a second operator confirms."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("waits for a second operator")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")

    #: What is chosen: municipality, states, type, cause, code, from and to (dates of creation).
    chosen = models.JSONField(_("chosen"))
    reason = models.CharField(_("reason"), max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=State)
    expected = models.PositiveIntegerField(_("expected"))
    sent = models.PositiveIntegerField(_("sent again"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    #: The last delivery that was looked at; a process that takes over goes on behind it.
    reached = models.UUIDField(null=True, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by"), db_index=False
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("confirmed by")
    )
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        constraints = [
            models.CheckConstraint(
                name="replay_four_eyes",
                condition=~models.Q(confirmed_by=models.F("asked_by")),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="decided_once", fields=["chosen", "reason", "expected", "asked_by", "asked_at"]),
            KEPT,
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.reason}"
