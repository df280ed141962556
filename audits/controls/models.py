"""What the controls found when they were run. Times are UTC; the window is half open, [since, until)."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from audits.engagements.models import Engagement


class ControlRun(models.Model):
    """All controls that have a check, run over the whole population of one window at one moment. Never changed.

    A run belongs to what it was made for: the company as a whole, or one engagement, whose auditor sees these runs and no others.
    """

    class Purpose(models.TextChoices):
        DAILY = "daily", "Every day"
        WEEK = "week", "One week, for the health of the controls"
        ASKED = "asked", "Asked for"
        ENGAGEMENT = "engagement", "For an engagement"

    since = models.DateTimeField()
    until = models.DateTimeField()
    at = models.DateTimeField()
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    engagement = models.ForeignKey(Engagement, null=True, blank=True, on_delete=models.PROTECT, related_name="control_runs")
    repositories = ArrayField(models.TextField(), default=list, blank=True)
    """Whose rows were looked at; empty: all of them."""
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """None: the portal itself."""
    policy_version = models.CharField(max_length=20)
    """In force at ``at``."""
    rules_version = models.CharField(max_length=20)
    """Of the readers: ``result.RULES_VERSION``."""
    results = models.JSONField()
    """By control's id: ``population``, ``deviations``, ``unknown``, ``unread`` (numbers), ``outcome``, ``digest`` of all rows and
    ``found_digest`` of those that are kept, each SHA-256 over canonical lines."""

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="control_run_newest"),
            models.Index(fields=["purpose", "since", "-id"], name="control_run_of_week"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="control_run_window_in_order"),
            models.CheckConstraint(
                condition=Q(purpose="engagement", engagement__isnull=False) | (~Q(purpose="engagement") & Q(engagement=None)),
                name="control_run_for_engagement",
            ),
        ]

    def __str__(self) -> str:
        return f"Controls of {self.at:%Y-%m-%d %H:%M} UTC"


class ControlFinding(models.Model):
    """A row of a run that did not pass: it deviates, is unknown, or names a source that was not read. Never changed.

    ``line`` is the row's canonical JSON (RFC 8785), byte for byte as it was hashed. Rows that passed are read again when somebody
    asks for them, and the digest says whether they are still the same.
    """

    run = models.ForeignKey(ControlRun, on_delete=models.PROTECT, related_name="findings")
    control = models.CharField(max_length=4)
    position = models.PositiveIntegerField()
    """From 1, within the run and the control."""
    key = models.TextField()
    state = models.CharField(max_length=8)
    line = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "control", "position"], name="control_finding_once")]

    def __str__(self) -> str:
        return f"{self.control} {self.key}"


class ControlRows(models.Model):
    """A piece of all the rows of one control in a run, as an evidence pack needs them. No evidence: the run holds their digest."""

    run = models.ForeignKey(ControlRun, on_delete=models.CASCADE, related_name="pieces")
    control = models.CharField(max_length=4)
    position = models.PositiveIntegerField()
    """From 0, within the run and the control."""
    content = models.BinaryField()
    """Lines as they were hashed, a line feed after each; deflated (zlib)."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "control", "position"], name="control_rows_once")]

    def __str__(self) -> str:
        return f"{self.control} piece {self.position}"
