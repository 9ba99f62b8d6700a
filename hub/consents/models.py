"""One person's consent to one filing."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.ids import uuid7
from hub.relocations.models import Relocation
from hub.relocations.people import JOINED_HEAD
from hub.triggers import KEPT, Steps
from municipalities.models import Municipality


class Answer(models.TextChoices):
    """What was answered; a row that a later version made void is kept."""

    PENDING = "PENDING", _("asked, not answered yet")
    CONFIRMED = "CONFIRMED", _("agreed")
    REFUSED = "REFUSED", _("did not agree")
    VOID = "VOID", _("not needed any more")


class Means(models.TextChoices):
    """How a clerk made sure who somebody at the counter is (本人確認)."""

    PHOTO = "PHOTO", _("one document with a photograph (Individual Number Card, driving licence, residence card …)")
    TWO = "TWO", _("two documents without a photograph")
    ASKED = "ASKED", _("documents and questions that only this person can answer")


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
    #: Answered in person: at which town's counter, how it was made sure who answered, and which clerk wrote it down.
    counter = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", null=True, editable=False, verbose_name=_("counter")
    )
    means = models.CharField(_("means of identification"), max_length=5, choices=Means, blank=True)
    recorded_by = models.CharField(_("recorded by account"), max_length=120, blank=True, editable=False)

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
                | (~models.Q(account="") & models.Q(answered_at__isnull=False, counter=None))
                | (
                    ~models.Q(means="")
                    & ~models.Q(recorded_by="")
                    & models.Q(account="", answered_at__isnull=False, counter__isnull=False)
                ),
                name="consent_answered_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="consent_of_account"),
            models.Index(fields=["counter", "-id"], name="consent_at_counter"),
        ]
        triggers = [
            Steps(
                "answered_once",
                [("PENDING", "CONFIRMED"), ("PENDING", "REFUSED")]
                + [(before, "VOID") for before in ("PENDING", "CONFIRMED", "REFUSED")],
                field="answer",
            ),
            KEPT,
        ]

    def __str__(self) -> str:
        return f"{self.relocation_id} #{self.ordinal} {self.answer}"

    @property
    def is_head(self) -> bool:
        """Whether the head of the household joined is meant, who does not move."""
        return self.ordinal == JOINED_HEAD
