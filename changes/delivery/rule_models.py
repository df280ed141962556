"""What guards a repository, over time: snapshots of its rules with what differs, and pushes that its rules judged (P-08)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from changes.delivery.models import Reported, Repository


class RulesSnapshot(models.Model):
    """How one part of a repository was set at the forge, from one reading to the last that showed the same."""

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="rules_snapshots")
    subject = models.TextField()
    """branch:<name>, environment:<name>, or repository."""
    digest = models.CharField(max_length=64)
    """SHA-256 of ``rules`` as canonical JSON."""
    rules = models.JSONField()
    differences = ArrayField(models.TextField(), default=list, blank=True)
    """What differs from the snapshot before, in words; empty for the first one."""
    weaker = ArrayField(models.TextField(), default=list, blank=True)
    """Those of the differences that loosen something."""
    after = models.DateTimeField(null=True, blank=True)
    """The last reading that showed the snapshot before: it was changed between then and ``read_at``."""
    read_at = models.DateTimeField()
    last_read_at = models.DateTimeField()
    """The newest reading that showed it; moves without evidence."""
    actor_uid = models.BigIntegerField(null=True, blank=True)
    """Who changed it, as far as the forge's own history says so."""

    class Meta:
        indexes = [models.Index(fields=["repository", "subject", "-read_at"], name="rules_snapshot_newest")]

    def __str__(self) -> str:
        return f"{self.repository.name} {self.subject} {self.digest[:12]}"


class RuleSuite(models.Model):
    """A push that the forge's rulesets refused, or that somebody took past them."""

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="rule_suites")
    vendor_id = models.BigIntegerField()
    branch = models.TextField()
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    actor_uid = models.BigIntegerField(null=True, blank=True)
    actor_login = models.CharField(max_length=120, blank=True)
    result = models.CharField(max_length=10)
    """fail or bypass."""
    pushed_at = models.DateTimeField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "vendor_id"], name="rule_suite_once")]

    def __str__(self) -> str:
        return f"{self.result} {self.branch} {self.after[:12]}"


class RuleEvent(Reported):
    """An edit of branch protection, rulesets or people's access, as the forge reported it."""

    class Kind(models.TextChoices):
        PROTECTION = "protection", "Branch protection"
        RULESET = "ruleset", "Ruleset"
        MEMBER = "member", "Collaborator"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="rule_events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    action = models.CharField(max_length=30)
    subject = models.TextField()
    actor_login = models.CharField(max_length=120, blank=True)
    actor_uid = models.BigIntegerField(null=True, blank=True)
    weakens = models.BooleanField(default=False)
    detail = models.JSONField(default=dict)
    delivery_key = models.CharField(max_length=80, unique=True)
    happened_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.action} {self.subject}"


class BranchRules(models.Model):
    """The required checks and reviews of a branch as last read from the API; null means never read."""

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="branch_rules")
    branch = models.TextField()
    required_checks = ArrayField(models.TextField(), null=True, blank=True)
    raw = models.JSONField(default=dict)
    read_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "branch rules"
        constraints = [models.UniqueConstraint(fields=["repository", "branch"], name="branch_rules_once")]

    def __str__(self) -> str:
        return self.branch
