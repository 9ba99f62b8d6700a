"""Marks of filed persons, and the cases that arise when one mark is filed more than once at a time."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.relocations.models import Relocation
from hub.triggers import KEPT, Steps
from municipalities.models import Municipality


class Mark(models.Model):
    """A keyed hash by which a person of one municipality is recognised; nobody but the hub's own rules reads it."""

    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="marks", db_index=False)
    #: The town left or the town entered: each salts its own.
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", db_index=False)
    ordinal = models.PositiveSmallIntegerField()
    mark = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["relocation", "municipality", "ordinal"], name="mark_once")]
        indexes = [models.Index(fields=["mark"], name="mark_of_person")]

    def __str__(self) -> str:
        return f"{self.relocation_id} #{self.ordinal}"


class Finding(models.TextChoices):
    """What a clerk found out about a case."""

    OPEN = "OPEN", _("not decided yet")
    SAME = "SAME", _("the same person")
    DIFFERENT = "DIFFERENT", _("different persons")


class Case(models.Model):
    """One person, as it seems, in several filings of one municipality (E306); its clerk finds out."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    mark = models.BinaryField(editable=False)
    finding = models.CharField(_("finding"), max_length=9, choices=Finding, default=Finding.OPEN)
    #: How many filings are in it. Row-level security shows the case to who may see all of them.
    size = models.PositiveSmallIntegerField(_("filings"), default=0)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.CharField(max_length=120, blank=True, editable=False)

    class Meta:
        verbose_name = _("duplicate case")
        verbose_name_plural = _("duplicate cases")
        constraints = [
            models.UniqueConstraint(
                fields=["municipality", "mark"], condition=~models.Q(finding="DIFFERENT"), name="case_of_person"
            )
        ]
        indexes = [models.Index(fields=["municipality", "finding", "-id"], name="case_of_town")]
        triggers = [
            Steps("decided", [("OPEN", "SAME"), ("OPEN", "DIFFERENT"), ("SAME", "DIFFERENT")], field="finding"),
            KEPT,
        ]

    def __str__(self) -> str:
        return f"{self.municipality_id} {self.pk}"


class Member(models.Model):
    """One filing in a case, with the mover whom it names."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="members")
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="+", verbose_name=_("relocation"))
    ordinal = models.PositiveSmallIntegerField(_("mover"))
    #: This one's move-out is registered: of one case at most one is.
    registered = models.BooleanField(_("move-out registered"), default=False)

    class Meta:
        verbose_name = _("filing of the case")
        verbose_name_plural = _("filings of the case")
        constraints = [
            models.UniqueConstraint(fields=["case", "relocation"], name="member_once"),
            models.UniqueConstraint(fields=["case"], condition=models.Q(registered=True), name="one_registered"),
        ]
        triggers = [KEPT]

    def __str__(self) -> str:
        return f"{self.case_id} {self.relocation_id} #{self.ordinal}"
