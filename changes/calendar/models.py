"""When changes are planned, when nothing goes out, and who reads the calendar by a feed. Times are UTC.

Planned windows, freezes and overrides are evidence: inserted, never changed. A correction is a new row.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from changes.delivery.models import Environment
from changes.proposals.models import Change, Revision
from portal.secret import SecretField


class PlannedWindow(models.Model):
    """When a change is to go to one environment. The newest row of a change and an environment counts; cancelling is a row."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="windows")
    environment = models.CharField(max_length=12, choices=Environment.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    cancelled = models.BooleanField(default=False)
    number = models.IntegerField()
    """Counts the rows of one change and environment from 0: the sequence of the event in calendars."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "environment", "number"], name="planned_window_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="planned_window_ends_later"),
        ]
        indexes = [models.Index(fields=["ends_at", "starts_at"], name="planned_window_by_time")]

    def __str__(self) -> str:
        return f"{self.change} {self.environment} {self.starts_at:%Y-%m-%d %H:%M}"


class Freeze(models.Model):
    """A time in which nothing goes out: hard holds the gate, soft warns. Without repositories and apps it is for all."""

    class Level(models.TextChoices):
        HARD = "hard", "Hard: holds the gate"
        SOFT = "soft", "Soft: warns"

    name = models.CharField(max_length=120)
    level = models.CharField(max_length=4, choices=Level.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    environments = ArrayField(models.CharField(max_length=12))
    repositories = ArrayField(models.TextField(), default=list, blank=True)
    apps = ArrayField(models.TextField(), default=list, blank=True)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="freeze_ends_later"),
            models.CheckConstraint(condition=~Q(environments=[]), name="freeze_has_environment"),
        ]
        indexes = [models.Index(fields=["ends_at", "starts_at"], name="freeze_by_time")]

    def __str__(self) -> str:
        return self.name


class FreezeEnd(models.Model):
    """Ends a freeze before its time."""

    freeze = models.OneToOneField(Freeze, on_delete=models.PROTECT, related_name="early_end")
    ends_at = models.DateTimeField()
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.freeze} ended {self.ends_at:%Y-%m-%d %H:%M}"


class FreezeOverride(models.Model):
    """One person asks that a change may go out in a freeze. Another confirms exactly this text within 72 hours, or it lapses."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="freeze_overrides")
    freeze = models.ForeignKey(Freeze, on_delete=models.PROTECT, related_name="overrides")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    head_sha = models.CharField(max_length=64, blank=True)
    reason = models.TextField()
    digest = models.CharField(max_length=64)
    """SHA-256 of what the second person reads; the confirmation repeats it."""
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.change} in {self.freeze}"


class OverrideAnswer(models.Model):
    """What became of an override: the second person's yes, or somebody's no. The database refuses a yes by the first person."""

    class Verdict(models.TextChoices):
        YES = "yes", "Confirmed"
        NO = "no", "Refused"

    override = models.OneToOneField(FreezeOverride, on_delete=models.PROTECT, related_name="answer")
    verdict = models.CharField(max_length=3, choices=Verdict.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.override}: {self.verdict}"


class FreezeMark(models.Model):
    """A beginning or end of a freeze after which the gates were judged again. A note of the worker, not evidence."""

    freeze = models.ForeignKey(Freeze, on_delete=models.PROTECT, related_name="marks")
    moment = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["freeze", "moment"], name="freeze_mark_once")]

    def __str__(self) -> str:
        return f"{self.freeze} {self.moment}"


class CalendarFeed(models.Model):
    """A personal address under which a calendar program reads. Only the digest of its token is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calendar_feeds")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    """The first characters, shown in lists so that a person recognises it."""
    digest = SecretField(max_length=64, unique=True)
    kinds = ArrayField(models.CharField(max_length=12))
    environments = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    repositories = ArrayField(models.TextField(), default=list, blank=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-made_at"], name="calendar_feed_by_user")]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="calendar_feed_expires_later"),
            models.CheckConstraint(condition=~Q(kinds=[]), name="calendar_feed_has_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
