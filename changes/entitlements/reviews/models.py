"""Access reviews: who answers for what, the frozen list, the answers, and reminders. Times are UTC."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from changes.entitlements.models import Entitlement

PERSON = settings.AUTH_USER_MODEL


class SystemOwner(models.Model):
    """Who answers for a source, or for one thing there, and therefore reviews the rights on it."""

    source = models.CharField(max_length=80)
    thing = models.TextField(blank=True)
    """Key of the thing; empty: everything at the source that has no owner of its own."""
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    set_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    ended_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "thing"], condition=Q(ended_at=None), name="system_owner_once"),
            models.CheckConstraint(condition=Q(ended_at=None) | Q(ended_at__gte=F("set_at")), name="system_owner_ends_later"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.thing}".strip()


class AccessReview(models.Model):
    """One campaign: every right that was held when it was opened, fixed by a digest."""

    number = models.IntegerField(unique=True)
    opened_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """None when the portal opened it, because three months were over."""
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    rights = models.IntegerField()
    digest = models.CharField(max_length=64)
    """SHA-256 of the frozen list: ``policy.digest_of_entries``."""
    closed_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)
    """What was left unanswered, and why."""
    outcome = models.JSONField(null=True, blank=True)
    """At its closing: how many were kept, justified, to be removed and unanswered, and the digest of all answers."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["closed_at"], condition=Q(closed_at=None), nulls_distinct=False, name="one_open_review"
            ),
            models.CheckConstraint(condition=Q(due_at__gt=F("opened_at")), name="review_is_due_later"),
        ]

    def __str__(self) -> str:
        return f"Access review {self.number}"


class ReviewEntry(models.Model):
    """One right on the list, as it was when the review was opened, and who reviews it."""

    review = models.ForeignKey(AccessReview, on_delete=models.PROTECT, related_name="entries")
    place = models.IntegerField()
    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=80)
    thing = models.TextField()
    thing_name = models.TextField(blank=True)
    account_id = models.TextField()
    account_name = models.TextField(blank=True)
    account_kind = models.CharField(max_length=12)
    right = models.CharField(max_length=8)
    through = models.TextField(blank=True)
    vendor_word = models.TextField(blank=True)
    holder = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Whose account it was then; None for machines and for whom nobody explained."""
    reviewer = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """None when there was nobody but the holder."""

    class Meta:
        verbose_name_plural = "review entries"
        constraints = [models.UniqueConstraint(fields=["review", "place"], name="review_entry_once")]
        indexes = [models.Index(fields=["review", "reviewer"], name="review_entry_of")]

    def __str__(self) -> str:
        return f"{self.account_name or self.account_id}: {self.right} on {self.thing_name or self.thing}"


class ReviewAnswer(models.Model):
    """What somebody said about one entry. The last word before the closing counts."""

    class Verdict(models.TextChoices):
        KEEP = "keep", "Keep"
        JUSTIFY = "justify", "Keep, with a reason"
        REMOVE = "remove", "Remove"

    entry = models.ForeignKey(ReviewEntry, on_delete=models.PROTECT, related_name="answers")
    verdict = models.CharField(max_length=7, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(verdict="keep") | ~Q(reason=""), name="review_answer_has_reason"),
        ]
        indexes = [models.Index(fields=["entry", "-id"], name="answer_of_review_entry")]

    def __str__(self) -> str:
        return f"{self.verdict} {self.entry_id}"


class ReviewHandover(models.Model):
    """One entry was given to another reviewer. The last one counts; ``ReviewEntry.reviewer`` stays who was asked first."""

    entry = models.ForeignKey(ReviewEntry, on_delete=models.PROTECT, related_name="handovers")
    reviewer = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="review_handover_has_reason")]
        indexes = [models.Index(fields=["entry", "-id"], name="handover_of_review_entry")]

    def __str__(self) -> str:
        return f"{self.entry_id} to {self.reviewer_id}"


class ReviewReminder(models.Model):
    """A reviewer was reminded of what they have not answered, or compliance was told that it is late."""

    class Kind(models.TextChoices):
        OPENED = "opened", "When it was opened"
        BEFORE = "before", "Before its day"
        LATE = "late", "When its day was over"

    review = models.ForeignKey(AccessReview, on_delete=models.PROTECT, related_name="reminders")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    left = models.IntegerField()
    """How many entries they had not answered."""
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "person", "kind"], name="review_reminded_once")]

    def __str__(self) -> str:
        return f"review reminder {self.pk}"
