"""Samples of a frozen population, their sheets and the testers' marks. Times are UTC."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from audits.engagements.models import Engagement
from audits.populations.models import Population, PopulationRow


class Sample(models.Model):
    """Rows drawn from a population by a published algorithm from a seed, so that anybody draws the same. Never changed.

    ``digest`` is SHA-256 over the keys of the items in the order of ``position``, a line feed each.
    """

    class Method(models.TextChoices):
        RANDOM = "random", "Simple random"
        STRATIFIED = "stratified", "Stratified"
        SYSTEMATIC = "systematic", "Systematic"
        BY_HAND = "by_hand", "By hand"

    engagement = models.ForeignKey(Engagement, on_delete=models.PROTECT, related_name="samples")
    """That of its population: the number is given within it."""
    population = models.ForeignKey(Population, on_delete=models.PROTECT, related_name="samples")
    number = models.PositiveIntegerField()
    """Within the engagement, from 1."""
    method = models.CharField(max_length=12, choices=Method.choices)
    seed = models.CharField(max_length=100, blank=True)
    """As typed or drawn, any text; empty only for a sample by hand."""
    size = models.PositiveIntegerField()
    plan = models.JSONField(default=dict)
    """What else the algorithm was given, and how the size came about: preset, arithmetic, strata and their sizes, interval."""
    algorithm = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    """Why these rows; required of a sample by hand."""
    drawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engagement", "number"], name="sample_number_once"),
            models.CheckConstraint(condition=~Q(seed="") | Q(method="by_hand"), name="sample_has_seed"),
            models.CheckConstraint(condition=~Q(reason="") | ~Q(method="by_hand"), name="sample_by_hand_has_reason"),
        ]

    def __str__(self) -> str:
        return f"Sample {self.number}"


class SampleItem(models.Model):
    """One row to test, with its sheet as it was when it was drawn. A replacement names what it replaces, and why. Never changed.

    ``sheet`` holds the attributes: for each its ``letter``, ``name``, ``state``, ``sentence``, ``source``, ``at``, ``raw`` and the
    ``digest`` of the raw record. ``sheet_digest`` is SHA-256 over its canonical JSON (RFC 8785).
    """

    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveIntegerField()
    row = models.ForeignKey(PopulationRow, on_delete=models.PROTECT, related_name="+")
    sheet = models.JSONField()
    sheet_digest = models.CharField(max_length=64)
    replaces = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")
    reason = models.TextField(blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sample", "position"], name="sample_position_once"),
            models.UniqueConstraint(fields=["sample", "row"], name="sample_row_once"),
            models.CheckConstraint(condition=Q(replaces=None) | ~Q(reason=""), name="sample_replacement_has_reason"),
        ]

    def __str__(self) -> str:
        return f"Item {self.position}"


class Mark(models.Model):
    """What a tester says about one attribute of an item. The newest one of each side counts; older ones stay. Never changed."""

    class Outcome(models.TextChoices):
        PASSED = "passed", "Pass"
        DEVIATION = "deviation", "Deviation"
        NOT_APPLICABLE = "not_applicable", "Not applicable"

    class Side(models.TextChoices):
        AUDITOR = "auditor", "Auditor"
        OWN = "own", "Compliance"

    item = models.ForeignKey(SampleItem, on_delete=models.PROTECT, related_name="marks")
    letter = models.CharField(max_length=2)
    outcome = models.CharField(max_length=14, choices=Outcome.choices)
    side = models.CharField(max_length=7, choices=Side.choices)
    note = models.TextField(blank=True)
    workpaper = models.CharField(max_length=80, blank=True)
    """The tester's own reference."""
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["item", "letter", "side", "-at", "-id"], name="mark_newest")]
        constraints = [models.CheckConstraint(condition=~Q(outcome="deviation") | ~Q(note=""), name="mark_deviation_has_note")]

    def __str__(self) -> str:
        return f"{self.letter}: {self.get_outcome_display()}"
