"""A file of people: what was uploaded, what each row would do, and whether it was done."""

from django.db import models

from portal.access.models import User
from portal.secret import SecretBinaryField


class PeopleImport(models.Model):
    """One uploaded file. Checked by a worker row by row, shown, and then done as a whole or not at all."""

    class State(models.TextChoices):
        CHECKING = "checking", "Being checked"
        READY = "ready", "Checked"
        WANTED = "wanted", "Being imported"
        DONE = "done", "Imported"

    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    file_name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    """SHA-256 of the file."""
    content = SecretBinaryField()
    """The file, until it is imported."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.CHECKING)
    total = models.IntegerField()
    checked = models.IntegerField(default=0)
    held_until = models.DateTimeField(null=True, blank=True)
    """Until when one worker has it; afterwards another may take it."""
    trouble = models.TextField(blank=True)
    """Why it was not imported though somebody wanted it; before that, which file gave way to it."""
    wanted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(state__in=["checking", "wanted"]), name="people_import_waiting")]

    def __str__(self) -> str:
        return self.file_name


class ImportRow(models.Model):
    """One row of the file and what it would do."""

    class Outcome(models.TextChoices):
        NEW = "new", "New"
        CHANGED = "changed", "Changed"
        SAME = "same", "Nothing new"
        WRONG = "wrong", "Wrong"

    of = models.ForeignKey(PeopleImport, on_delete=models.CASCADE, related_name="rows")
    line = models.IntegerField()
    """The line of the file in which the row begins; the header is line 1."""
    said = models.JSONField()
    """The cells by column."""
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    notes = models.JSONField(default=list)
    """What is wrong, or what would change, in words."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["of", "line"], name="import_row_once")]
        indexes = [models.Index(fields=["of", "outcome", "line"], name="import_row_by_outcome")]

    def __str__(self) -> str:
        return f"{self.of} line {self.line}"
