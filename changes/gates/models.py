"""Frozen verdicts. Inserted when a change merges to production and when its release is seen; never changed."""

from django.db import models

from changes.proposals.models import Change

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
