"""The change request: the unit that is decided, deployed and audited.

``Change.state`` moves only through ``lifecycle.MOVES``; the database refuses every other pair.
Revisions, approvals and sign-offs are evidence: inserted, never changed. Times are UTC.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from changes.delivery.models import PullRequest
from changes.proposals.lifecycle import State


class Category(models.TextChoices):
    STANDARD = "standard", "Standard"
    EMERGENCY = "emergency", "Emergency"


class Size(models.TextChoices):
    NORMAL = "normal", "Normal"
    LARGE = "large", "Large"


class Kind(models.TextChoices):
    APPLICATION = "application", "Application"
    INFRASTRUCTURE = "infrastructure", "Infrastructure"
    DATABASE = "database", "Database"
    SECRETS = "secrets", "Secrets"
    ACCESS = "access", "DNS and access"
    POLICY = "policy", "Policy"


class Change(models.Model):
    """A change request, CHG-<number>."""

    number = models.BigIntegerField(unique=True)
    title = models.TextField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    category = models.CharField(max_length=10, choices=Category.choices, default=Category.STANDARD)
    size = models.CharField(max_length=8, choices=Size.choices, default=Size.NORMAL)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.APPLICATION)
    reasons = models.JSONField(default=dict)
    """Why category, size and kind are as they are: {"category": [...], "size": [...], "kind": [...]}."""
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="changes")
    requester_login = models.CharField(max_length=120, blank=True)
    repository_names = ArrayField(models.TextField(), default=list, blank=True)
    opened_by = models.CharField(max_length=16, default="form")
    """form, pull_request or portal (an undeclared change that the portal declared)."""
    opened_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    version = models.IntegerField(default=1)
    gates = models.CharField(max_length=12, default="-" * 12)
    """Derived: one letter a gate for lists (m met, w waiting, f failed, n not needed, c not connected, - not looked at)."""
    gates_at = models.DateTimeField(null=True, blank=True)
    assessment = models.JSONField(null=True, blank=True)
    """Derived: the gates as last judged, for pages. Never evidence; verdicts are."""
    retrospective_due_at = models.DateTimeField(null=True, blank=True)
    review_due_at = models.DateTimeField(null=True, blank=True)
    merged_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["-moved_at", "-id"], name="change_newest"),
            models.Index(fields=["state", "-moved_at", "-id"], name="change_by_state"),
            models.Index(fields=["category", "-moved_at", "-id"], name="change_by_category"),
            models.Index(fields=["kind", "-moved_at", "-id"], name="change_by_kind"),
            models.Index(fields=["size", "-moved_at", "-id"], name="change_by_size"),
            models.Index(fields=["requester", "-moved_at", "-id"], name="change_by_requester"),
            GinIndex(fields=["repository_names"], name="change_by_repository"),
            # Few changes wait for a review after an emergency; every inbox asks for them.
            models.Index(
                fields=["retrospective_due_at", "id"],
                condition=models.Q(retrospective_due_at__isnull=False),
                name="change_to_review_after",
            ),
        ]

    def __str__(self) -> str:
        return f"CHG-{self.number}"


class Revision(models.Model):
    """One text of the proposal. Approvals and decisions bind to its digest."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="revisions")
    number = models.IntegerField()
    title = models.TextField()
    why = models.TextField(blank=True)
    what = models.TextField(blank=True)
    tested = models.TextField(blank=True)
    rollback = models.TextField(blank=True)
    snapshot = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    source = models.CharField(max_length=16)
    """form or pull_request."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_login = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "number"], name="revision_once")]

    def __str__(self) -> str:
        return f"{self.change} revision {self.number}"


class LinkedPullRequest(models.Model):
    class Role(models.TextChoices):
        WORK = "work", "Carries the change"
        PROMOTION = "promotion", "Promotes it to production"
        BACK_MERGE = "back_merge", "Brings it back to main"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="links")
    pull_request = models.ForeignKey(PullRequest, on_delete=models.PROTECT, related_name="links")
    role = models.CharField(max_length=12, choices=Role.choices)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "pull_request"], name="link_once")]

    def __str__(self) -> str:
        return f"{self.change} {self.role} {self.pull_request}"


class Approval(models.Model):
    """A person's yes or no for production, on one revision and one head commit.

    The database takes only one that still counts from a person on a commit, and one without a commit only for an emergency.
    """

    class Verdict(models.TextChoices):
        YES = "yes", "Approved"
        NO = "no", "Changes requested"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="approvals")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="approvals")
    head_sha = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals")
    verdict = models.CharField(max_length=3, choices=Verdict.choices)
    note = models.TextField(blank=True)
    via = models.CharField(max_length=8, default="portal")
    """Where it was said: portal, or slack for the +1 of an emergency."""
    authenticated_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["change", "by", "head_sha"], name="approval_by_person")]

    def __str__(self) -> str:
        return f"{self.change} {self.verdict} by {self.by}"


class ApprovalLapse(models.Model):
    """Why an approval no longer counts: withdrawn, new push, new revision, new contributor."""

    approval = models.OneToOneField(Approval, on_delete=models.PROTECT, related_name="lapse")
    reason = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.reason


class SignOff(models.Model):
    """The tester's word that the change works in staging, on one commit (P-04)."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="sign_offs")
    commit_sha = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "commit_sha", "by"], name="sign_off_once")]

    def __str__(self) -> str:
        return f"{self.change} signed off by {self.by}"


class ReviewAfter(models.Model):
    """Post-implementation review, and the retrospective review of an emergency (P-22)."""

    class Kind(models.TextChoices):
        POST_IMPLEMENTATION = "post_implementation", "Post-implementation review"
        RETROSPECTIVE = "retrospective", "Retrospective review"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="reviews_after")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    outcome = models.CharField(max_length=12)
    """went_well, failed or partly."""
    note = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "kind", "by"], name="review_after_once")]

    def __str__(self) -> str:
        return f"{self.change} {self.kind}"
