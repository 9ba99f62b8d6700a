"""What a shadow run found: one row per delivery that was tried, and the differences counted by day and item."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from municipalities.compare import Kind
from municipalities.models import Connection, Municipality

#: Kinds of differences, in words.
KINDS = {
    Kind.REFUSED: _("would be refused"),
    Kind.UNREADABLE: _("cannot be read back"),
    Kind.CHANGED: _("is read as another value"),
    Kind.LOST: _("is lost"),
    Kind.GAINED: _("is gained"),
    Kind.FALLBACK: _("characters are replaced otherwise"),
    Kind.ACCEPTED: _("is refused today, would be accepted"),
}


class Outcome(models.TextChoices):
    """How a delivery came through in the next standard."""

    EQUAL = "equal", _("equal")
    DIFFERENT = "different", _("different")
    REFUSED = "refused", _("would be refused")
    UNREAD = "unread", _("could not be tried")  #: shredded, or sealed with a key that this installation lacks


class Change(Connection):
    """A connection that takes the place of an earlier one of the same municipality."""

    class Meta:
        proxy = True
        verbose_name = _("change of connection")
        verbose_name_plural = _("changes of connections")


class Trial(models.Model):
    """One delivery, tried in the standard of a connection that is to begin; says nothing of its content."""

    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="trials", verbose_name=_("connection"), db_index=False
    )
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"), db_index=False
    )
    delivery_id = models.UUIDField(_("delivery"))
    #: The day on which the delivery was queued.
    day = models.DateField(_("day"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        constraints = [models.UniqueConstraint(name="shadow_tried_once", fields=["connection", "delivery_id"])]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.outcome}"


class Finding(models.Model):
    """How often the next standard differed in one item, on one day."""

    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="findings", verbose_name=_("connection"), db_index=False
    )
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", verbose_name=_("municipality"), db_index=False
    )
    day = models.DateField(_("day"))
    kind = models.CharField(_("kind"), max_length=10, choices=[(kind.value, words) for kind, words in KINDS.items()])
    item = models.CharField(_("item"), max_length=200)
    code = models.CharField(_("error"), max_length=4, blank=True)
    count = models.PositiveIntegerField(_("number"))

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        constraints = [
            models.UniqueConstraint(name="shadow_counted_once", fields=["connection", "day", "kind", "item", "code"])
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.kind} {self.item}: {self.count}"
