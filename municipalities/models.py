"""Municipalities with their dated codes, how each is reached, and when its counter is open.

None of this is secret. Every period includes its first and its last day; an empty day leaves that side open.
"""

from collections.abc import Iterable
from datetime import date, time
from functools import lru_cache
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Ord
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from municipalities import characters, codes
from municipalities import standard as standards
from municipalities.opening import Exceptional, Hours, Opening
from municipalities.outage_models import Outage as Outage

SIX_DIGITS = "^[0-9]{6}$"
AT_ONCE = 64
LONGEST_NOTE = 100
TABLE_NAME = "^[a-z][a-z0-9_]*$"


def validate_code(code: str) -> None:
    """Refuse a code whose check digit is wrong."""
    if not codes.is_valid(code):
        raise ValidationError(gettext("Six digits are needed, of which the last checks the others."))


def in_force(day: date) -> Q:
    """Rows whose period includes that day."""
    begun = Q(valid_from__isnull=True) | Q(valid_from__lte=day)
    return begun & (Q(valid_to__isnull=True) | Q(valid_to__gte=day))


def ends_after_it_begins(name: str) -> models.CheckConstraint:
    """A period whose last day is not before its first."""
    return models.CheckConstraint(name=name, condition=Q(valid_to__gte=F("valid_from")))


class Kind(models.TextChoices):
    """What sort of municipality; a ward of a designated city keeps its own register (Act, Art. 38)."""

    DESIGNATED_CITY = "designated_city", pgettext_lazy("municipality", "designated city")
    CITY = "city", pgettext_lazy("municipality", "city")
    TOWN = "town", pgettext_lazy("municipality", "town")
    VILLAGE = "village", pgettext_lazy("municipality", "village")
    SPECIAL_WARD = "special_ward", pgettext_lazy("municipality", "special ward")
    WARD = "ward", _("ward of a designated city")


class MunicipalityQuerySet(models.QuerySet["Municipality"]):
    """Municipalities, by what they are on a day."""

    def leaf(self) -> Self:
        """Those that keep a register themselves: every one but the designated cities, whose wards do."""
        return self.exclude(kind=Kind.DESIGNATED_CITY)

    def valid_on(self, day: date) -> Self:
        """Those whose code is in force on that day."""
        return self.filter(in_force(day))

    def successors(self, code: str, day: date) -> Self:
        """Whom a code of the past stands for on that day: itself, one, or several (then a person decides)."""
        pairs = Succession.objects.filter(on__lte=day).values_list("predecessor", "successor")
        return self.filter(pk__in=codes.reached([code], pairs)).valid_on(day)


def predecessors(of: Iterable[str], day: date) -> list[str]:
    """Return the codes of the past whose place these have taken on that day, and these."""
    pairs = Succession.objects.filter(on__lte=day).values_list("successor", "predecessor")
    return codes.reached(of, pairs)


class Municipality(models.Model):
    """A municipality, or a ward of a designated city, under one code for as long as that code lasts."""

    code = models.CharField(
        pgettext_lazy("municipality", "code"), primary_key=True, max_length=6, validators=[validate_code]
    )
    kind = models.CharField(pgettext_lazy("municipality", "kind"), max_length=16, choices=Kind)
    prefecture = models.CharField(_("prefecture"), max_length=4)
    #: What an address says between prefecture and name: the county (郡) or the designated city.
    within = models.CharField(pgettext_lazy("municipality", "county or city"), max_length=20, blank=True)
    name = models.CharField(pgettext_lazy("municipality", "name"), max_length=20)
    kana = models.CharField(
        pgettext_lazy("municipality", "reading"), max_length=40, help_text=_("Full-width katakana.")
    )
    parent_code = models.CharField(
        pgettext_lazy("municipality", "designated city"),
        max_length=6,
        blank=True,
        help_text=_("Of a ward only."),
    )
    valid_from = models.DateField(_("valid from"), null=True, blank=True, help_text=_("Empty: not recorded."))
    valid_to = models.DateField(_("valid to"), null=True, blank=True, help_text=_("The last day."))
    opens_at = models.TimeField(_("opens at"), default=Hours().opens_at)
    closes_at = models.TimeField(_("closes at"), default=Hours().closes_at)

    objects = MunicipalityQuerySet.as_manager()

    class Meta:
        verbose_name = _("municipality")
        verbose_name_plural = _("municipalities")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(name="municipality_code", condition=Q(code__regex=SIX_DIGITS)),
            models.CheckConstraint(
                name="municipality_parent",
                condition=Q(kind=Kind.WARD, parent_code__regex=SIX_DIGITS) | (~Q(kind=Kind.WARD) & Q(parent_code="")),
            ),
            ends_after_it_begins("municipality_period"),
            models.CheckConstraint(name="municipality_hours", condition=Q(closes_at__gt=F("opens_at"))),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """The name as an address begins with it: prefecture, county or city, name."""
        return f"{self.prefecture}{self.within}{self.name}"

    def opening(self) -> Opening:
        """The calendar of its counter; prefetch ``exceptions`` when asking for many."""
        return Opening(
            Hours(self.opens_at, self.closes_at),
            {exception.day: exception.as_value() for exception in self.exceptions.all()},
        )


class Succession(models.Model):
    """Which municipality took over from which; one that was divided has several successors."""

    predecessor = models.ForeignKey(
        Municipality, models.PROTECT, related_name="succeeded_by", verbose_name=_("predecessor")
    )
    successor = models.ForeignKey(Municipality, models.PROTECT, related_name="succeeds", verbose_name=_("successor"))
    on = models.DateField(pgettext_lazy("municipality", "on"), help_text=_("The successor's first day."))
    part = models.CharField(
        pgettext_lazy("municipality", "part"),
        max_length=100,
        blank=True,
        help_text=_("Empty: the whole area."),
    )

    class Meta:
        verbose_name = _("succession")
        verbose_name_plural = _("successions")
        ordering = ["on", "predecessor", "successor"]
        constraints = [
            models.UniqueConstraint(name="succession_once", fields=["predecessor", "successor"]),
            models.CheckConstraint(name="succession_forward", condition=~Q(predecessor=F("successor"))),
        ]

    def __str__(self) -> str:
        return f"{self.predecessor_id} → {self.successor_id}"


class GaijiTable(models.Model):
    """Private-use characters (外字) of one system, and what they are in Unicode; several towns may share one."""

    name = models.CharField(
        pgettext_lazy("gaiji", "name"),
        max_length=30,
        unique=True,
        validators=[RegexValidator(TABLE_NAME)],
        help_text=_("Small letters, digits and underscores; what clerks decided is kept under it, so it stays."),
    )
    title = models.CharField(pgettext_lazy("gaiji", "title"), max_length=100)
    source = models.CharField(
        pgettext_lazy("gaiji", "source"), max_length=200, blank=True, help_text=_("Who issued it, and when.")
    )
    #: Counts every change of its rows: what was compiled of an earlier one is not used any more.
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    class Meta:
        verbose_name = _("gaiji table")
        verbose_name_plural = _("gaiji tables")
        ordering = ["name"]
        constraints = [models.CheckConstraint(name="gaiji_table_name", condition=Q(name__regex=TABLE_NAME))]

    def __str__(self) -> str:
        return f"{self.title} ({self.name})"

    def value(self) -> characters.Gaiji:
        """The table as a standard takes it."""
        return gaiji(self.pk, self.version)


class Gaiji(models.Model):
    """One private-use character and the sequence it stands for, in both directions."""

    table = models.ForeignKey(GaijiTable, models.CASCADE, related_name="rows", verbose_name=_("gaiji table"))
    private = models.CharField(_("private character"), max_length=1)
    sequence = models.CharField(
        _("stands for"), max_length=8, help_text=_("A character with its variation selector, if it has one.")
    )
    note = models.CharField(pgettext_lazy("gaiji", "note"), max_length=LONGEST_NOTE, blank=True)

    class Meta:
        verbose_name = _("gaiji")
        verbose_name_plural = _("gaiji")
        ordering = ["table", "private"]
        constraints = [
            models.UniqueConstraint(name="gaiji_private_once", fields=["table", "private"]),
            models.UniqueConstraint(name="gaiji_sequence_once", fields=["table", "sequence"]),
            models.CheckConstraint(
                name="gaiji_is_private",
                condition=(
                    Q(GreaterThanOrEqual(Ord("private"), 0xE000)) & Q(LessThanOrEqual(Ord("private"), 0xF8FF))
                    | Q(GreaterThanOrEqual(Ord("private"), 0xF0000))
                ),
            ),
            models.CheckConstraint(name="gaiji_stands_for", condition=~Q(sequence="")),
        ]

    def __str__(self) -> str:
        return f"U+{ord(self.private):04X} {self.sequence}"


@lru_cache(maxsize=256)
def gaiji(table: int, version: int) -> characters.Gaiji:
    """A table as a standard takes it: read once per version, in every process."""
    rows = Gaiji.objects.filter(table=table).values_list("table__name", "table__version", "private", "sequence")
    found = list(rows)  # one statement: name, version and rows belong together
    if found and found[0][1] != version:
        return gaiji(table, found[0][1])
    name = found[0][0] if found else GaijiTable.objects.values_list("name", flat=True).get(pk=table)
    return characters.Gaiji(name, {private: sequence for *_, private, sequence in found})


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Connections, by when they are used."""

    def valid_on(self, day: date) -> Self:
        """Those in use on that day: at most one of each municipality."""
        return self.filter(in_force(day))

    def tried_on(self, day: date) -> Self:
        """Those that begin later and whose standard is tried on what goes out on that day."""
        return self.filter(tried_from__lte=day, valid_from__gt=day)


class Connection(models.Model):
    """How a municipality is told, from one day to another: its record standard and its address."""

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="connections", verbose_name=_("municipality")
    )
    standard = models.CharField(_("record standard"), max_length=60)
    address = models.CharField(pgettext_lazy("connection", "address"), max_length=500)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True, help_text=_("The last day."))
    concurrency = models.PositiveSmallIntegerField(
        _("at once"),
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(AT_ONCE)],
        help_text=_("How many notices may be on their way to it at the same time."),
    )
    per_second = models.PositiveSmallIntegerField(
        _("per second"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_000)],
        help_text=_("How many requests its system takes in a second; empty: as many as come."),
    )
    retry_hours = models.PositiveSmallIntegerField(
        _("retries for hours"),
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 28)],
        help_text=_(
            "After so many hours of attempts a person must look. Time in which it is closed counts for nothing."
        ),
    )
    gaiji = models.ForeignKey(
        GaijiTable,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="connections",
        verbose_name=_("gaiji table"),
        help_text=_("Of a system with private-use characters of its own."),
    )
    sets_protection = models.BooleanField(
        _("sets protection measures"),
        default=False,
        help_text=_(
            "Of a system that exchanges files: its answers may say that somebody is handled under protection measures "
            "(message 75), as a client of the API may with the scope «protection»."
        ),
    )
    tried_from = models.DateField(
        _("tried from"),
        null=True,
        blank=True,
        help_text=_("What went out from this day on is also written in this standard, and compared, until it begins."),
    )
    #: Wrapped by the hub's master key; nothing here can open it.
    signing_key = models.BinaryField(null=True, editable=False)
    #: The key before it, and until when pushes are signed by that one as well.
    previous_signing_key = models.BinaryField(null=True, editable=False)
    previous_key_until = models.DateTimeField(null=True, editable=False)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ["municipality", "valid_from"]
        constraints = [
            ends_after_it_begins("connection_period"),
            models.CheckConstraint(name="connection_concurrency", condition=Q(concurrency__range=(1, AT_ONCE))),
            models.CheckConstraint(name="connection_per_second", condition=Q(per_second__range=(1, 1_000))),
            models.CheckConstraint(name="connection_retry_hours", condition=Q(retry_hours__range=(1, 24 * 28))),
            models.CheckConstraint(
                name="connection_tried_before",
                condition=Q(tried_from__lt=F("valid_from")),
                violation_error_message=_("It is tried before it begins: choose an earlier day."),
            ),
            ExclusionConstraint(
                name="connection_one_at_a_time",
                expressions=[
                    ("municipality", RangeOperators.EQUAL),
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
                violation_error_message=_("Another connection of this municipality is in use in that period."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.municipality_id} {self.standard} {self.valid_from:%Y-%m-%d}"

    def layout(self) -> standards.Standard:
        """Its record standard with its gaiji table, compiled once per version; select ``gaiji`` along for many."""
        return standards.load(self.standard, self.gaiji.value() if self.gaiji else None)


class CalendarException(models.Model):
    """A day on which a counter keeps other hours than usual, or stays closed."""

    municipality = models.ForeignKey(
        Municipality, models.CASCADE, related_name="exceptions", verbose_name=_("municipality")
    )
    day = models.DateField(pgettext_lazy("municipality", "day"))
    opens_at = models.TimeField(_("opens at"), null=True, blank=True, help_text=_("Empty: closed."))
    closes_at = models.TimeField(_("closes at"), null=True, blank=True)
    by_ordinance = models.BooleanField(
        _("by ordinance"),
        default=False,
        help_text=_("The municipality's ordinance on closed days says so: statutory deadlines follow."),
    )
    note = models.CharField(pgettext_lazy("municipality", "note"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("calendar exception")
        verbose_name_plural = _("calendar exceptions")
        ordering = ["municipality", "day"]
        constraints = [
            models.UniqueConstraint(name="calendar_exception_once", fields=["municipality", "day"]),
            models.CheckConstraint(
                name="calendar_exception_hours",
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__isnull=False, closes_at__isnull=False, closes_at__gt=F("opens_at")),
                violation_error_message=_("Give both hours, the later one second, or none for a closed day."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.municipality_id} {self.day:%Y-%m-%d}"

    def as_value(self) -> Exceptional:
        """The exception as the calendar takes it."""
        return Exceptional(self.hours(), self.by_ordinance)

    def hours(self) -> Hours | None:
        """Its hours, or None for a closed day."""
        opens: time | None = self.opens_at
        closes: time | None = self.closes_at
        return None if opens is None or closes is None else Hours(opens, closes)
