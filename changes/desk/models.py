"""How a person likes to see the list: named views, and the columns chosen last. A convenience, never evidence."""

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """A list under a name: the address says filters, sort and columns. Whoever has the link of ``key`` can open it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    key = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)
    """The part of the address after the question mark."""
    is_default = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    """Kept for a day after that, so that the person can take it back."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(is_default=True, deleted_at=None),
                name="saved_view_one_default",
            ),
            models.UniqueConstraint(fields=["person", "name"], condition=models.Q(deleted_at=None), name="saved_view_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ColumnChoice(models.Model):
    """The columns that a person chose last; lists whose address names none show these."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+")
    columns = models.TextField()
    """Names with commas between them, as in the address."""

    def __str__(self) -> str:
        return self.columns
