"""What is filed and what happened since. Personal fields live only in sealed columns."""

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.ids import receipt_no, uuid7
from hub.relocations import tables
from hub.relocations.kept_models import Agreement, Kept
from hub.triggers import APPEND_ONLY, KEPT, Steps
from municipalities.models import Municipality
from municipalities.notice import Flow, Kind, Role

__all__ = [
    "Agreement",
    "Alert",
    "Deadline",
    "DeadlineState",
    "Event",
    "Guard",
    "IdempotencyKey",
    "Kept",
    "Leg",
    "Mover",
    "Relocation",
    "RelocationState",
    "Report",
    "Version",
]

FLOWS = [(flow.value, _(flow.value)) for flow in Flow]


class RelocationState(models.TextChoices):
    """State of the whole filing, rolled up from its legs (``data/filing_states.csv``)."""

    SUBMITTED = "SUBMITTED", _("received")
    IN_REVIEW = "IN_REVIEW", _("under review at the municipality you leave")
    CONSENT_PENDING = "CONSENT_PENDING", _("waiting for the consent of those concerned")
    RETURNED = "RETURNED", _("returned: something must be corrected")
    MOVEOUT_ACCEPTED = "MOVEOUT_ACCEPTED", _("move-out accepted")
    AWAITING_ARRIVAL = "AWAITING_ARRIVAL", _("moved out; go to the counter of the new municipality")
    NON_ARRIVAL = "NON_ARRIVAL", _("moved out; no move-in is known of")
    ARRIVED = "ARRIVED", _("registered at the new municipality")
    SETTLED = "SETTLED", _("moved; procedures are still open")
    COMPLETE = "COMPLETE", _("complete")
    REJECTED = "REJECTED", _("not accepted by the municipality")
    WITHDRAWN = "WITHDRAWN", _("withdrawn by you")
    CANCELLED = "CANCELLED", _("cancelled at the municipality")


class Relocation(models.Model):
    """One filing (届出). What was filed is in its versions; here is only what routing needs."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    receipt_no = models.CharField(_("receipt number"), max_length=14, unique=True, default=receipt_no)
    kind = models.CharField(_("kind"), max_length=16, choices=[(kind.value, _(kind.value)) for kind in Kind])
    #: Rolled up (``tables.whole_flow``); what counts is each mover's own.
    flow = models.CharField(_("flow"), max_length=16, choices=FLOWS)
    state = models.CharField(_("state"), max_length=16, choices=RelocationState, default=RelocationState.SUBMITTED)
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    #: Who made the present version: nobody (as filed), ``filer`` (amended), or the town that corrected it.
    version_by = models.CharField(max_length=6, blank=True, editable=False)
    #: Empty exactly for a move from abroad, and for one to abroad.
    origin = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("origin"), db_index=False
    )
    destination = models.ForeignKey(
        Municipality,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("destination"),
        db_index=False,
    )
    planned_out_on = models.DateField(_("planned move-out date"), null=True, blank=True)
    #: The filer's own move before this one, which must be registered first (order rule O5).
    follows = models.ForeignKey(
        "self", models.PROTECT, related_name="followed_by", null=True, blank=True, verbose_name=_("follows")
    )
    filed_on = models.DateField(_("filed on"))
    submitted_at = models.DateTimeField(_("submitted"), default=timezone.now)
    #: Whose it is (``Actor.owner``): a citizen's account or a partner front.
    owner = models.CharField(max_length=120, editable=False)
    #: What the consents of its present version amount to; whom it needs, ``people.asked`` says.
    agreement = models.CharField(
        max_length=8, choices=Agreement, blank=True, default=Agreement.NOT_NEEDED, editable=False
    )

    #: From when its filer is shown nothing new: it names a protected person who is not the filer (``frozen``).
    frozen_at = models.DateTimeField(null=True, editable=False)
    #: The state that its filer is shown since then; a move that follows waits by it, or it would tell of a later one.
    frozen_state = models.CharField(max_length=16, choices=RelocationState, blank=True, editable=False)

    class Meta:
        verbose_name = _("relocation")
        verbose_name_plural = _("relocations")
        indexes = [
            models.Index(fields=["owner", "-id"], name="relocation_owner"),
            models.Index(fields=["state", "-id"], name="relocation_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(origin__isnull=False) | models.Q(kind=Kind.OVERSEAS_IN.value),
                name="relocation_origin",
            ),
            models.CheckConstraint(
                condition=models.Q(destination__isnull=False) | models.Q(kind=Kind.OVERSEAS_OUT.value),
                name="relocation_destination",
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(kind__in=sorted(kind.value for kind in tables.WITHIN), origin=models.F("destination"))
                    | models.Q(
                        ~models.Q(origin=models.F("destination")),
                        kind__in=[Kind.DOMESTIC.value, Kind.WARD_TO_WARD.value],
                        origin__isnull=False,
                    )
                    | models.Q(kind=Kind.OVERSEAS_OUT.value, destination__isnull=True)
                    | models.Q(kind=Kind.OVERSEAS_IN.value, origin__isnull=True)
                ),
                name="relocation_moves",
            ),
            models.CheckConstraint(
                condition=models.Q(planned_out_on__isnull=False)
                | ~models.Q(kind__in=[Kind.DOMESTIC.value, Kind.OVERSEAS_OUT.value]),
                name="relocation_planned",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="filed_once", fields=["receipt_no", "kind", "filed_on", "submitted_at", "owner"]),
            KEPT,
        ]

    def __str__(self) -> str:
        return self.receipt_no


class Version(models.Model):
    """The document as filed, sealed; never changed, a later version supersedes it."""

    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveSmallIntegerField(default=1)
    #: As ``Relocation.version_by``.
    by = models.CharField(max_length=6, blank=True)
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["relocation", "number"], name="version_once")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.relocation_id} v{self.number}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed body."""
        return f"relocations_version.body:{self.relocation_id}:{self.number}"


class Guard(models.TextChoices):
    """Whether a town handles a relocation under protection measures (支援措置), and how it knows."""

    NONE = ""
    OWN = "own"  #: it decided so itself
    TOLD = "told"  #: it must be told (message 75)


class Leg(models.Model):
    """One municipality's part in one relocation."""

    relocation = models.ForeignKey(
        Relocation, models.PROTECT, related_name="legs", verbose_name=_("relocation"), db_index=False
    )
    role = models.CharField(_("role"), max_length=16, choices=[(role.value, _(role.value)) for role in Role])
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="legs", verbose_name=_("municipality"), db_index=False
    )
    #: As on the relocation: row-level security of either cannot ask the other without going in circles.
    owner = models.CharField(max_length=120, editable=False)
    #: Row-level security of everything that a town's clerks see of the relocation asks this.
    guard = models.CharField(max_length=4, choices=Guard, blank=True, default=Guard.NONE, editable=False)
    #: Whom to ask about a protected person; told with message 75.
    contact_office = models.CharField(max_length=100, blank=True, editable=False)

    class Meta:
        verbose_name = _("leg")
        verbose_name_plural = _("legs")
        constraints = [
            models.UniqueConstraint(fields=["relocation", "role", "municipality"], name="leg_once"),
        ]
        indexes = [models.Index(fields=["municipality", "-relocation"], name="leg_of_town")]

    def __str__(self) -> str:
        return f"{self.relocation_id} {self.role} {self.municipality_id}"


class Mover(models.Model):
    """One mover on one leg, with the state of that part. Who it is, only the sealed document says."""

    leg = models.ForeignKey(Leg, models.PROTECT, related_name="movers", db_index=False)
    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="movers", db_index=False)
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", db_index=False, verbose_name=_("municipality")
    )
    role = models.CharField(_("role"), max_length=16)
    ordinal = models.PositiveSmallIntegerField(_("mover"))
    state = models.CharField(_("state"), max_length=24)
    #: How this mover's certificate travels (Order Art. 24-2), on each of the mover's legs the same.
    flow = models.CharField(_("way of the certificate"), max_length=16, choices=FLOWS)

    class Meta:
        verbose_name = _("mover")
        verbose_name_plural = _("movers")
        constraints = [models.UniqueConstraint(fields=["leg", "ordinal"], name="mover_once")]
        indexes = [models.Index(fields=["relocation", "ordinal"], name="mover_of_relocation")]
        triggers = [
            # The steps of each role come from data/leg_steps.csv, so the rule and the guard cannot drift.
            Steps(f"steps_{role.value}", tables.transitions(role), where=f"OLD.role = '{role.value}'")
            for role in tables.START
        ]

    def __str__(self) -> str:
        return f"{self.leg_id} #{self.ordinal} {self.state}"


class Report(models.Model):
    """What a municipality told the hub; its id is made by the town, so that a repetition is recognised."""

    id = models.UUIDField(primary_key=True)
    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="reports", db_index=False)
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="reports", db_index=False, verbose_name=_("municipality")
    )
    type = models.CharField(_("report"), max_length=32)
    outcome = models.CharField(_("outcome"), max_length=16, blank=True)
    ordinals = models.JSONField(_("movers"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    #: HMAC of the body, to tell a repetition from a different message under the same id.
    fingerprint = models.BinaryField()
    #: Legal date, reference and what else was said, sealed.
    body = models.BinaryField()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        indexes = [models.Index(fields=["relocation", "received_at"], name="report_of_relocation")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.type} {self.outcome}"

    @property
    def identity(self) -> str:
        """Associated data of the sealed body."""
        return f"relocations_report.body:{self.pk}"


class Event(models.Model):
    """One thing that happened to a relocation; ids, states and codes only."""

    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField(_("at"), default=timezone.now)
    type = models.CharField(_("event"), max_length=40)
    municipality = models.ForeignKey(
        Municipality,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("municipality"),
        db_index=False,
    )
    actor_kind = models.CharField(_("by"), max_length=8)
    detail = models.JSONField(_("detail"), default=dict)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [models.Index(fields=["relocation", "id"], name="event_of_relocation")]
        triggers = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.type} {self.at:%Y-%m-%d %H:%M:%S}"


class DeadlineState(models.TextChoices):
    """What became of a deadline."""

    RUNNING = "RUNNING", _("running")
    MET = "MET", _("met")
    PASSED = "PASSED", _("passed")
    SUPERSEDED = "SUPERSEDED", _("no longer counts")


class Deadline(models.Model):
    """A clock of the law or of practice that runs for movers at a town (``data/clocks.csv``)."""

    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="deadlines", db_index=False)
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"), db_index=False
    )
    clock = models.CharField(_("deadline"), max_length=12)
    ordinals = models.JSONField(_("movers"))
    starts_on = models.DateField(_("counted from"))
    due_on = models.DateField(_("last day"))
    #: The last day by the town's calendar; empty where its holidays are not known yet.
    rolled_due_on = models.DateField(_("last open day"), null=True, blank=True)
    #: The first day on which something is to be done about it.
    acts_on = models.DateField(editable=False)
    state = models.CharField(_("state"), max_length=10, choices=DeadlineState, default=DeadlineState.RUNNING)

    class Meta:
        verbose_name = _("deadline")
        verbose_name_plural = _("deadlines")
        constraints = [
            models.UniqueConstraint(fields=["relocation", "municipality", "clock", "starts_on"], name="deadline_once")
        ]
        indexes = [
            models.Index(fields=["acts_on"], name="deadline_due", condition=models.Q(state=DeadlineState.RUNNING))
        ]
        triggers = [
            Steps(
                "steps",
                # That it was met in time may be said later.
                [("RUNNING", end) for end in ("MET", "PASSED", "SUPERSEDED")]
                + [("PASSED", "MET"), *((start, "RUNNING") for start in ("MET", "SUPERSEDED"))],
            ),
            pgtrigger.ReadOnly(name="counted_once", fields=["relocation", "clock", "starts_on", "due_on"]),
            KEPT,
        ]

    def __str__(self) -> str:
        return f"{self.clock} {self.due_on}"


class Alert(models.Model):
    """Something that a clerk is to look at and that the hub does not decide (``A4xx`` of the error catalogue)."""

    relocation = models.ForeignKey(
        Relocation, models.PROTECT, related_name="alerts", verbose_name=_("relocation"), db_index=False
    )
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"), db_index=False
    )
    code = models.CharField(_("alert"), max_length=4)
    #: Tells one alert of the same code from another: a clock, a report, fields by name.
    about = models.CharField(_("about"), max_length=200, blank=True)
    ordinals = models.JSONField(_("movers"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by account"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(fields=["relocation", "municipality", "code", "about"], name="alert_once")
        ]
        indexes = [models.Index(fields=["municipality", "-id"], name="alert_of_town")]
        triggers = [
            pgtrigger.ReadOnly(name="raised_once", exclude=["settled_at", "settled_by"]),
            KEPT,
        ]

    def __str__(self) -> str:
        return self.code


class IdempotencyKey(models.Model):
    """A key that a client gave to one filing (Idempotency-Key); same key and body, same answer."""

    client = models.CharField(max_length=120)
    key = models.CharField(max_length=200)
    fingerprint = models.BinaryField()
    relocation = models.ForeignKey(Relocation, models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return f"{self.client} {self.pk}"
