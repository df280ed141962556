"""Comments on changes, who follows what, and what people are told. Comments are evidence; the rest is personal and derived."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from changes.proposals.models import Change


class Comment(models.Model):
    """What somebody wrote about a change. Never edited: within ten minutes its author may correct it with another entry."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    mentions = ArrayField(models.BigIntegerField(), default=list, blank=True)
    """Ids of the people whom it mentions."""
    corrects = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrections")
    """The first form of this comment."""
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["change", "at"], name="comment_of_change")]

    def __str__(self) -> str:
        return f"comment {self.pk} on {self.change}"


class Following(models.Model):
    """Whether somebody wants to hear of a change, said by hand; without a row, taking part decides."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="followings")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    wanted = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "person"], name="following_once")]

    def __str__(self) -> str:
        return f"{self.person} {'follows' if self.wanted else 'left'} {self.change}"


class Notice(models.Model):
    """One thing that one person is told, made from one ledger entry."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    entry = models.BigIntegerField()
    """The ledger entry's id."""
    kind = models.CharField(max_length=20)
    title = models.TextField()
    """The sentence; says no more than title and number of a record."""
    why = models.TextField()
    """Why this person gets it."""
    href = models.CharField(max_length=300)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    """When its mail and its direct message were asked for, or it was decided that there are none."""
    digested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "entry"], name="notice_once")]
        indexes = [
            models.Index(fields=["person", "-at", "-id"], name="notice_of_person"),
            models.Index(fields=["at"], condition=models.Q(told_at=None), name="notice_to_tell"),
            models.Index(fields=["person"], condition=models.Q(digested_at=None), name="notice_to_digest"),
        ]

    def __str__(self) -> str:
        return self.title


class NoticeChoice(models.Model):
    """How somebody wants to hear of one kind of notice; without a row, the kind's own way."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_choices")
    kind = models.CharField(max_length=20)
    mail = models.CharField(max_length=8)
    """now, digest or off."""
    slack = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="notice_choice_once")]

    def __str__(self) -> str:
        return f"{self.person} {self.kind}"


class NoticeHours(models.Model):
    """When somebody is left alone, and when their daily digest comes; on their own clock."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_hours")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)
    digest = models.BooleanField(default=True)
    digest_at = models.TimeField()

    def __str__(self) -> str:
        return f"hours of {self.person}"


class Digest(models.Model):
    """That somebody got their digest of one day (their own date)."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "day"], name="digest_once_a_day")]

    def __str__(self) -> str:
        return f"digest of {self.day} for {self.person}"


class NoticeCursor(models.Model):
    """Up to which sealed entry notices have been made. One row."""

    seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.seq}"
