"""What the API itself keeps: consents as fronts record them, heartbeats of adapters, what changed for a front."""

from datetime import timedelta
from typing import Any

import msgspec
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub import numbers
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.relocations.models import Relocation
from hub.triggers import APPEND_ONLY
from hub.vault import cipher
from hub.vault import services as vault
from municipalities.models import Municipality

#: An adapter that said nothing for so long is shown as silent.
SILENT = timedelta(minutes=15)


class Consent(models.Model):
    """The consent under which a front filed for a citizen; what it says is sealed with the relocation's key."""

    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="front_consents", db_index=False)
    #: Which version of the filing it is about.
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    #: As on the relocation: the front's name (``Actor.owner``).
    owner = models.CharField(max_length=120, editable=False)
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)
    body = models.BinaryField(editable=False)

    class Meta:
        verbose_name = _("consent given to a front")
        verbose_name_plural = _("consents given to fronts")
        constraints = [models.UniqueConstraint(fields=["relocation", "version"], name="consent_once")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.relocation_id} v{self.version}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed body."""
        return f"api_consent.body:{self.relocation_id}:{self.version}"

    @classmethod
    def keep(cls, relocation: Relocation, agreement: Any) -> None:
        """Write the consent down; raises as ``sealable``."""
        row = cls(relocation=relocation, owner=relocation.owner, version=relocation.version)
        row.body = cipher.seal(vault.open_one(relocation.pk), cls.sealable(agreement), row.identity)
        row.save(force_insert=True)
        audit.record(audit.Act("consent.recorded", f"relocation:{relocation.pk}", {}, relocation.pk))

    @staticmethod
    def sealable(agreement: Any) -> bytes:
        """Return what a consent says; E308 for one of the future, E140 for a number that the hub must not hold."""
        if agreement.given_at > timezone.now() + timedelta(minutes=5):
            raise refuse("E308", "/consent/givenAt")
        for pointer, text in numbers.texts(msgspec.to_builtins(agreement), "/consent"):
            if not pointer.endswith("/givenAt") and numbers.is_forbidden(text):
                raise refuse("E140", pointer)
        return msgspec.json.encode(agreement)


class Heartbeat(models.Model):
    """What the adapter of a municipality last said of itself (message 78)."""

    municipality = models.OneToOneField(
        Municipality, models.PROTECT, primary_key=True, related_name="heartbeat", verbose_name=_("municipality")
    )
    at = models.DateTimeField(_("last heard"))
    open = models.BooleanField(_("says it is open"))
    backlog = models.PositiveIntegerField(_("its own backlog"), default=0)
    software = models.CharField(_("software"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("heartbeat of an adapter")
        verbose_name_plural = _("heartbeats of adapters")

    def __str__(self) -> str:
        return self.municipality_id

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard for too long."""
        return self.at < timezone.now() - SILENT


class RelocationChange(models.Model):
    """When a front's relocation last changed; written by a trigger on the relocation's events."""

    relocation = models.OneToOneField(Relocation, models.PROTECT, primary_key=True, related_name="+")
    owner = models.CharField(max_length=120)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["owner", "changed_at", "relocation"], name="api_change_of_front")]

    def __str__(self) -> str:
        return str(self.pk)
