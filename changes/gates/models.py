"""Frozen verdicts, the mode of the deploy gate, and every answer that it gave. Inserted, never changed."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from changes.delivery.models import Environment, Repository
from changes.proposals.models import Change
from portal.access.models import ApiToken

LETTERS = {"met": "m", "waiting": "w", "failed": "f", "not_needed": "n", "not_connected": "c"}


class Verdict(models.Model):
    class Moment(models.TextChoices):
        MERGE = "merge", "At the merge to production"
        RELEASE = "release", "At the release to production"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="verdicts")
    moment = models.CharField(max_length=8, choices=Moment.choices)
    subject = models.TextField()
    """What froze it: "acme/web#18" or "release 42"."""
    outcome = models.CharField(max_length=16)
    """compliant, not_compliant or unproven."""
    gates = models.JSONField()
    facts = models.JSONField()
    facts_digest = models.CharField(max_length=64)
    rules_version = models.CharField(max_length=20)
    policy_version = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "moment", "subject"], name="verdict_once")]

    def __str__(self) -> str:
        return f"{self.change} {self.moment} {self.outcome}"

    @property
    def letters(self) -> str:
        """The gates as one letter each, for the strip; from the frozen gates themselves."""
        return "".join(LETTERS[gate["state"]] for gate in self.gates)


class GateMode(models.Model):
    """How the deploy gate of one repository and environment answers when it cannot judge: closed, or open until a day.

    Closing counts at once. Opening is half a decision: another person confirms exactly this text within 72 hours.
    """

    class Mode(models.TextChoices):
        CLOSED = "closed", "Closed: what cannot be judged is denied"
        OPEN = "open", "Open: what cannot be judged is allowed, with an exception"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="gate_modes")
    environment = models.CharField(max_length=12, choices=Environment.choices)
    mode = models.CharField(max_length=6, choices=Mode.choices)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField()
    digest = models.CharField(max_length=64)
    """SHA-256 of what the second person reads; the confirmation repeats it."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(mode="closed") | Q(until__isnull=False), name="gate_mode_open_ends"),
        ]
        indexes = [models.Index(fields=["repository", "environment", "-id"], name="gate_mode_newest")]

    def __str__(self) -> str:
        return f"{self.repository} {self.environment} {self.mode}"


class GateModeConfirmation(models.Model):
    """The second person's yes to an open gate."""

    gate_mode = models.OneToOneField(GateMode, on_delete=models.PROTECT, related_name="confirmation")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.gate_mode} confirmed"


class GateAnswer(models.Model):
    """One question to the deploy gate, and what it said. The ledger gets a digest of each day instead of an entry a row."""

    repository = models.CharField(max_length=200)
    commit = models.CharField(max_length=64)
    environment = models.CharField(max_length=60)
    allow = models.BooleanField()
    failed_open = models.BooleanField(default=False)
    rollback = models.BooleanField(default=False)
    reasons = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    changes = models.JSONField(default=list)
    """Numbers of the changes that were judged."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(ApiToken, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="gate_answer_newest"),
            models.Index(fields=["repository", "commit", "environment"], name="gate_answer_by_commit"),
        ]

    def __str__(self) -> str:
        return f"{self.repository} {self.commit[:7]} {self.environment}: {'allowed' if self.allow else 'denied'}"
