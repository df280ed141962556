"""Findings of an audit, and the steps by which they are answered. Nothing here is ever changed. Times are UTC."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from audits.engagements.models import Engagement
from audits.samples.models import SampleItem


class Finding(models.Model):
    """What does not hold, who puts it right and until when. What became of it, its steps say."""

    class Severity(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"

    engagement = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="findings")
    number = models.PositiveIntegerField()
    """Within the engagement, from 1."""
    title = models.CharField(max_length=200)
    severity = models.CharField(max_length=6, choices=Severity.choices)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="audit_findings")
    due_at = models.DateTimeField()
    """Until when it is to be corrected."""
    control = models.CharField(max_length=8, blank=True)
    """``C-05``, when it is about a control."""
    item = models.ForeignKey(SampleItem, null=True, blank=True, on_delete=models.PROTECT, related_name="findings")
    """When it was seen in a sample."""
    links = ArrayField(models.TextField(), default=list)
    """Names and addresses inside of the portal: ``audits.engagements.links``."""
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engagement", "number"], name="finding_number_once"),
            models.CheckConstraint(condition=Q(due_at__gt=F("opened_at")), name="finding_due_later"),
            models.CheckConstraint(condition=~Q(owner=F("opened_by")), name="finding_not_by_its_owner"),
        ]

    def __str__(self) -> str:
        return f"Finding {self.number}"


class FindingStep(models.Model):
    """One step: what was done (``lifecycle.Move``), in what words, and what the finding is since (``lifecycle.State``)."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    """Within the finding, from 1 without a gap: of two at once only one is kept."""
    move = models.CharField(max_length=8)
    state = models.CharField(max_length=10)
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["finding", "number"], name="finding_step_number_once"),
            models.CheckConstraint(condition=~Q(text=""), name="finding_step_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.finding}, step {self.number}"
