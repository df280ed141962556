"""Exceptions: what should not have happened, found by the portal. Steps are inserted; nothing is closed by deleting."""

from django.conf import settings
from django.db import models

from changes.delivery.models import Repository
from changes.delivery.rule_models import RuleEvent
from changes.inventory.models import VendorEvent
from changes.proposals.models import Change


class ExceptionState(models.TextChoices):
    OPEN = "open", "Open"
    EXPLAINED = "explained", "Explained"
    REPAIRED = "repaired", "Repaired"
    ACCEPTED = "accepted", "Accepted"
    CLEARED = "cleared", "Cleared by later evidence"
    FILTERED = "filtered", "Filtered as noise"


class ExceptionRecord(models.Model):
    """One exception. ``key`` makes finding it twice harmless."""

    kind = models.CharField(max_length=40)
    subject = models.TextField()
    key = models.CharField(max_length=300, unique=True)
    clause = models.CharField(max_length=4)
    repository = models.ForeignKey(Repository, null=True, blank=True, on_delete=models.PROTECT, related_name="exceptions")
    change = models.ForeignKey(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="exceptions")
    sentence = models.TextField()
    evidence = models.JSONField(default=dict)
    confirmed = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ExceptionState.choices, default=ExceptionState.OPEN)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Who has to answer; given by rule, handed over by a person."""
    fold = models.CharField(max_length=300, blank=True)
    """What it has in common with its repetitions; empty when it does not fold."""
    folds_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="folded")
    """The first of its kind that was open when this one was found."""
    judged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    judged_at = models.DateTimeField(null=True, blank=True)
    """When somebody who oversees agreed with the explanation or the repair."""
    happened_at = models.DateTimeField()
    found_at = models.DateTimeField()
    due_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["-found_at", "-id"], name="exception_newest"),
            models.Index(fields=["state", "-found_at", "-id"], name="exception_by_state"),
            models.Index(fields=["fold", "-found_at"], condition=models.Q(state="open"), name="exception_folding"),
            models.Index(fields=["owner", "due_at"], condition=models.Q(state="open"), name="exception_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.subject}"


class NoiseRule(models.Model):
    """Says that exceptions of one kind whose field fits a pattern are noise, from one moment to another, and why.

    What it filters is still found, kept and counted. Only its end may be set.
    """

    kind = models.CharField(max_length=40)
    field = models.CharField(max_length=40)
    pattern = models.CharField(max_length=200)
    """``*`` stands for any text; the whole value has to fit, case does not matter."""
    reason = models.TextField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.field} like {self.pattern}"


class Acceptance(models.Model):
    """One person proposes to live with an exception until a date; another confirms exactly this text within 72 hours (P-29)."""

    record = models.ForeignKey(ExceptionRecord, on_delete=models.PROTECT, related_name="acceptances")
    until = models.DateTimeField()
    reason = models.TextField()
    digest = models.CharField(max_length=64)
    """SHA-256 of what the second person reads; the confirmation repeats it."""
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    """When the date had come and the exception was opened again."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("proposed_by")),
                name="acceptance_by_two",
            ),
            models.UniqueConstraint(
                fields=["record"],
                condition=models.Q(confirmed_at=None, withdrawn_at=None),
                name="acceptance_waiting_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["until"], condition=models.Q(confirmed_at__isnull=False, ended_at=None), name="acceptance_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.record} until {self.until:%Y-%m-%d}"


class ExceptionStep(models.Model):
    """What was said or done about an exception."""

    record = models.ForeignKey(ExceptionRecord, on_delete=models.PROTECT, related_name="steps")
    outcome = models.CharField(max_length=10, choices=ExceptionState.choices)
    note = models.TextField()
    rule = models.ForeignKey(NoiseRule, null=True, blank=True, on_delete=models.PROTECT, related_name="steps")
    """The rule that filtered it."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.record} {self.outcome}"


class EditMatch(models.Model):
    """An edit in a vendor's console and the change that it belongs to. Inserted once; an edit without one is an exception."""

    event = models.OneToOneField(VendorEvent, on_delete=models.PROTECT, related_name="match")
    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="edits")
    reason = models.TextField()
    """Why this change, in a sentence; with the vendor's own approval where there is one."""
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.event_id} {self.change}"


class RuleMatch(models.Model):
    """An edit of branch rules or access at the forge and the change that it belongs to. Inserted once."""

    event = models.OneToOneField(RuleEvent, on_delete=models.PROTECT, related_name="match")
    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="rule_edits")
    reason = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.event_id} {self.change}"
