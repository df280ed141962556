"""The register of limitations: a conflict of rights that a small team lives with, why, and what it does instead."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

PERSON = settings.AUTH_USER_MODEL


class Limitation(models.Model):
    """A conflict that is accepted until a day: proposed by one person, confirmed by another."""

    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=20)
    """Code of the conflict: see ``policy.RULES``."""
    reason = models.TextField()
    control = models.TextField()
    """What the team does instead: the compensating control."""
    until = models.DateTimeField()
    digest = models.CharField(max_length=64)
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """When the proposal lapses unless somebody confirms it."""
    confirmed_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    """When the proposal was taken back, or the limitation ended early."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "rule"], condition=Q(confirmed_at=None, withdrawn_at=None), name="limitation_waits_once"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at=None, confirmed_by=None)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False) & ~Q(confirmed_by=models.F("proposed_by")),
                name="limitation_two_people",
            ),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(control=""), name="limitation_is_reasoned"),
        ]

    @property
    def shown_until(self) -> str:
        """Its last day; ``until`` is the moment after it."""
        return f"{self.until - timedelta(seconds=1):%-d %b %Y}"

    def __str__(self) -> str:
        return f"limitation {self.pk}"
