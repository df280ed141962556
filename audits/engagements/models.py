"""An auditor's engagement, and the log of what was read in it. Times are UTC; ranges are half open, [from, to)."""

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

LONGEST = timedelta(days=90)


class System(models.TextChoices):
    """A system that an engagement may be about."""

    GIT = "git", "Git and pull requests"
    FLY = "fly", "Fly"
    SLACK = "slack", "Slack"
    DOPPLER = "doppler", "Doppler"
    CLOUDFLARE = "cloudflare", "Cloudflare"
    PORTAL = "portal", "Countersign itself"


class Engagement(models.Model):
    """One audit: which period of records, in which scope, open to whom from when until when.

    One person opens it, another confirms it; without that it opens nothing. An empty scope (``systems``, ``repositories``,
    ``criteria``) means all. The criteria are the AICPA's ids.
    """

    class Kind(models.TextChoices):
        EXTERNAL = "external", "External"
        INTERNAL = "internal", "Internal"

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.EXTERNAL)
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    systems = ArrayField(models.TextField(choices=System.choices), default=list, blank=True)
    repositories = ArrayField(models.TextField(), default=list, blank=True)
    criteria = ArrayField(models.TextField(), default=list, blank=True)
    digest = models.CharField(max_length=64)
    """SHA-256 of what the second person reads; the confirmation repeats it."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(window_to__gt=F("window_from")), name="engagement_window_in_order"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")) & Q(ends_at__lte=F("starts_at") + LONGEST),
                name="engagement_at_most_90_days",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("created_by")), name="engagement_confirmed_by_another"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None, confirmed_at=None) | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                name="engagement_confirmed_paired",
            ),
            models.CheckConstraint(
                condition=Q(ended_by=None, ended_at=None) | Q(ended_by__isnull=False, ended_at__isnull=False),
                name="engagement_ended_paired",
            ),
        ]

    def __str__(self) -> str:
        last = self.window_to - timedelta(microseconds=1)
        return f"{self.name}: records from {self.window_from:%-d %b %Y} to {last:%-d %b %Y}, open until {self.ends_at:%-d %b %Y}."


class Admission(models.Model):
    """One person in an engagement, from when until when: an auditor, or the tester of an internal audit. As two people decided it.

    Those of the beginning were confirmed with the engagement. Somebody who comes later is added by one person and seconded by
    another (``AdmissionProposal``), from that moment on.
    """

    engagement = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="admissions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="admissions")
    starts_at = models.DateTimeField(null=True, blank=True)
    """From when on; null for those of the beginning."""
    ends_at = models.DateTimeField()
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    seconded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["person", "engagement"], name="admission_of_person")]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at=None, added_by=None, seconded_by=None)
                | Q(starts_at__isnull=False, added_by__isnull=False, seconded_by__isnull=False),
                name="admission_added_whole",
            ),
            models.CheckConstraint(
                condition=Q(added_by=None)
                | (~Q(added_by=F("seconded_by")) & ~Q(person=F("added_by")) & ~Q(person=F("seconded_by"))),
                name="admission_added_by_two_others",
            ),
            models.CheckConstraint(
                condition=Q(ended_by=None, ended_at=None) | Q(ended_by__isnull=False, ended_at__isnull=False),
                name="admission_ended_paired",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person.name}, until {self.ends_at - timedelta(microseconds=1):%-d %b %Y}"


class AdmissionProposal(models.Model):
    """Somebody who is to come into an engagement that is confirmed already. Another person confirms it in 72 hours, or never."""

    engagement = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="admission_proposals")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ends_at = models.DateTimeField()
    reason = models.TextField()
    digest = models.CharField(max_length=64)
    """SHA-256 of what the second person reads; the confirmation repeats it."""
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    admission = models.OneToOneField(Admission, null=True, blank=True, on_delete=models.PROTECT, related_name="proposal")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(proposed_by=F("person")), name="admission_not_for_self"),
            models.CheckConstraint(condition=Q(admission=None) | Q(withdrawn_at=None), name="admission_proposal_one_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.person.name}, until {self.ends_at - timedelta(microseconds=1):%-d %b %Y}"


class ReadLog(models.Model):
    """One page that an auditor asked for, or somebody who previewed it. Written before the answer, and never changed."""

    class Outcome(models.TextChoices):
        READ = "read", "Read"
        SENT = "sent", "Sent"
        PREVIEW = "preview", "Preview"
        SLOWED = "slowed", "Refused: too many at once"

    engagement = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="readings")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    path = models.TextField()
    objects_named = ArrayField(models.TextField(), default=list)
    """What the address names, for example ``number=1042``."""
    session_digest = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.READ)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["reader", "-at"], name="read_log_by_reader"),
            models.Index(fields=["engagement", "-at", "-id"], name="read_log_newest"),
        ]

    def __str__(self) -> str:
        return self.path
