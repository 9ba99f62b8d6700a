"""Addresses that the hub itself calls: the key that goes with each, and whether it has proved itself."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from municipalities.models import Municipality

#: How long after it proved itself an address may be taken into use.
FRESH = timedelta(days=30)


class Callback(models.Model):
    """An address that was registered for a municipality; nothing is sent there before it proved itself."""

    municipality = models.ForeignKey(
        Municipality, models.CASCADE, related_name="+", db_index=False, verbose_name=_("municipality")
    )
    address = models.CharField(pgettext_lazy("connection", "address"), max_length=500)
    #: Wrapped by the hub's master key: what pushes will be signed with there, or what signs in by SFTP.
    signing_key = models.BinaryField(null=True, editable=False)
    registered_at = models.DateTimeField(_("registered"), default=timezone.now)
    #: Since when it is to be asked; empty: nobody waits for an answer.
    wanted_at = models.DateTimeField(_("to be asked since"), null=True, blank=True)
    tried_at = models.DateTimeField(_("asked"), null=True, blank=True)
    proven_at = models.DateTimeField(_("proved itself"), null=True, blank=True)
    code = models.CharField(_("error"), max_length=4, blank=True, help_text=_("Code of the error catalogue."))
    #: What was seen, for technicians; nothing that the other side wrote.
    why = models.CharField(_("what was seen"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("registered address")
        verbose_name_plural = _("registered addresses")
        constraints = [models.UniqueConstraint(fields=["municipality", "address"], name="callback_once")]
        indexes = [
            models.Index(fields=["wanted_at"], name="callback_wanted", condition=models.Q(wanted_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.municipality_id} {self.address.partition(':')[0]}"

    @property
    def is_proven(self) -> bool:
        """Whether it may be taken into use now."""
        return self.proven_at is not None and self.proven_at > timezone.now() - FRESH
