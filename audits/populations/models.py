"""A population: every row of one kind within an engagement's window and scope, frozen and hashed. Times are UTC.

The rows are kept as text, byte for byte as they were hashed, so that another program gets the same digests from them.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from audits.engagements.models import Engagement


class Population(models.Model):
    """The frozen list of one kind, with the sheet that shows that it is complete. Never changed.

    ``digest`` is SHA-256 over ``line``, a line feed each, in the order of ``position``. ``sheet`` says where the rows come
    from, how many there are at each source, what is missing, and how many minutes of the window were covered;
    ``sheet_digest`` is SHA-256 over its canonical JSON (RFC 8785).
    """

    engagement = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="populations")
    number = models.PositiveIntegerField()
    """Within the engagement, from 1."""
    kind = models.CharField(max_length=40)
    """``changes``, ``releases``, ``commits`` and so on: ``audits.populations.kinds.KINDS``."""
    since = models.DateTimeField()
    until = models.DateTimeField()
    filters = models.JSONField(default=dict)
    count = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    sheet = models.JSONField()
    sheet_digest = models.CharField(max_length=64)
    rules_version = models.CharField(max_length=20)
    """Of the code that read the rows: ``kinds.VERSION``."""
    frozen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engagement", "number"], name="population_number_once"),
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="population_window_in_order"),
        ]

    def __str__(self) -> str:
        return f"Population {self.number}: {self.kind}"


class SecondReading(models.Model):
    """What came of reading a large population once more, by a worker. Small ones are read while one waits, and nothing is kept."""

    population = models.ForeignKey(Population, on_delete=models.PROTECT, related_name="second_readings")
    found = models.JSONField()
    """``comparing.Comparison``: rows that are equal, added, missing and different, and which."""
    read_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.population}, read again"


class PopulationRow(models.Model):
    """One row of a population. ``line`` is canonical JSON of the flat row; ``key`` names it for ever, as ``CHG-1042``."""

    population = models.ForeignKey(Population, on_delete=models.PROTECT, related_name="rows")
    position = models.PositiveIntegerField()
    """From 1, in the order of the keys as the kind sorts them."""
    key = models.TextField()
    line = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["population", "position"], name="population_row_once"),
            models.UniqueConstraint(fields=["population", "key"], name="population_key_once"),
        ]

    def __str__(self) -> str:
        return self.key
