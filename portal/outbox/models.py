"""One row an outgoing effect: the message, the check run, the mail that the portal promised to send."""

from django.db import models

from portal.secret import SecretJSONField


class Effect(models.Model):
    """An effect asked for by a committed transaction. ``key`` makes asking twice the same as asking once.

    Effects with the same ``kind`` and ``subject`` say one thing in different versions: only the newest is delivered.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Delivered"
        SUPERSEDED = "superseded", "Replaced by a newer one"
        QUARANTINED = "quarantined", "Quarantined"

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=400, unique=True)
    subject = models.CharField(max_length=400, null=True, blank=True)
    payload = SecretJSONField(default=dict)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    attempts = models.IntegerField(default=0)
    """Tries that were begun and not postponed by the vendor; counted before the try, so that a dying worker counts."""
    not_before = models.DateTimeField()
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "done", "superseded", "quarantined"]), name="effect_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["not_before", "id"], condition=models.Q(state="waiting"), name="effect_waiting"),
            models.Index(fields=["kind", "subject", "id"], condition=models.Q(subject__isnull=False), name="effect_by_subject"),
            models.Index(fields=["id"], condition=models.Q(state="quarantined"), name="effect_quarantined"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
