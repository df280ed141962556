"""Exceptions: what should not have happened, found by the portal. Steps are inserted; nothing is closed by deleting."""

from django.conf import settings
from django.db import models

from changes.delivery.models import Repository
from changes.proposals.models import Change


class ExceptionState(models.TextChoices):
    OPEN = "open", "Open"
    EXPLAINED = "explained", "Explained"
    REPAIRED = "repaired", "Repaired"
    ACCEPTED = "accepted", "Accepted"
    CLEARED = "cleared", "Cleared by later evidence"


class ExceptionRecord(models.Model):
    """One exception. ``key`` makes finding it twice harmless."""

    kind = models.CharField(max_length=40)
    subject = models.TextField()
    key = models.CharField(max_length=300, unique=True)
    clause = models.CharField(max_length=4)
    repository = models.ForeignKey(Repository, null=True, blank=True, on_delete=models.PROTECT, related_name="exceptions")
    change = models.ForeignKey(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="exceptions")
    sentence = models.TextField()
    evidence = models.JSONField(default=dict)
    confirmed = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ExceptionState.choices, default=ExceptionState.OPEN)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    happened_at = models.DateTimeField()
    found_at = models.DateTimeField()
    due_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["-found_at", "-id"], name="exception_newest"),
            models.Index(fields=["state", "-found_at", "-id"], name="exception_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}"


class ExceptionStep(models.Model):
    """What was said or done about an exception."""

    record = models.ForeignKey(ExceptionRecord, on_delete=models.PROTECT, related_name="steps")
    outcome = models.CharField(max_length=10, choices=ExceptionState.choices)
    note = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.record} {self.outcome}"
