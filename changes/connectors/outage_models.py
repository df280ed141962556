"""Stretches of time in which a source was not read, or did not tell: the holes in what the portal can vouch for."""

from django.db import models
from django.db.models import F, Q

from changes.connectors.models import Source
from changes.delivery.models import Repository


class SourceOutage(models.Model):
    """One hole, of a source or of the Git mirror of a repository. Its beginning never changes; its end is written once.

    ``began_at`` is the last moment when all was known to be well, so a hole is never shown smaller than it was.
    """

    class Kind(models.TextChoices):
        START = "start", "Before the first reading"
        UNREADABLE = "unreadable", "Could not be read"
        UNREAD = "unread", "Was not read"
        WEBHOOKS = "webhooks", "Deliveries were missed"

    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT, related_name="outages")
    repository = models.ForeignKey(Repository, null=True, blank=True, on_delete=models.PROTECT, related_name="outages")
    """Whose mirror it is about."""
    kind = models.CharField(max_length=10, choices=Kind.choices)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    """When it could be read again."""
    filled_at = models.DateTimeField(null=True, blank=True)
    """When a reading had gone back over the whole of it. What happened before the first reading is never filled by itself."""
    why = models.TextField()
    missed = models.JSONField(default=list)
    """Of deliveries: what they were about, as the vendor names it."""
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source=None, repository__isnull=False) | Q(source__isnull=False, repository=None),
                name="outage_is_about_one",
            ),
            models.CheckConstraint(condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")), name="outage_in_order"),
            models.UniqueConstraint(fields=["source"], condition=Q(ended_at=None, kind="unreadable"), name="outage_one_at_a_time"),
            models.UniqueConstraint(
                fields=["repository"], condition=Q(ended_at=None, kind="unreadable"), name="outage_of_mirror_one_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["source", "-began_at"], name="outage_of_source"),
            models.Index(fields=["repository", "-began_at"], name="outage_of_mirror"),
        ]

    def __str__(self) -> str:
        return f"{self.source or self.repository}: {self.get_kind_display().lower()}"
