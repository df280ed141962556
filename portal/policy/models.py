"""Versions of the policy: text, parameters, and from when they are in force. A version never changes; a draft does."""

from django.conf import settings
from django.db import models
from django.db.models import Q

PERSON = settings.AUTH_USER_MODEL


class PolicyDraft(models.Model):
    """The next version while it is written. One at a time; not evidence."""

    text = models.TextField()
    """Markdown of the clauses, with front matter left out."""
    parameters = models.JSONField(default=dict)
    """What differs from the parameters in force, by name."""
    summary = models.TextField(blank=True)
    material = models.BooleanField(default=True)
    """Whether people have to acknowledge it anew."""
    based_on = models.IntegerField()
    """Number of the version that it goes out from."""
    version = models.IntegerField(default=1)
    """Rises with each save, so that two who write at once are told."""
    saved_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"draft after version {self.based_on}"


class PolicyVersion(models.Model):
    """One text of the policy with its parameters, fixed by its digest when it is sent to a meeting."""

    class State(models.TextChoices):
        SENT = "sent", "Sent to a meeting"
        ADOPTED = "adopted", "Adopted"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    number = models.IntegerField(unique=True)
    text = models.TextField()
    parameters = models.JSONField(default=dict)
    """Complete, by name."""
    summary = models.TextField(blank=True)
    material = models.BooleanField(default=True)
    digest = models.CharField(max_length=64)
    based_on = models.IntegerField(null=True, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.SENT)
    sent_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """None for the first version, which an installation begins with."""
    sent_at = models.DateTimeField()
    wanted_at = models.DateTimeField(null=True, blank=True)
    """From when it is to be in force, as it was sent."""
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=60, blank=True)
    """The decision that adopted or rejected it, as it is called."""
    effective_at = models.DateTimeField(null=True, blank=True)
    """From when an adopted version is in force."""

    class Meta:
        indexes = [models.Index(fields=["-effective_at"], condition=Q(state="adopted"), name="policy_in_force")]
        constraints = [
            models.CheckConstraint(condition=~Q(state="adopted") | Q(effective_at__isnull=False), name="adopted_policy_has_a_day"),
        ]

    def __str__(self) -> str:
        return f"Policy {self.number}"
