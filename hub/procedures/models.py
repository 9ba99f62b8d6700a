"""Tasks of departments with their steps, answers of citizens (sealed), and what a municipality sets otherwise."""

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Func
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub.ids import uuid7
from hub.procedures import tables
from hub.procedures.states import NEXT, Asks, Reason, State
from hub.triggers import APPEND_ONLY, KEPT, Steps
from municipalities.models import Municipality

SIDES = [("origin", _("origin")), ("destination", _("destination"))]


class Task(models.Model):
    """One follow-on procedure of one mover at one municipality. Who it is, only the sealed filing says."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    relocation_id = models.UUIDField(_("relocation"), editable=False)
    receipt_no = models.CharField(_("receipt number"), max_length=14)
    #: Whose relocation it is (``Actor.owner``).
    owner = models.CharField(max_length=120, editable=False)
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"), db_index=False
    )
    side = models.CharField(_("role"), max_length=16, choices=SIDES)
    ordinal = models.PositiveSmallIntegerField(_("mover"))
    #: Rule and version in the tables; several rules may belong to one procedure (F01 … F36).
    rule = models.CharField(_("rule"), max_length=32)
    rule_version = models.PositiveSmallIntegerField(_("version of the rule"))
    procedure = models.CharField(_("procedure"), max_length=3)
    #: Counts how often the task was made anew for this rule and mover.
    generation = models.PositiveSmallIntegerField(default=1, editable=False)
    department = models.CharField(_("department"), max_length=60)
    gate = models.CharField(_("gate"), max_length=16)
    #: The last day, by the town's calendar.
    due_on = models.DateField(_("due on"), null=True, blank=True)
    #: On which day it opens without any further event, where a day alone may open its gate.
    opens_on = models.DateField(null=True, editable=False)
    asks = models.CharField(_("to be decided"), max_length=8, choices=Asks, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True)
    #: The delivery that opened it (message 40), when the town's layout has room for tasks.
    delivery_id = models.UUIDField(_("delivery"), null=True, blank=True, editable=False)
    #: HMAC of everything the rule read: a change of anything else re-opens nothing.
    inputs = models.BinaryField(editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    #: When its gate opened; before that the town does not see it.
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = [
            models.UniqueConstraint(fields=["relocation_id", "rule", "ordinal", "generation"], name="task_once"),
            models.UniqueConstraint(
                fields=["relocation_id", "rule", "ordinal"],
                name="task_one_in_force",
                condition=~models.Q(state=State.SUPERSEDED),
            ),
        ]
        indexes = [
            models.Index(fields=["municipality", "state", "due_on"], name="task_of_town"),
            models.Index(
                fields=["delivery_id"], name="task_of_delivery", condition=models.Q(delivery_id__isnull=False)
            ),
            models.Index(
                fields=["opens_on"], name="task_by_day", condition=models.Q(state=State.PENDING, opens_on__isnull=False)
            ),
        ]
        triggers = [
            Steps("steps", [(start.value, end.value) for start, ends in NEXT.items() for end in sorted(ends)]),
            pgtrigger.ReadOnly(
                name="made_once",
                fields=["relocation_id", "receipt_no", "owner", "ordinal", "rule", "procedure", "generation", "side"],
            ),
            KEPT,
        ]

    def __str__(self) -> str:
        return f"{self.procedure} {self.receipt_no} #{self.ordinal}"

    @property
    def definition(self) -> tables.Rule:
        """The rule it came from, in the version it came from."""
        return tables.named(self.rule, self.rule_version)

    @property
    def title(self) -> str:
        """What it is, in the reader's language."""
        return str(self.definition.title)

    @property
    def department_name(self) -> str:
        """Who works on it: a department of the table, or the town's own word."""
        return str(tables.departments().get(self.department, self.department))


class Step(models.Model):
    """One step of a task; never changed."""

    task = models.ForeignKey(Task, models.PROTECT, related_name="steps", db_index=False)
    at = models.DateTimeField(_("at"), default=timezone.now)
    state = models.CharField(_("state"), max_length=10, choices=State)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True)
    note = models.CharField(_("note"), max_length=60, blank=True)
    actor_kind = models.CharField(_("by"), max_length=8)

    class Meta:
        verbose_name = _("step of a task")
        verbose_name_plural = _("steps of tasks")
        indexes = [models.Index(fields=["task", "id"], name="task_step")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.state} {self.at:%Y-%m-%d %H:%M:%S}"


class AnswerSheet(models.Model):
    """What a citizen answered, sealed; never changed, a later sheet supersedes it."""

    relocation_id = models.UUIDField(editable=False)
    owner = models.CharField(max_length=120, editable=False)
    number = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["relocation_id", "number"], name="answers_once")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.relocation_id} {self.number}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed body."""
        return f"procedures_answersheet.body:{self.relocation_id}:{self.number}"


class DocumentSheet(models.Model):
    """References of the papers that the origin handed over for one procedure of one mover (message 16), sealed.

    Never changed, a later sheet of the same procedure and mover supersedes it.
    """

    relocation_id = models.UUIDField(editable=False)
    procedure = models.CharField(max_length=3)
    ordinal = models.PositiveSmallIntegerField()
    number = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["relocation_id", "procedure", "ordinal", "number"], name="documents_once")
        ]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.relocation_id} {self.procedure} #{self.ordinal} {self.number}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed body."""
        return f"procedures_documentsheet.body:{self.relocation_id}:{self.procedure}:{self.ordinal}:{self.number}"


class LocalRule(models.Model):
    """What a municipality sets otherwise for one rule, for so long (F09, F13, F20 and F27 differ by town)."""

    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    rule = models.CharField(_("rule"), max_length=32)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    offered = models.BooleanField(_("offered"), default=True, help_text=_("Off: this town has no such procedure."))
    department = models.CharField(_("department"), max_length=60, blank=True, help_text=_("The town's own word."))
    days = models.PositiveSmallIntegerField(_("days"), null=True, blank=True, help_text=_("Of the deadline."))
    age_limit = models.PositiveSmallIntegerField(
        _("age limit"), null=True, blank=True, help_text=_("Until 31 March after this age is reached.")
    )
    note = models.CharField(_("note for the citizen"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("local rule")
        verbose_name_plural = _("local rules")
        constraints = [
            ExclusionConstraint(
                name="local_rule_one_at_a_time",
                expressions=[
                    ("municipality", RangeOperators.EQUAL),
                    ("rule", RangeOperators.EQUAL),
                    (
                        Func(
                            "valid_from",
                            "valid_to",
                            RangeBoundary(inclusive_upper=True),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.municipality_id}"

    def clean(self) -> None:
        """Refuse a rule that the tables do not have, and days that end before they begin."""
        if self.rule not in {rule.name for rule in tables.rules()}:
            raise ValidationError({"rule": gettext("The tables have no such rule.")})
        if self.valid_to is not None and self.valid_from is not None and self.valid_to < self.valid_from:
            raise ValidationError({"valid_to": gettext("It ends before it begins.")})
