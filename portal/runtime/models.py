"""Leases: which scheduler runs a periodic job, and when it was last done."""

from django.db import models
from django.db.models.functions import Now


class Lease(models.Model):
    """One periodic job. A scheduler takes it by moving `next_at` forward; only one of several succeeds."""

    name = models.TextField(primary_key=True)
    next_at = models.DateTimeField()
    # When it was last sent to the workers, and when a worker last finished it; a growing gap means that it does not work.
    run_at = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    # Since when it is to run: before its first end, lateness counts from here.
    known_at = models.DateTimeField(db_default=Now())
    # The last stretch between two ends that was longer than allowed.
    gap_from = models.DateTimeField(null=True)
    gap_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "portal_lease"

    def __str__(self) -> str:
        return self.name
