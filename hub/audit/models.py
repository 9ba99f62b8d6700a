"""Audit entries. A chain per relocation keeps filings from waiting for each other; its head is a row too."""

from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.triggers import APPEND_ONLY

#: Chain of what concerns no single relocation (accounts, connections, lanes).
GENERAL = UUID(int=0)


class Chain(models.Model):
    """Length and last code of one chain, so that a removed tail is noticed."""

    id = models.UUIDField(primary_key=True)
    length = models.PositiveIntegerField(default=0)
    head = models.BinaryField(default=b"")
    #: HMAC over length and head, so that nobody without the key can cut the end off and say it was shorter.
    seal = models.BinaryField(default=b"")

    def __str__(self) -> str:
        return f"{self.pk} ({self.length})"


class Entry(models.Model):
    """One act. ``detail`` holds ids, states and codes, never personal data."""

    chain_id = models.UUIDField()
    number = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=8)
    actor = models.CharField(max_length=100)
    municipality = models.CharField(max_length=6, blank=True)
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    detail = models.JSONField(default=dict)
    #: HMAC-SHA256 over the previous entry's code and this entry, under a key outside the database.
    code = models.BinaryField()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        constraints = [models.UniqueConstraint(fields=["chain_id", "number"], name="audit_entry_number")]
        indexes = [
            # What persons did is a small part: the list finds it without reading what machines did.
            models.Index(
                fields=["actor_kind", "-id"],
                name="audit_by_persons",
                condition=models.Q(actor_kind__in=["operator", "clerk", "front"]),
            )
        ]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.chain_id} {self.number} {self.action}"
