"""Connected sources, the inbox of deliveries, and what each API said last."""

from django.conf import settings
from django.db import models

from changes.delivery.models import Repository
from portal.secret import SecretBinaryField

CLOSED = (
    *("https://api.github.com", "https://slack.com", "https://api.doppler.com", "https://api.cloudflare.com"),
    "https://gitlab.com",
)
"""APIs that tell nothing without a token."""


class Source(models.Model):
    """One connected account: a forge, Fly, Slack, Doppler, Cloudflare. Secrets are encrypted at rest and never shown."""

    name = models.CharField(max_length=40, unique=True)
    """What stands in /hooks/<source>/, for example ``github``."""
    kind = models.CharField(max_length=20)
    api_url = models.CharField(max_length=300)
    token_encrypted = SecretBinaryField(blank=True, default=b"")
    has_token = models.GeneratedField(
        expression=models.Q(token_encrypted__gt=b""),  # type: ignore[arg-type]  # Django takes a condition as well
        output_field=models.BooleanField(),
        db_persist=True,
    )
    """Whether there is one: auditors may know that, but not read it."""
    app_id = models.CharField(max_length=40, blank=True)
    installation_id = models.CharField(max_length=40, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    connected_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    last_good_read_at = models.DateTimeField(null=True, blank=True)
    covered_until = models.DateTimeField(null=True, blank=True)
    """The end of the last poll that read all of it: until then the polls vouch for it, but for its outages."""
    last_failed_read_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    rate_remaining = models.IntegerField(null=True, blank=True)
    rate_resets_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    """Do not call before this moment (rate limit, back-off)."""
    failures = models.IntegerField(default=0)
    bodies_since = models.DateTimeField(null=True, blank=True)
    """Deliveries that came before this, and were done with, have no raw body any more (``changes.connectors.bodies``)."""

    def __str__(self) -> str:
        return self.name

    @property
    def readable(self) -> bool:
        """Whether its API can be read: with a token, as an App, or at an address of one's own that may ask for neither."""
        return bool(self.has_token) or bool(self.app_id) or not self.api_url.startswith(CLOSED)

    @property
    def disconnected(self) -> bool:
        """Whether somebody stopped it for good; only connecting it again goes on with it."""
        return bool(self.settings.get("disconnected"))


class HookSecret(models.Model):
    """A secret that signs deliveries. Several may be valid at once: rotation, and one per repository."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="hook_secrets")
    repository = models.ForeignKey(Repository, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    secret_encrypted = SecretBinaryField()
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"secret {self.pk}"


class Delivery(models.Model):
    """One request that came in, kept raw first, once, then applied."""

    class State(models.TextChoices):
        NEW = "new", "Waiting"
        APPLIED = "applied", "Applied"
        IGNORED = "ignored", "Kept, not used"
        DUPLICATE = "duplicate", "Same content again"
        QUARANTINED = "quarantined", "Quarantined"

    # Each index costs every delivery; this one begins the unique one, and secrets are never deleted.
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    delivery_id = models.CharField(max_length=80)
    event = models.CharField(max_length=60)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    """Deflated raw bytes (zlib level 1)."""
    body_size = models.IntegerField()
    body_digest = models.CharField(max_length=64)
    other_bodies = models.IntegerField(default=0, db_default=0)
    """How often another body came under the same id since. The first one is kept."""
    secret = models.ForeignKey(HookSecret, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEW)
    repository_name = models.CharField(max_length=200, blank=True)
    attempts = models.IntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["source", "delivery_id"], name="delivery_once")]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(state="new"), name="delivery_waiting"),
            models.Index(fields=["source", "body_digest"], name="delivery_by_digest"),
            models.Index(fields=["-received_at", "-id"], name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"


class Reading(models.Model):
    """Work to read something again from a vendor's API: a hint that became a question. One row a subject."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="readings")
    repository = models.ForeignKey(Repository, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=200)
    """pull_request:17, commit:<sha>, deployment:<id>, rules:<branch>."""
    wanted_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "repository", "subject"], name="reading_once")]
        indexes = [models.Index(fields=["wanted_at"], condition=models.Q(done_at=None), name="reading_waiting")]

    def __str__(self) -> str:
        return self.subject


class StoredAnswer(models.Model):
    """ETag and body of the last good answer per address, so that an unchanged one costs no quota."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    url = models.CharField(max_length=800)
    etag = models.CharField(max_length=200)
    body = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "url"], name="stored_answer_once")]

    def __str__(self) -> str:
        return self.url


class Settling(models.Model):
    """A repository whose picture is still moving: findings wait until it has been quiet for a moment."""

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, related_name="settling")
    quiet_after = models.DateTimeField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.repository}"


class Posting(models.Model):
    """Where a message of ours stands in Slack, by the name that it was posted under: the key of its effect.

    Written by whoever delivered it. Threads and later versions find their message here, and so does a reaction to it.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="postings")
    name = models.CharField(max_length=400)
    channel = models.CharField(max_length=40)
    ts = models.CharField(max_length=40)
    """Slack's name for a message within its channel; seconds since 1970."""
    thread_ts = models.CharField(max_length=40, blank=True)
    """The first message of the thread that it stands in; empty when it is none's reply."""
    permalink = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "name"], name="posting_by_name"),
            models.UniqueConstraint(fields=["source", "channel", "ts"], name="posting_by_place"),
        ]

    def __str__(self) -> str:
        return self.name


class Fetch(models.Model):
    """Somebody asked to read a source now, or to fill it back. Work that survives its worker: what is left stands in it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Stopped"

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="fetches")
    days = models.IntegerField(null=True, blank=True)
    """How far back; null: what is new."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    todo = models.JSONField(default=list)
    """Names of the steps that are left, the next one first."""
    page = models.IntegerField(default=1)
    """Of the next step."""
    total = models.IntegerField(default=0)
    part = models.FloatField(default=0.0, db_default=0.0)
    """How much of the step under way is done, 0 to 1, where its vendor says how much there is."""
    began_at = models.DateTimeField(null=True, blank=True)
    """When a worker began."""
    moved_at = models.DateTimeField(null=True, blank=True)
    """When a page of it was last read."""
    found = models.IntegerField(default=0)
    """Things read so far."""
    note = models.TextField(blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    not_before = models.DateTimeField(null=True, blank=True)
    """Leased to a worker, or waiting for the vendor, until then."""
    ended_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "fetches"
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=models.Q(state__in=["waiting", "running"]), name="fetch_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}, {self.days} days back" if self.days else f"{self.source} now"

    @property
    def is_open(self) -> bool:
        """Whether a worker has something to do about it."""
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def done(self) -> int:
        """Steps that are done."""
        return self.total - len(self.todo)

    @property
    def share(self) -> float:
        """Part of the work that is done, 0 to 1: each step counted alike."""
        return (self.done + self.part) / self.total if self.total else 0.0


class Walk(models.Model):
    """How far the pull requests of a repository have been read, page by page: whoever goes on begins where the last one stopped."""

    class Purpose(models.TextChoices):
        FIRST = "first", "The first reading of a repository"
        FILL = "fill", "Somebody asked to fill it back"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="walks")
    purpose = models.CharField(max_length=5, choices=Purpose.choices)
    since = models.DateTimeField()
    """Those that changed before are not wanted."""
    after = models.TextField(blank=True)
    """The vendor's cursor: where the next page begins. Empty: at the beginning."""
    size = models.IntegerField()
    """Pull requests of the next page: fewer after one that was too much."""
    tries = models.IntegerField(default=0)
    """How often the smallest page was too much."""
    rest_page = models.IntegerField(default=0)
    """The next page by REST; 0 while GraphQL answers."""
    found = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    """Pull requests of the repository, as the vendor says."""
    newest = models.DateTimeField(null=True, blank=True)
    """When the one that changed last had changed, at the beginning."""
    note = models.TextField(blank=True)
    """Why it is not read by GraphQL, or what could not be read by it."""
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "purpose"], name="walk_once")]

    def __str__(self) -> str:
        return f"{self.repository}, {self.purpose}"
