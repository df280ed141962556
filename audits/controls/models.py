"""What the controls found when they were run. Times are UTC; the window is half open, [since, until)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ControlRun(models.Model):
    """All controls that have a check, run over the whole population of one window at one moment. Never changed."""

    since = models.DateTimeField()
    until = models.DateTimeField()
    at = models.DateTimeField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """None: the portal itself, once a day."""
    policy_version = models.CharField(max_length=20)
    """In force at ``at``."""
    results = models.JSONField()
    """By control's id: ``population``, ``outcome`` and ``deviations``, each with ``subject``, ``sentence`` and ``ref``."""

    class Meta:
        indexes = [models.Index(fields=["-at", "-id"], name="control_run_newest")]
        constraints = [models.CheckConstraint(condition=Q(until__gt=F("since")), name="control_run_window_in_order")]

    def __str__(self) -> str:
        return f"Controls of {self.at:%Y-%m-%d %H:%M} UTC"
