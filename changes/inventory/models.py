"""Assets at the vendors, their configuration over time, what readings counted, what the vendors' logs say. Times are UTC."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from changes.inventory.facts import What


class Criticality(models.TextChoices):
    """How much depends on an asset."""

    CRITICAL = "critical", "Critical"
    HIGH = "high", "High"
    NORMAL = "normal", "Normal"
    LOW = "low", "Low"


class Asset(models.Model):
    """One thing at a vendor (P-23). What it was first seen as never changes; who owns it changes with a ledger entry.

    The other columns say what the newest reading saw: they can be made again from the snapshots.
    """

    source = models.CharField(max_length=40)
    """``Source.name``: a text, because connectors stand above."""
    kind = models.CharField(max_length=60)
    external_id = models.CharField(max_length=200)
    """The vendor's immutable id, unique within source and kind."""
    name = models.CharField(max_length=300)
    environment = models.CharField(max_length=20, blank=True)
    within = models.CharField(max_length=200, blank=True)
    """External id of what it belongs to."""
    digest = models.CharField(max_length=64)
    """Of its newest snapshot."""
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    criticality = models.CharField(max_length=10, choices=Criticality.choices, blank=True)
    """Empty until somebody has said."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    """When a complete reading did not show it any more."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "kind", "external_id"], name="asset_once")]
        indexes = [models.Index(fields=["source", "kind", "within"], name="asset_of_scope")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Snapshot(models.Model):
    """The configuration of an asset from one moment on. Written when it differs from the one before; never changed."""

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="snapshots")
    what = models.CharField(max_length=7, choices=[(what.value, what.value) for what in What])
    taken_at = models.DateTimeField()
    name = models.CharField(max_length=300)
    environment = models.CharField(max_length=20, blank=True)
    within = models.CharField(max_length=200, blank=True)
    configuration = models.JSONField()
    """As the source showed it last: of an asset that is gone, how it was."""
    digest = models.CharField(max_length=64)
    differs = models.JSONField(default=list)
    """What is different from the snapshot before, one sentence each."""

    class Meta:
        indexes = [models.Index(fields=["asset", "-id"], name="snapshot_of_asset")]

    def __str__(self) -> str:
        return f"snapshot {self.pk}"


class SourceReading(models.Model):
    """How many of which kinds the newest complete reading of a scope on one day counted."""

    source = models.CharField(max_length=40)
    kinds = models.CharField(max_length=400)
    """Sorted, with commas between."""
    within = models.CharField(max_length=200, blank=True)
    """What it was the reading of; empty: all of the source."""
    day = models.DateField()
    read_at = models.DateTimeField()
    counts = models.JSONField()
    """{kind: how many the source showed}."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "kinds", "within", "day"], name="source_reading_of_a_day")]

    def __str__(self) -> str:
        return f"reading of {self.source} at {self.read_at}"


class VendorEvent(models.Model):
    """One entry of a vendor's own log, as it was first read. Which change it belongs to is found by detectors."""

    source = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    at = models.DateTimeField()
    action = models.CharField(max_length=200)
    actor_id = models.CharField(max_length=200, blank=True)
    actor_name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=200, blank=True)
    object_name = models.CharField(max_length=300, blank=True)
    environment = models.CharField(max_length=20, blank=True)
    detail = models.JSONField(default=dict)
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="vendor_event_once"),
            models.CheckConstraint(condition=~Q(external_id=""), name="vendor_event_has_an_id"),
        ]
        indexes = [
            models.Index(fields=["source", "-at"], name="vendor_event_by_time"),
            models.Index(fields=["source", "object_id", "-at"], name="vendor_event_of_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.action}"


class Reconciliation(models.Model):
    """One month's signed comparison of what each source counted with what the inventory has (P-23). Never changed."""

    month = models.DateField(unique=True)
    """Its first day."""
    lines = models.JSONField()
    """What was compared: see ``reconciling.Line``."""
    differing = models.IntegerField()
    """How many lines do not agree."""
    note = models.TextField(blank=True)
    """What the signer says about those."""
    digest = models.CharField(max_length=64)
    """Of month, lines and note."""
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    authenticated_at = models.DateTimeField()
    """The fresh sign-in that the signature rests on."""
    signed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"reconciliation of {self.month:%B %Y}"
