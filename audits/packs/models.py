"""Evidence packs: what an auditor takes along, who asked for it and when, and the file in pieces. Times are UTC."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from audits.controls.models import ControlRun
from audits.engagements.models import Engagement


class Pack(models.Model):
    """One evidence pack of an engagement. What it holds depends on what was frozen when it was asked for, and on nothing later.

    It is offered only while it is ``ready``: then ``digest`` is the SHA-256 of the whole file and ``size`` its bytes.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Being built"
        READY = "ready", "Ready"
        FAILED = "failed", "Not built"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    engagement = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="packs")
    number = models.PositiveIntegerField()
    """Within the engagement, from 1."""
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    contents = models.JSONField()
    """What was frozen by then: ids of populations and samples, and how many rows."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    digest = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    """When it was ready, failed, was cancelled, or expired."""
    expires_at = models.DateTimeField(null=True, blank=True)
    """Until when it is offered."""
    trouble = models.TextField(blank=True)
    """Why it was not built, in words."""
    attempt = models.PositiveSmallIntegerField(default=0)
    """How often a worker began; the pieces of the last one count."""
    held_until = models.DateTimeField(null=True, blank=True)
    """Until when one worker has it; afterwards another begins anew."""
    step = models.CharField(max_length=80, blank=True)
    """What the worker is at, in words."""
    done = models.PositiveSmallIntegerField(default=0)
    """Steps done, of ``steps``."""
    steps = models.PositiveSmallIntegerField(default=0)
    began_at = models.DateTimeField(null=True, blank=True)
    """When the worker that has it began."""
    moved_at = models.DateTimeField(null=True, blank=True)
    """When it last said how far it is."""
    run = models.ForeignKey(ControlRun, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """What the controls found, read once for this pack; every attempt writes what it kept."""
    names = models.JSONField(null=True, blank=True)
    """By id: the names of people as they were then."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engagement", "number"], name="pack_number_once"),
            models.UniqueConstraint(fields=["asked_by"], condition=Q(state="waiting"), name="pack_one_at_a_time"),
            models.CheckConstraint(
                condition=~Q(state="ready") | (~Q(digest="") & Q(size__gt=0, expires_at__isnull=False)), name="pack_ready_is_whole"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="pack_waiting"),
            models.Index(fields=["expires_at"], condition=Q(state="ready"), name="pack_expiring"),
            models.Index(fields=["digest"], name="pack_by_digest"),
        ]

    def __str__(self) -> str:
        return f"Evidence pack {self.number}"

    @property
    def share(self) -> float:
        """Part of the steps that is done, 0 to 1."""
        return self.done / self.steps if self.steps else 0.0


class PackCancel(models.Model):
    """Somebody does not want a pack any more. A row of its own, for auditors insert and never update. Never changed."""

    pack = models.OneToOneField(Pack, on_delete=models.PROTECT, related_name="cancel")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pack} cancelled"


class PackPiece(models.Model):
    """A piece of the file, 1 MiB but for the last one. No evidence: gone when the pack expires or is cancelled."""

    pack = models.ForeignKey(Pack, on_delete=models.CASCADE, related_name="pieces")
    attempt = models.PositiveSmallIntegerField()
    position = models.PositiveIntegerField()
    """From 0."""
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pack", "attempt", "position"], name="pack_piece_once")]

    def __str__(self) -> str:
        return f"{self.pack} piece {self.position}"
