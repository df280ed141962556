"""The register of limitations: a conflict of rights that a small team lives with, why, and what it does instead."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from changes.entitlements.by_two import PERSON, TWO_PEOPLE, WAITS, ByTwo


class Limitation(ByTwo):
    """A conflict that is accepted until a day: proposed by one person, confirmed by another."""

    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    rule = models.CharField(max_length=20)
    """Code of the conflict: see ``policy.RULES``."""
    reason = models.TextField()
    control = models.TextField()
    """What the team does instead: the compensating control."""
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "rule"], condition=WAITS, name="limitation_waits_once"),
            models.CheckConstraint(condition=TWO_PEOPLE, name="limitation_two_people"),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(control=""), name="limitation_is_reasoned"),
        ]

    @property
    def shown_until(self) -> str:
        """Its last day; ``until`` is the moment after it."""
        return f"{self.until - timedelta(seconds=1):%-d %b %Y}"

    def __str__(self) -> str:
        return f"limitation {self.pk}"
