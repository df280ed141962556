"""The change request: the unit that is decided, deployed and audited.

``Change.state`` moves only through ``lifecycle.MOVES``; the database refuses every other pair.
Revisions, approvals and sign-offs are evidence: inserted, never changed. Times are UTC.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from changes.delivery.models import PullRequest, Release, Repository
from changes.proposals.deadlines import due_expression
from changes.proposals.lifecycle import State
from changes.proposals.stages import stage_expression


class Category(models.TextChoices):
    STANDARD = "standard", "Standard"
    EMERGENCY = "emergency", "Emergency"


DECLARED = models.Q(category=Category.EMERGENCY, undeclared=False)
"""Emergencies that somebody declared: what only the portal found has no fast lane (P-21)."""


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
    undeclared = models.BooleanField(default=False)
    """An emergency that nobody declared: the portal did, after it had found a way past the rules. It excuses nothing (P-21)."""
    size = models.CharField(max_length=8, choices=Size.choices, default=Size.NORMAL)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.APPLICATION)
    reasons = models.JSONField(default=dict)
    """Why category, size and kind are as they are: {"category": [...], "size": [...], "kind": [...]}; under "asked" what the
    requester answered, and under "causes" what each class rests on, so that a lowered one ends when something new comes."""
    routine = models.BooleanField(default=False)
    """Derived: a dependency update by bots alone (``changes.proposals.routine``)."""
    risk = models.JSONField(default=dict)
    """Derived: {"points", "level", "reasons": [{"points", "text"}]} (``changes.proposals.risk``); empty: not looked at."""
    risk_points = models.IntegerField(default=0)
    risk_level = models.CharField(max_length=8, blank=True)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="changes"
    )
    requester_login = models.CharField(max_length=120, blank=True)
    joined_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="joined")
    """The change that took over its pull requests, with which this one was withdrawn."""
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
    stage = models.GeneratedField(expression=stage_expression(), output_field=models.CharField(max_length=12), db_persist=True)
    """Derived by the database: the column of the board (``changes.proposals.stages``); empty when it is on none."""
    due_at = models.GeneratedField(expression=due_expression(), output_field=models.DateTimeField(), db_persist=True)
    """Derived by the database: the next review that is due; ``deadlines.NEVER`` when there is none."""

    class Meta:
        indexes = [
            models.Index(fields=["-moved_at", "-id"], name="change_newest"),
            models.Index(
                fields=["stage", "-moved_at", "-id"],
                condition=~models.Q(stage=""),
                name="change_by_stage",
            ),
            models.Index(fields=["due_at", "id"], name="change_by_due"),
            models.Index(fields=["-risk_points", "-id"], name="change_riskiest"),
            models.Index(fields=["state", "-moved_at", "-id"], name="change_by_state"),
            models.Index(fields=["category", "-moved_at", "-id"], name="change_by_category"),
            models.Index(fields=["kind", "-moved_at", "-id"], name="change_by_kind"),
            models.Index(fields=["size", "-moved_at", "-id"], name="change_by_size"),
            models.Index(fields=["risk_level", "-moved_at", "-id"], name="change_by_risk"),
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
    """One text of the proposal. Approvals and decisions bind to ``binds``.

    That is its own digest when the edit was material, and what the revision before bound to when it was not
    (``changes.proposals.material`` has the rule): an immaterial edit so leaves every word that was given standing.
    """

    change = models.ForeignKey(Change, on_delete=models.PROTECT, db_index=False, related_name="revisions")
    number = models.IntegerField()
    title = models.TextField()
    why = models.TextField(blank=True)
    what = models.TextField(blank=True)
    tested = models.TextField(blank=True)
    rollback = models.TextField(blank=True)
    target_release = models.TextField(blank=True)
    """The release to go back to: one that ran in production (``acme-web v12``), or in the requester's own words."""
    snapshot = models.TextField(blank=True)
    data_loss = models.TextField(blank=True)
    """What data would be lost on the way back, in a sentence."""
    digest = models.CharField(max_length=64)
    binds = models.CharField(max_length=64)
    material = models.BooleanField(default=True)
    material_reason = models.TextField(blank=True)
    """Why the edit is material, or why not, by the rule in force when it was made."""
    form_key = models.UUIDField(null=True, blank=True)
    """The form that was sent, so that one sent twice makes one revision. None for texts of pull requests."""
    source = models.CharField(max_length=16)
    """form or pull_request."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_login = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "number"], name="revision_once"),
            models.UniqueConstraint(fields=["form_key"], name="revision_of_one_form"),
        ]

    def __str__(self) -> str:
        return f"{self.change} revision {self.number}"


class Draft(models.Model):
    """What somebody typed into a form and has not sent yet. Private to its author, and no evidence: dropped once it is sent."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    about = models.CharField(max_length=16)
    """new, or the number of the change whose text is being edited."""
    form_key = models.UUIDField()
    """The form it was typed into: two windows keep two drafts."""
    fields = models.JSONField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "form_key"], name="draft_of_one_form")]
        indexes = [models.Index(fields=["person", "about", "-saved_at"], name="draft_of_person")]

    def __str__(self) -> str:
        return f"Draft about {self.about}"


class ClassChoice(models.Model):
    """A person's word on a class of a change. The newest one for each ``name`` counts, as far as it still holds."""

    class Name(models.TextChoices):
        CATEGORY = "category", "Category"
        SIZE = "size", "Size"
        KIND = "kind", "Kind"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="class_choices")
    name = models.CharField(max_length=8, choices=Name.choices)
    was = models.CharField(max_length=16)
    value = models.CharField(max_length=16)
    lowers = models.BooleanField()
    """It lowers the class, which needs a right and a reason; else it raises it."""
    reason = models.TextField(blank=True)
    causes = models.JSONField(default=list)
    """What the rules saw when it was lowered. As soon as they see more, the rules count again."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.change} {self.name} {self.value}"


class LinkedPullRequest(models.Model):
    """A pull request of a change. When it joins another change, its link here stays, as ``joined``: it carries nothing any more."""

    class Role(models.TextChoices):
        WORK = "work", "Carries the change"
        PROMOTION = "promotion", "Promotes it to production"
        BACK_MERGE = "back_merge", "Brings it back to main"
        JOINED = "joined", "Belongs to another change now"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, db_index=False, related_name="links")
    pull_request = models.ForeignKey(PullRequest, on_delete=models.PROTECT, related_name="links")
    role = models.CharField(max_length=12, choices=Role.choices)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "pull_request"], name="link_once")]

    def __str__(self) -> str:
        return f"{self.change} {self.role} {self.pull_request}"


class LinkedPush(models.Model):
    """A push that reached prod past every pull request, and the change that answers for it (P-02, P-08)."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="pushes")
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="linked_pushes")
    branch = models.TextField()
    commit_sha = models.CharField(max_length=64)
    pusher_uid = models.BigIntegerField(null=True, blank=True)
    pusher_login = models.CharField(max_length=120, blank=True)
    people = models.JSONField(default=list, blank=True)
    """Contributors by commit, as ``PullRequest.commit_people``."""
    paths = ArrayField(models.TextField(), default=list, blank=True)
    reason = models.TextField()
    confirmed = models.BooleanField(default=False)
    pushed_at = models.DateTimeField()
    at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)
    """When later evidence showed that a pull request had brought it after all."""

    class Meta:
        verbose_name_plural = "linked pushes"
        constraints = [models.UniqueConstraint(fields=["repository", "branch", "commit_sha"], name="linked_push_once")]

    def __str__(self) -> str:
        return f"{self.repository.name}@{self.commit_sha[:12]}"


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
    on_behalf_of = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Somebody away, who handed approvals over to ``by`` for that time (``changes.approvals``)."""
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


class PlusOneConfirmation(models.Model):
    """That whoever gave a +1 in Slack stood by it in the portal, with a fresh sign-in: an account at Slack is weak proof."""

    approval = models.OneToOneField(Approval, on_delete=models.PROTECT, related_name="confirmation")
    authenticated_at = models.DateTimeField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.approval} confirmed"


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
    impact = models.TextField(blank=True)
    """What users or others noticed, when it did not go well."""
    note = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "kind", "by"], name="review_after_once")]

    def __str__(self) -> str:
        return f"{self.change} {self.kind}"


class Undoing(models.Model):
    """A change was undone in production: by a release that went back behind it, or by a pull request that reverts it (P-17)."""

    class Kind(models.TextChoices):
        RELEASE = "release", "A release went back"
        REVERT = "revert", "A pull request reverts it"

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="undoings")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.PROTECT, related_name="undoings")
    pull_request = models.ForeignKey(PullRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="undoings")
    started_at = models.DateTimeField()
    """When the release began, or the revert was merged."""
    finished_at = models.DateTimeField(null=True, blank=True)
    """When production ran without the change again."""
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["change", "release"], condition=models.Q(kind="release"), name="undoing_once_a_release"
            ),
            models.UniqueConstraint(
                fields=["change", "pull_request"], condition=models.Q(kind="revert"), name="undoing_once_a_revert"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="release", release__isnull=False) | models.Q(kind="revert", pull_request__isnull=False),
                name="undoing_names_what_undid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.change} undone by {self.release or self.pull_request}"

    @property
    def took(self) -> timedelta | None:
        """From its beginning until production ran without the change; None while it does not."""
        return self.finished_at - self.started_at if self.finished_at else None
