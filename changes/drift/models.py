"""Cases of drift, their steps, and when each app was compared last. Times are UTC."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from changes.drift.facts import Rule

PERSON = settings.AUTH_USER_MODEL


class DriftState(models.TextChoices):
    """Where a case stands. All but the last are live."""

    OPEN = "open", "Open"
    EXPLAINED = "explained", "Explained"
    CHANGE_GIT = "change_git", "Git will be changed"
    CHANGE_FLY = "change_fly", "Fly will be changed"
    ACCEPTED = "accepted", "Accepted until a date"
    MATCHES = "matches", "Matches again"


LIVE = [state for state in DriftState.values if state != DriftState.MATCHES]


class DriftCase(models.Model):
    """One difference of one rule at one place. It closes by itself when it matches again, and is then never opened again."""

    key = models.CharField(max_length=400)
    rule = models.CharField(max_length=12, choices=[(rule.value, rule.label) for rule in Rule])
    source = models.CharField(max_length=40)
    subject = models.CharField(max_length=300)
    environment = models.CharField(max_length=20, blank=True)
    words = models.JSONField()
    """What differs, one sentence each."""
    basis = models.CharField(max_length=300, blank=True)
    """What it was compared with last: a file at a commit."""
    digest = models.CharField(max_length=64)
    """Of the words: another difference is answered anew."""
    state = models.CharField(max_length=10, choices=DriftState.choices, default=DriftState.OPEN)
    until = models.DateTimeField(null=True, blank=True)
    """End of an acceptance."""
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    """When a comparison found it last."""
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(state="matches"), name="drift_live_once"),
            models.CheckConstraint(condition=Q(state="accepted") ^ Q(until=None), name="drift_accepted_until"),
        ]
        indexes = [models.Index(fields=["state", "-opened_at"], name="drift_by_state")]

    def __str__(self) -> str:
        return f"{self.get_rule_display()} of {self.subject}"


class DriftStep(models.Model):
    """What happened to a case. Never changed."""

    case = models.ForeignKey(DriftCase, on_delete=models.PROTECT, related_name="steps")
    state = models.CharField(max_length=10, choices=DriftState.choices)
    words = models.JSONField()
    digest = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    until = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """None for the portal."""
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"step {self.pk} of a drift"


class Compared(models.Model):
    """When an app (or a pair of apps) was compared last, and if it could not be, why."""

    class With(models.TextChoices):
        GIT = "git", "Git"
        DOPPLER = "doppler", "Doppler"
        PRODUCTION = "production", "Staging beside production"
        ENVIRONMENTS = "environments", "Environments beside each other"

    source = models.CharField(max_length=40)
    beside = models.CharField(max_length=12, choices=With.choices, default=With.GIT)
    subject = models.CharField(max_length=300)
    basis = models.CharField(max_length=300, blank=True)
    problem = models.CharField(max_length=300, blank=True)
    first_at = models.DateTimeField()
    at = models.DateTimeField()
    """The last time."""

    class Meta:
        verbose_name_plural = "compared"
        constraints = [models.UniqueConstraint(fields=["source", "beside", "subject"], name="compared_once")]

    def __str__(self) -> str:
        return f"{self.subject} compared"
