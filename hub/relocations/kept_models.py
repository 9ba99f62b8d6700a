"""What is said of a filing whose filer may not learn more, and what consents amount to."""

from django.db import models
from django.utils import timezone

from hub.triggers import APPEND_ONLY


class Agreement(models.TextChoices):
    """Whether everyone who must agree to a filing has agreed (message 04)."""

    NOT_NEEDED = ""
    PENDING = "PENDING"
    GIVEN = "GIVEN"
    REFUSED = "REFUSED"


class Kept(models.Model):
    """What was said of a filing whose filer may not learn more (``frozen``): shown as if it counted, of no effect."""

    relocation = models.ForeignKey("relocations.Relocation", models.PROTECT, related_name="kept")
    at = models.DateTimeField(default=timezone.now)
    #: As the event that it would have been: filing.amended, filing.withdrawn, consent.asked, consent.confirmed …
    type = models.CharField(max_length=40)
    #: The movers it is about; empty for all.
    ordinals = models.JSONField(default=list)
    #: What the consents amount to with it, as the filer is shown.
    agreement = models.CharField(max_length=8, choices=Agreement, blank=True)
    #: Of a consent: which, and who answered (``Actor.owner``).
    request_id = models.UUIDField(null=True)
    account = models.CharField(max_length=120, blank=True)
    #: Of a new version: the document; of what a front was agreed to: the agreement. Sealed.
    body = models.BinaryField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account"], name="kept_of_account", condition=~models.Q(account=""))]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.relocation_id} {self.type}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed body."""
        return f"relocations_kept.body:{self.relocation_id}:{self.at.isoformat()}"
