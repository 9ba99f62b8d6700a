"""Deliveries, their receipts and events, and what came back; lanes and the desk's tasks have modules of their own."""

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.deliveries.callback_models import Callback
from hub.deliveries.desk_models import Discrepancy, Reconciliation, Replay
from hub.deliveries.lane_models import Closure, DatedHours, Lane, WeeklyHours
from hub.deliveries.states import NEXT, UNWELCOME, Answer, Cause, State
from hub.ids import uuid7
from hub.triggers import APPEND_ONLY, KEPT, Steps
from municipalities.models import Connection, Municipality
from municipalities.notice import Role

__all__ = [
    "Callback",
    "Closure",
    "DatedHours",
    "Delivery",
    "Difference",
    "Discrepancy",
    "Event",
    "Held",
    "Lane",
    "Receipt",
    "Reconciliation",
    "Replay",
    "Return",
    "WeeklyHours",
]


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Deliveries, by who may see them and what is waiting."""

    def for_town(self, code: str) -> "DeliveryQuerySet":
        """Those of one municipality. Row-level security says the same; this lets an index say it fast."""
        return self.filter(municipality_id=code)


class Delivery(models.Model):
    """One notice on its way to one municipality; its id never changes across retries and re-issues.

    The table is not partitioned. What is asked often walks a partial index over what is open or a key-set index, so its
    cost does not grow with the table, and retention removes what is over; that a notice is told once is a unique
    constraint, which PostgreSQL cannot hold across partitions by time.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    relocation_id = models.UUIDField(_("relocation"), editable=False)
    receipt_no = models.CharField(_("receipt number"), max_length=14)
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    type = models.CharField(_("notice"), max_length=32)
    role = models.CharField(_("role"), max_length=16, choices=[(role.value, _(role.value)) for role in Role])
    #: Which of several notices of this type and role: movers may become due one after the other.
    part = models.PositiveSmallIntegerField(default=1)
    ordinals = models.JSONField(_("movers"), help_text=_("Numbers of the movers it tells about."))
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="deliveries", verbose_name=_("municipality"), db_index=False
    )
    connection = models.ForeignKey(
        Connection, models.PROTECT, related_name="deliveries", verbose_name=_("connection"), db_index=False
    )
    #: Order per relocation and municipality; a later number never overtakes an earlier one.
    sequence = models.PositiveSmallIntegerField(_("sequence"))
    notice = models.BinaryField(help_text="The canonical notice, sealed with the relocation's key.")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    answer = models.CharField(_("answer"), max_length=20, choices=Answer, blank=True)
    cause = models.CharField(_("who must act"), max_length=8, choices=Cause, blank=True)
    code = models.CharField(_("error"), max_length=4, blank=True, help_text=_("Code of the error catalogue."))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    #: Attempts before it was last sent again by a person or a town's wish: the waits begin anew after them.
    attempts_before = models.PositiveSmallIntegerField(default=0, editable=False)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    #: Held by a courier while queued, by a worker of the town while ready; kept after it ran out.
    leased_until = models.DateTimeField(null=True, editable=False)
    #: Which of the town's workers fetches it; says that it may have been read, though it is not handed over yet.
    leased_by = models.CharField(max_length=64, blank=True, default="", editable=False)
    #: Since when a person must look.
    held_at = models.DateTimeField(_("held since"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    #: The first time; when it was sent again, its events say.
    sent_at = models.DateTimeField(_("handed over"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    #: When the state last changed, by the database's own clock (trigger): the order of ``feed``.
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    #: SHA-256 of the bytes as first written; a re-issue with other bytes is held, never sent silently.
    content_sha256 = models.BinaryField(null=True, editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["relocation_id", "version", "type", "role", "municipality", "part"], name="delivery_once"
            ),
            models.UniqueConstraint(fields=["relocation_id", "municipality", "sequence"], name="delivery_in_order"),
        ]
        indexes = [
            models.Index(
                fields=["municipality", "due_at"], name="delivery_due", condition=models.Q(state=State.QUEUED)
            ),
            models.Index(
                fields=["municipality", "leased_until"],
                name="delivery_leased",
                condition=models.Q(leased_until__isnull=False),
            ),
            models.Index(
                fields=["municipality", "changed_at", "id"],
                name="delivery_ready",
                condition=models.Q(state=State.READY),
            ),
            models.Index(fields=["municipality", "changed_at", "id"], name="delivery_changed"),
            models.Index(fields=["municipality", "-id"], name="delivery_of_town"),
            models.Index(fields=["state", "-id"], name="delivery_by_state"),
            models.Index(fields=["answer", "-id"], name="delivery_unwelcome", condition=models.Q(answer__in=UNWELCOME)),
            # Its operator class serves «begins with» in every locale.
            models.Index(fields=["receipt_no"], name="delivery_receipt_no", opclasses=["varchar_pattern_ops"]),
        ]
        triggers = [
            Steps("steps", [(start.value, end.value) for start, ends in NEXT.items() for end in sorted(ends)]),
            pgtrigger.ReadOnly(
                name="told_once",
                fields=["relocation_id", "version", "type", "role", "municipality", "part", "sequence", "notice"],
            ),
            KEPT,
            pgtrigger.Trigger(
                name="changed",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("state"),  # type: ignore[no-untyped-call]
                func="NEW.changed_at = clock_timestamp(); RETURN NEW;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.receipt_no} → {self.municipality_id}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed fields."""
        return f"deliveries_delivery:{self.pk}"


class Event(models.Model):
    """One step of a delivery; never changed."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField(_("at"), default=timezone.now)
    state = models.CharField(_("state"), max_length=10, choices=State)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    code = models.CharField(_("error"), max_length=4, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    actor_kind = models.CharField(_("by"), max_length=8)

    class Meta:
        verbose_name = _("step of a delivery")
        verbose_name_plural = _("steps of deliveries")
        indexes = [models.Index(fields=["delivery", "id"], name="delivery_event")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.state} {self.at:%Y-%m-%d %H:%M:%S}"


class Receipt(models.Model):
    """What the town's system answered (message 70); one per kind, a repetition is the same receipt."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="receipts", db_index=False)
    kind = models.CharField(_("kind"), max_length=20, choices=Answer)
    at = models.DateTimeField(_("at"), default=timezone.now)
    codes = models.JSONField(_("error codes"), default=list)
    #: Errors, legal date and differences as sent, sealed: they may repeat what was told.
    body = models.BinaryField(editable=False)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [models.UniqueConstraint(fields=["delivery", "kind"], name="receipt_once")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M:%S}"


class Held(models.TextChoices):
    """What became of something that came back and waits for a person."""

    HELD = "held", _("a person must look")
    TAKEN = "taken", _("taken in")
    DROPPED = "dropped", _("put aside")


class Return(models.Model):
    """A file that a town sent back in its own layout and that nobody may guess about: a person answers first."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="returns", verbose_name=_("delivery"))
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    #: The report it makes, once read: id, type and outcome; empty for a file of receipts.
    report = models.JSONField(_("report"), default=dict, blank=True)
    #: The file as it came, sealed; and its keyed hash, by which a repetition is the same return.
    content = models.BinaryField(editable=False)
    mark = models.BinaryField(editable=False)
    code = models.CharField(_("error"), max_length=4)
    item = models.CharField(_("item"), max_length=200, blank=True)
    points = models.CharField(_("unknown characters"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=Held, default=Held.HELD)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by account"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("file that came back")
        verbose_name_plural = _("files that came back")
        constraints = [models.UniqueConstraint(fields=["delivery", "mark"], name="return_once")]
        indexes = [models.Index(fields=["municipality", "-id"], name="return_of_town")]
        triggers = [
            pgtrigger.ReadOnly(
                name="came_once", fields=["delivery", "municipality", "at", "report", "content", "mark"]
            ),
            KEPT,
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.code} {self.item}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed content."""
        return f"deliveries_return.content:{self.pk}"


class Difference(models.Model):
    """One value that came back otherwise than the town was told; the original is never overwritten by it."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="differences", verbose_name=_("delivery"))
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    report_id = models.UUIDField(_("report"))
    path = models.CharField(_("item"), max_length=200, help_text=_("JSON pointer into the notice."))
    #: What was told and what came back, sealed.
    texts = models.BinaryField(editable=False)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by account"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("difference that came back")
        verbose_name_plural = _("differences that came back")
        constraints = [models.UniqueConstraint(fields=["report_id", "path"], name="difference_once")]
        indexes = [models.Index(fields=["municipality", "-id"], name="difference_of_town")]
        triggers = [
            pgtrigger.ReadOnly(name="came_once", exclude=["settled_at", "settled_by"]),
            KEPT,
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def identity(self) -> str:
        """Associated data of the sealed texts."""
        return f"deliveries_difference.texts:{self.report_id}:{self.path}"
