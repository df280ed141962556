"""What the search reads: one row a change, derived from its facts by triggers (``index.sql``). Never evidence."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F

from changes.proposals.models import Change


class SearchText(models.Model):
    """The words of one change, and what it is, as lexemes. Apart from the change, so that lists do not carry it."""

    change = models.OneToOneField(Change, primary_key=True, on_delete=models.CASCADE, related_name="search_text")
    moved_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    words = SearchVectorField()

    class Meta:
        # Without the pending list: it makes every search read what was written since the last clean-up.
        indexes = [GinIndex(fields=["words"], fastupdate=False, name="change_by_words")]

    def __str__(self) -> str:
        return f"Words of change {self.change_id}"


class SearchName(models.Model):
    """A lexeme of a name ("by/ann", "ok/bob") that some change has or had: what the beginning of a name may stand for."""

    name = models.TextField()

    class Meta:
        indexes = [models.Index(OpClass(F("name"), name="text_pattern_ops"), name="search_name_beginning")]

    def __str__(self) -> str:
        return self.name
