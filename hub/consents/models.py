"""One person's consent to one filing."""

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.ids import uuid7
from hub.relocations.models import Relocation
from hub.relocations.people import JOINED_HEAD


class Answer(models.TextChoices):
    """What was answered; a row that a later version made void is kept."""

    PENDING = "PENDING", _("asked, not answered yet")
    CONFIRMED = "CONFIRMED", _("agreed")
    REFUSED = "REFUSED", _("did not agree")
    VOID = "VOID", _("not needed any more")


class Request(models.Model):
    """Somebody who was asked: an adult mover by ordinal, or the head of the household that is joined (0)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="consents")
    ordinal = models.PositiveSmallIntegerField(_("mover"))
    #: Keyed hash of what is agreed to (who, from where, to which address): the same in a later version, it still holds.
    subject = models.BinaryField()
    answer = models.CharField(_("answer"), max_length=9, choices=Answer, default=Answer.PENDING)
    #: SHA-256 of the link's token; used up by the answer.
    token = models.BinaryField(null=True, unique=True)
    #: Who answered (``Actor.owner``): a signed-in account, never that of the filer.
    account = models.CharField(max_length=120, blank=True, editable=False)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered"), null=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["relocation", "subject"], condition=~models.Q(answer="VOID"), name="consent_asked_once"
            ),
            models.UniqueConstraint(
                fields=["relocation", "account"],
                condition=~models.Q(account="") & ~models.Q(answer="VOID"),
                name="consent_by_one_person",
            ),
            models.CheckConstraint(
                condition=models.Q(answer__in=["PENDING", "VOID"])
                | (~models.Q(account="") & models.Q(answered_at__isnull=False)),
                name="consent_answered_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["account", "-id"], name="consent_of_account")]
        triggers = [
            pgtrigger.FSM(
                name="answered_once",
                field="answer",
                transitions=[("PENDING", "CONFIRMED"), ("PENDING", "REFUSED")]
                + [(before, "VOID") for before in ("PENDING", "CONFIRMED", "REFUSED")],
            ),
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.relocation_id} #{self.ordinal} {self.answer}"

    @property
    def is_head(self) -> bool:
        """Whether the head of the household joined is meant, who does not move."""
        return self.ordinal == JOINED_HEAD
