"""Emergencies: who declared one and how, its thread in Slack, what the portal asked afterwards, and what it reminded of.

All of it is evidence: inserted, never changed. Times are UTC.
"""

from django.conf import settings
from django.db import models

from changes.exceptions.models import ExceptionRecord
from changes.proposals.models import Change


class Emergency(models.Model):
    """That a change is an emergency (P-21): by whom, by which way, with what words, and who was asked for the +1."""

    class Via(models.TextChoices):
        FORM = "form", "In the portal"
        SLACK = "slack", "In Slack"
        PULL_REQUEST = "pull_request", "On the pull request"
        PORTAL = "portal", "By the portal, after the fact"

    change = models.OneToOneField(Change, on_delete=models.PROTECT, related_name="emergency")
    via = models.CharField(max_length=12, choices=Via.choices)
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """The person; empty when the portal declared it, or when the pull request's author is linked to nobody."""
    broken = models.TextField(blank=True)
    fix = models.TextField(blank=True)
    undo = models.TextField(blank=True)
    asked = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """Who was asked for the +1; empty: anybody who may give it."""
    key = models.CharField(max_length=100, unique=True)
    """The form, command or finding that declared it: the same one declares once."""
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "emergencies"
        indexes = [models.Index(fields=["-at", "-id"], name="emergency_newest")]

    def __str__(self) -> str:
        return f"Emergency {self.change}"


class EmergencyCause(models.Model):
    """The exception for which the portal declared an emergency, or that belongs to one it had declared."""

    emergency = models.ForeignKey(Emergency, on_delete=models.PROTECT, related_name="causes")
    record = models.OneToOneField(ExceptionRecord, on_delete=models.PROTECT, related_name="emergency_cause")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.emergency} {self.record}"


class EmergencyThread(models.Model):
    """Where an emergency is coordinated: the first message of its one thread in Slack (P-21)."""

    emergency = models.OneToOneField(Emergency, on_delete=models.PROTECT, related_name="thread")
    channel = models.CharField(max_length=40)
    ts = models.CharField(max_length=40)
    permalink = models.TextField(blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.permalink or f"{self.channel} {self.ts}"


class ThreadReaction(models.Model):
    """What somebody's :+1: in the thread says last, by Slack's clock: deliveries can come out of order. No evidence."""

    emergency = models.ForeignKey(Emergency, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    added = models.BooleanField()
    said_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["emergency", "person"], name="thread_reaction_of_person")]

    def __str__(self) -> str:
        return f"{self.person} {'+1' if self.added else 'none'}"


class Ask(models.Model):
    """What somebody who went past the rules is asked."""

    emergency = models.ForeignKey(Emergency, on_delete=models.PROTECT, related_name="asks")
    question = models.TextField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    account = models.CharField(max_length=120)
    """The account at the forge; ``person`` is empty when it was linked to nobody."""
    why = models.TextField()
    """Why it is them who are asked."""
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["emergency", "account"], name="ask_once")]

    def __str__(self) -> str:
        return self.question


class Answer(models.Model):
    """The reason, in the words of whoever answered. The first one stands; what comes later is a comment on the change."""

    ask = models.OneToOneField(Ask, on_delete=models.PROTECT, related_name="answer")
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.text[:60]


class EmergencyReminder(models.Model):
    """That somebody was reminded of a review, or that it was escalated, once for each stage of one due time (P-22)."""

    class Duty(models.TextChoices):
        RETROSPECTIVE = "retrospective", "Retrospective review"
        POST_IMPLEMENTATION = "post_implementation", "Post-implementation review"

    class Stage(models.TextChoices):
        HALFWAY = "halfway", "Halfway"
        DAY_BEFORE = "day_before", "One working day before"
        DUE = "due", "Due"
        ESCALATED = "escalated", "Escalated"

    emergency = models.ForeignKey(Emergency, on_delete=models.PROTECT, related_name="reminders")
    duty = models.CharField(max_length=20, choices=Duty.choices)
    stage = models.CharField(max_length=12, choices=Stage.choices)
    due_at = models.DateTimeField()
    to = models.JSONField(default=list)
    """Names of the people who were told."""
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["emergency", "duty", "stage", "due_at"], name="emergency_reminder_once")]

    def __str__(self) -> str:
        return f"{self.emergency} {self.duty} {self.stage}"
