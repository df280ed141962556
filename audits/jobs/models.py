"""Work of an audit that takes too long for a request: who asked for what, how far a worker is, and how it ended. Times are UTC."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from audits.engagements.models import Engagement


class Job(models.Model):
    """One piece of work that waits for a worker, or is under way. What comes of it is kept as a whole at its end, or not at all."""

    class Kind(models.TextChoices):
        POPULATION = "population", "Freeze a population"
        CONTROLS = "controls", "Run the controls"
        COMPARISON = "comparison", "Read a population again"

    class State(models.TextChoices):
        WAITING = "waiting", "Under way"
        DONE = "done", "Done"
        FAILED = "failed", "Not done"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    engagement = models.ForeignKey(Engagement, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs")
    title = models.CharField(max_length=200)
    """What is asked for, in words."""
    asked = models.JSONField()
    """The same for the worker; times are RFC 3339."""
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    ended_at = models.DateTimeField(null=True, blank=True)
    trouble = models.TextField(blank=True)
    """Why it was not done, in words."""
    result = models.TextField(blank=True)
    """Where what came of it stands: an address in this portal."""
    attempt = models.PositiveSmallIntegerField(default=0)
    """How often a worker began."""
    held_until = models.DateTimeField(null=True, blank=True)
    """Until when one worker has it; afterwards another begins anew."""
    step = models.CharField(max_length=120, blank=True)
    """What the worker is at, in words."""
    done = models.PositiveIntegerField(default=0)
    """How much is done, of ``total``."""
    total = models.PositiveIntegerField(default=0)
    began_at = models.DateTimeField(null=True, blank=True)
    """When the worker that has it began."""
    moved_at = models.DateTimeField(null=True, blank=True)
    """When it last said how far it is."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(state="done") | ~Q(result=""), name="job_done_has_result"),
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at=None) | (~Q(state="waiting") & Q(ended_at__isnull=False)),
                name="job_end_is_dated",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="job_waiting"),
            models.Index(fields=["asked_by", "-id"], name="job_by_person"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def share(self) -> float:
        """Part of the work that is done, 0 to 1."""
        return self.done / self.total if self.total else 0.0


class JobCancel(models.Model):
    """Somebody does not want a job any more. A row of its own, for auditors insert and never update. Never changed."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="cancel")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.job}: cancelled"
