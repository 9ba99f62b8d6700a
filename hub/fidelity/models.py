"""Decisions of clerks and the ledger of changed characters. Texts live only in sealed columns."""

from uuid import UUID

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.ids import uuid7
from hub.triggers import APPEND_ONLY, KEPT
from municipalities.models import Municipality


class Kind(models.TextChoices):
    """What a person decided about a text that a town's character set cannot hold."""

    WRITE = "write", _("another writing")
    PAPER = "paper", _("held until the town takes it on paper")


class Decision(models.Model):
    """What a person said to do about one text in one character set; it holds for later deliveries of that text.

    A clerk decides for the own municipality; what an operator decides holds for every one (``municipality`` is
    empty), unless its own clerk decided otherwise. Nothing is overwritten: a decision ends and another is made.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("municipality")
    )
    target = models.CharField(_("character set"), max_length=80)
    #: HMAC of character set and text: equal texts are found, the text cannot be guessed from it.
    mark = models.BinaryField(editable=False)
    kind = models.CharField(_("decision"), max_length=8, choices=Kind)
    #: The text as filed and the text to write, sealed.
    texts = models.BinaryField(editable=False)
    #: Code points; blank where they would spell out the text.
    points = models.CharField(_("characters asked about"), max_length=200, blank=True)
    basis = models.CharField(_("legal basis"), max_length=300, blank=True)
    decided_at = models.DateTimeField(_("decided"), default=timezone.now)
    decided_by_kind = models.CharField(_("by"), max_length=8)
    decided_by = models.CharField(_("account"), max_length=100)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.CharField(_("ended by account"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("decision about characters")
        verbose_name_plural = _("decisions about characters")
        constraints = [
            models.UniqueConstraint(
                fields=["mark", "municipality"],
                name="decision_once",
                condition=Q(ended_at=None),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="decision_ended_by_somebody",
                condition=Q(ended_at=None, ended_by="") | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
            ),
        ]
        indexes = [models.Index(fields=["municipality", "-id"], name="decision_of_town")]
        triggers = [
            pgtrigger.ReadOnly(name="decided_once", exclude=["ended_at", "ended_by"]),
            KEPT,
            pgtrigger.Protect(
                name="ended_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__ended_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target} {self.points}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed texts."""
        return f"fidelity_decision.texts:{self.pk}"


class Substitution(models.Model):
    """One value that reached a town otherwise than it was filed (the fidelity ledger); never changed."""

    at = models.DateTimeField(_("at"), default=timezone.now)
    delivery_id = models.UUIDField(_("delivery"))
    relocation_id = models.UUIDField()
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"), db_index=False
    )
    #: Which of the delivery's changes, from 1.
    number = models.PositiveSmallIntegerField()
    standard = models.CharField(_("record standard"), max_length=60)
    path = models.CharField(_("item"), max_length=200, help_text=_("JSON pointer into the notice."))
    #: Of kanji alone; blank where they would spell out the text.
    points = models.TextField(_("characters"), blank=True, help_text=_("Code points: as filed → as written."))
    rule = models.TextField(_("rule"))
    decision = models.ForeignKey(
        Decision, models.PROTECT, null=True, blank=True, related_name="substitutions", verbose_name=_("decision")
    )
    #: The text as filed and as the town reads it, sealed with the relocation's key.
    texts = models.BinaryField(editable=False)

    class Meta:
        verbose_name = _("changed characters")
        verbose_name_plural = _("ledger of changed characters")
        constraints = [models.UniqueConstraint(fields=["delivery_id", "number"], name="substitution_once")]
        indexes = [
            models.Index(fields=["relocation_id"], name="substitution_of_move"),
            models.Index(fields=["municipality", "-id"], name="substitution_of_town"),
        ]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.path} {self.points}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed texts."""
        return self.identity_of(self.delivery_id, self.number)

    @staticmethod
    def identity_of(delivery_id: UUID, number: int) -> str:
        """As ``identity``, of a row that is not made yet."""
        return f"fidelity_substitution.texts:{delivery_id}:{number}"
