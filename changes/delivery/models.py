"""What was seen at the forge and at Fly: synced facts.

A fact is *reported* when only a webhook said so and *confirmed* once the vendor's API (or Git itself) was read.
``reported_at``/``confirmed_at`` are UTC; ``vendor_updated_at`` is the vendor's own clock and orders two versions of one fact.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Environment(models.TextChoices):
    DEVELOPMENT = "development", "Development"
    STAGING = "staging", "Staging"
    PRODUCTION = "production", "Production"


class Repository(models.Model):
    """A repository in scope (P-06). Keyed by the vendor's number, since names change."""

    class ApprovedBy(models.TextChoices):
        REVIEW = "review", "An approving review on the promotion counts"
        PORTAL = "portal", "Only an approval in the portal counts"

    forge = models.CharField(max_length=20, default="github")
    vendor_id = models.BigIntegerField(null=True, blank=True)
    name = models.CharField(max_length=200)
    former_names = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    """Names that it had while in scope: what was written under them still means this repository."""
    main_branch = models.CharField(max_length=200, default="main")
    prod_branch = models.CharField(max_length=200, default="prod")
    former_branches = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), blank=True)
    """Names that main and prod had before (``branch_names``): [{"was", "name", "until": ISO time, "waits": for the next sweep}]."""
    approved_by = models.CharField(max_length=10, choices=ApprovedBy.choices, default=ApprovedBy.REVIEW)
    clone_url = models.CharField(max_length=500, blank=True)
    in_scope_from = models.DateTimeField()
    in_scope_until = models.DateTimeField(null=True, blank=True)
    mirrored_at = models.DateTimeField(null=True, blank=True)
    mirror_tried_at = models.DateTimeField(null=True, blank=True)
    mirror_wanted_at = models.DateTimeField(null=True, blank=True)
    """A push was reported then: fetch before the minute is over."""
    mirror_error = models.TextField(blank=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    poll_cursor = models.DateTimeField(null=True, blank=True)
    poll_failed_at = models.DateTimeField(null=True, blank=True)
    """Something of it could not be read then: ``polled_at`` stays, and it is asked again after a minute."""
    last_seen_at = models.DateTimeField(null=True, blank=True)
    trouble = models.TextField(blank=True, default="", db_default="")
    """Why the forge no longer shows it as it should, in words: archived, deleted, hidden. Empty: all is well."""

    NO_BRANCH = "The repository has no branch"
    """How ``mirror_error`` begins when Git was read, and main or prod is not there."""
    renamed_from = ""
    """Only on the instance that has just learned of a rename: the name before it. No column."""

    class Meta:
        verbose_name_plural = "repositories"
        constraints = [
            models.UniqueConstraint(fields=["forge", "name"], name="repository_name_once"),
            models.UniqueConstraint(fields=["forge", "vendor_id"], name="repository_vendor_id_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """What it is called where a name would not last: names change, and another repository may take one over."""
        return f"repository-{self.pk}"

    @property
    def web_url(self) -> str:
        """Where people look at it: the clone address without its ending."""
        return self.clone_url.removesuffix(".git") if self.clone_url.startswith("http") else f"https://github.com/{self.name}"

    def pull_request_url(self, number: int) -> str:
        """The page of one of its pull requests."""
        place = {"gitlab": "-/merge_requests", "gitea": "pulls"}.get(self.forge, "pull")
        return f"{self.web_url}/{place}/{number}"


class Reported(models.Model):
    """Fields of every synced fact: who is the witness and how fresh it is."""

    vendor_updated_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class PullRequest(Reported):
    class State(models.TextChoices):
        OPEN = "open", "Open"
        MERGED = "merged", "Merged"
        CLOSED = "closed", "Closed without a merge"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, db_index=False, related_name="pull_requests")
    number = models.IntegerField()
    title = models.TextField()
    body = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices)
    draft = models.BooleanField(default=False)
    author_uid = models.BigIntegerField(null=True, blank=True)
    author_login = models.CharField(max_length=120, blank=True)
    author_is_bot = models.BooleanField(default=False)
    head_ref = models.TextField()
    head_sha = models.CharField(max_length=64)
    base_ref = models.TextField()
    labels = ArrayField(models.TextField(), default=list, blank=True)
    paths = ArrayField(models.TextField(), null=True, blank=True)
    files = models.JSONField(null=True, blank=True)
    """The same by file, once the API was read: [{"path", "status", "lines", "added": new lines of a migration, or null}]."""
    additions = models.IntegerField(null=True, blank=True)
    deletions = models.IntegerField(null=True, blank=True)
    changed_files = models.IntegerField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    merged_at = models.DateTimeField(null=True, blank=True)
    merged_by_uid = models.BigIntegerField(null=True, blank=True)
    merged_by_login = models.CharField(max_length=120, blank=True)
    queued_by_uid = models.BigIntegerField(null=True, blank=True)
    queued_by_login = models.CharField(max_length=120, blank=True, default="", db_default="")
    merge_sha = models.CharField(max_length=64, blank=True)
    head_is_fork = models.BooleanField(default=False)
    clocks = models.JSONField(default=dict, blank=True)
    """When the vendor said each field last ({field: ISO time}): two versions merge field by field, in any order."""
    touched_at = models.DateTimeField()
    """When the portal last learned anything about it, its reviews or its checks."""
    commit_people = models.JSONField(default=list, blank=True)
    """Contributors by commit: [{"uid": int or null, "login", "name", "email", "role": author, committer or co-author}]."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "number"], name="pull_request_once")]
        indexes = [
            models.Index(fields=["repository", "head_sha"]),
            models.Index(fields=["repository", "merge_sha"]),
            # A commit is asked for by its first digits, whichever the repository.
            models.Index(fields=["head_sha"], opclasses=["varchar_pattern_ops"], name="pull_request_by_head"),
            models.Index(fields=["merge_sha"], opclasses=["varchar_pattern_ops"], name="pull_request_by_merge"),
            models.Index(
                fields=["repository", "base_ref", "merge_sha"],
                condition=models.Q(state="merged"),
                name="pull_request_merged_as",
            ),
            models.Index(fields=["repository", "base_ref", "merged_at"]),
            models.Index(fields=["repository", "touched_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.repository.name}#{self.number}"

    @property
    def key(self) -> str:
        """What it is called where a name would not last."""
        return f"{self.repository.key}#{self.number}"


class Review(Reported):
    class State(models.TextChoices):
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        COMMENTED = "commented", "Commented"
        DISMISSED = "dismissed", "Dismissed"
        PENDING = "pending", "Pending"

    pull_request = models.ForeignKey(PullRequest, on_delete=models.PROTECT, db_index=False, related_name="reviews")
    vendor_id = models.BigIntegerField()
    uid = models.BigIntegerField(null=True, blank=True)
    login = models.CharField(max_length=120, blank=True)
    is_bot = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=State.choices)
    commit_sha = models.CharField(max_length=64, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pull_request", "vendor_id"], name="review_once")]

    def __str__(self) -> str:
        return f"{self.login} {self.state}"


class Check(Reported):
    """A check run, check suite or commit status on one commit."""

    class Source(models.TextChoices):
        CHECK_RUN = "check_run", "Check run"
        CHECK_SUITE = "check_suite", "Check suite"
        STATUS = "status", "Commit status"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, db_index=False, related_name="checks")
    head_sha = models.CharField(max_length=64)
    source = models.CharField(max_length=12, choices=Source.choices)
    vendor_id = models.BigIntegerField()
    name = models.TextField()
    app = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=20)
    conclusion = models.CharField(max_length=20, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "source", "vendor_id"], name="check_once"),
        ]
        indexes = [models.Index(fields=["repository", "head_sha"])]

    def __str__(self) -> str:
        return f"{self.name} {self.conclusion or self.status}"


class Push(Reported):
    """A push to main or prod, as the forge told it."""

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, db_index=False, related_name="pushes")
    branch = models.TextField()
    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    forced = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    pusher_login = models.CharField(max_length=120, blank=True)
    pusher_uid = models.BigIntegerField(null=True, blank=True)
    commits = models.JSONField(default=list)
    """[{"sha", "message", "author_login", "author_email", "paths": [...]}], oldest first."""
    pushed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "branch", "before", "after", "pushed_at"], name="push_once"),
        ]
        indexes = [models.Index(fields=["repository", "branch", "after"])]

    def __str__(self) -> str:
        return f"{self.branch} {self.after[:12]}"


class MergeContent(models.TextChoices):
    """What a merge commit holds, beside what Git itself makes of its parents."""

    SAME = "same", "What Git makes of its two sides"
    RESOLVED = "resolved", "Conflicts resolved in the merge itself"
    OWN = "own", "Content that neither side has"
    UNKNOWN = "unknown", "Could not be compared"
    BEFORE = "before", "From before the scope began"


BY_HAND = (MergeContent.RESOLVED, MergeContent.OWN)
"""What somebody wrote into a merge, where no pull request shows it."""
UNCOMPARED = ("", MergeContent.UNKNOWN)
"""Nobody can tell yet."""


def words_of_merge(content: str) -> str:
    """What is known of the content of a merge commit, in words; ``content`` is ``MergeContent`` or empty."""
    return MergeContent(content).label if content else "Not compared yet"


class BranchCommit(models.Model):
    """A first-parent commit of main or prod, read from Git itself: the population."""

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, db_index=False, related_name="branch_commits")
    branch = models.TextField()
    sha = models.CharField(max_length=64)
    parents = ArrayField(models.CharField(max_length=64), default=list)
    position = models.BigIntegerField()
    subject = models.TextField(blank=True)
    author_name = models.TextField(blank=True)
    author_email = models.TextField(blank=True)
    committer_name = models.TextField(blank=True)
    committer_email = models.TextField(blank=True)
    co_authors = ArrayField(models.TextField(), default=list)
    committed_at = models.DateTimeField()
    paths = ArrayField(models.TextField(), default=list)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    """When a sweep no longer found it on the branch (a force push)."""
    merge_content = models.CharField(max_length=8, choices=MergeContent.choices, blank=True, default="", db_default="")
    """Empty: no merge commit, or not compared yet (``merges.py``)."""
    merge_paths = ArrayField(models.TextField(), null=True, blank=True)
    """The first files that differ from what Git makes of the parents."""
    merge_why = models.TextField(blank=True, default="", db_default="")
    """Why it could not be compared, in a sentence."""
    compared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "branch", "sha"], name="branch_commit_once")]
        indexes = [
            models.Index(fields=["repository", "sha"]),
            models.Index(fields=["repository", "branch", "position"], name="branch_commit_place"),
            models.Index(
                fields=["repository", "committed_at"],
                condition=models.Q(parents__len__gt=1, merge_content__in=["", "unknown"]),
                name="branch_commit_uncompared",
            ),
            models.Index(
                fields=["repository"], condition=models.Q(merge_content__in=["resolved", "own"]), name="branch_commit_by_hand"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.branch} {self.sha[:12]}"

    @property
    def merge_words(self) -> str:
        """What is known of its content as a merge, in words; empty for a commit with one parent."""
        return words_of_merge(self.merge_content) if len(self.parents) > 1 else ""


class Release(Reported):
    """One version of one app in one environment (Fly), or a GitHub deployment of a commit."""

    class Source(models.TextChoices):
        GITHUB = "github", "GitHub deployment"
        FLY = "fly", "Fly release"

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        RUNNING = "running", "In progress"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        INACTIVE = "inactive", "Replaced"

    repository = models.ForeignKey(
        Repository, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="releases"
    )
    source = models.CharField(max_length=8, choices=Source.choices)
    vendor_id = models.CharField(max_length=120)
    app = models.CharField(max_length=120, blank=True)
    version = models.IntegerField(null=True, blank=True)
    environment = models.CharField(max_length=60)
    ref = models.TextField(blank=True)
    commit_sha = models.CharField(max_length=64, blank=True)
    image = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices)
    actor = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    """When the detectors looked at it last; they look again after every new report."""
    rolls_back = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "app", "vendor_id"], name="release_once")]
        indexes = [
            models.Index(fields=["repository", "commit_sha"]),
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["environment", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.app or self.environment} {self.version or self.vendor_id}"


class DeploymentStatus(Reported):
    """One step of a GitHub deployment. Kept apart so that steps may arrive before the deployment itself."""

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="deployment_statuses")
    deployment_id = models.BigIntegerField()
    vendor_id = models.BigIntegerField()
    state = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "vendor_id"], name="deployment_status_once")]
        indexes = [models.Index(fields=["repository", "deployment_id"])]

    def __str__(self) -> str:
        return self.state


class MergeGroup(Reported):
    """The head of a merge queue: a commit that GitHub made to try some pull requests together before it merges them."""

    class State(models.TextChoices):
        OPEN = "open", "Waits for its checks"
        GONE = "gone", "Merged or taken out of the queue"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="merge_groups")
    head_sha = models.CharField(max_length=64)
    head_ref = models.TextField()
    base_ref = models.TextField()
    base_sha = models.CharField(max_length=64, blank=True)
    numbers = ArrayField(models.IntegerField(), default=list, blank=True)
    """Numbers of its pull requests."""
    state = models.CharField(max_length=4, choices=State.choices, default=State.OPEN)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "head_sha"], name="merge_group_once")]
        indexes = [models.Index(fields=["repository"], condition=models.Q(state="open"), name="merge_group_open")]

    def __str__(self) -> str:
        return f"{self.repository.name} queue {self.head_sha[:7]}"
