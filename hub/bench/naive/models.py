"""Tables of the naive design."""

from django.db import models


class Relocation(models.Model):
    """One filing; what is nested stays JSON."""

    receipt_no = models.CharField(max_length=32, unique=True)
    state = models.CharField(max_length=40, default="submitted")
    origin = models.CharField(max_length=6)
    destination = models.CharField(max_length=6)
    filing = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "naive"

    def __str__(self) -> str:
        return self.receipt_no


class Mover(models.Model):
    """One person of a filing."""

    relocation = models.ForeignKey(Relocation, models.CASCADE, related_name="movers")
    ordinal = models.PositiveSmallIntegerField()
    full_name = models.CharField(max_length=300)
    domicile = models.CharField(max_length=6, blank=True)
    data = models.JSONField()

    class Meta:
        app_label = "naive"
        ordering = ["ordinal"]

    def __str__(self) -> str:
        return f"{self.relocation_id} #{self.ordinal}"


class Delivery(models.Model):
    """One notice to one town."""

    relocation = models.ForeignKey(Relocation, models.CASCADE, related_name="deliveries")
    town = models.CharField(max_length=6)
    type = models.CharField(max_length=32)
    state = models.CharField(max_length=20, default="pending")
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "naive"

    def __str__(self) -> str:
        return f"{self.type} → {self.town}"


class Report(models.Model):
    """What a town told."""

    id = models.UUIDField(primary_key=True)
    relocation = models.ForeignKey(Relocation, models.CASCADE, related_name="reports")
    type = models.CharField(max_length=32)
    outcome = models.CharField(max_length=20, blank=True)
    legal_date = models.DateField(null=True)

    class Meta:
        app_label = "naive"

    def __str__(self) -> str:
        return self.type
